"""The tiers: what `make` is asked for, in which lane, for how long at most, and what its verdict hangs on."""

from __future__ import annotations

from dataclasses import dataclass

SHARED = ("tests/conftest.py", "tests/support/")
"""Of the tests, what every tier uses."""
RECIPES = ("docs/index.md", "docs/how-to/", "docs/tutorial/")
"""What people type in a terminal of the Lab: see tests/support/recipes.py."""
UNUSED = ("docs/", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", ".ci/proofs/")
"""What no tier with a proof looks at."""
CUBES, MAPS, OPS = "geodes_datalab/cubes/", "geodes_datalab/maps/", "geodes_datalab/ops/"
SCIENCE = (CUBES, MAPS, OPS)
"""What only notebooks use: tiers that run none do not hang on it."""
HUB = ("geodes_datalab/hub/", "geodes_datalab/server/", "geodes_datalab/settings/")
PINNED = ("pyproject.toml", "requirements/", "scripts/lib.sh", "scripts/size", "scripts/test")
"""What says which versions of other people's libraries there are, and how they are installed."""


@dataclass(frozen=True)
class Tier:
    """One verb of the Makefile."""

    verb: str
    minutes: float
    """It is stopped after so many, unless its lane has more to spare: see `gate.course.Course.in_turn`."""
    lane: str = ""
    """Tiers of different lanes run side by side; those without one run alone, after all others."""
    tests: tuple[str, ...] = ()
    """Folders of its tests, with those whose modules these import."""
    packages: tuple[str, ...] = ()
    """Debian's packages that it needs, beyond what the README asks of a machine."""
    again: bool = False
    """A file of tests that failed is run once more, alone (``make VERB FILES=...``): whole hubs, clusters
    and browsers run here, on a machine that others use too. What passes then is told, and mended."""
    proved: bool = True
    """Whether a proof counts: it is not run where it passed before on the same content; see `gate.proofs`."""
    python: str = ""
    """The one Python that it takes, instead of the newest that fits."""
    unused: tuple[str, ...] = ()
    """Files that it does not look at, beyond `UNUSED`."""
    used: tuple[str, ...] = ()
    """Of `UNUSED`, what it looks at all the same."""
    only: tuple[str, ...] = ()
    """If given, the verdict hangs on these alone."""
    covers: Tier | None = None
    """A tier that need not run where this one just has."""

    def hangs_on(self, path: str) -> bool:
        """Tell whether the verdict may depend on a file of the repository: on all that is not known."""
        if self.only:
            return path.startswith(self.only)
        if path.startswith("tests/"):
            return path.startswith((*SHARED, *self.tests))
        if path.startswith(self.used):
            return True
        return not path.startswith((*UNUSED, *self.unused))


PANGO = ("libharfbuzz-subset0", "libpango-1.0-0", "libpangoft2-1.0-0")
"""What lays out notebooks that are exported as PDF."""
CHROMIUM = ("chromium", "fonts-dejavu-core", "fonts-liberation", *PANGO)
SLURM = ("slurmctld", "slurmd", "slurm-client", "munge", "sudo")
ENGINE = ("buildah", "mmdebstrap")
CLUSTER = (
    *("containerd", "runc", "containernetworking-plugins"),
    *("iptables", "conntrack", "iproute2", "procps"),
    *ENGINE,
    *CHROMIUM,
)
ON_CLUSTER = ("tests/cluster/", "tests/slurm/", "tests/benchmarks/")
IN_THE_CHART = ("helm/", "images/", "scripts/images", "scripts/cluster")

TEST = Tier("test", 28, lane="a", tests=("tests/",), again=True, proved=False)
"""The README's `make test`; where packages are missing, it comes before any is installed for the others."""
PREPARE = Tier("prepare", 50, proved=False)
"""Environments, programs, samples and images: built before any clock of the others runs."""

TEST_311 = Tier(
    "test-311", 12, lane="b", tests=("tests/",), again=True, python="3.11", unused=IN_THE_CHART
)

TIERS = (
    TEST,
    Tier(
        "test-cluster", 18, lane="a", tests=(*ON_CLUSTER, "tests/images/"), packages=CLUSTER, again=True,
        unused=SCIENCE, used=RECIPES,
    ),
    Tier(
        "test-slurm", 14, lane="a", tests=("tests/slurm/", "tests/benchmarks/"),
        packages=(*SLURM, *CHROMIUM), again=True,
        # Its notebook calculates with `ops`, as it does in `test`: here only where it runs is new.
        unused=("helm/", "images/", MAPS, OPS),
    ),
    Tier("lint", 3, lane="b", proved=False),
    Tier("docs", 2, lane="b", proved=False),
    Tier("test-images", 9, lane="b", tests=("tests/images/",), packages=ENGINE, again=True),
    Tier(
        "test-browser", 13, lane="b", tests=("tests/browser/",), packages=CHROMIUM, again=True,
        unused=IN_THE_CHART,
    ),
    Tier(
        "test-system", 7, lane="b", tests=("tests/system/", "tests/hub/", "tests/local/"), again=True,
        unused=(*IN_THE_CHART, *SCIENCE), used=RECIPES,
    ),
    Tier(
        "test-311-all", 26, lane="b", tests=("tests/",), again=True, python="3.11", only=PINNED,
        covers=TEST_311,
    ),
    TEST_311,
    Tier("size", 3, lane="b", only=PINNED),
    Tier(
        "bench-access", 10, tests=("tests/benchmarks/", "tests/slurm/"),
        packages=("nginx-light", "libnginx-mod-http-lua"), unused=("helm/", "images/", MAPS, OPS),
    ),
    Tier("bench-composites", 2, tests=("tests/benchmarks/",), unused=(*IN_THE_CHART, MAPS, *HUB)),
)  # fmt: skip
"""In the order in which each lane takes them."""

LONG = (
    Tier("test-cluster-faults", 60, tests=ON_CLUSTER, packages=CLUSTER, again=True, unused=SCIENCE),
    Tier("bench-class", 30, tests=ON_CLUSTER, packages=CLUSTER, unused=SCIENCE),
)
"""Not run with the others: ``.ci/run VERB`` does, and keeps a proof that may be older than the tree."""

BASIC = ("ca-certificates", "git", "make", "python3", "python3-pip", "python3-venv")


def packages() -> list[str]:
    """Return Debian's packages that the tiers need, each once."""
    return sorted({*BASIC, *(name for tier in TIERS for name in tier.packages)})


def named(verbs: list[str]) -> list[Tier]:
    """Return the tiers of some verbs, in the order of the table.

    Raises
    ------
    ValueError
        There is no tier of that name; the message lists those there are.
    """
    known = {tier.verb: tier for tier in (*TIERS, *LONG)}
    if wrong := [verb for verb in verbs if verb not in known]:
        raise ValueError(f"no tier {', '.join(wrong)}; there are {', '.join(known)}")
    return [tier for verb, tier in known.items() if verb in verbs]

"""The tiers: what `make` is asked for, in which order, for how long at most, and what its verdict hangs on."""

from __future__ import annotations

from dataclasses import dataclass

SHARED = ("tests/conftest.py", "tests/support/")
"""Of the tests, what every tier uses."""
UNUSED = ("docs/", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE")
"""What no tier with a proof looks at."""


@dataclass(frozen=True)
class Tier:
    """One verb of the Makefile."""

    verb: str
    minutes: float
    """It is stopped after so many."""
    tests: tuple[str, ...] = ()
    """Folders of its tests, with those whose modules these import."""
    packages: tuple[str, ...] = ()
    """Debian's packages that it needs, beyond what the README asks of a machine."""
    again: bool = False
    """A file of tests that failed is run once more, alone (``make VERB FILES=...``): whole hubs, clusters
    and browsers run here, on a machine that others use too."""
    proved: bool = True
    """Whether a proof counts: it is not run where it passed before on the same content; see `gate.proofs`."""
    python: str = ""
    """The one Python that it takes, instead of the newest that fits."""

    def hangs_on(self, path: str) -> bool:
        """Tell whether the verdict may depend on a file of the repository: on all that is not known."""
        if path.startswith("tests/"):
            return path.startswith((*SHARED, *self.tests))
        return not path.startswith(UNUSED)


CHROMIUM = ("chromium", "fonts-dejavu-core", "fonts-liberation")
SLURM = ("slurmctld", "slurmd", "slurm-client", "munge", "sudo")
ENGINE = ("buildah", "mmdebstrap")
CLUSTER = (
    *("containerd", "runc", "containernetworking-plugins"),
    *("iptables", "conntrack", "iproute2", "procps"),
)

TIERS = (
    Tier("test", 20, tests=("tests/",), proved=False),
    Tier("lint", 12, proved=False),
    Tier("docs", 4, proved=False),
    Tier("test-browser", 12, tests=("tests/browser/",), packages=CHROMIUM, again=True),
    Tier("test-system", 12, tests=("tests/system/", "tests/hub/"), again=True),
    Tier(
        "test-slurm", 20, tests=("tests/slurm/", "tests/benchmarks/"), packages=(*SLURM, *CHROMIUM),
        again=True,
    ),
    # It builds the images too: half an hour where nothing is cached.
    Tier("test-images", 60, tests=("tests/images/",), packages=ENGINE, again=True),
    # And this one Kubernetes: 20 minutes.
    Tier(
        "test-cluster", 50, tests=("tests/cluster/", "tests/slurm/", "tests/benchmarks/"),
        packages=(*CLUSTER, *ENGINE, *CHROMIUM), again=True,
    ),
    Tier("test-311", 15, tests=("tests/",), again=True, python="3.11"),
    Tier("size", 5),
    Tier(
        "bench", 20, tests=("tests/benchmarks/", "tests/slurm/"),
        packages=("nginx-light", "libnginx-mod-http-lua"),
    ),
)  # fmt: skip
"""The first is the README's `make test`: it comes before any package is installed for the others."""

BASIC = ("ca-certificates", "git", "make", "python3", "python3-pip", "python3-venv")


def packages() -> list[str]:
    """Return Debian's packages that the tiers need, each once."""
    return sorted({*BASIC, *(name for tier in TIERS for name in tier.packages)})

"""What the code imports is what pyproject.toml declares for that part of it, and the other way round.

deptry knows one list of dependencies for a whole project; here each folder has its extras, and a module
that only another extra brings is as good as none. So imports are read from the source (also those inside
functions, and the names given to `need`), and compared part by part.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.waiting import minutes

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "geodes_datalab"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

CORE = "core"
PARTS: dict[str, tuple[str, ...]] = {
    "": (CORE,),
    "_inputs": (CORE, "cubes", "tables"),
    "stac/items/tables.py": (CORE, "tables"),
    "stac/dialects/static.py": (CORE, "tables"),
    "cubes": (CORE, "cubes"),
    "cubes/formats/vector.py": (CORE, "cubes", "tables"),
    "cubes/share/worker.py": (CORE, "cubes", "cluster"),
    "ops": (CORE, "cubes"),
    "ops/computing.py": (CORE, "cubes", "cluster"),  # looked for where a cluster is open
    "results": (CORE, "cubes", "tables", "results"),
    "saving": (CORE, "cubes"),
    "compute": (CORE, "cluster"),
    "compute/buttons.py": ("maps",),
    "compute/card.py": (CORE, "cluster", "lab"),
    "compute/opening.py": (CORE, "cluster", "lab"),
    "compute/panel": (CORE, "cluster", "lab"),
    "environments": (CORE, "lab"),
    "maps": (CORE, "cubes", "maps"),
    "maps/animation.py": (
        CORE,
        "cubes",
        "maps",
        "dev",
    ),  # ffmpeg is looked for, as it is there or not
    # the image `platform` has none of the core's
    "hub": ("hub",),
    "settings": ("hub",),
    "hub/spawn/kubernetes": ("platform",),
    "hub/trust.py": ("platform",),
    "hub/gateway/kubernetes": ("platform",),
    "services": (CORE, "services"),
    "server": ("lab",),
    "server/language_server.py": ("full", "dev"),  # looked for, as it is there or not
    "local": (CORE, "hub"),
    "local/node.py": (CORE, "hub", "node"),
    "standin": (CORE, "services"),
    "standin/outlines.py": (CORE, "cubes", "tables"),
    "standin/pictures.py": (CORE, "cubes", "services"),
    "standin/missions": (CORE, "cubes", "tables"),
    "standin/samples": (CORE, "cubes"),
    "testing": (CORE, "services", "dev"),
}
"""Which extras bring what a folder or module imports; the longest entry that fits decides."""

NOT_IMPORTED = {
    "netcdf4": "an engine of xarray, by its name",
    "zarr": "an engine of xarray, by its name",
    "odc-stac": "its loader's entry points",
    "bokeh": "the dashboards of distributed",
    "cryptography": "the certificates of distributed",
    "ipykernel": "started by the lab",
    "pip": "run by environments of users' own",
    "jupyter-resource-usage": "an extension of the lab",
    "jupyterlab": "started by the hub",
    "jupyterlab-language-pack-fr-fr": "found by the lab",
    "folium": "a tool of users",
    "mapclassify": "a tool of users, through geopandas",
    "scikit-learn": "a tool of users",
    "jupytext": "an extension of the lab",
    "nbclient": "a tool of users",
    "nbconvert": "a tool of users",
    "dask-labextension": "an extension of the lab",
    "jupyterhub": "jupyterhub-singleuser, in the lab",
    "jupyterhub-idle-culler": "started by the hub",
    "jupyterhub-ldapauthenticator": "an authenticator, by its name",
    "jupyterhub-ltiauthenticator": "an authenticator, by its name",
    "oauthenticator": "authenticators, by their names",
    "psycopg": "a driver of SQLAlchemy, by its name",
    "pymysql": "a driver of SQLAlchemy, by its name",
}
"""Declared, and imported by others or at run time by a name: who does."""

CHECKED = ("cubes", "tables", "cluster", "maps", "lab", "hub", "platform", "services", "node")
"""Extras all of whose packages must be of use to the package; the others are tools and batteries."""


@cache
def declared(extra: str) -> frozenset[str]:
    """Return the packages that an extra names, with those of the extras it holds."""
    lines = PROJECT["dependencies"] if extra == CORE else PROJECT["optional-dependencies"][extra]
    found: set[str] = set()
    for one in map(Requirement, lines):
        if one.name == PROJECT["name"]:
            found.update(*(declared(inner) for inner in one.extras))
        else:
            found.add(canonicalize_name(one.name))
    return frozenset(found)


def named(extra: str) -> set[str]:
    """Return the packages that an extra itself names."""
    lines = PROJECT["dependencies"] if extra == CORE else PROJECT["optional-dependencies"][extra]
    return {canonicalize_name(one.name) for one in map(Requirement, lines)} - {PROJECT["name"]}


@cache
def brought_by(module: str) -> frozenset[str]:
    """Return the distributions that hold a module; of a namespace such as ``odc``, those of its branch."""
    top, _, rest = module.partition(".")
    names = set(_owners().get(top, ()))
    branch = f"{top}/{rest.partition('.')[0]}"
    if len(names) > 1 and rest:
        holding = {one for one in names if any(_within(path, branch) for path in _files(one))}
        names = holding or names
    return frozenset(map(canonicalize_name, names))


@cache
def _owners() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _within(path: str, branch: str) -> bool:
    return path.startswith(branch + "/") or path == branch + ".py"


@cache
def _files(distribution: str) -> tuple[str, ...]:
    return tuple(map(str, metadata.files(distribution) or ()))


def extras_of(module: Path) -> tuple[str, ...]:
    """Return the extras that a module of ours may import from."""
    path = module.relative_to(PACKAGE).as_posix()
    fitting = [part for part in PARTS if not part or path == part or path.startswith(part + "/")]
    return PARTS[max(fitting, key=len)]


def imports(tree: ast.AST, *, typing: bool = False) -> Iterator[tuple[int, str]]:
    """Return lines and names of imported modules, all but (or only) those for the type checker."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            if typing:
                for inner in node.body:
                    yield from _named(inner)
                    yield from imports(inner)
            for inner in node.orelse:
                yield from [] if typing else _named(inner)
                yield from imports(inner, typing=typing)
            continue
        yield from [] if typing else _named(node)
        yield from imports(node, typing=typing)


def _named(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Import):
        yield from ((node.lineno, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in _BY_NAME:
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield node.lineno, first.value


_BY_NAME = ("need", "import_module", "__import__", "find_spec")


def foreign(module: Path, *, typing: bool = False) -> list[tuple[int, str]]:
    """Return what a module of ours imports from other people's packages."""
    tree = ast.parse(module.read_text("utf-8"))
    ours = {*sys.stdlib_module_names, "sitecustomize", PACKAGE.name}
    return [(n, name) for n, name in imports(tree, typing=typing) if name.split(".")[0] not in ours]


MODULES = sorted(PACKAGE.rglob("*.py"))


def test_every_import_is_declared_for_its_part() -> None:
    missing = [
        f"{module.relative_to(ROOT)}:{line}: {name} ({', '.join(brought_by(name)) or 'unknown'})"
        for module in MODULES
        for line, name in foreign(module)
        if not brought_by(name) & frozenset().union(*map(declared, extras_of(module)))
    ]
    assert missing == []


def test_imports_for_the_type_checker_are_declared_somewhere() -> None:
    known = frozenset().union(declared(CORE), *map(declared, PROJECT["optional-dependencies"]))
    missing = [
        f"{module.relative_to(ROOT)}:{line}: {name}"
        for module in MODULES
        for line, name in foreign(module, typing=True)
        if not brought_by(name) & known
    ]
    assert missing == []


def test_everything_declared_is_used() -> None:
    used = {one for module in MODULES for _, name in foreign(module) for one in brought_by(name)}
    idle = {extra: sorted(named(extra) - used - set(NOT_IMPORTED)) for extra in (CORE, *CHECKED)}
    assert {extra: names for extra, names in idle.items() if names} == {}


def test_what_is_excused_is_declared() -> None:
    assert set(NOT_IMPORTED) <= set().union(*(declared(extra) for extra in CHECKED))
    for part in PARTS:
        assert (PACKAGE / part).exists(), part


def closure(*extras: str) -> set[str]:
    """Return what is installed with some extras: what they name, and what that asks for in turn."""
    lines = [line for extra in extras for line in _lines(extra)]
    found: set[str] = set()
    seen: set[str] = set()
    while lines:
        line = lines.pop()
        if line in seen:
            continue
        seen.add(line)
        wanted = Requirement(line)
        name = canonicalize_name(wanted.name)
        found.add(name)
        try:
            asked = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # for another system
            continue
        for further in map(Requirement, asked):
            marker, chosen = further.marker, ("", *wanted.extras)
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in chosen):
                further.marker = None
                lines.append(str(further))
    return found


def _lines(extra: str) -> list[str]:
    lines = PROJECT["dependencies"] if extra == CORE else PROJECT["optional-dependencies"][extra]
    own = [one for one in map(Requirement, lines) if one.name == PROJECT["name"]]
    inner = [line for one in own for name in one.extras for line in _lines(name)]
    return inner + [line for line in lines if Requirement(line).name != PROJECT["name"]]


ALONE = """
import importlib, sys
from importlib import metadata

class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in absent:
            return self.finder.find_spec(name, path, target)

absent = set(ABSENT)
sys.meta_path[:] = map(Without, sys.meta_path)
for name in MODULES:
    importlib.import_module(name)
"""


@pytest.mark.parametrize(
    ("extras", "folders", "apart"),
    [
        ((CORE,), ("*.py", "_http", "_inputs", "stac"), ()),
        (("hub",), ("errors.py", "hub", "settings"),
         ("hub/spawn/kubernetes", "hub/gateway/kubernetes", "hub/trust.py", "hub/files")),
        (("platform",), ("hub",), ("hub/files",)),
        ((CORE, "lab"), ("server",), ("server/lab",)),
        ((CORE, "hub"), ("local",), ()),
        ((CORE, "cubes"), ("cubes", "ops", "saving"), ("cubes/share/worker.py",)),
    ],
    ids=["core", "hub", "platform", "server", "local", "cubes"],
)  # fmt: skip
def test_a_part_is_imported_with_its_own_packages_only(
    extras: tuple[str, ...], folders: tuple[str, ...], apart: tuple[str, ...]
) -> None:
    """In a Python where everything else is as if it were not installed."""
    there = closure(*extras)
    absent = sorted(
        top
        for top, owners in _owners().items()
        if top != PACKAGE.name and not {canonicalize_name(one) for one in owners} & there
    )
    found = [path for folder in folders for path in _modules(folder)]
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in found
        if not any(path.relative_to(PACKAGE).as_posix().startswith(one) for one in apart)
        and path.name != "__main__.py"
    ]
    assert len(names) > 5
    code = ALONE.replace("ABSENT", repr(absent)).replace("MODULES", repr(names))
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=minutes(2),
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def _modules(folder: str) -> list[Path]:
    if folder.endswith(".py"):
        return sorted(PACKAGE.glob(folder))
    return sorted((PACKAGE / folder).rglob("*.py"))

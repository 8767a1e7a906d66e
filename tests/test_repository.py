"""The repository keeps its own rules: locks, versions, sizes of modules and bodies."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import geodes_datalab

ROOT = Path(__file__).parent.parent
LOCKS = {
    **{path.stem: path for path in (ROOT / "requirements").glob("*.txt")},
    **{path.parent.name: path for path in (ROOT / "images").glob("*/requirements.txt")},
    "tools": ROOT / "images/tools.txt",
}
MODULES = sorted((ROOT / "geodes_datalab").rglob("*.py"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# Extras that each view of the lock is made of (scripts/lock).
VIEWS = {
    "up": ["up"],
    "full": ["up", "full"],
    "dev": ["up", "dev"],
    "node": ["node"],
    "notebook": ["notebook"],
    "platform": ["platform"],
    "tools": ["images"],
}
WITHOUT_BASE = {"platform", "tools"}  # they never search: see images/README.md

# Functions that may take **kwargs: their names are those of a dataclass's fields, and are checked.
OPEN_ARGUMENTS = {
    ("config", "explain"),
    ("config", "load"),
    # the fields of a sentence, by the names that stand in it
    ("_language", "gettext"),
    ("_language", "ngettext"),
    ("_language", "plain"),
}


def pins(lock: Path) -> set[str]:
    """Every pinned requirement of a lock, with its marker."""
    lines = lock.read_text("utf-8").splitlines()
    return {line.removesuffix("\\").strip() for line in lines if not line.startswith((" ", "#"))}


def versions(lock: Path) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for pin in pins(lock):
        requirement = Requirement(pin)
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def wanted(extras: list[str], *, base: bool = True) -> Iterator[Requirement]:
    """What the extras ask for, with this package's own extras opened."""
    project = PYPROJECT["project"]
    asked = list(project["dependencies"]) if base else []
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    for text in asked:
        requirement = Requirement(text)
        if requirement.name == project["name"]:
            yield from wanted(sorted(requirement.extras), base=False)
        else:
            yield requirement


def test_there_is_a_lock_per_environment() -> None:
    assert sorted(LOCKS) == sorted(["all", *VIEWS])


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_locks_hold_no_download_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    assert " @ " not in text, "a direct reference"
    options = {line.split()[0] for line in text.splitlines() if line.lstrip().startswith("-")}
    assert all(option.startswith("--hash=sha256:") for option in options)


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_every_pin_is_exact_and_hashed(lock: Path) -> None:
    entries = re.split(r"\n(?=\S)", lock.read_text("utf-8").strip())
    assert len(entries) == len(pins(lock))
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_a_view_pins_what_the_one_resolution_pins(view: str) -> None:
    everything = versions(LOCKS["all"])
    for name, requirements in versions(LOCKS[view]).items():
        known = {str(requirement.specifier) for requirement in everything[name]}
        assert {str(requirement.specifier) for requirement in requirements} <= known, name


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_locks_follow_pyproject(view: str) -> None:
    locked = versions(LOCKS[view])
    overrides = {
        Requirement(text).name for text in PYPROJECT["tool"]["uv"]["override-dependencies"]
    }
    for requirement in wanted(VIEWS[view], base=view not in WITHOUT_BASE):
        assert canonicalize_name(requirement.name) in locked, f"{requirement}: run make lock"
        if requirement.name in overrides:
            continue
        for pin in locked[canonicalize_name(requirement.name)]:
            version = str(pin.specifier).removeprefix("==")
            assert requirement.specifier.contains(version), f"{requirement}, locked {version}"


def test_the_platform_image_has_no_array_stack() -> None:
    heavy = {"dask", "distributed", "geopandas", "numpy", "pandas", "rasterio", "shapely", "xarray"}
    assert not heavy & set(versions(LOCKS["platform"]))


def test_one_proxy_for_the_local_mode_and_the_image() -> None:
    for name in ("package.json", "package-lock.json"):
        local, image = ROOT / "geodes_datalab/local/chp" / name, ROOT / "images/platform" / name
        assert local.read_text("utf-8") == image.read_text("utf-8"), f"copy {local} to {image}"
        assert '"resolved"' not in local.read_text("utf-8"), "a download address"


def test_every_cap_and_every_override_says_why() -> None:
    for line in (ROOT / "pyproject.toml").read_text("utf-8").splitlines():
        if re.match(r'\s*"[A-Za-z0-9._\[\]-]+[^"]*(<|==)', line) and "sys_platform" not in line:
            assert "#" in line, f"no reason given: {line.strip()}"


def test_the_version_is_said_once_and_everywhere_the_same() -> None:
    assert PYPROJECT["project"]["dynamic"] == ["version"]
    assert importlib.metadata.version("geodes-datalab") == geodes_datalab.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert geodes_datalab.__version__ in headings[1:] or len(headings) == 1


def test_make_help_names_every_verb() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    verbs = re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE)
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    assert [line.split()[1] for line in shown.splitlines()] == verbs


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_bodies_stay_short(module: Path) -> None:
    source = module.read_text("utf-8")
    lines = source.count("\n")
    assert lines < 400, f"{lines} lines: split it"
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, functions) and (length := body_length(node)) >= 30:
            pytest.fail(f"{node.name} has {length} lines of body: name its stages")


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, its docstring excluded."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) else function.body
    return 0 if not body else (body[-1].end_lineno or 0) - body[0].lineno + 1


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_functions_take_no_kwargs_and_few_by_position(module: Path) -> None:
    for node in ast.parse(module.read_text("utf-8")).body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        if node.decorator_list or (module.stem, node.name) in OPEN_ARGUMENTS:
            continue  # commands and routes get their arguments from their frameworks
        assert node.args.kwarg is None, f"{node.name} takes **{node.args.kwarg.arg}"
        positional = len(node.args.posonlyargs) + len(node.args.args)
        assert positional <= 4, f"{node.name}: {positional} by position; keyword-only past three"


def test_no_junk_drawer() -> None:
    drawers = {"common", "consts", "helpers", "misc", "util", "utils"}
    assert not [module for module in MODULES if module.stem in drawers]


@pytest.mark.parametrize(
    "page", ["docs/explanation/architecture.md", "CONTRIBUTING.md"], ids=["house", "contributing"]
)
def test_places_that_tables_name_are_there(page: str) -> None:
    """Where to change what: a place of the package, of the tests or of the chart."""
    rows = [line for line in (ROOT / page).read_text("utf-8").splitlines() if line[:1] == "|"]
    named = {name for row in rows for name in re.findall(r"`([\w./]+(?:/|\.\w+))`", row)}
    rooms = (ROOT, ROOT / "geodes_datalab", ROOT / "helm/geodes-datalab")
    assert len(named) > 15
    assert {name for name in named if not any((room / name).exists() for room in rooms)} == set()

"""Every notebook keeps to one skeleton, and the gallery's lists agree with the files."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*/*.ipynb"))
SKELETON = ("What you will learn", "Before you start", "Imports", "Analysis parameters")
ENDING = ("Now it is your turn", "What next")
LONGEST_CELL = 25
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
NAMED_HOSTS = {"geodes.cnes.fr", "geodes-portal.cnes.fr"}

each_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=[str(path.relative_to(FOLDER)) for path in NOTEBOOKS]
)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def sources(path: Path, kind: str) -> list[str]:
    return [cell.source for cell in read(path).cells if cell.cell_type == kind]


def headings(path: Path, level: int) -> list[str]:
    mark = "#" * level + " "
    lines = "\n".join(sources(path, "markdown")).splitlines()
    return [line.removeprefix(mark) for line in lines if line.startswith(mark)]


def gallery() -> dict[str, dict[str, str]]:
    shelves = yaml.safe_load((FOLDER / "gallery.yml").read_text())["shelves"]
    return {
        f"{shelf['folder']}/{entry['file']}": entry | {"shelf": shelf["title"]}
        for shelf in shelves
        for entry in shelf["notebooks"]
    }


def test_gallery_lists_every_notebook_in_order() -> None:
    assert list(gallery()) == [str(path.relative_to(FOLDER)) for path in NOTEBOOKS]


def test_readme_lists_the_gallery() -> None:
    readme = (FOLDER / "README.md").read_text()
    rows = [
        f"| {entry['shelf']} | [{entry['title']}]({path}) | {entry['summary']} "
        f"| {entry['minutes']} min |"
        for path, entry in gallery().items()
    ]
    assert [line for line in readme.splitlines() if ".ipynb)" in line] == rows


@each_notebook
def test_is_valid_and_its_cells_have_stable_names(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    names = [cell.id for cell in notebook.cells]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9-]*", name)] == []


@each_notebook
def test_holds_no_result_of_a_run(path: Path) -> None:
    notebook = read(path)
    assert notebook.metadata == METADATA
    left = [
        cell.id
        for cell in notebook.cells
        if cell.metadata or cell.get("outputs") or cell.get("execution_count")
    ]
    assert left == [], "run scripts/strip-notebooks"


@each_notebook
def test_is_stored_as_the_stripper_writes_it(path: Path) -> None:
    script = FOLDER.parent / "scripts" / "strip-notebooks"
    check = [sys.executable, str(script), "--check", str(path)]
    run = subprocess.run(check, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@each_notebook
def test_follows_the_skeleton(path: Path) -> None:
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    entry = gallery()[str(path.relative_to(FOLDER))]
    assert headings(path, 1) == [entry["title"]]
    sections = headings(path, 2)
    assert tuple(sections[: len(SKELETON)]) == SKELETON
    assert tuple(sections[-2:]) == ENDING
    numbers = [section.partition(". ")[0] for section in sections[len(SKELETON) : -2]]
    assert numbers == [str(number + 1) for number in range(len(numbers))]


@each_notebook
def test_imports_stand_in_the_first_code_cell(path: Path) -> None:
    first, *others = sources(path, "code")
    assert "import geodes_datalab as gd" in first
    late = [cell for cell in others if has(cell, ast.Import, ast.ImportFrom)]
    assert late == []


@each_notebook
def test_cells_are_short_and_define_nothing(path: Path) -> None:
    code = sources(path, "code")
    assert [cell for cell in code if len(cell.splitlines()) > LONGEST_CELL] == []
    defined = [cell for cell in code if has(cell, ast.FunctionDef, ast.ClassDef)]
    assert defined == [], "helpers belong in the package"


@each_notebook
def test_code_names_no_place_of_one_machine(path: Path) -> None:
    code = "\n".join(sources(path, "code"))
    assert re.findall(r"\w+://|['\"](?:/|~)\w|127\.0\.0\.1|localhost", code) == []
    prose = "\n".join(sources(path, "markdown"))
    hosts = set(re.findall(r"\w+://([^/\s)>\]]+)", prose))
    assert hosts <= NAMED_HOSTS


@each_notebook
def test_prose_links_to_files_that_exist(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", "\n".join(sources(path, "markdown")))
    assert [target for target in targets if not (path.parent / target).exists()] == []


@each_notebook
def test_code_is_clean(path: Path) -> None:
    # E402: notebooks import after prose; B018: a cell shows a value by ending with it.
    rules = ["--select", "A,B,E,F,I,ICN,PD,PTH,UP,W", "--ignore", "B018,E402,E501,PD011"]
    check = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", *rules, str(path)]
    run = subprocess.run(check, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def has(cell: str, *kinds: type[ast.AST]) -> bool:
    return any(isinstance(node, kinds) for node in ast.walk(ast.parse(cell)))

"""The gallery shows every notebook of gallery.yml, as a card and as a page."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
import yaml
from PIL import Image, PngImagePlugin
from support import thumbnails
from support.recipes import DOCS

CONF = """
import sys
from pathlib import Path
sys.path.insert(0, {extensions!r})
import notebooks
notebooks.DOCS = Path(__file__).parent
notebooks.FOLDER = Path(__file__).parents[1] / "notebooks"
extensions = ["myst_parser", "notebooks"]
exclude_patterns = ["gallery/notebooks/README.md"]
"""
INDEX = "# Home\n\n```{toctree}\ngallery/index\n```\n"
AGAIN = "python tests/support/thumbnails.py"
CELLS: dict[str, list[tuple[str, str, str]]] = {
    "01/a": [
        (
            "title",
            "markdown",
            "# First\n\nHere it begins. More [of it](b.ipynb), or [all](../README.md).",
        ),
        ("code", "code", "%matplotlib inline\nprint('```')"),
        ("figure", "code", "draw()"),
        (
            "end",
            "markdown",
            "## The end\n\n<details><summary>Solution</summary>\n\n`x = 1`\n\n</details>",
        ),
    ],
    "fr/01/a": [("title", "markdown", "# Premier\n\nTout commence ici. [Tout](../../README.md).")],
    "01/b": [("title", "markdown", "# Second"), ("empty", "code", "")],
}


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    yield importlib.import_module("notebooks")
    sys.modules.pop("notebooks", None)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a site with two notebooks; return where its gallery is."""
    top = tmp_path_factory.mktemp("site")
    docs, folder = top / "docs", top / "notebooks"
    (docs / "gallery").mkdir(parents=True)
    (docs / "images" / "notebooks").mkdir(parents=True)
    (docs / "gallery" / "notebooks").symlink_to(folder)
    (docs / "conf.py").write_text(CONF.format(extensions=str(DOCS / "_ext")))
    (docs / "index.md").write_text(INDEX)
    (docs / "gallery" / "index.md").write_text("# Gallery\n\n```{gallery}\n```\n")
    note = PngImagePlugin.PngInfo()
    note.add_text("cell", "figure")
    Image.new("RGB", (4, 4)).save(docs / "images" / "notebooks" / "01-a.png", pnginfo=note)
    for name, cells in CELLS.items():
        path = folder / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook(cells)))
    listed = [
        {
            "file": f"{one}.ipynb",
            "title": one.upper(),
            "summary": "S",
            "minutes": 5,
            "tags": ["x", "y"],
        }
        for one in "ab"
    ]
    shelves = {"shelves": [{"folder": "01", "title": "Shelf", "notebooks": listed}]}
    (folder / "gallery.yml").write_text(yaml.safe_dump(shelves))
    (folder / "README.md").write_text("# Index")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", docs, top / "html"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return top / "html" / "gallery"


def notebook(cells: list[tuple[str, str, str]]) -> dict[str, Any]:
    made = [{"id": name, "cell_type": kind, "source": text} for name, kind, text in cells]
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_each_notebook_has_a_card_with_all_that_gallery_yml_says(site: Path) -> None:
    text = (site / "index.html").read_text("utf-8")
    for shown in (
        "notebooks/01/a.html",
        "notebooks/01/b.html",
        "5 min · x, y",
        "Shelf",
        "01-a.png",
    ):
        assert shown in text
    assert text.count('<div class="gallery-card') == 2
    assert text.count("en français") == text.count('href="notebooks/fr/01/a.html"') == 1


def test_a_page_is_the_notebook_with_its_picture_below_the_cell_that_draws_it(site: Path) -> None:
    text = (site / "notebooks" / "01" / "a.html").read_text("utf-8")
    parts = [
        "Here it begins",
        "5 min",
        "notebooks/01/a.ipynb",
        "draw",
        "01-a.png",
        "The end",
        "Solution",
    ]
    positions = [text.index(part) for part in parts]
    assert positions == sorted(positions)
    assert "<details>" in text
    for target in ("b.html", "../../index.html", "../fr/01/a.html"):
        assert f'href="{target}"' in text


def test_the_french_twin_is_a_page_that_points_back(site: Path) -> None:
    text = (site / "notebooks" / "01" / "../fr/01/a.html").read_text("utf-8")
    assert "Tout commence ici" in text
    assert "01-a.png" in text
    assert 'href="../../01/a.html"' in text


def test_pictures_are_small_and_of_cells_that_are_there() -> None:
    pictures = {thumbnails.path(name): name for name in thumbnails.names()}
    kept = set(thumbnails.PICTURES.iterdir())
    assert kept <= set(pictures)
    assert len(kept) >= 3
    for path in kept:
        assert path.stat().st_size < thumbnails.MOST_BYTES, path
        read = nbformat.read(thumbnails.NOTEBOOKS / f"{pictures[path]}.ipynb", as_version=4)
        with Image.open(path) as drawn:
            assert drawn.info["cell"] in [cell.id for cell in read.cells], AGAIN


def test_every_notebook_of_the_datalab_becomes_a_page(extension: ModuleType) -> None:
    for path in sorted(thumbnails.NOTEBOOKS.rglob("*.ipynb")):
        place = path.relative_to(thumbnails.NOTEBOOKS).as_posix().removesuffix(".ipynb")
        text = "\n".join(extension.markdown(json.loads(path.read_text("utf-8")), place))
        assert text.startswith("---" if place.startswith("fr/") else "# ")
        assert f"notebooks/{place}.ipynb" in text
        assert ".ipynb)" not in text  # links became links between pages

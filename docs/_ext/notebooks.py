"""Notebooks as pages, and the directive ``gallery``: a card for each of them.

`docs/gallery/notebooks` is a link to the shipped notebooks, so that links between them hold. A page shows what is
written; nothing is run. The one picture of a notebook is in `docs/images/notebooks`, made by
``tests/support/thumbnails.py``; the PNG names the cell that drew it, and the page shows it there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from os.path import normpath
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from myst_parser.parsers.sphinx_ import MystParser
from PIL import Image
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DOCS = Path(__file__).parents[1]
FOLDER = DOCS.parent / "notebooks"
PICTURES = "images/notebooks"
FRENCH = "fr/"
"""Folder of the French twins, with the same names below it."""

LINK = re.compile(r"\[([^\]]+)\]\(([^)#:]+\.(?:ipynb|md))(?:#[^)]*)?\)")
"""To a file beside or above."""


class Notebook(MystParser):
    """A notebook, read as the Markdown of its cells, with code in between."""

    supported = ("ipynb",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        place = document.settings.env.docname.removeprefix("gallery/notebooks/")
        super().parse("\n".join(markdown(json.loads(inputstring), place)), document)


class Gallery(SphinxDirective):
    """Every notebook of ``gallery.yml``, shelf by shelf."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(FOLDER / "gallery.yml"))
        cards = nodes.container(classes=["gallery"])
        cards += [card(entry) for entry in entries().values()]
        pages = [f"notebooks/{place}" for place in entries()]
        toctree = ["```{toctree}", ":hidden:", ":maxdepth: 1", "", *pages, "```"]
        found = nodes.container()
        self.state.nested_parse(StringList(toctree, "gallery.yml"), 0, found)
        return [cards, *found.children]


def entries() -> dict[str, dict[str, Any]]:
    """Return what ``gallery.yml`` says, by path without the ending."""
    shelves = yaml.safe_load((FOLDER / "gallery.yml").read_text("utf-8"))["shelves"]
    return {
        place: {**entry, "shelf": shelf["title"], "place": place}
        for shelf in shelves
        for entry in shelf["notebooks"]
        for place in [f"{shelf['folder']}/{entry['file'].removesuffix('.ipynb')}"]
    }


def picture(place: str) -> str:
    """Return the path of a notebook's picture in the documentation; empty where it has none."""
    path = f"{PICTURES}/{place.removeprefix(FRENCH).replace('/', '-')}.png"
    return path if (DOCS / path).is_file() else ""


def card(entry: dict[str, Any]) -> nodes.Node:
    """Return a card: the picture, the title as a link, a sentence, and what it is about."""
    place = str(entry["place"])
    box = nodes.container(classes=["gallery-card"])
    shown = picture(place)
    if shown:
        box += nodes.image(uri=f"/{shown}", alt=f"A figure of the notebook {entry['title']}")
    else:
        box += nodes.container("", nodes.paragraph("", entry["shelf"]), classes=["gallery-blank"])
    box += nodes.paragraph("", "", page(place, entry["title"]), classes=["gallery-title"])
    box += nodes.paragraph("", entry["summary"])
    about = nodes.paragraph("", about_of(entry), classes=["gallery-about"])
    if twin(place):
        about += [nodes.Text(" · "), page(FRENCH + place, "en français")]
    box += about
    return box


def about_of(entry: dict[str, Any]) -> str:
    return f"{entry['minutes']} min · {', '.join(entry['tags'])}"


def page(place: str, text: str) -> nodes.Node:
    """Return a link to a notebook's page."""
    target = f"/gallery/notebooks/{place}"
    shown = nodes.inline(text, text)
    return pending_xref(
        "", shown, refdomain="std", reftype="doc", reftarget=target, refexplicit=True, refwarn=True
    )


def twin(place: str) -> bool:
    return (FOLDER / f"{FRENCH}{place}.ipynb").is_file()


def markdown(notebook: dict[str, Any], place: str) -> Iterator[str]:
    """Yield the lines of a notebook's page."""
    english = place.removeprefix(FRENCH)
    if english not in entries() or place != english:
        yield from ("---", "orphan: true", "---", "")
    shown = picture(place)
    drawn_by = cell_of(DOCS / shown) if shown else ""
    names = [cell.get("id") for cell in notebook["cells"]]
    at = names.index(drawn_by) if drawn_by in names else 0
    for number, cell in enumerate(notebook["cells"]):
        yield from source(cell, place)
        if number == 0:
            yield from told(place, english)
        if shown and number == at:
            yield from (f"![What a cell of this notebook draws](/{shown})", "")


def cell_of(path: Path) -> str:
    """Return the name of the cell that drew a picture."""
    with Image.open(path) as drawn:
        return str(drawn.info.get("cell", ""))


def source(cell: dict[str, Any], place: str) -> Iterator[str]:
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield from (LINK.sub(lambda link: linked(link[1], link[2], place), text), "")
    elif text.strip():
        fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text) or [""]))
        yield from (f"{fence}{{code-block}} ipython3", text, fence, "")


def linked(text: str, target: str, place: str) -> str:
    """Return the link to another notebook, or to their index, as Sphinx resolves it."""
    path = normpath(f"/gallery/notebooks/{place}/../{target}")
    page = path.removesuffix(".ipynb") if path.endswith(".ipynb") else "/gallery/index"
    return doc(text, page)


def told(place: str, english: str) -> Iterator[str]:
    """Yield what stands below the title: time, tags, where it is in the Lab, the other language."""
    if english in entries():
        yield f"*{about_of(entries()[english])}*"
    where = "In the Lab" if place == english else "Dans le Lab\N{NO-BREAK SPACE}"
    yield f"\n{where}: `notebooks/{place}.ipynb`."
    if place != english:
        yield doc("In English", f"/gallery/notebooks/{english}")
    elif twin(english):
        yield doc("En français", f"/gallery/notebooks/{FRENCH}{english}")
    yield ""


def doc(text: str, target: str) -> str:
    return f"{{doc}}`{text.replace('`', '')} <{target}>`"


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_source_suffix(".ipynb", "ipynb")
    app.add_source_parser(Notebook)
    app.add_directive("gallery", Gallery)
    return {"parallel_read_safe": True}

"""The directive ``products``: every collection that is described, what reads it, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from geodes_datalab.stac import collections
from geodes_datalab.stac.readers import Reader, readers

HEADERS = ("collection", "read by", "values", "how sure", "source")


class Products(SphinxDirective):
    """A table of the collections of GEODES, or, with the argument ``elsewhere``, of the others."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        here = self.arguments[0] == "geodes"
        listed = {one.id for one in collections()}
        chosen = {name: one for name, one in readers().items() if (name in listed) is here}
        found = nodes.container(classes=["products"])
        self.state.nested_parse(StringList(list(table(chosen)), "products"), 0, found)
        return [found]


def table(described: dict[str, Reader]) -> Iterator[str]:
    yield from (".. list-table::", "   :header-rows: 1", "   :widths: 24 8 30 10 28", "")
    for place, header in enumerate(HEADERS):
        yield f"   {'*' if not place else ' '} - {header}"
    for name, one in sorted(described.items()):
        cells = (
            f"``{name}`` ({one.kind})", ", ".join(one.verbs), _values(one), _sure(one), _source(one),
        )  # fmt: skip
        for place, cell in enumerate(cells):
            yield f"   {'*' if not place else ' '} - {cell}"
    yield ""


def _sure(one: Reader) -> str:
    return f"{one.status}; {one.sample} sample" if one.sample else one.status


def _values(one: Reader) -> str:
    """Name the measurements and their units, and say what they are above or which way they point."""
    shown = [band for band in one.bands if band.role == "data"][:4]
    words = [f"{band.name} ({band.units})" if band.units != "1" else band.name for band in shown]
    more = sum(band.role == "data" for band in one.bands) - len(shown)
    text = ", ".join(words) + (f" and {more} more" if more > 0 else "")
    told = {*(band.datum for band in one.bands), *(band.positive for band in one.bands)} - {""}
    return "; ".join([text or one.description, *sorted(told)])


def _source(one: Reader) -> str:
    text = one.source if one.where == "GEODES" else f"{one.source} ({one.where})"
    return text.replace("@", r"\@")  # no address of a letter box


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("products", Products)
    return {"parallel_read_safe": True}

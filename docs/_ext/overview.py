"""The directive ``overview``: what a module offers, one line each, linked to where it is described below."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

KINDS = {"Functions": inspect.isroutine, "Classes": inspect.isclass}


class Overview(SphinxDirective):
    """Tables of functions and classes; to be used inside ``eval-rst``, as docstrings are RST."""

    required_arguments = 1  # the module

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        found = nodes.container()
        self.state.nested_parse(StringList(list(tables(name)), name), 0, found)
        return list(found.children)


def tables(name: str) -> Iterator[str]:
    module = import_module(name)
    for title, kind in KINDS.items():
        members = [one for one in offered(name) if kind(getattr(module, one))]
        if members:
            yield from ("", ".. list-table::", "   :header-rows: 1", "   :widths: 30 70", "")
            yield from (f"   * - {title}", "     -")
        for member in members:
            role = "func" if title == "Functions" else "class"
            yield f"   * - :{role}:`~{name}.{member}`"
            yield f"     - {first_line(getattr(module, member))}"
    yield ""


def offered(name: str) -> list[str]:
    """Return the names that a module offers, as its page describes them: ``__all__``, or its own."""
    module = import_module(name)
    own = [one for one, what in vars(module).items() if getattr(what, "__module__", "") == name]
    return list(getattr(module, "__all__", [one for one in own if not one.startswith("_")]))


def first_line(what: object) -> str:
    """Return the first paragraph of a docstring as one line."""
    return " ".join((inspect.getdoc(what) or "").partition("\n\n")[0].split())


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("overview", Overview)
    return {"parallel_read_safe": True}

"""Each page of the reference begins with a table of what it describes."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from support.recipes import DOCS

DESCRIBED = re.compile(
    r"^\.\. automodule:: (\S+)\n(?:   (?!:no-members:).*\n|\n|(?=```))", re.MULTILINE
)
PAGES = sorted((DOCS / "reference").glob("*.md"))


@pytest.fixture
def overview(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    yield importlib.import_module("overview")
    sys.modules.pop("overview", None)


def modules(text: str) -> list[str]:
    return DESCRIBED.findall(text)


def test_every_module_has_its_table_before_the_description() -> None:
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for module in modules(text):
            found.append(module)
            if module != "geodes_datalab.hub.images":
                assert f".. overview:: {module}\n\n.. automodule:: {module}\n" in text, page
    assert {"geodes_datalab", "geodes_datalab.ops", "geodes_datalab.errors"} <= set(found)
    assert len(found) >= 11


def test_a_table_has_one_line_for_each_name(overview: ModuleType) -> None:
    for page in PAGES:
        for module in modules(page.read_text("utf-8")):
            lines = list(overview.tables(module))
            public = getattr(importlib.import_module(module), "__all__", [])
            linked = re.findall(r":(?:func|class):`~([\w.]+)`", "\n".join(lines))
            assert len(set(linked)) == len(linked)
            callable_ones = [
                f"{module}.{name}"
                for name in public
                if callable(getattr(importlib.import_module(module), name))
            ]
            assert [name for name in callable_ones if name not in linked] == []
            assert "     - " not in lines, f"{module}: a name without a description"


def test_a_line_is_the_docstrings_first_sentence_joined(overview: ModuleType) -> None:
    def function() -> None:
        """Say what
        it does.

        More.
        """

    assert overview.first_line(function) == "Say what it does."
    assert overview.first_line(type("Empty", (), {})) == ""

"""Cells of a notebook after a run: what is a fault of ours, and what other libraries only say."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TypeAlias

import nbformat

from geodes_datalab import errors

Cells: TypeAlias = list[nbformat.NotebookNode]

NOISE = Path(__file__).parents[2] / "artifacts" / "notebooks-stderr.txt"
"""Keeps what other libraries said: it makes no test red, and nobody should have to run one again for it."""

_WARNINGS = "|".join(
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.GeodesWarning)
)
_OURS = re.compile(
    r"Traceback \(most recent call last\)"
    r"|\bgeodes_datalab/[\w/]+\.py:\d+: \w+: "  # a warning that Python lays to one of our modules,
    r"|\bipykernel_\d+/\d+\.py:\d+: \w+: "  # or to the notebook's own code;
    rf"|: (?:{_WARNINGS}): "  # one of our kinds, whoever called;
    r"|\bgeodes_datalab[\w.]* - (?:WARNING|ERROR|CRITICAL)\b"  # and our logs, as Dask writes them
    r"|\b(?:WARNING|ERROR|CRITICAL):geodes_datalab\b"  # and as Python does
)


def position(cells: Cells, heading: str) -> int:
    """Return the index of the cell that holds a heading."""
    return next(i for i, cell in enumerate(cells) if cell.source.startswith(heading))


def ran(cells: Cells) -> bool:
    """Tell whether all code was run; Shift+Enter in the last cell adds an empty one below."""
    return all(cell.execution_count for cell in cells if cell.cell_type == "code" and cell.source)


def faults(cells: Cells) -> list[str]:
    """Return the errors of cells, the tracebacks, and the warnings of our own modules and cells."""
    failed = [
        f"{cell.id}: {output.ename}: {output.evalue}"
        for cell in cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    return failed + [f"{cell}: {text}" for cell, text in _stderr(cells) if _OURS.search(text)]


def foreign(cells: Cells) -> list[str]:
    """Return what other libraries said: that an event loop was slow, how far a transfer is."""
    return [f"{cell}: {text}" for cell, text in _stderr(cells) if not _OURS.search(text)]


def assert_clean(cells: Cells) -> None:
    """Assert that no cell failed or warned; what other libraries said is printed and kept."""
    noise = foreign(cells)
    if noise:
        test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
        text = "\n".join([f"stderr of other libraries ({test}):", *noise])
        print(text)
        NOISE.parent.mkdir(exist_ok=True)
        with NOISE.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
    assert faults(cells) == []


def _stderr(cells: Cells) -> list[tuple[str, str]]:
    return [
        (cell.id, output.text)
        for cell in cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]

"""Exercises of a notebook: a text each, with a hint and a solution that unfold."""

from __future__ import annotations

import re
from dataclasses import dataclass

import nbformat
from nbformat import v4
from support.cells import Cells

_FOLDED = re.compile(r"<details><summary>([^<]+)</summary>\n\n(.*?)\n\n</details>", re.DOTALL)
_CODE = re.compile(r"```python\n(.*?)\n```", re.DOTALL)


@dataclass(frozen=True)
class Exercise:
    """What stands in one cell of the closing section."""

    name: str
    """Of the cell."""
    folded: dict[str, str]
    """Text of what unfolds, by its heading: a hint, then the solution."""

    @property
    def code(self) -> str:
        """The solution's code."""
        [code] = _CODE.findall(self.folded["Solution"])
        return str(code)

    def as_cell(self) -> nbformat.NotebookNode:
        """Return what a learner has after pasting the solution."""
        cell: nbformat.NotebookNode = v4.new_code_cell(  # type: ignore[no-untyped-call]
            self.code, id=f"{self.name}-solved"
        )
        return cell


def exercises(cells: Cells) -> list[Exercise]:
    """Return the exercises of a notebook, in its order."""
    return [
        Exercise(cell.id, dict(_FOLDED.findall(cell.source)))
        for cell in cells
        if re.fullmatch(r"exercise-\d+", cell.id)
    ]

"""Tables of what was measured: printed, and kept in artifacts/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

ARTIFACTS = Path(__file__).parents[3] / "artifacts"


class Table:
    """A Markdown table that is written to artifacts/ as it grows.

    Parameters
    ----------
    name
        Name of the file, without ``.md``.
    titles
        Heads of the columns.
    """

    def __init__(self, name: str, titles: Sequence[str]) -> None:
        self.path = ARTIFACTS / f"{name}.md"
        self.titles = list(titles)
        self.rows: list[list[str]] = []

    def add(self, *cells: object) -> None:
        """Append a row, and write the table."""
        assert len(cells) == len(self.titles)
        self.rows.append([_text(cell) for cell in cells])
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(str(self) + "\n", "utf-8")

    def __str__(self) -> str:
        lines = [self.titles, ["---"] * len(self.titles), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _text(cell: object) -> str:
    return f"{cell:.1f} s" if isinstance(cell, float) else str(cell)

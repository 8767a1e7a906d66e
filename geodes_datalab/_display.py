"""What results look like: HTML tables, sizes, progress bars."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import Any

from geodes_datalab._language import quantity

_CELL = 'style="text-align:left;padding:2px 10px;white-space:nowrap"'


def size(nbytes: float | None) -> str:
    """Write a number of bytes for people (powers of 1000).

    Examples
    --------
    >>> size(764_210_185), size(18_684), size(12), size(None)
    ('764 MB', '18.7 kB', '12 B', '-')
    """
    if nbytes is None:
        return "-"
    value = float(nbytes)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"


def shown_size(nbytes: float | None) -> str:
    """Write a number of bytes in the language of whoever reads it; errors and logs say `size`.

    Examples
    --------
    >>> shown_size(18_684)
    '18.7 kB'
    """
    return quantity(size(nbytes))


def some(names: Sequence[str], limit: int = 3, *, sign: str = ", ") -> str:
    """Name a few of many.

    Examples
    --------
    >>> some(["B02", "B03", "B04", "B08", "B11"])
    'B02, B03, B04 and 2 more'
    """
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return sign.join(names[:limit]) + more


def table(
    rows: Iterable[Sequence[Any]],
    headers: Sequence[str],
    *,
    caption: str | None = None,
    raw: Collection[int] = (),
) -> str:
    """Write rows as an HTML table; everything is escaped.

    Parameters
    ----------
    rows
        Cells; ``None`` shows as a dash.
    headers
        Column titles.
    caption
        Line above the table.
    raw
        Indices of columns that hold HTML already.

    Examples
    --------
    >>> "&lt;b&gt;" in table([["<b>"]], ["x"])
    True
    """
    head = "".join(f"<th {_CELL}>{escape(name)}</th>" for name in headers)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td {_CELL}>{cell if i in raw else escape('-' if cell is None else str(cell))}</td>"
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def progress(
    iterable: Iterable[Any] | None = None,
    *,
    total: float | None = None,
    label: str = "",
    unit: str = "it",
    enabled: bool | None = None,
    delay: float = 0.5,
) -> Any:
    """Make a progress bar: a widget in notebooks, a line in terminals, nothing in pipes.

    Parameters
    ----------
    iterable, total, label, unit
        As for ``tqdm``; ``unit="B"`` counts bytes in powers of 1000.
    enabled
        ``None``: in notebooks and terminals, unless ``GEODES_PROGRESS=0``.
    delay
        Seconds: what is quicker leaves no trace in a notebook.
    """
    from tqdm.auto import tqdm

    return tqdm(
        iterable,
        total=total,
        desc=label,
        unit=unit,
        unit_scale=unit == "B",
        disable=not (interactive() if enabled is None else enabled),
        leave=False,
        delay=delay,
    )


def tell(text: str) -> None:
    """Print a line where somebody looks on; see `interactive`."""
    if interactive():
        sys.stdout.write(text + "\n")


def interactive() -> bool:
    """Tell whether somebody looks on: a notebook or a terminal, and not ``GEODES_PROGRESS=0``."""
    if os.environ.get("GEODES_PROGRESS") == "0":
        return False
    return in_notebook() or sys.stderr.isatty()


def in_notebook() -> bool:
    """Tell whether this process is a notebook's kernel; that IPython is imported is not enough."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None

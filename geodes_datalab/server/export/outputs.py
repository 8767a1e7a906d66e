"""Which of the forms of an output paper shows: pictures, tables and texts, nothing that needs a script."""

from __future__ import annotations

import re
from typing import Any

from geodes_datalab.server.export.formulas import formula, unwrapped

PICTURES = ("image/png", "image/jpeg", "image/svg+xml")

_SCRIPT = re.compile(r"<(script|iframe|object|embed)\b", re.IGNORECASE)
_SEEN = re.compile(r"<(table|img|svg|p|li|h[1-6])\b", re.IGNORECASE)
_PROGRAM = re.compile(r"<(script|iframe|noscript)\b.*?(</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
LINES = 1000
"""Lines of an output that are printed: of a hundred thousand, pages are laid out for minutes."""

WIDE = 5000
"""Characters of a line that are printed: a line is broken in a time that grows as its square."""

_UNFOLDS = "xr-text-repr-fallback"
"""Part of xarray's tables, which unfold in browsers: on paper the text says more."""


def on_paper(notebook: Any) -> Any:
    """Leave one printable form of every output of a notebook.

    Parameters
    ----------
    notebook
        Changed in place.
    """
    notebook.metadata.pop("widgets", None)  # megabytes, for scripts alone
    for cell in notebook.cells:
        if cell.cell_type != "markdown":  # whose long lines are pictures
            cell.source = shortened(_text(cell.source))
        for output in cell.get("outputs", ()):
            _print(output)
    return notebook


def _print(output: Any) -> None:
    if "data" in output:
        output["data"] = chosen(output["data"])
        if "text/plain" in output["data"]:
            output["data"]["text/plain"] = shortened(_text(output["data"]["text/plain"]))
    if "text" in output:
        output["text"] = shortened(overwritten(_text(output["text"])))
    if "traceback" in output:
        output["traceback"] = [shortened(_text(each)) for each in output["traceback"]]


def overwritten(text: str) -> str:
    r"""Return a text as a terminal shows it in the end: bars of progress go back to the line's start.

    Examples
    --------
    >>> overwritten("  0%\r 50%\r100%\ndone\r\n")
    '100%\ndone\n'
    """
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return "\n".join(lines)


def shortened(text: str) -> str:
    """Return a text with no more lines, and none longer, than paper is for; it tells what is left out.

    Parameters
    ----------
    text
        Of an output, or the source of a cell.
    """
    lines = text.split("\n")
    if len(lines) > LINES:
        half = LINES // 2
        left = f"[... {len(lines) - 2 * half} lines are left out on paper ...]"
        lines = [*lines[:half], left, *lines[-half:]]
    return "\n".join(
        line if len(line) <= WIDE else f"{line[:WIDE]} [... {len(line) - WIDE} characters more]"
        for line in lines
    )


def chosen(data: dict[str, Any]) -> dict[str, Any]:
    """Return the one form that is printed; none where there is no text either.

    Parameters
    ----------
    data
        Form -> content.

    Examples
    --------
    >>> chosen({"text/html": "<script>draw()</script>", "text/plain": "Map(...)"})
    {'text/plain': 'Map(...)'}
    """
    for kind in PICTURES:
        if kind in data:
            return {kind: data[kind]}
    table = _static(_text(data.get("text/html", "")))
    if table:
        return {"text/html": table}
    if "text/markdown" in data:
        return {"text/markdown": data["text/markdown"]}
    if "text/latex" in data:
        return {"text/html": formula(unwrapped(_text(data["text/latex"])), inline=False)}
    return {kind: content for kind, content in data.items() if kind == "text/plain"}


def _static(source: str) -> str:
    """Return HTML as far as it shows something without a script; else nothing."""
    if not source or _UNFOLDS in source:
        return ""
    if not _SCRIPT.search(source):
        return source
    rest = _PROGRAM.sub("", source)
    return rest if _SEEN.search(rest) else ""


def _text(content: Any) -> str:
    return "".join(content) if isinstance(content, list) else str(content)

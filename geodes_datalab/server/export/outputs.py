"""Which of the forms of an output paper shows: pictures, tables and texts, nothing that needs a script."""

from __future__ import annotations

import re
from typing import Any

from geodes_datalab.server.export.formulas import formula, unwrapped

PICTURES = ("image/png", "image/jpeg", "image/svg+xml")

_SCRIPT = re.compile(r"<(script|iframe|object|embed)\b", re.IGNORECASE)
_SEEN = re.compile(r"<(table|img|svg|p|li|h[1-6])\b", re.IGNORECASE)
_PROGRAM = re.compile(r"<(script|iframe|noscript)\b.*?(</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
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
        for output in cell.get("outputs", ()):
            if "data" in output:
                output["data"] = chosen(output["data"])
    return notebook


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

"""Formulas, written as in LaTeX, as pictures in text."""

from __future__ import annotations

import base64
import html
import re

SIZE = 24
"""Size of the drawing's letters; on the page they are as large as the text around."""

_NAMED = re.compile(r"\\operatorname\*?\{([^}]*)\}")
_NUMBERS = re.compile(r"\\(?:label|tag\*?)\{[^}]*\}|\\(?:nonumber|notag)(?![a-zA-Z])")


def formula(source: str, *, inline: bool) -> str:
    """Return the HTML of a formula; one that cannot be drawn is shown as it is written.

    Parameters
    ----------
    source
        LaTeX, without the signs around it.
    inline
        Whether it stands within a line.
    """
    try:
        picture, height, depth = _drawn(_plain(source), inline=inline)
    except Exception:  # noqa: BLE001 - of a parser of others: any text may stand in a notebook
        return f'<code class="formula">{html.escape(source.strip())}</code>'
    style = f"height: {height:.3f}em; vertical-align: {depth:.3f}em"
    data = base64.b64encode(picture.encode()).decode()
    words = html.escape(source.strip(), quote=True)
    image = f'<img class="formula" alt="{words}" style="{style}" src="data:image/svg+xml;base64,{data}">'
    return image if inline else f'<div class="formula">{image}</div>'


def unwrapped(source: str) -> str:
    """Return LaTeX without the signs that mark it as a formula.

    Examples
    --------
    >>> unwrapped("$$ x^2 $$")
    'x^2'
    """
    text = source.strip()
    for begin, end in (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")):
        if text.startswith(begin) and text.endswith(end) and len(text) > len(begin + end):
            return text[len(begin) : -len(end)].strip()
    return text


def _plain(source: str) -> str:
    """Leave out what numbers lines, and write names of functions as text."""
    return _NAMED.sub(r"\\mathrm{\1}", _NUMBERS.sub("", source)).strip()


def _drawn(source: str, *, inline: bool) -> tuple[str, float, float]:
    """Return a picture, its height and how far it goes below the line, in sizes of letters."""
    from ziamath.zmath import Latex

    drawing = Latex(source, size=SIZE, inline=inline, margin=0)
    _, height = drawing.getsize()
    return drawing.svg(), height / SIZE, drawing.getyofst() / SIZE

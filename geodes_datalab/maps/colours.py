"""Numbers to colours, and the legend that explains them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import isnan

from geodes_datalab._optional import need
from geodes_datalab.errors import ConfigurationError, near

MISSING = "#8c8c8c"
"""Colour of what has no value."""


@dataclass(frozen=True)
class Scale:
    """A range of numbers and the colours that stand for it."""

    low: float
    high: float
    cmap: str = "viridis"
    """Name of a Matplotlib colour map."""

    def colour(self, value: float | None) -> str:
        """Return a colour as ``#rrggbb``; numbers beyond the ends take the end's colour.

        Examples
        --------
        >>> Scale(0, 100).colour(0), Scale(0, 100).colour(250), Scale(0, 1).colour(None)
        ('#440154', '#fde725', '#8c8c8c')
        """
        if value is None or isnan(value):
            return MISSING
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return _hex(self.cmap, min(1.0, max(0.0, share)))

    def legend(self, title: str, label: Callable[[float], str], note: str = "") -> str:
        """Return a colour bar as HTML, with title, both ends and a note; texts are escaped."""
        steps = ",".join(_hex(self.cmap, step / 8) for step in range(9))
        bar = f'<div style="width:150px;height:10px;background:linear-gradient(to right,{steps})"></div>'
        ends = "".join(f"<span>{escape(label(end))}</span>" for end in (self.low, self.high))
        return _box(
            f"<b>{escape(title)}</b>{bar}"
            f'<div style="display:flex;justify-content:space-between">{ends}</div>{_small(note)}'
        )


def plain_legend(title: str, note: str = "") -> str:
    """Return a legend without a colour bar, as HTML; texts are escaped."""
    return _box(f"<b>{escape(title)}</b>{_small(note)}")


def known(cmap: str) -> str:
    """Return the name of a colour map, if Matplotlib has it.

    Raises
    ------
    ConfigurationError
        It has not; with near matches.
    """
    matplotlib = need("matplotlib", extra="maps")
    if cmap not in matplotlib.colormaps:
        names: Sequence[str] = list(matplotlib.colormaps)
        raise ConfigurationError(
            f"unknown colour map {cmap!r}",
            hint=near(cmap, names) or 'use a name of Matplotlib, such as "viridis" or "RdYlGn"',
        )
    return cmap


def _hex(cmap: str, share: float) -> str:
    matplotlib = need("matplotlib", extra="maps")
    colors = need("matplotlib.colors", extra="maps")
    return str(colors.to_hex(matplotlib.colormaps[cmap](share)))


def _box(inner: str) -> str:
    return f'<div style="padding:4px 8px;font-size:12px;line-height:1.4;color:#222">{inner}</div>'


def _small(note: str) -> str:
    return f'<div style="color:#555">{escape(note)}</div>' if note else ""

"""Numbers to colours, and the legend that explains them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import isnan
from typing import Any

from geodes_datalab._language import gettext
from geodes_datalab._optional import need
from geodes_datalab._theme import TEXT
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

    def shares(self, values: Any) -> Any:
        """Return where numbers lie between the ends: from 0 to 1, and 0.5 where both ends are one.

        Examples
        --------
        >>> import numpy as np
        >>> Scale(0, 4).shares(np.array([-1.0, 1.0, 9.0])).tolist()
        [0.0, 0.25, 1.0]
        """
        return _shares(values, self.low, self.high)

    def legend(self, title: str, label: Callable[[float], str], note: str = "") -> str:
        """Return a colour bar as HTML, with title, ends and middle and a note; texts are escaped."""
        steps = ",".join(_hex(self.cmap, step / 8) for step in range(9))
        ticks = [label(self.low), label((self.low + self.high) / 2), label(self.high)]
        told = gettext("colours from {low} to {high}", low=ticks[0], high=ticks[2])
        bar = (
            f'<div role="img" aria-label="{escape(told, quote=True)}" '
            f'style="height:10px;background:linear-gradient(to right,{steps})"></div>'
        )
        texts = "".join(
            f'<span style="flex:1;text-align:{side}">{escape(tick)}</span>'
            for side, tick in zip(("left", "center", "right"), ticks, strict=True)
        )
        return _box(
            f'<b>{escape(title)}</b>{bar}<div style="display:flex;gap:8px">{texts}</div>{_small(note)}'
        )


@dataclass(frozen=True)
class Stretch:
    """Ranges of red, green and blue: what is dark, and what is bright."""

    lows: tuple[float, float, float]
    highs: tuple[float, float, float]
    gamma: float = 1.0

    def shares(self, values: Any) -> Any:
        """Return where numbers (band, ...) lie between dark (0) and bright (1)."""
        import numpy as np

        each = [
            _shares(values[band], low, high)
            for band, (low, high) in enumerate(zip(self.lows, self.highs, strict=True))
        ]
        return np.stack(each) ** (1 / self.gamma)


def _shares(values: Any, low: float, high: float) -> Any:
    import numpy as np

    if not high > low:
        return values * 0 + 0.5
    return np.clip((values - low) / (high - low), 0, 1)


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
    return (
        f'<div style="padding:4px 8px;min-width:150px;font-size:12px;line-height:1.4;'
        f'color:{TEXT}">{inner}</div>'
    )


def _small(note: str) -> str:
    return f'<div style="opacity:.8">{escape(note)}</div>' if note else ""

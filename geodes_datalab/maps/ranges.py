"""Which values get which colours: one choice for all dates, and the words that explain it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from geodes_datalab._language import gettext
from geodes_datalab.errors import ConfigurationError
from geodes_datalab.maps.colours import Scale, Stretch, known
from geodes_datalab.maps.raster import limits, seen
from geodes_datalab.maps.series import Series
from geodes_datalab.ops.colours import GAMMA

Values: TypeAlias = np.ndarray[Any, Any]

ENOUGH = 512
"""Pixels along the longer side of a date that tell the range of its values."""

_TRIED = 5
"""Dates of a lazy cube that are read in search of one that is not empty."""


@dataclass(frozen=True)
class Wish:
    """What the user asks of colours."""

    cmap: str = "viridis"
    vmin: float | None = None
    vmax: float | None = None
    percentiles: tuple[float, float] = (2, 98)


@dataclass(frozen=True)
class Colours:
    """Colours of all steps of a series."""

    scale: Scale | Stretch
    note: str = ""
    """How the ends were found."""
    start: int = 0
    """The step to show first."""


def chosen(series: Series, wish: Wish, read: Callable[[int], Values]) -> Colours:
    """Choose colours once for all steps.

    Where the ends are not given, they are percentiles: of all dates, if these lie in memory; of a lazy
    cube, of the first date that has values, since the others shall not be read for this. Reflectance has
    ends of its own.

    Parameters
    ----------
    series
        What is looked at.
    wish
        What was asked for.
    read
        Returns the values of a step, with dims ([band], y, x); of lazy ones only.

    Raises
    ------
    ConfigurationError
        Unknown colour map, or limits that make no range.
    """
    cmap = known(wish.cmap)
    _check(wish)
    if series.pairs and wish.vmin is None and wish.vmax is None:
        return Colours(_stretch(series.pairs, GAMMA))
    if wish.vmin is not None and wish.vmax is not None:
        ends = [(float(wish.vmin), float(wish.vmax))] * (3 if series.is_rgb else 1)
        return Colours(_scale(ends, cmap, rgb=series.is_rgb))
    start, values = _sample(series, read)
    return of_values(series, wish, values, start=start, of=_of_date(series, start))


def of_values(
    series: Series, wish: Wish, values: Values, *, start: int = 0, of: str = ""
) -> Colours:
    """Choose colours by the percentiles of values with dims ([band], ...)."""
    count = 3 if series.is_rgb else 1
    parts = list(values) if series.each else [values] * count
    found = [limits(part, wish.percentiles) for part in parts]
    ends = [
        (low if wish.vmin is None else wish.vmin, high if wish.vmax is None else wish.vmax)
        for low, high in found
    ]
    scale = _scale(ends, known(wish.cmap), rgb=series.is_rgb)
    return Colours(scale, _note(wish) + of, start)


def is_lazy(series: Series) -> bool:
    """Tell whether pixels are read only when they are wanted."""
    return bool(series.array.chunks)


def _check(wish: Wish) -> None:
    low, high = wish.percentiles
    if not 0 <= low < high <= 100:
        raise ConfigurationError(
            f"percentiles={wish.percentiles!r} is no range", hint="give two of 0 to 100, as (2, 98)"
        )


def _sample(series: Series, read: Callable[[int], Values]) -> tuple[int, Values]:
    """Return the step to begin with, and values that tell the range."""
    if not is_lazy(series):
        values = seen(series.array, series.dims, ENOUGH).values
        steps = series.is_rgb and series.along is not None
        return 0, np.moveaxis(values, 1, 0) if steps else values
    for number in range(min(len(series), _TRIED)):
        values = read(number)
        if np.isfinite(values).any():
            return number, values
    return 0, values


def _of_date(series: Series, start: int) -> str:
    lazy = is_lazy(series) and len(series) > 1
    return gettext(" of {date}", date=series.labels[start]) if lazy else ""


def _note(wish: Wish) -> str:
    low, high = wish.percentiles
    if wish.vmin is not None:
        return gettext("up to percentile {high}", high=f"{high:g}")
    if wish.vmax is not None:
        return gettext("from percentile {low}", low=f"{low:g}")
    return gettext("percentiles {low} to {high}", low=f"{low:g}", high=f"{high:g}")


def _scale(ends: Sequence[tuple[float, float]], cmap: str, *, rgb: bool) -> Scale | Stretch:
    for low, high in ends:
        if high < low:
            raise ConfigurationError(
                f"the colours would go from {low:g} to {high:g}",
                hint="give vmin below vmax, or neither",
            )
    return _stretch(ends) if rgb else Scale(*ends[0], cmap)


def _stretch(ends: Sequence[tuple[float, float]], gamma: float = 1.0) -> Stretch:
    (a, b), (c, d), (e, f) = ends
    return Stretch((a, c, e), (b, d, f), gamma)

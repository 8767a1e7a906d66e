"""How a CRS comes again after a full turn: in longitude, and in the x of cylindrical projections."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from odc.geo import CRS
from pyproj import Transformer
from pyproj.exceptions import CRSError, ProjError

NEAR = 1e-9
"""Share of a turn that is nothing."""


class Turn(NamedTuple):
    """How a CRS comes again."""

    length: float
    """Units of x after which it does."""
    low: float
    """x of its western edge: what PROJ returns lies between this and a turn more."""

    def home(self, x: float) -> float:
        """Return how far to go, in whole turns, to come between the edges."""
        return -math.floor((x - self.low) / self.length + NEAR) * self.length


@lru_cache(maxsize=256)
def turn(crs: CRS | None) -> Turn | None:
    """Tell after which distance in x a CRS comes again; None where it does not.

    Examples
    --------
    >>> turn(CRS("EPSG:4326")), turn(CRS("EPSG:32631"))
    (Turn(length=360.0, low=-180.0), None)
    """
    if crs is None:
        return None
    if crs.geographic:
        whole = 360 / _degrees(crs.proj)
        return Turn(whole, -whole / 2)
    try:
        return _cylinder(crs)
    except (CRSError, ProjError, ValueError):
        return None


def _degrees(crs: Any) -> float:
    """Return how many degrees a unit of longitude is (French maps have grads)."""
    factor = crs.axis_info[0].unit_conversion_factor if crs.axis_info else 0
    return round(math.degrees(factor), 12) if factor else 1.0


def _cylinder(crs: CRS) -> Turn | None:
    """Look at how x grows with longitude: evenly, and alike at all latitudes, on a cylinder."""
    base = crs.proj.geodetic_crs
    if base is None:
        return None
    to = Transformer.from_crs(base, crs.proj, always_xy=True).transform
    unit = _degrees(base)
    longitudes = np.arange(-180, 180, 10.0) / unit
    rows = [np.asarray(to(longitudes, np.full(36, degrees / unit))[0]) for degrees in (0, 45, -60)]
    if not np.isfinite(rows).all():
        return None
    grows = float(np.median(np.diff(rows[0])))
    whole = 36 * grows
    uneven = [np.diff(row, append=row[0]) - grows for row in rows]
    alike = [row - rows[0] for row in rows[1:]]
    if grows <= 0 or any(_off(item, whole) > 1e-6 for item in uneven + alike):
        return None
    first = int(np.argmin(rows[0]))  # the seam is within ten degrees west of it
    return Turn(whole, _edge(to, longitudes[first], 10 / unit, whole))


def _off(values: Any, whole: float) -> float:
    """Return by which share of a turn values are no whole turns, at most."""
    return float(np.abs(values / whole - np.round(values / whole)).max())


def _edge(to: Any, east: float, width: float, whole: float) -> float:
    """Find the western edge: x jumps there."""
    x = float(to(east, 0)[0])
    low, high = 0.0, width
    for _ in range(60):
        middle = (low + high) / 2
        if float(to(east - middle, 0)[0]) < x:
            low = middle
        else:
            high = middle
    return x - low * whole / (36 * width)

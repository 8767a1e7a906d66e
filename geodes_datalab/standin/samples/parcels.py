"""A drawn farmland: convex parcels with crops, cut out of a square by straight lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from geodes_datalab.standin.samples.grid import Grid

GRID = Grid(32631, 370_600, 4_826_580, 10, 360, 360)
"""Where the farmland is put: 3.6 x 3.6 km on tile T31TCJ, which are Toulouse in reality."""

AREA = (1.40, 43.55, 1.44, 43.58)
"""West, south, east, north of the examples' place, which lies within."""

CROPS = {"wheat": 30, "sunflower": 20, "maize": 18, "rapeseed": 9, "meadow": 14, "wood": 9}
"""Cover of the parcels, and how often it is drawn."""

ROAD = 7
"""Metres from the middle of a road to its edge."""

_SEED = 31

Ring = list[tuple[float, float]]


@dataclass(frozen=True)
class Parcel:
    """One field."""

    ring: Ring
    """Corners in metres, right and down from the corner of the grid."""
    crop: str


@dataclass(frozen=True)
class Land:
    """The parcels, and where they lie in the picture."""

    parcels: tuple[Parcel, ...]
    labels: Any
    """Index of the parcel that each pixel lies in."""
    roads: Any
    """True where a road is."""


@cache
def land() -> Land:
    """Return the drawn farmland, which is always the same."""
    return _Cutter().land()


class _Cutter:
    """Cuts the square again and again; pixels and outlines follow the same lines."""

    def __init__(self) -> None:
        self.random = np.random.Generator(np.random.PCG64(_SEED))
        rows, columns = np.indices((GRID.height, GRID.width))
        self.x, self.y = columns.ravel() * 10 + 5, rows.ravel() * 10 + 5
        self.labels = np.zeros(self.x.size, "int64")
        self.roads = np.zeros(self.x.size, bool)
        self.parcels: list[Parcel] = []

    def land(self) -> Land:
        right, down = GRID.width * 10.0, GRID.height * 10.0
        square = [(0.0, 0.0), (right, 0.0), (right, down), (0.0, down)]
        self.cut(square, np.arange(self.x.size), depth=0, tilt=2)
        shape = (GRID.height, GRID.width)
        return Land(tuple(self.parcels), self.labels.reshape(shape), self.roads.reshape(shape))

    def cut(self, ring: Ring, pixels: Any, *, depth: int, tilt: int) -> None:
        """Cut a piece in two until the pieces are small enough to be fields."""
        if _area(ring) < int(self.random.integers(45_000, 130_000)):
            self.labels[pixels] = len(self.parcels)
            names, shares = list(CROPS), np.cumsum(list(CROPS.values()))
            drawn = int(self.random.integers(0, shares[-1]))
            crop = names[int(np.searchsorted(shares, drawn, side="right"))]
            self.parcels.append(Parcel(ring, crop))
            return
        if depth < 4:
            tilt = int(self.random.integers(-7, 8))
        a, b, c = self.line(ring, tilt)
        distance = a * self.x[pixels] + b * self.y[pixels] - c
        if depth < 3:
            self.roads[pixels[distance**2 <= ROAD**2 * (a * a + b * b)]] = True
        for side in (1, -1):
            part = _clip(ring, side * a, side * b, side * c)
            chosen = pixels[distance >= 0] if side == 1 else pixels[distance < 0]
            self.cut(part, chosen, depth=depth + 1, tilt=tilt)

    def line(self, ring: Ring, tilt: int) -> tuple[int, int, int]:
        """Return a, b, c of the line ax + by = c that cuts a piece across its longer side."""
        left, right = min(x for x, _ in ring), max(x for x, _ in ring)
        top, bottom = min(y for _, y in ring), max(y for _, y in ring)
        part = int(self.random.integers(38, 63))
        if right - left >= bottom - top:
            x, y, a, b = left + (right - left) * part / 100, (top + bottom) / 2, 16, tilt
        else:
            x, y, a, b = (left + right) / 2, top + (bottom - top) * part / 100, -tilt, 16
        return a, b, int(a * x + b * y)


def _clip(ring: Ring, a: int, b: int, c: int) -> Ring:
    """Return the part of a convex ring where ax + by >= c."""
    kept: Ring = []
    for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True):
        start, end = a * x0 + b * y0 - c, a * x1 + b * y1 - c
        if start >= 0:
            kept.append((x0, y0))
        if (start >= 0) != (end >= 0):
            share = start / (start - end)
            kept.append((x0 + (x1 - x0) * share, y0 + (y1 - y0) * share))
    return kept


def _area(ring: Ring) -> float:
    turned = [*ring[1:], ring[0]]
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, turned, strict=True))) / 2

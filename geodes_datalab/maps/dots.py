"""Footprints too small to be seen, as dots: one for all that lie together."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from geodes_datalab._types import Json
from geodes_datalab.maps import mercator

_SEEN = 9
"""Pixels from which a footprint needs no dot."""
_TOGETHER = 18
"""Pixels within which dots become one."""


class Dot(NamedTuple):
    """Products at one place."""

    longitude: float
    latitude: float
    items: tuple[int, ...]
    """Their positions."""

    @property
    def radius(self) -> float:
        """Pixels; larger for many.

        Examples
        --------
        >>> Dot(0, 0, (1,)).radius, Dot(0, 0, tuple(range(16))).radius
        (5.0, 9.0)
        """
        return min(12.0, 5 + math.log2(len(self.items)))


def gathered(shapes: Mapping[int, Any], zoom: float) -> list[Dot]:
    """Return dots for the shapes that are smaller than some pixels.

    Parameters
    ----------
    shapes
        Position and footprint (shapely, degrees).
    zoom
        Level of the map.

    Examples
    --------
    >>> from shapely import box
    >>> near, far = box(1, 43, 2, 44), box(1.1, 43, 2.1, 44)
    >>> [dot.items for dot in gathered({0: near, 1: far, 2: box(90, 0, 91, 1)}, zoom=1)]
    [(0, 1), (2,)]
    >>> gathered({0: near}, zoom=6)
    []
    """
    pixel = 360 / mercator.width(zoom)
    cells: dict[tuple[int, int], list[tuple[float, float, int]]] = {}
    for item, shape in shapes.items():
        west, south, east, north = shape.bounds
        x, y = (west + east) / 2, (south + north) / 2
        stretch = mercator.flattened(y)
        if max(east - west, (north - south) / stretch) >= _SEEN * pixel:
            continue
        cell = round(x / (_TOGETHER * pixel)), round(y / (_TOGETHER * pixel * stretch))
        cells.setdefault(cell, []).append((x, y, item))
    return [_dot(places) for places in cells.values()]


def under(dots: Sequence[Dot], longitude: float, latitude: float, zoom: float) -> list[int]:
    """Return the positions of the products of the dot at a place; none where there is no dot."""
    pixel = 360 / mercator.width(zoom)
    for dot in dots:
        aside = (longitude - dot.longitude + 180) % 360 - 180
        up = (latitude - dot.latitude) / mercator.flattened(latitude)
        if math.hypot(aside, up) <= (dot.radius + 1) * pixel:
            return list(dot.items)
    return []


def features(dots: Sequence[Dot], colours: Mapping[int, str], chosen: Collection[int]) -> Json:
    """Return the dots as a GeoJSON FeatureCollection; those with a chosen product stand out."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {
                    "item": dot.items[0],
                    "items": list(dot.items),
                    "style": {
                        "radius": dot.radius,
                        "color": "#d7191c" if set(dot.items) & set(chosen) else "#ffffff",
                        "weight": 2,
                        "fillColor": colours[dot.items[0]],
                        "fillOpacity": 0.9,
                    },
                },
                "geometry": {"type": "Point", "coordinates": [dot.longitude, dot.latitude]},
            }
            for dot in dots
        ],
    }


def _dot(places: list[tuple[float, float, int]]) -> Dot:
    count = len(places)
    x, y = sum(x for x, _, _ in places) / count, sum(y for _, y, _ in places) / count
    return Dot(x, y, tuple(item for _, _, item in places))

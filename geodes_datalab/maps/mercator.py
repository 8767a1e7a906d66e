"""Web Mercator, the projection of the map: the whole world is one wide and one high."""

from __future__ import annotations

import math

EDGE = 85.05
"""Latitude at which the map ends, north and south."""

_ROUND = 2 * math.pi * 6378137.0
"""Metres around EPSG:3857's sphere."""


def placed(longitude: float, latitude: float) -> tuple[float, float]:
    """Return where a place is: eastward of Greenwich, and down from the upper edge; poles lie on the edges.

    Examples
    --------
    >>> placed(0, 0), placed(-90, 90)[1] < 1e-4
    ((0.0, 0.5), True)
    """
    near = max(-EDGE, min(EDGE, latitude))
    return longitude / 360, 0.5 - math.asinh(math.tan(math.radians(near))) / (2 * math.pi)


def degrees(x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude of a place of the map; see `placed`.

    Examples
    --------
    >>> [round(number, 6) for number in degrees(*placed(1.44, 43.6))]
    [1.44, 43.6]
    """
    return x * 360, math.degrees(math.atan(math.sinh((0.5 - y) * 2 * math.pi)))


def degrees_of_metres(x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude of a place in EPSG:3857.

    Examples
    --------
    >>> [round(number, 6) for number in degrees_of_metres(160300.067, 5403748.492)]
    [1.44, 43.6]
    """
    return degrees(x / _ROUND, 0.5 - y / _ROUND)


def width(zoom: float) -> float:
    """Return how many pixels wide the world is.

    Examples
    --------
    >>> width(0), width(3)
    (256, 2048)
    """
    return 256 * 2**zoom


def flattened(latitude: float) -> float:
    """Return how many degrees of latitude are as long on the map as one of longitude.

    Examples
    --------
    >>> round(flattened(60), 6), flattened(90) == flattened(-EDGE)
    (0.5, True)
    """
    return math.cos(math.radians(min(abs(latitude), EDGE)))

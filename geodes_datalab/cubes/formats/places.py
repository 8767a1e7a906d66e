"""Places of values that lie on no grid: which of them touch an area."""

from __future__ import annotations

from typing import Any

import numpy as np


def wrapped(longitude: Any) -> Any:
    """Return longitudes from -180 to 180 degrees, whichever way round they were told.

    Examples
    --------
    >>> [float(wrapped(one)) for one in (0.5, 359.5, -180.0)]
    [0.5, -0.5, -180.0]
    """
    return (longitude + 180.0) % 360.0 - 180.0


def inside(longitude: Any, latitude: Any, area: Any) -> Any:
    """Tell which places lie in the box of an area (a Shapely geometry in degrees).

    Examples
    --------
    >>> import shapely
    >>> inside(np.array([1.0, 361.5, 3.0]), np.array([44.0, 44.0, 44.0]), shapely.box(1, 43, 2, 45))
    array([ True,  True, False])
    """
    west, south, east, north = area.bounds
    over = (np.asarray(longitude) - west) % 360.0 <= east - west
    return over & (latitude >= south) & (latitude <= north)


def touching(longitude: Any, latitude: Any, area: Any) -> Any:
    """Tell which cells of a table of places touch the box of an area.

    Parameters
    ----------
    longitude, latitude
        Of the corners of the cells, by line and pixel.
    area
        Shapely geometry in degrees.

    Returns
    -------
    numpy.ndarray
        By cell: one line and one pixel fewer than corners.
    """
    west, south, east, north = area.bounds
    half = (east - west) / 2
    (least, most), (lower, upper) = _extremes(wrapped(longitude - west - half)), _extremes(latitude)
    # a cell that seems to go around the globe is on its far side
    over = (least <= half) & (most >= -half) & (most - least < 180.0)
    return over & (lower <= north) & (upper >= south)


def _extremes(table: Any) -> tuple[Any, Any]:
    """Return the least and the greatest corner of each cell; where none is told, NaN."""
    corners = np.stack([table[:-1, :-1], table[1:, :-1], table[:-1, 1:], table[1:, 1:]])
    return np.fmin.reduce(corners, axis=0), np.fmax.reduce(corners, axis=0)


def span(mask: Any) -> slice:
    """Return the part from the first to the last that is true; an empty one where none is."""
    (where,) = np.nonzero(mask)
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else slice(0, 0)

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


def between_corners(corners: Any, shape: tuple[int, int]) -> tuple[Any, Any]:
    """Return longitude and latitude of each pixel of an image, lazily, interpolated between four corners.

    Parameters
    ----------
    corners
        Line, pixel (from 0), longitude and latitude of each of the four.
    shape
        Lines and pixels of the image.

    Examples
    --------
    >>> corners = np.array([[0, 0, 1, 45], [0, 9, 2, 45], [9, 9, 2, 44], [9, 0, 1, 44]])
    >>> longitude, latitude = between_corners(corners, (10, 10))
    >>> float(longitude[0, 9].compute()), float(latitude[9, 0].compute())
    (2.0, 44.0)
    """
    import dask.array as da

    line, pixel, longitude, latitude = np.asarray(corners, "float64").T
    longitude = longitude[0] + wrapped(longitude - longitude[0])  # of one side of 180 degrees
    terms = np.stack([np.ones(4), line, pixel, line * pixel], axis=1)
    lines = da.arange(shape[0], chunks=2048)[:, None]
    pixels = da.arange(shape[1], chunks=2048)[None, :]
    result = []
    for values in (longitude, latitude):
        constant, by_line, by_pixel, by_both = np.linalg.solve(terms, values)
        result.append(constant + by_line * lines + by_pixel * pixels + by_both * lines * pixels)
    return result[0], result[1]


def span(mask: Any) -> slice:
    """Return the part from the first to the last that is true; an empty one where none is."""
    (where,) = np.nonzero(mask)
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else slice(0, 0)

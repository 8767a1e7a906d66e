"""Geometries brought from a CRS of their own to longitude and latitude, in one piece.

Corners alone do not do: edges that are straight in a projection bend in degrees (by 190 m along 100 km
of UTM), longitudes jump at the antimeridian, and around a pole they run through all of a turn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from geodes_datalab._optional import need
from geodes_datalab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely.geometry.base import BaseGeometry

_DENSE = 64
"""Parts into which the longest side of a geometry is cut, to follow how it bends."""

_STRAIGHT = 1e-7
"""Degrees by which an edge may bend and still be straight."""

_NOTHING = 1e-9
"""Degrees between what lies side by side but for rounding."""

_LEAP = 90.0
"""Degrees of the longest edge: of more than half a turn, nobody could tell which way it goes."""

_POLE = 90 - 1e-9


def brought(shape: BaseGeometry, crs: Any) -> BaseGeometry:
    """Bring a geometry from a CRS to longitude and latitude.

    Parameters
    ----------
    shape
        In the units of its CRS.
    crs
        Whatever pyproj understands.

    Returns
    -------
    shapely geometry
        In degrees; across the antimeridian, its longitudes go on beyond 180. Coordinates are not finite
        where the CRS cannot tell them.

    Raises
    ------
    InvalidInput
        The CRS is not known.

    Examples
    --------
    >>> import shapely
    >>> round(brought(shapely.Point(500_000, 0), "EPSG:32631").x, 9)
    3.0
    """
    library = need("pyproj", extra="cubes")
    try:
        own = library.CRS.from_user_input(crs)
        there = library.Transformer.from_crs(own, "EPSG:4326", always_xy=True).transform
        back = library.Transformer.from_crs("EPSG:4326", own, always_xy=True).transform
    except (library.exceptions.ProjError, TypeError, ValueError) as error:
        text = " ".join(repr(crs).split())
        raise InvalidInput(
            f"the geometry names a CRS that is not known: {text[:100]}",
            "bring the geometry to EPSG:4326 first",
        ) from error
    if own.equals("EPSG:4326", ignore_axis_order=True):
        return shape
    result: BaseGeometry = _turned(shape, there, back)
    return result


def _turned(shape: Any, there: Callable[..., Any], back: Callable[..., Any]) -> Any:
    """Bring each part; those of a collection stay beside each other."""
    import numpy as np
    import shapely
    from shapely.affinity import translate

    members = getattr(shape, "geoms", None)
    if members is not None:
        return shapely.GeometryCollection([_turned(item, there, back) for item in members])
    if shape.is_empty:
        return shape
    west, south, east, north = shape.bounds
    step = max(east - west, north - south) / _DENSE
    dense = shapely.segmentize(shape, step) if step > 0 else shape
    plain = shapely.transform(dense, there, interleaved=False)
    if shape.geom_type == "Point" or not np.isfinite(shapely.get_coordinates(plain)).all():
        return plain
    if shape.geom_type != "Polygon":
        return _at_home(shapely.LineString(_smooth(plain.coords)))
    result = _filled(shapely.Polygon(shape.exterior), plain.exterior, back)
    for hole, ring in zip(shape.interiors, plain.interiors, strict=True):
        for xoff in (-360, 0, 360):
            inner = _filled(shapely.Polygon(hole), ring, back)
            result = result.difference(translate(inner, xoff=xoff))
    return _at_home(result)


def _at_home(shape: Any) -> Any:
    """Leave out points that lie on edges as they are, and bring the west between -180 and 180."""
    import shapely
    from shapely.affinity import translate

    result = shapely.segmentize(shapely.simplify(shape, _STRAIGHT), _LEAP)
    turns = math.floor((result.bounds[0] + 180) / 360)
    return translate(result, xoff=-360 * turns) if turns else result


def _filled(shape: Any, ring: Any, back: Callable[..., Any]) -> Any:
    """Return what a ring in degrees encloses: around a pole, all that is nearer to the pole."""
    import shapely
    from shapely.affinity import translate

    points = _smooth(ring.coords)
    if abs(points[-1][0] - points[0][0]) < 180:
        return shapely.Polygon(points)
    points = _smooth(_from_nearest_to_pole(list(ring.coords)[:-1]))
    (first, height), (last, _) = points[0], points[-1]
    last = first + math.copysign(360, last - first)
    points[-1] = last, height  # exactly, so that each turn joins the next
    pole = next((item for item in (90, -90) if shape.contains(shapely.Point(*back(0, item)))), None)
    if pole is None:
        pole = 90 if height > 0 else -90
    cap = shapely.make_valid(shapely.Polygon([*points, (last, pole), (first, pole)]))
    turns = [translate(cap, xoff=xoff) for xoff in (-720, -360, 0, 360, 720)]
    whole = shapely.union_all(turns, grid_size=_NOTHING)
    return whole.intersection(shapely.box(-180, -90, 180, 90))


def _from_nearest_to_pole(points: list[Any]) -> list[Any]:
    """Return the points of a ring from where a meridian to the pole does not cross it."""
    first = max(range(len(points)), key=lambda place: abs(points[place][1]))
    if abs(points[first][1]) >= _POLE:
        first = 0
    return [*points[first:], *points[: first + 1]]


def _smooth(points: Any) -> list[tuple[float, float]]:
    """Return points without a jump; a pole, which lies at any longitude, lies at its neighbours'."""
    listed, result = list(points), []
    known = [x for x, y in listed if abs(y) < _POLE]
    last = known[0] if known else 0.0
    for place, (x, y) in enumerate(listed):
        if abs(y) < _POLE:
            last += (x - last + 180) % 360 - 180
            result.append((last, y))
            continue
        ahead = next((item for item, other in listed[place:] if abs(other) < _POLE), last)
        result.append((last, y))
        last += (ahead - last + 180) % 360 - 180
        result.append((last, y))
    return result

"""The seam of the world: where a CRS ends and begins again, such as the antimeridian.

Longitudes, and the x of cylindrical projections, come again after a full turn: 181 is -179. So one place
has several x, and what lies on both sides of a seam has its two halves a world apart. Here places and
grids are brought together again, in two ways: outlines are made without a jump (they may then reach
beyond 180), and what is compared is compared at each turn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from affine import Affine
from odc.geo import CRS
from odc.geo.geobox import GeoBox
from odc.geo.geom import Geometry
from shapely.affinity import translate

from geodes_datalab.cubes.grid.turns import NEAR, Turn, turn

LONLAT = CRS("EPSG:4326")

_DENSE = 64
"""Parts into which edges are cut, to follow how they bend in another CRS."""


_FAR = 10.0
"""Degrees of an area, from which on it is looked up whether a CRS can show it."""


def together(area: Any) -> Any:
    """Return an area whose parts lie next to each other, its west between -180 and 180.

    Parameters
    ----------
    area
        Geometry in longitude and latitude, in any convention: cut at the antimeridian, beyond 180,
        below -180.

    Examples
    --------
    >>> halves = [shapely.box(-180, -17, -179, -16), shapely.box(179, -17, 180, -16)]
    >>> together(shapely.union_all(halves)).bounds
    (179.0, -17.0, 181.0, -16.0)
    """
    parts = _parts(area)
    if not parts:
        return area
    shifts = arranged([(part.bounds[0], part.bounds[2]) for part in parts], 360.0)
    world = Turn(360.0, -180.0)
    west = min(part.bounds[0] + shift for part, shift in zip(parts, shifts, strict=True))
    home = world.home(west)
    if not any(shifts):
        return translate(area, xoff=home) if home else area
    return shapely.union_all(
        [translate(part, xoff=shift + home) for part, shift in zip(parts, shifts, strict=True)]
    )


def arranged(spans: Sequence[tuple[float, float]], whole: float) -> list[float]:
    """Return by how many units to shift each span, in whole turns, so that all lie closest together.

    Examples
    --------
    >>> arranged([(-180, -170), (160, 180)], 360)
    [360.0, 0.0]
    """
    lows, sizes = (np.array(item) for item in zip(*((a, b - a) for a, b in spans), strict=True))
    apart = float((lows + sizes).max() - lows.min())
    if apart <= whole / 2:
        return [0.0] * len(lows)  # nothing is closer
    slack = whole * NEAR

    def ahead(start: float) -> Any:
        return (lows - start + slack) % whole - slack

    start = min(lows, key=lambda start: float((ahead(start) + sizes).max()))
    if float((ahead(start) + sizes).max()) > apart - slack:
        return [0.0] * len(lows)
    return [float(item) for item in np.round((start + ahead(start) - lows) / whole) * whole]


def _parts(shape: Any) -> list[Any]:
    members = getattr(shape, "geoms", None)
    if members is None:
        return [] if shape.is_empty else [shape]
    return [part for member in members for part in _parts(member)]


def projected(area: Any, crs: CRS) -> Any:
    """Return an area in a CRS, without a jump at its seam.

    Parameters
    ----------
    area
        Geometry in longitude and latitude, in any convention.
    crs
        The CRS. Where it comes again, the area's west lies between its edges.

    Returns
    -------
    shapely geometry
        Coordinates may not be finite, where the CRS cannot show the area.
    """
    area = together(area)
    west, south, east, north = area.bounds
    dense = max(east - west, north - south) / _DENSE or 1.0
    again = turn(crs)
    if again is None:
        return Geometry(area, "EPSG:4326").to_crs(crs, resolution=dense).geom
    to = LONLAT.transformer_to_crs(crs)
    middle = (west + east) / 2
    centre = float(to(np.array([middle]), np.array([(south + north) / 2]))[0][0])

    def flat(points: Any) -> Any:
        x, y = to(points[:, 0], points[:, 1])
        meant = centre + (points[:, 0] - middle) * again.length / 360
        x = x + again.length * np.round((meant - x) / again.length)
        return np.column_stack([x, y])

    shape = shapely.transform(shapely.segmentize(area, dense), flat)
    left = shape.bounds[0]
    return translate(shape, xoff=again.home(left)) if math.isfinite(left) else shape


def bounds(area: Any, crs: CRS) -> tuple[float, float, float, float]:
    """Return what an area lies within in a CRS: left, bottom, right, top.

    They are not finite where the CRS cannot show all of the area: zones show their surroundings, and
    beyond, far longitudes come to lie on near ones.
    """
    if not _shows(together(area).bounds, crs):
        return math.nan, math.nan, math.nan, math.nan
    left, bottom, right, top = projected(area, crs).bounds
    return left, bottom, right, top


@lru_cache(maxsize=1024)
def _shows(place: tuple[float, float, float, float], crs: CRS) -> bool:
    """Tell whether a CRS shows all of a box in degrees: whether the way there leads back."""
    west, south, east, north = place
    if turn(crs) is not None or max(east - west, north - south) <= _FAR:
        return True
    across, down = (
        item.ravel()
        for item in np.meshgrid(np.linspace(west, east, 17), np.linspace(south, north, 17))
    )
    x, y = LONLAT.transformer_to_crs(crs)(across, down)
    there = np.isfinite(x) & np.isfinite(y)
    if not there.all():
        return False
    back, _ = crs.transformer_to_crs(LONLAT)(x, y)
    wrong = np.abs((back - across + 180) % 360 - 180) * np.cos(np.radians(down))
    return bool((wrong < 1e-3).all())


def settled(left: float, right: float, again: Turn, own: Sequence[GeoBox]) -> tuple[float, float]:
    """Return an interval of x at the turn where products have it.

    Parameters
    ----------
    left, right
        The interval, its left between the edges of the CRS.
    again
        How the CRS comes again.
    own
        The products' grids in this CRS. Where they go on beyond its edge (longitudes from 0 to 360), so
        does the interval, unless it lies across their own edge.
    """
    bounds = [box.boundingbox for box in own]
    if not any(item.right > again.low + again.length * (1 + 1e-6) for item in bounds):
        return left, right
    there = Turn(again.length, min(item.left for item in bounds))
    moved = there.home(left)
    if right + moved > there.low + there.length * (1 + NEAR):
        return left, right
    return left + moved, right + moved


# ---- grids


def world(box: GeoBox, column: Any, row: Any) -> tuple[Any, Any]:
    """Return x and y of pixels of a grid, arrays too."""
    return _moved(box.transform, column, row)


def pixel(box: GeoBox, x: Any, y: Any) -> tuple[Any, Any]:
    """Return column and row of x and y in a grid, arrays too."""
    return _moved(~box.transform, x, y)


def _moved(by: Affine, x: Any, y: Any) -> tuple[Any, Any]:
    return by.a * x + by.b * y + by.c, by.d * x + by.e * y + by.f


@lru_cache(maxsize=1024)
def outline(box: GeoBox, crs: CRS) -> Geometry:
    """Return the outline of a grid in a CRS, without a jump at its seam.

    Where the CRS comes again, its west may lie anywhere, and a grid around a pole covers a whole turn.
    """
    again = turn(crs)
    if box.crs == crs:
        return box.extent
    if again is None:
        return box.footprint(crs)
    assert box.crs is not None
    x, y = box.crs.transformer_to_crs(crs)(*world(box, *box.boundary(_DENSE).T))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return box.footprint(crs)
    smooth = np.unwrap(np.append(x, x[0]), period=again.length)
    if abs(smooth[-1] - smooth[0]) > again.length / 2:
        return Geometry(_cap(box, crs, again, y), crs)
    return Geometry(shapely.Polygon(np.column_stack([smooth[:-1], y])), crs)


def _cap(box: GeoBox, crs: CRS, again: Turn, y: Any) -> Any:
    """Return what a grid around a pole covers: all that is nearer to the pole than its outline."""
    assert box.crs is not None
    rows, columns = box.shape
    centre = world(box, columns / 2, rows / 2)
    north = box.crs.transformer_to_crs(LONLAT)(*centre)[1] > 0
    _, pole = LONLAT.transformer_to_crs(crs)(0.0, 90.0 if north else -90.0)
    low, high = sorted((pole, y.min() if north else y.max()))
    return shapely.box(again.low, low, again.low + again.length, high)


def lonlat(box: GeoBox) -> Any:
    """Return the outline of a grid in degrees, its west between -180 and 180."""
    result = outline(box, LONLAT).geom
    west = result.bounds[0]
    return translate(result, xoff=Turn(360.0, -180.0).home(west)) if math.isfinite(west) else result


@lru_cache(maxsize=1024)
def shown(box: GeoBox, crs: CRS) -> bool:
    """Tell whether a CRS shows all of a grid: no zone shows the world."""
    if box.crs == crs:
        return True
    place = lonlat(box).bounds
    return all(map(math.isfinite, place)) and _shows(place, crs)


def outlines(box: GeoBox, other: GeoBox) -> list[Geometry]:
    """Return the outline of a grid at each turn at which it may meet another grid, in that one's CRS.

    Where that CRS does not show all of the grid, it may lie anywhere.
    """
    assert other.crs is not None
    if not shown(box, other.crs):
        return [other.extent]
    return [Geometry(item, other.crs) for item in turned(outline(box, other.crs).geom, other)]


def turned(shape: Any, box: GeoBox) -> list[Any]:
    """Return a shape in the CRS of a grid at each turn at which it may meet the grid."""
    again = turn(box.crs)
    if again is None or not all(map(math.isfinite, shape.bounds)):
        return [shape]
    left, _, right, _ = shape.bounds
    bounds = box.boundingbox
    first = math.ceil((bounds.left - right) / again.length - NEAR)
    last = math.floor((bounds.right - left) / again.length + NEAR)
    return [translate(shape, xoff=times * again.length) for times in range(first, last + 1)]


def meet(box: GeoBox, other: GeoBox) -> bool:
    """Tell whether grids of one CRS may have pixels in common, at any turn."""
    ours, theirs = box.boundingbox, other.boundingbox
    if not (ours.bottom < theirs.top and theirs.bottom < ours.top):
        return False
    again = turn(box.crs)
    if again is None:
        return bool(ours.left < theirs.right and theirs.left < ours.right)
    apart = (theirs.left - ours.left) % again.length
    return bool(apart < ours.right - ours.left or apart + theirs.right - theirs.left > again.length)


@lru_cache(maxsize=4096)
def at(box: GeoBox, part: GeoBox) -> bool:
    """Tell whether a seam lies between a file and a part of a cube, or in one of them.

    Parameters
    ----------
    box
        Grid of the file.
    part
        Grid of the part.
    """
    ours, theirs = turn(box.crs), turn(part.crs)
    if ours is None and theirs is None:
        return False
    if box.crs == part.crs:
        return bool(_turns(box, part) - {0}) if ours is not None else False
    assert box.crs is not None
    assert part.crs is not None
    if theirs is not None and (_beyond(part, theirs) or _crosses(outline(box, part.crs), theirs)):
        return True
    return ours is not None and (_beyond(box, ours) or _crosses(outline(part, box.crs), ours))


def _turns(box: GeoBox, part: GeoBox) -> set[int]:
    """Return at which turns of a file it and a part of a cube have something in common."""
    again = turn(box.crs)
    assert again is not None
    ours, theirs = box.boundingbox, part.boundingbox
    first = math.floor((theirs.left - ours.right) / again.length + NEAR) + 1
    last = math.ceil((theirs.right - ours.left) / again.length - NEAR) - 1
    return set(range(first, last + 1))


def _beyond(box: GeoBox, again: Turn) -> bool:
    bounds, slack = box.boundingbox, again.length * NEAR
    return bool(bounds.left < again.low - slack or bounds.right > again.low + again.length + slack)


def _crosses(shape: Geometry, again: Turn) -> bool:
    left, right = shape.boundingbox.left, shape.boundingbox.right
    if not (math.isfinite(left) and math.isfinite(right)):
        return False
    if right - left > again.length * (1 - NEAR):  # around a pole: it has an edge at every turn
        return True
    return bool(right + again.home(left) > again.low + again.length * (1 + NEAR))

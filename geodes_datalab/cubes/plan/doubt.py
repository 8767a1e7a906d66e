"""Doubt of what catalogues tell of grids: false fields of the projection extension are found, and told.

Transforms in GDAL's order, the code of another zone, a shape of columns and rows: such fields place a
product's pixels where it has none, and its own bounding box, which the search went by, contradicts them.
So both are compared, which costs nothing. Where they disagree, the file's header is asked, and believed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from odc.geo.geobox import GeoBox

from geodes_datalab._display import some
from geodes_datalab._types import BBox, Json
from geodes_datalab.cubes import notice
from geodes_datalab.cubes.grid import seam
from geodes_datalab.cubes.parse.products import USELESS, Parsed
from geodes_datalab.errors import ServerQuirk

_SLACK, _ROUNDING = 0.02, 5e-4
"""By which share of its size, and by how many degrees besides, a box may reach beyond its grid."""

_AROUND = 50.0
"""Times the box by which a grid may be larger: products may be a strip at the edge of their tile."""

_BEYOND = 15.0
"""Degrees beyond the area in which a CRS is used, where a grid may lie that no box tells of."""


class Doubted(NamedTuple):
    """What an item told of a grid, and why it is not believed."""

    grid: GeoBox | None
    """None where the fields make no grid at all."""
    why: str


def checked(parsed: Sequence[Parsed]) -> tuple[list[Parsed], dict[str, Doubted]]:
    """Take from items the grids that cannot be right, so that their files are asked.

    Parameters
    ----------
    parsed
        What the items' metadata tell.

    Returns
    -------
    parsed
        The same, without those grids.
    doubted
        What was told, by the item's identifier.
    """
    doubted: dict[str, Doubted] = {}
    shared = {id(item.grids): item.grids for item in parsed}  # by the items of a tile
    outlines = {key: _outlines(grids) for key, grids in shared.items()}
    result = []
    for item in parsed:
        doubt = _doubt(item, outlines[id(item.grids)])
        if doubt is not None:
            doubted[item.id] = doubt
        result.append(item if doubt is None else item._replace(grids={}))
    return result, doubted


def tell(found: Sequence[tuple[Parsed, GeoBox]], doubted: dict[str, Doubted]) -> None:
    """Warn of those items whose fields the header contradicts; a wrong box alone harms nobody here.

    Parameters
    ----------
    found
        Items, and the grid of each as its file tells.
    doubted
        What was told.
    """
    words = [
        f"{item.title}: {text}"
        for item, grid in found
        if item.id in doubted and (text := _differs(doubted[item.id], grid))
    ]
    if words:
        notice.warn(
            "the catalogue does not tell the truth of where pixels lie; the header of each file was "
            f"believed. {some(words, sign='; ')}",
            ServerQuirk,
        )


def _outlines(grids: Mapping[str, GeoBox]) -> list[tuple[GeoBox, BBox | None]]:
    """Return each grid, and what it lies within."""
    return [(grid, _bounds(grid)) for grid in {id(grid): grid for grid in grids.values()}.values()]


def _doubt(one: Parsed, outlines: Sequence[tuple[GeoBox, BBox | None]]) -> Doubted | None:
    """Return a grid that the item's box contradicts, if there is one."""
    box = _box(one.item)
    for grid, outline in outlines:
        why = _wrong(grid, outline, box) or ("" if box else _contradicted(grid, one.item))
        if why:
            return Doubted(grid, why)
    if not outlines and _useless(one):
        return Doubted(None, "proj:code, proj:shape and proj:transform make no grid")
    return None


def _wrong(grid: GeoBox, outline: BBox | None, box: BBox | None) -> str:
    """Say what is wrong with a grid; nothing where it may be right."""
    if outline is None:
        return "proj:transform and proj:shape lie nowhere on Earth"
    if _used_there(grid) if box is None else _agree(outline, box):
        return ""
    told = f"its proj: fields give bbox={_text(outline)}"
    return f"{told}, its own bbox is {_text(box)}" if box else f"{told}, where its CRS is not used"


def _contradicted(grid: GeoBox, item: Json) -> str:
    """Say which other field of an item without a box contradicts a grid, if any does.

    Those are in units of the CRS: where somebody wrote degrees, the header is asked, and nothing said.
    """
    told: Json = item.get("properties") or {}
    numbers = _numbers(told.get("proj:bbox"))
    if numbers is None and told.get("proj:geometry"):
        numbers = _around(told["proj:geometry"], whole=False)
    bounds = grid.boundingbox
    slack = [_SLACK * side for side in (bounds.span_x, bounds.span_y)] * 2
    if numbers is not None and any(
        abs(entry - other) > most for entry, other, most in zip(numbers, bounds, slack, strict=True)
    ):
        return f"proj:transform and proj:shape give {tuple(bounds)}, proj:bbox is {_text(numbers)}"
    centre, outline = told.get("proj:centroid"), _bounds(grid)
    if not isinstance(centre, Mapping) or outline is None:
        return ""
    place = _numbers([centre.get("lon"), centre.get("lat")] * 2)
    if place is None or _holds(outline, place):
        return ""
    return f"its proj: fields give bbox={_text(outline)}, proj:centroid lies outside"


def _holds(outline: BBox, place: BBox) -> bool:
    ahead = (place[0] - outline[0]) % 360
    return ahead <= outline[2] - outline[0] and outline[1] <= place[1] <= outline[3]


def _text(box: BBox) -> str:
    return "({:.6g}, {:.6g}, {:.6g}, {:.6g})".format(*box)


@lru_cache(maxsize=1024)
def _bounds(grid: GeoBox) -> BBox | None:
    """Return what a grid lies within, in degrees; None where it lies nowhere."""
    if min(grid.shape) < 1 or not all(map(math.isfinite, grid.transform[:6])):
        return None
    if grid.crs is None or not grid.transform.determinant:
        return None
    x, y = grid.crs.transformer_to_crs(seam.LONLAT)(*seam.world(grid, *grid.boundary(16).T))
    if not (np.isfinite(x).all() and np.isfinite(y).all()) or np.abs(y).max() > 90.1:
        return None
    west, south, east, north = seam.lonlat(grid).bounds
    return (west, south, east, north) if all(map(math.isfinite, (west, east))) else None


@lru_cache(maxsize=1024)
def _used_there(grid: GeoBox) -> bool:
    """Tell whether a grid lies where its CRS is meant for, or near."""
    used = grid.crs.proj.area_of_use if grid.crs is not None else None
    outline = _bounds(grid)
    if used is None or outline is None:
        return True
    west, south, east, north = outline
    wide = used.east - used.west + (360 if used.east < used.west else 0) + 2 * _BEYOND
    ahead = (west - used.west + _BEYOND) % 360
    across = ahead <= wide or ahead + (east - west) >= 360
    return across and south <= used.north + _BEYOND and north >= used.south - _BEYOND


def _agree(outline: BBox, box: BBox) -> bool:
    """Tell whether a box lies in an outline, and is not tiny in it."""
    west, south, east, north = box
    left, bottom, right, top = outline
    high = north - south
    slack = _SLACK * high + _ROUNDING
    if (
        south < bottom - slack
        or north > top + slack
        or top - bottom > _AROUND * max(high, _ROUNDING)
    ):
        return False
    wide = east - west
    if wide > 180 and (right >= 180 or right - left > 180):
        return True  # a box that was drawn around the two halves of what lies across 180 degrees
    slack = _SLACK * wide + _ROUNDING
    ahead = (west - left + slack) % 360 - slack
    return ahead + wide <= right - left + slack and right - left <= _AROUND * max(wide, _ROUNDING)


def _box(item: Json) -> BBox | None:
    """Return the box of an item, or of its geometry; east of 180 degrees it goes on."""
    numbers = _numbers(item.get("bbox"))
    if numbers is None and item.get("geometry"):
        numbers = _around(item["geometry"])
    if numbers is None:
        return None
    west, south, east, north = numbers
    return (west, south, east + 360 if east < west else east, north)


def _numbers(box: Any) -> BBox | None:
    try:
        numbers = [float(number) for number in box or ()]
    except (TypeError, ValueError):
        return None
    if len(numbers) == 6:  # with heights
        numbers = [*numbers[:2], *numbers[3:5]]
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)) or numbers[1] > numbers[3]:
        return None
    return (numbers[0], numbers[1], numbers[2], numbers[3])


def _around(geometry: Json, *, whole: bool = True) -> BBox | None:
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    try:
        result = shape(geometry)
        result = seam.together(result) if whole else result
    except (AttributeError, KeyError, TypeError, ValueError, ShapelyError):
        return None
    return None if result.is_empty else _numbers(result.bounds)


def _useless(one: Parsed) -> bool:
    """Tell whether fields are there that make no grid whatever."""
    properties: Json = one.item.get("properties") or {}
    assets: Json = one.item.get("assets") or {}
    places = [
        properties,
        *(assets[band.key] for band in one.bands.values() if band.key in assets),
    ]

    def told(name: str) -> Any:
        return next((place[name] for place in reversed(places) if place.get(name)), None)

    shape, transform = told("proj:shape"), told("proj:transform")
    code = told("proj:code") or told("proj:epsg")
    if not (shape and transform and code):
        return False
    return not _makes_a_grid(shape, transform, code)


def _makes_a_grid(shape: Any, transform: Any, code: Any) -> bool:
    from affine import Affine

    try:
        text = f"EPSG:{code}" if str(code).isdigit() else str(code)
        grid = GeoBox(tuple(shape), Affine(*transform[:6]), text)
    except USELESS:
        return False
    return 0 not in grid.shape


def _differs(told: Doubted, grid: GeoBox) -> str:
    """Say what was told falsely of a grid; nothing where the header tells the same."""
    false = told.grid
    if false is None:
        return told.why
    names: dict[str, Callable[[], bool]] = {
        "proj:code": lambda: false.crs == grid.crs,
        "proj:shape": lambda: tuple(false.shape) == tuple(grid.shape),
        "proj:transform": lambda: false.transform.almost_equals(
            grid.transform, 1e-6 * abs(grid.resolution.x)
        ),
    }
    wrong = [name for name, same in names.items() if not same()]
    return f"{', '.join(wrong)} false ({told.why})" if wrong else ""

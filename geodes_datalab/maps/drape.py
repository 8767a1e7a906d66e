"""A product's picture where it was taken: turned and stretched onto its footprint."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from geodes_datalab._language import gettext
from geodes_datalab._optional import have, need
from geodes_datalab._types import Json
from geodes_datalab.maps import mercator
from geodes_datalab.maps.footprints import in_one_piece
from geodes_datalab.maps.inline import content, png

_ALIKE = 0.03
"""How much the shapes of picture and grid may differ for one to be a picture of the other."""
_LARGEST = 700
"""Pixels of the longer side of the picture on the map."""

Point = tuple[float, float]


class Draped(NamedTuple):
    """A picture ready for a map."""

    url: str
    """PNG as a data URI, transparent beside the picture."""
    bounds: tuple[Point, Point]
    """South-west and north-east corner as (latitude, longitude)."""
    note: str
    """How its place was found, in a sentence."""


def draped(item: Json, picture: str) -> Draped | None:
    """Lay a picture on the map.

    By the item's grid if it tells one of the picture's shape; else corner on corner where the footprint
    has four of them; else on the box around the footprint.

    Parameters
    ----------
    item
        A normalised item.
    picture
        Its quicklook as a data URI, north up.

    Returns
    -------
    Draped or None
        None where the item has no footprint.
    """
    images = need("PIL.Image", extra="maps")
    with images.open(io.BytesIO(content(picture))) as opened:
        source = opened.convert("RGBA")
    corners, note = _corners(item, source.size)
    if not corners:
        return None
    return Draped(*_warped(source, [mercator.placed(*corner) for corner in corners]), note)


def _corners(item: Json, size: tuple[int, int]) -> tuple[list[Point], str]:
    """Return where the picture's corners lie (longitude, latitude), clockwise from the upper left."""
    grid = _grid_corners(item["properties"], size)
    if grid:
        return grid, gettext("The picture lies where the product's grid does.")
    shape = _footprint(item)
    if shape is None:
        return [], ""
    four = _four_corners(shape)
    if four and not any(key.startswith("sar:") for key in item["properties"]):
        return four, gettext("The picture's corners lie on the footprint's.")
    if four:
        return four, gettext(
            "Radar: the picture lies on the footprint's corners, and may be mirrored."
        )
    west, south, east, north = shape.bounds
    return (
        [(west, north), (east, north), (east, south), (west, south)],
        gettext("The picture fills the box around the footprint: its place is rough."),
    )


def _grid_corners(properties: Json, size: tuple[int, int]) -> list[Point]:
    """Return the corners of the product's grid, if the picture has its shape."""
    code, shape, transform = (
        properties.get(f"proj:{key}") for key in ("code", "shape", "transform")
    )
    if not (code and shape and transform and have("pyproj")):
        return []
    (rows, columns), (a, b, c, d, e, f) = shape[:2], transform[:6]
    wide, high = columns * math.hypot(a, d), rows * math.hypot(b, e)
    if not high or abs(size[0] / size[1] / (wide / high) - 1) > _ALIKE + 1 / min(size):
        return []
    pyproj = need("pyproj", extra="cubes")
    try:
        turn = pyproj.Transformer.from_crs(code, "EPSG:4326", always_xy=True).transform
    except pyproj.exceptions.CRSError:
        return []
    pixels = ((0, 0), (columns, 0), (columns, rows), (0, rows))
    found = [turn(a * x + b * y + c, d * x + e * y + f) for x, y in pixels]
    return _unwrapped(found) if all(map(math.isfinite, sum(found, ()))) else []


def _unwrapped(points: Sequence[Point]) -> list[Point]:
    """Let longitudes go on beyond 180 degrees where the corners lie on both sides of it."""
    across = max(x for x, _ in points) - min(x for x, _ in points) > 180
    return [(x + 360 if across and x < 0 else x, y) for x, y in points]


def _footprint(item: Json) -> Any:
    """Return the footprint in one piece; None where there is none that has an inside."""
    if not item.get("geometry"):
        return None
    shape = need("shapely.geometry", extra="maps").shape(item["geometry"])
    whole = in_one_piece(need("shapely", extra="maps").make_valid(shape))
    return whole if whole.area > 0 else None


def _four_corners(shape: Any) -> list[Point]:
    """Return the corners of a footprint that has four, clockwise from the upper left; else none."""
    if shape.geom_type != "Polygon" or shape.interiors:
        return []
    ring = shape.normalize().exterior.simplify(0.02 * math.sqrt(shape.area))
    points = list(ring.coords)[:-1]
    if len(points) != 4:
        return []
    if ring.is_ccw:
        points.reverse()
    flat = math.cos(math.radians(shape.centroid.y))

    def eastward(start: int) -> float:
        (x, y), (to_x, to_y) = points[start], points[(start + 1) % 4]
        return abs(math.atan2(to_y - y, (to_x - x) * flat))

    first = min(range(4), key=eastward)
    return points[first:] + points[:first]


def _warped(source: Any, corners: list[Point]) -> tuple[str, tuple[Point, Point]]:
    """Draw a picture with its corners at four places of the map (see `mercator.placed`)."""
    images = need("PIL.Image", extra="maps")
    west, east = min(x for x, _ in corners), max(x for x, _ in corners)
    top, bottom = min(y for _, y in corners), max(y for _, y in corners)
    fine = min(_LARGEST, 1.5 * max(source.size)) / max(east - west, bottom - top)
    size = max(1, round((east - west) * fine)), max(1, round((bottom - top) * fine))
    places = [
        ((x - west) / (east - west) * size[0], (y - top) / (bottom - top) * size[1])
        for x, y in corners
    ]
    turned = source.transform(
        size,
        images.Transform.PERSPECTIVE,
        _perspective(places, source.size),
        resample=images.Resampling.BILINEAR,
    )
    left, south = mercator.degrees(west, bottom)
    right, north = mercator.degrees(east, top)
    return png(turned), ((south, left), (north, right))


def _perspective(places: list[Point], size: tuple[int, int]) -> list[float]:
    """Return the eight numbers by which Pillow finds the source of a pixel."""
    numpy = need("numpy", extra="maps")
    width, height = size
    sources = ((0, 0), (width, 0), (width, height), (0, height))
    rows, right = [], []
    for (x, y), (u, v) in zip(places, sources, strict=True):
        rows += [
            [x, y, 1, 0, 0, 0, -u * x, -u * y],
            [0, 0, 0, x, y, 1, -v * x, -v * y],
        ]
        right += [u, v]
    return [float(number) for number in numpy.linalg.solve(rows, right)]

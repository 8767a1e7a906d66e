"""The grid of Sentinel-2: a tile's name tells its zone, its corner and its pixels.

A tile is named after a 100 km square of the Military Grid Reference System and is 109.8 km wide.
Its corner is the square's north-west corner, moved outwards to a multiple of 60 m (the coarsest
pixels), counted from the equator. The arithmetic agrees with the published list of all tiles.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from geodes_datalab._types import Json
from geodes_datalab.stac.query.conditions import tile

SIZE = 109_800
"""Width and height of a tile in metres."""

_COLUMNS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
_ROWS = "ABCDEFGHJKLMNPQRSTUV"
_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_CYCLE = 2_000_000  # metres after which the row letters repeat
_SOUTH = 10_000_000  # false northing of the southern zones


class Corner(NamedTuple):
    """Where a tile lies."""

    epsg: int
    """UTM zone, 326xx in the north, 327xx in the south."""
    x: int
    """Metres east of the west edge."""
    y: int
    """Metres north of the north edge."""


@lru_cache(maxsize=4096)
def corner(code: str) -> Corner | None:
    """Return the north-west corner of a tile.

    Parameters
    ----------
    code
        ``31TCJ``, ``T31TCJ`` or ``MGRS-31TCJ``.

    Returns
    -------
    Corner or None
        None where the text names no tile.

    Examples
    --------
    >>> corner("T31TCJ"), corner("19GFG")
    (Corner(epsg=32631, x=300000, y=4900020), Corner(epsg=32719, x=600000, y=4700020))
    """
    name = tile(code)
    if name is None:
        return None
    zone, band, column, row = int(name[:2]), name[2], name[3], name[4]
    columns = _COLUMNS[(zone - 1) % 3]
    if not 1 <= zone <= 60 or column not in columns:
        return None
    easting = (columns.index(column) + 1) * 100_000
    northing = (_ROWS.index(row) - (5 if zone % 2 == 0 else 0)) % 20 * 100_000
    middle = _northing(_latitude(band))
    northing += _CYCLE * round((middle - northing - 50_000) / _CYCLE)
    south = _latitude(band) < 0
    return Corner(
        (32_700 if south else 32_600) + zone,
        math.floor(easting / 60) * 60,
        math.ceil((northing + 100_000) / 60) * 60 + (_SOUTH if south else 0),
    )


def projection(code: str, pixel: int | None) -> Json:
    """Return STAC's projection fields of a tile.

    Parameters
    ----------
    code
        See `corner`.
    pixel
        Metres; ``None`` gives CRS and box only.

    Returns
    -------
    dict
        ``proj:code``, ``proj:bbox`` (metres) and, with pixels, ``proj:shape`` (rows, columns) and
        ``proj:transform``; empty where the text names no tile.
    """
    place = corner(code)
    if place is None:
        return {}
    epsg, x, y = place
    fields: Json = {"proj:code": f"EPSG:{epsg}", "proj:bbox": [x, y - SIZE, x + SIZE, y]}
    if pixel:
        count = SIZE // pixel
        fields |= {"proj:shape": [count, count], "proj:transform": [pixel, 0, x, 0, -pixel, y]}
    return fields


def _latitude(band: str) -> float:
    """Return the latitude in the middle of a band."""
    return 78.0 if band == "X" else -76.0 + 8 * _BANDS.index(band)


def _northing(latitude: float) -> float:
    """Return metres from the equator on the central meridian (to some hundred metres)."""
    angle = math.radians(latitude)
    arc = 111_132.95 * latitude - 16_038.51 * math.sin(2 * angle) + 16.83 * math.sin(4 * angle)
    return 0.9996 * arc

"""Where GDAL would leave out the turn from one datum to another.

When it warps, GDAL asks PROJ for what turns coordinates within the box of the file. EPSG tells for each way
where it is meant for, and beyond that GDAL takes "ballpark": the datums are taken to be one, and pixels come
to lie up to some hundred metres off, without a word. Points are turned better: by the way that is there, also
where it was not made for. So that pixels lie where points do, GDAL is told of the whole world.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from odc.geo import CRS
from odc.geo.geobox import GeoBox
from odc.geo.geom import BoundingBox
from pyproj import Transformer
from pyproj.transformer import TransformerGroup

WORLD = "-180,-90,180,90"
"""The area to tell GDAL of, as its option ``AREA_OF_INTEREST``."""


def apart(box: GeoBox, part: GeoBox) -> bool:
    """Tell whether GDAL, left to itself, would take the datums of a file and of a cube to be one.

    Parameters
    ----------
    box
        Grid of the file.
    part
        Grid of a part of the cube.
    """
    if box.crs is None or part.crs is None or box.crs == part.crs:
        return False
    return _left_out(box, str(part.crs))


@lru_cache(maxsize=1024)
def _left_out(box: GeoBox, crs: str) -> bool:
    """Tell it of a file, which is read in many parts."""
    assert box.crs is not None
    if box.crs.proj.geodetic_crs == CRS(crs).proj.geodetic_crs:
        return False
    place = box.geographic_extent.boundingbox
    if not all(math.isfinite(edge) for edge in place.bbox):
        return False
    x, y = (list(each) for each in zip(*box.boundingbox.points, strict=True))
    points = Transformer.from_crs(str(box.crs), crs, always_xy=True)
    result = points.transform(x, y)
    if _covers(points.get_last_used_operation().area_of_use, place):
        return False
    near = 1e-8 if CRS(crs).geographic else 1e-3  # degrees or metres: a millimetre
    return any(
        not np.allclose(result, rough.transform(x, y), rtol=0, atol=near)
        for rough in _ballpark(str(box.crs), crs)
    )


def _ballpark(source: str, target: str) -> list[Transformer]:
    """Return the ways that take datums to be one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of better ways, whose grids are missing
        ways = TransformerGroup(source, target, always_xy=True).transformers
    return [way for way in ways if "Ballpark" in way.description]


def _covers(area: Any, place: BoundingBox) -> bool:
    """Tell whether a way was made for all of a place."""
    return area is not None and bool(
        area.west <= place.left
        and place.right <= area.east
        and area.south <= place.bottom
        and place.top <= area.north
    )

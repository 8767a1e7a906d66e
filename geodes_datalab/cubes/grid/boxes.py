"""Grids of products: where they lie, which touch an area, and what their pixels measure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import shapely
import shapely.affinity
from odc.geo import CRS
from odc.geo.geobox import GeoBox

from geodes_datalab._inputs.areas import swapped
from geodes_datalab.cubes.grid import seam
from geodes_datalab.errors import CubeError


def touches(native: Sequence[GeoBox], area: Any) -> list[bool]:
    """Tell for each product whether it touches an area (lon/lat)."""
    area = seam.together(area)
    hits = {id(box): _meets(area, seam.lonlat(box)) for box in distinct(native)}
    return [hits[id(box)] for box in native]


def touching(native: Sequence[GeoBox], area: Any) -> list[bool]:
    """Tell for each product whether it touches an area (lon/lat).

    Raises
    ------
    CubeError
        None does; the hint tells where the products are.
    """
    hits = touches(native, area)
    if not any(hits):
        west, south, east, north = extent(native)
        hint = f"the products lie within bbox=({west:.3f}, {south:.3f}, {east:.3f}, {north:.3f})"
        if any(touches(native, swapped(area))):
            hint += "; longitude and latitude look swapped: west and east come first and third"
        raise CubeError("none of the products touches the area of interest", hint=hint)
    return hits


def extent(boxes: Iterable[GeoBox]) -> tuple[float, float, float, float]:
    """Return what grids lie within: west, south, east, north in degrees."""
    result = seam.together(shapely.union_all([seam.lonlat(box) for box in distinct(boxes)]))
    west, south, east, north = result.bounds
    return west, south, east, north


def named(box: GeoBox) -> GeoBox:
    """Return a grid whose CRS bears its EPSG code, where it has one: files write it out, in many ways."""
    code = box.crs.epsg if box.crs is not None else None
    if box.crs is None or code is None or str(box.crs) == f"EPSG:{code}":
        return box
    short = CRS(f"EPSG:{code}")
    same = short.proj.equals(box.crs.proj, ignore_axis_order=True)
    return GeoBox(box.shape, box.transform, short) if same else box


def distinct(boxes: Iterable[GeoBox]) -> list[GeoBox]:
    """Return each object once: comparing grids is slow, and products of a tile share one."""
    return list({id(box): box for box in boxes}.values())


def step(box: GeoBox) -> tuple[float, float]:
    """Return the pixel size of a grid (x, y), positive."""
    return abs(box.resolution.x), abs(box.resolution.y)


def _meets(area: Any, outline: Any) -> bool:
    return any(
        outline.intersects(shapely.affinity.translate(area, xoff=shift)) for shift in (0, -360, 360)
    )

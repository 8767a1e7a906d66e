"""Areas of interest: what users give, as one polygon in degrees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from geodes_datalab.errors import CubeError

_ORDER = "give west, south, east, north in degrees, for example (1.3, 43.5, 1.5, 43.7)"


def area(bbox: Sequence[float] | None, geometry: Any) -> BaseGeometry | None:
    """Return the area of interest in longitude and latitude (EPSG:4326).

    Parameters
    ----------
    bbox
        West, south, east, north in degrees; west > east means across the antimeridian.
    geometry
        GeoJSON (geometry, feature or collection), a shapely geometry, a GeoDataFrame or GeoSeries
        (its CRS is honoured), or anything with ``__geo_interface__``.

    Returns
    -------
    shapely geometry or None
        None where no area was given. East of the antimeridian, longitudes go on beyond 180.

    Raises
    ------
    CubeError
        Both were given, or what was given is no area.

    Examples
    --------
    >>> area((179, -17, -179, -16), None).bounds
    (179.0, -17.0, 181.0, -16.0)
    """
    if bbox is not None and geometry is not None:
        raise CubeError("both bbox and geometry were given", hint="give one of them")
    if bbox is not None:
        return _from_bbox(bbox)
    if geometry is None:
        return None
    found = _from_geometry(geometry)
    if found.is_empty:
        raise CubeError("the geometry is empty", hint="give a geometry that covers something")
    _refuse_beyond_earth(found.bounds)
    return found


def swapped(found: BaseGeometry) -> BaseGeometry:
    """Return the area with longitude and latitude exchanged (to recognise that mistake)."""
    return shapely.transform(found, lambda points: points[:, ::-1])


def _from_bbox(bbox: Sequence[float]) -> BaseGeometry:
    try:
        west, south, east, north = (float(value) for value in bbox)
    except (TypeError, ValueError) as error:
        raise CubeError(f"bbox is not four numbers: {bbox!r}", hint=_ORDER) from error
    if not all(map(math.isfinite, (west, south, east, north))):
        raise CubeError(f"bbox holds numbers that are not finite: {bbox!r}", hint=_ORDER)
    if south > north:
        raise CubeError(f"bbox has south ({south:g}) above north ({north:g})", hint=_ORDER)
    _refuse_beyond_earth((west, south, east, north))
    return shapely.box(west, south, east + 360 if west > east else east, north)


def _refuse_beyond_earth(bounds: Sequence[float]) -> None:
    west, south, east, north = bounds
    if south < -90 or north > 90 or west < -360 or east > 360:
        raise CubeError(
            f"the area reaches beyond the Earth: {tuple(round(value, 6) for value in bounds)}",
            hint=f"bbox and geometry are in longitude and latitude, not in metres; {_ORDER}",
        )


def _from_geometry(geometry: Any) -> BaseGeometry:
    if isinstance(geometry, BaseGeometry):
        return geometry
    if getattr(geometry, "crs", None) is not None and hasattr(geometry, "to_crs"):
        geometry = geometry.to_crs("EPSG:4326")
    found: Any = getattr(geometry, "__geo_interface__", geometry)
    try:
        return _from_geojson(dict(found))
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        raise CubeError(
            f"the geometry is of a kind that is not understood: {type(geometry).__name__}",
            hint="give GeoJSON, a shapely geometry or a GeoDataFrame, in longitude and latitude",
        ) from error


def _from_geojson(found: dict[str, Any]) -> BaseGeometry:
    if found["type"] == "FeatureCollection":
        return shapely.union_all([shape(part["geometry"]) for part in found["features"]])
    return shape(found["geometry"] if found["type"] == "Feature" else found)

"""Places: boxes and geometries in every form that people write them, made into polygons.

The portal honours polygons only and ignores other geometries without a word, so points and lines
are widened by `BUFFER` metres, and boxes across the antimeridian are cut in two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from geodes_datalab._types import BBox, Json
from geodes_datalab.errors import InvalidQuery

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

BBoxLike: TypeAlias = Any
"""Four numbers west, south, east, north in degrees; their text; or anything with ``bounds``."""

GeometryLike: TypeAlias = Any
"""GeoJSON, WKT, shapely, geopandas or anything with ``__geo_interface__``, in degrees."""

BUFFER = 50.0
"""Metres by which points and lines are widened (on a sphere, scaled by latitude)."""

METRES_PER_DEGREE = 111_320.0

_FORM = "write bbox=(west, south, east, north) in degrees, for example (1.2, 43.4, 1.7, 43.8)"


def bounding_box(value: BBoxLike) -> tuple[BBox, Json | None]:
    """Read a box.

    Parameters
    ----------
    value
        See `BBoxLike`. West > east means across the antimeridian; so does an east above 180.

    Returns
    -------
    bbox
        West, south, east, north in degrees, longitudes within -180..180.
    geometry
        GeoJSON to send in its place where a plain box would not do: across the antimeridian, or
        of no width or height (then widened by `BUFFER` metres); else None.

    Raises
    ------
    InvalidQuery
        Not a box, reversed, or latitude and longitude swapped; the hint gives the likely box.

    Examples
    --------
    >>> bounding_box("1.2, 43.4, 1.7, 43.8")
    ((1.2, 43.4, 1.7, 43.8), None)
    >>> bounding_box((178, -19, -178, -16))[1]["type"]
    'MultiPolygon'
    """
    west, south, east, north = _numbers(value)
    _refuse_latitudes(south, north, (south, west, north, east))
    if south > north:
        likely = (min(west, east), north, max(west, east), south)
        raise InvalidQuery(
            f"the box is upside down: south {south:g} is above north {north:g}", _likely(likely)
        )
    if not (-360 <= west <= 360 and -360 <= east <= 360):
        raise InvalidQuery(f"longitudes {west:g} and {east:g} are not on Earth", _FORM)
    if east - west >= 360:
        return (-180.0, south, 180.0, north), None
    west, east = _wrapped(west), (_wrapped(east) if east != 180 else 180.0)
    if west > east and east + 360 - west > 180:
        raise InvalidQuery(
            f"west {west:g} > east {east:g} means across the antimeridian, here {east + 360 - west:g} degrees wide",
            _likely((east, south, west, north)),
        )
    bbox = (west, south, east, north)
    if west <= east and west < east and south < north:
        return bbox, None
    return bbox, geometry({"type": "Polygon", "coordinates": [_ring(west, south, east, north)]})


def geometry(value: GeometryLike) -> Json:
    """Read a geometry.

    Parameters
    ----------
    value
        See `GeometryLike`. Geopandas objects are brought to EPSG:4326. Points and lines are widened
        by `BUFFER` metres. Longitudes above 180 mean across the antimeridian.

    Returns
    -------
    dict
        GeoJSON Polygon or MultiPolygon, valid, two-dimensional, cut at the antimeridian.

    Raises
    ------
    InvalidQuery
        Unreadable, empty, or latitude and longitude swapped.

    Examples
    --------
    >>> geometry({"type": "Point", "coordinates": [1.44, 43.6]})["type"]
    'Polygon'
    """
    import shapely

    shape = shapely.force_2d(_shape(value))
    if shape.is_empty or not all(map(math.isfinite, shape.bounds)):
        raise InvalidQuery("the geometry is empty", "give a polygon, a line or a point in degrees")
    west, south, east, north = shape.bounds
    _refuse_latitudes(south, north, None)
    if west < -360 or east > 360:
        raise InvalidQuery(
            f"longitudes {west:g} to {east:g} are not degrees",
            "bring the geometry to EPSG:4326 first, e.g. with .to_crs(4326)",
        )
    return _geojson(_cut(shapely.union_all([_polygonal(part) for part in _parts(shape)])))


def overlaps(first: BBox, second: BBox) -> bool:
    """Tell whether two boxes that do not cross the antimeridian share a point."""
    return (
        first[0] <= second[2]
        and second[0] <= first[2]
        and first[1] <= second[3]
        and second[1] <= first[3]
    )


def _numbers(value: BBoxLike) -> BBox:
    for name in ("total_bounds", "bounds"):  # geopandas, shapely
        found = getattr(value, name, None)
        if found is not None:
            value = found() if callable(found) else found
            break
    if isinstance(value, str):
        value = value.split(",")
    try:
        numbers = [float(number) for number in value]
    except (TypeError, ValueError) as error:
        raise InvalidQuery(f"{value!r} is no box", _FORM) from error
    if len(numbers) == 6:  # GeoJSON with heights
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise InvalidQuery(f"a box has four finite numbers, not {numbers}", _FORM)
    return (numbers[0], numbers[1], numbers[2], numbers[3])


def _refuse_latitudes(south: float, north: float, swapped: BBox | None) -> None:
    if -90 <= south <= 90 and -90 <= north <= 90:
        return
    text = f"latitudes run from -90 to 90, not {south:g} to {north:g}: are latitude and longitude swapped?"
    if swapped and all(-90 <= swapped[i] <= 90 for i in (1, 3)):
        raise InvalidQuery(text, _likely(swapped))
    raise InvalidQuery(
        text, "longitude comes first: (west, south, east, north), [longitude, latitude]"
    )


def _likely(bbox: BBox) -> str:
    return "did you mean bbox=({:g}, {:g}, {:g}, {:g})?".format(*bbox)


def _wrapped(longitude: float) -> float:
    return longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180


def _ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    if east < west:
        east += 360
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _shape(value: GeometryLike) -> BaseGeometry:
    from shapely.geometry.base import BaseGeometry

    if isinstance(value, BaseGeometry):
        return value
    if getattr(value, "crs", None) is not None and hasattr(value, "to_crs"):
        value = value.to_crs(4326)
    value = getattr(value, "__geo_interface__", value)
    if not isinstance(value, str | Mapping):
        raise InvalidQuery(
            f"{type(value).__name__} is no geometry",
            "give GeoJSON, WKT, shapely or geopandas objects",
        )
    return _parsed(value)


def _parsed(value: str | Mapping[str, Any]) -> BaseGeometry:
    import shapely
    from shapely.geometry import shape

    try:
        if isinstance(value, Mapping):
            return _from_mapping(value, shape)
        text = value.strip()
        found: BaseGeometry = (
            shapely.from_geojson(text) if text.startswith("{") else shapely.from_wkt(text)
        )
    except (
        shapely.errors.ShapelyError,
        TypeError,
        ValueError,
        LookupError,
        AttributeError,
    ) as error:
        raise InvalidQuery(
            f"the geometry cannot be read: {error}", "give GeoJSON, WKT or shapely"
        ) from error
    return found


def _from_mapping(value: Mapping[str, Any], shape: Any) -> BaseGeometry:
    import shapely

    kind = value.get("type")
    if kind == "FeatureCollection":
        return shapely.GeometryCollection(
            [_from_mapping(part, shape) for part in value["features"]]
        )
    if kind == "Feature":
        return _from_mapping(value["geometry"], shape)
    found: BaseGeometry = shape(value)
    return found


def _parts(shape: BaseGeometry) -> list[BaseGeometry]:
    members = getattr(shape, "geoms", None)
    return [shape] if members is None else [part for member in members for part in _parts(member)]


def _polygonal(shape: BaseGeometry) -> BaseGeometry:
    """Return a valid polygon that holds the shape, widened where it has no area."""
    import shapely

    if not shape.is_valid:
        shape = shapely.make_valid(shape)
    polygons = [part for part in _parts(shape) if part.area > 0]
    return shapely.union_all(polygons) if polygons else _widened(shape)


def _widened(shape: BaseGeometry) -> BaseGeometry:
    from shapely import affinity

    degrees = BUFFER / METRES_PER_DEGREE
    stretch = 1 / max(
        math.cos(math.radians(shape.centroid.y)), 0.01
    )  # a degree of longitude shrinks
    flat = affinity.scale(shape, xfact=1 / stretch, yfact=1, origin=(0, 0))
    wide = affinity.scale(flat.buffer(degrees, quad_segs=4), xfact=stretch, yfact=1, origin=(0, 0))
    result: BaseGeometry = wide
    return result


def _cut(shape: BaseGeometry) -> BaseGeometry:
    """Bring longitudes beyond the antimeridian back, latitudes beyond the poles off."""
    import shapely
    from shapely import affinity

    pieces = [
        affinity.translate(
            shape.intersection(shapely.box(west, -90, west + 360, 90)), xoff=-180 - west
        )
        for west in (-540.0, -180.0, 180.0)
        if shape.bounds[0] < west + 360 and shape.bounds[2] > west
    ]
    areas = [part for piece in pieces for part in _parts(piece) if part.area > 0]
    return shapely.union_all(areas)


def _geojson(shape: BaseGeometry) -> Json:
    import shapely
    from shapely.geometry import mapping

    oriented = shapely.orient_polygons(shape)
    return {"type": oriented.geom_type, "coordinates": _lists(mapping(oriented)["coordinates"])}


def _lists(value: Any) -> Any:
    return [_lists(part) for part in value] if isinstance(value, tuple | list) else value

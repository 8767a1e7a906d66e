"""Geometries in every form in which people hold them, made into shapely's, in degrees.

Nothing is guessed: what has a coordinate reference system of its own is brought to EPSG:4326, what
has none is taken as longitude and latitude. What holds no place at all is refused, never taken for
"everywhere".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

from geodes_datalab._inputs import files
from geodes_datalab._inputs.turned import brought
from geodes_datalab._types import BBox
from geodes_datalab.errors import InvalidInput

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

PlaceLike: TypeAlias = Any
"""A place: four numbers (west, south, east, north; six with heights), their text, WKT, GeoJSON as a
text, dictionary or file, a shapely or odc-geo geometry, a geopandas table or column, a list of such,
or anything with ``__geo_interface__``. Degrees, unless it has a CRS of its own."""

FORMS = (
    "write bbox=(west, south, east, north) in degrees, for example (1.2, 43.4, 1.7, 43.8), or give "
    "GeoJSON, WKT, a file, or shapely or geopandas objects"
)

_WKT = re.compile(
    r"(?:SRID=(\d+);)?\s*((?:MULTI)?(?:POINT|LINESTRING|POLYGON|CURVE|SURFACE)|LINEARRING"
    r"|GEOMETRYCOLLECTION|CIRCULARSTRING|COMPOUNDCURVE|CURVEPOLYGON|TRIANGLE|TIN)\b",
    re.IGNORECASE,
)
_WKB = re.compile(r"0[01][0-9A-Fa-f]{16,}")
_SIDES = (("west", "south", "east", "north"), ("minx", "miny", "maxx", "maxy"))


def box_of(value: Any) -> BBox | None:
    """Return the four numbers that somebody wrote as a box; None where it is another form of place.

    Raises
    ------
    InvalidInput
        Numbers, but not four (or six, with heights) that are finite and in order.

    Examples
    --------
    >>> box_of("1.2, 43.4, 1.7, 43.8"), box_of((1.2, 43.4, 0, 1.7, 43.8, 900)), box_of("POINT (1 2)")
    ((1.2, 43.4, 1.7, 43.8), (1.2, 43.4, 1.7, 43.8), None)
    """
    members = _listed(value)
    numbers = [_number(item) for item in members]
    known = sum(item is not None for item in numbers)
    if not known or (isinstance(value, str) and known < len(numbers)):
        return None
    if len(numbers) == 6:  # with heights, as in GeoJSON
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    finite = [item for item in numbers if item is not None and math.isfinite(item)]
    if len(numbers) != 4 or len(finite) != 4 or isinstance(value, AbstractSet):
        fault = "is not four numbers" if known < 4 or len(numbers) != 4 else "is not finite"
        raise InvalidInput(f"a box has four finite numbers: {_shown(members)} {fault}", FORMS)
    return (finite[0], finite[1], finite[2], finite[3])


def _listed(value: Any) -> list[Any]:
    """Return what may be the numbers of a box."""
    if isinstance(value, str):
        return value.strip().strip("[]()").replace(",", " ").split()
    if isinstance(value, Mapping):
        sides = _sides(value)
        return sides if sides and "crs" not in value else []
    if getattr(value, "crs", None) is not None or isinstance(value, bytes | bytearray):
        return []
    if any(hasattr(value, name) for name in ("to_crs", "columns", "__geo_interface__")):
        return []
    try:
        return list(value)
    except TypeError:
        return []


def _sides(value: Mapping[Any, Any]) -> list[Any] | None:
    """Return the sides of a box that is written with their names, as openEO does."""
    return next(([value[item] for item in s] for s in _SIDES if value.keys() >= set(s)), None)


def shape_of(value: PlaceLike) -> BaseGeometry:
    """Read a geometry that is no box of numbers.

    Returns
    -------
    shapely geometry
        Flat, with finite coordinates, as it was written otherwise.

    Raises
    ------
    InvalidInput
        It cannot be read, or there is nothing in it.
    """
    import shapely

    shape = shapely.force_2d(_shape(value))
    if shape.is_empty:
        raise _nothing(value)
    if not all(map(math.isfinite, shapely.get_coordinates(shape).ravel())):
        raise InvalidInput("the geometry has coordinates that are no numbers", FORMS)
    return shape


def _shape(value: Any) -> BaseGeometry:
    from shapely.geometry.base import BaseGeometry

    if isinstance(value, BaseGeometry):
        return _of_its_srid(value)
    if isinstance(value, bytes | bytearray):
        return _from_wkb(bytes(value))
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, PathLike):
        result = files.content(value)
        return _from_text(result.strip()) if isinstance(result, str) else _shape(result)
    if isinstance(value, Mapping):
        return _from_mapping(value)
    return _from_object(value)


def _from_text(text: str) -> BaseGeometry:
    import shapely

    if not text:
        raise _nothing(text)
    if text[0] in "{[":
        try:
            return _shape(json.loads(text))
        except ValueError as error:
            if isinstance(error, InvalidInput):
                raise
            raise _unreadable(error) from error
    wkt = _WKT.match(text)
    if wkt:
        result: BaseGeometry = _guarded(
            shapely.from_wkt, text.partition(";")[2] if wkt[1] else text
        )
        return brought(result, f"EPSG:{wkt[1]}") if int(wkt[1] or 0) else result
    if _WKB.fullmatch(text):
        return _from_wkb(bytes.fromhex(text))
    path = files.path_of(text)
    if path is None:
        shown = text if len(text) < 60 else text[:57] + "..."
        raise InvalidInput(f"{shown!r} is no box, no geometry and no file", FORMS)
    return _shape(path)


def _from_wkb(raw: bytes) -> BaseGeometry:
    import shapely

    if raw[:1] in (b"\0", b"\1"):
        return _of_its_srid(_guarded(shapely.from_wkb, raw))
    return _from_text(raw.decode("utf-8", errors="replace").strip())


def _of_its_srid(shape: BaseGeometry) -> BaseGeometry:
    """Bring a geometry that names its CRS by a number, as databases do; 0 names none."""
    import shapely

    srid = int(shapely.get_srid(shape))
    return brought(shape, f"EPSG:{srid}") if srid else shape


def _from_mapping(value: Mapping[Any, Any]) -> BaseGeometry:
    from shapely.geometry import shape

    kind = value.get("type")
    if kind == "FeatureCollection":
        result = _union(value.get("features"))
    elif kind == "Feature":
        result = _union([value.get("geometry")])
    elif kind == "GeometryCollection":
        result = _union(value.get("geometries"))
    elif sides := _sides(value):
        result = _member(sides)
    elif "type" not in value:
        if not value:
            raise _nothing(value)
        raise InvalidInput(f"a dictionary with {_shown(list(value))} is no GeoJSON", FORMS)
    else:
        result = _guarded(shape, value)
    return brought(result, _named_crs(value)) if "crs" in value else result


def _named_crs(value: Mapping[Any, Any]) -> Any:
    """Return the CRS that older GeoJSON names; geopandas still writes it."""
    named = value["crs"]
    properties = named.get("properties") if isinstance(named, Mapping) else None
    return properties.get("name") if isinstance(properties, Mapping) else named


def _from_object(value: Any) -> BaseGeometry:
    """Read what other libraries hold, in the CRS that it has."""
    if _attribute(value, "geographic_extent") is not None:  # odc-geo's GeoBox
        value = _attribute(value, "extent", value)
    value = _attribute(value, "polygon", value)  # odc-geo's BoundingBox
    crs = _attribute(value, "crs")
    if crs is None:
        return _of_object(value)
    return brought(_of_object(value, own=True), str(crs) if hasattr(crs, "proj") else crs)


def _of_object(value: Any, *, own: bool = False) -> BaseGeometry:
    """Return the geometry of an object; of its ``own`` CRS, whatever its members say of theirs."""
    from shapely.geometry.base import BaseGeometry

    if hasattr(value, "columns"):  # a table: its geometries alone
        value = _attribute(value, "geometry")
        if value is None:
            raise InvalidInput("a table without geometries holds no place", FORMS)
        return _union(value, own=own)
    for name in ("geom", "__geo_interface__", "geometry"):
        result = _attribute(value, name)
        if isinstance(result, BaseGeometry):
            return result if own else _of_its_srid(result)
        if isinstance(result, Mapping):
            return _from_mapping(result)
    if isinstance(value, bool) or not isinstance(value, Iterable):
        raise InvalidInput(
            f"{_shown(value)} is no box and no geometry: the geometry is of a kind that is not "
            f"understood: {type(value).__name__}",
            FORMS,
        )
    return _union(value, own=own)


def _attribute(value: Any, name: str, default: Any = None) -> Any:
    result = _guarded(lambda one: getattr(one, name, None), value)
    return default if result is None else result


def _union(members: Any, *, own: bool = False) -> BaseGeometry:
    """Return several places as one; those that are null hold none."""
    import shapely
    from shapely.geometry.base import BaseGeometry

    if isinstance(members, str | bytes | Mapping):
        raise InvalidInput(f"the geometry cannot be read: {_shown(members)} is no list", FORMS)
    listed = _guarded(list, members)
    result = [
        item if own and isinstance(item, BaseGeometry) else _member(item)
        for item in listed
        if not _is_null(item)
    ]
    if not result:
        raise _nothing(members)
    return result[0] if len(result) == 1 else shapely.GeometryCollection(result)


def _member(value: Any) -> BaseGeometry:
    import shapely

    box = box_of(value)
    return shapely.box(*box) if box else _shape(value)


def _is_null(value: Any) -> bool:
    """Tell whether a member is missing: None, pandas's NA, NaN, or a feature without geometry."""
    if isinstance(value, Mapping) and value.get("type") == "Feature":
        value = value.get("geometry")
    missing = value is None or type(value).__name__ in ("NAType", "NaTType")
    return missing or (isinstance(value, float) and math.isnan(value))


def _guarded(read: Callable[[Any], Any], value: Any) -> Any:
    """Call a library's reader; whatever it stumbles over is told as our own error."""
    try:
        return read(value)
    except InvalidInput:
        raise
    except Exception as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> InvalidInput:
    return InvalidInput(f"the geometry cannot be read: {error}", FORMS)


def _nothing(value: Any) -> InvalidInput:
    return InvalidInput(
        f"the geometry is empty, it holds no place: {_shown(value)}",
        "give a polygon, a line or a point in degrees, or leave it out for everywhere",
    )


def _number(value: Any) -> float | None:
    """Return a number; None for what is none, however it could be read as one."""
    if isinstance(value, bool | bytes) or type(value).__name__ in ("bool", "bool_"):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) < 100 else text[:97] + "..."

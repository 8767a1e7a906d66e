"""Areas: a place in any form, as a box or a polygon in degrees, for every verb alike.

The portal honours polygons only and ignores other geometries without a word, so points and lines
are widened by `BUFFER` metres for a search, and what crosses the antimeridian is cut in two. Cubes and
maps take the same area in one piece, with longitudes that go on beyond 180.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from geodes_datalab._inputs.shapes import FORMS, PlaceLike, box_of, shape_of
from geodes_datalab._types import BBox, Json
from geodes_datalab.errors import InvalidInput

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

BUFFER = 50.0
"""Metres by which points and lines are widened (on a sphere, scaled by latitude)."""

METRES_PER_DEGREE = 111_320.0


def area(bbox: PlaceLike | None, geometry: PlaceLike | None) -> BaseGeometry | None:
    """Return an area in one piece, as cubes and maps want it.

    Parameters
    ----------
    bbox
        See `PlaceLike`; of a geometry, the box around it.
    geometry
        See `PlaceLike`, in place of ``bbox``.

    Returns
    -------
    shapely geometry or None
        Valid, in degrees, its west within -180..180; east of the antimeridian, longitudes go on beyond
        180. Points and lines stay what they are. None where no area was given.

    Raises
    ------
    InvalidInput
        Both were given, or what was given is no area.

    Examples
    --------
    >>> area((179, -17, -179, -16), None).bounds
    (179.0, -17.0, 181.0, -16.0)
    """
    refuse_both(bbox, geometry)
    if bbox is not None:
        return _from_box(_sides(bbox))
    return None if geometry is None else _whole(geometry)


def bounding_box(value: PlaceLike) -> tuple[BBox, Json | None]:
    """Read a box, as catalogues want it.

    Parameters
    ----------
    value
        See `PlaceLike`. West > east means across the antimeridian; so does an east above 180.

    Returns
    -------
    bbox
        West, south, east, north in degrees, longitudes within -180..180.
    geometry
        GeoJSON to send in its place where a plain box would not do: across the antimeridian, or
        of no width or height (then widened by `BUFFER` metres); else None.

    Raises
    ------
    InvalidInput
        Not a box, reversed, or latitude and longitude swapped; the hint gives the likely box.

    Examples
    --------
    >>> bounding_box("1.2, 43.4, 1.7, 43.8")
    ((1.2, 43.4, 1.7, 43.8), None)
    >>> bounding_box((178, -19, -178, -16))[1]["type"]
    'MultiPolygon'
    """
    bbox = _sides(value)
    west, south, east, north = bbox
    if west < east and south < north:
        return bbox, None
    return bbox, _geojson(_cut(polygon(_from_box(bbox))))


def geometry(value: PlaceLike) -> Json:
    """Read a geometry, as catalogues want it.

    Parameters
    ----------
    value
        See `PlaceLike`. What has a CRS is brought to EPSG:4326. Points and lines are widened by `BUFFER`
        metres. Longitudes above 180 mean across the antimeridian.

    Returns
    -------
    dict
        GeoJSON Polygon or MultiPolygon, valid, two-dimensional, cut at the antimeridian.

    Raises
    ------
    InvalidInput
        Unreadable, empty, or latitude and longitude swapped.

    Examples
    --------
    >>> geometry({"type": "Point", "coordinates": [1.44, 43.6]})["type"]
    'Polygon'
    """
    return _geojson(_cut(polygon(_whole(value))))


def around(shape: BaseGeometry) -> BBox:
    """Return the box around an area in one piece; west > east where it crosses the antimeridian."""
    west, south, east, north = map(float, shape.bounds)
    return west, south, east - 360 if east > 180 else east, north


def polygon(shape: BaseGeometry) -> BaseGeometry:
    """Return an area with points and lines widened by `BUFFER` metres."""
    import shapely

    return shapely.union_all([item if item.area > 0 else _widened(item) for item in _parts(shape)])


def swapped(shape: BaseGeometry) -> BaseGeometry:
    """Return an area with longitude and latitude exchanged (to recognise that mistake)."""
    import shapely

    result: BaseGeometry = shapely.transform(shape, lambda points: points[:, ::-1])
    return result


def refuse_both(bbox: PlaceLike | None, geometry: PlaceLike | None) -> None:
    """Refuse a place that is given twice."""
    if bbox is not None and geometry is not None:
        raise InvalidInput(
            "both bbox and geometry were given", "give one of them: the smaller one is enough"
        )


def overlaps(first: BBox, second: BBox) -> bool:
    """Tell whether two boxes that do not cross the antimeridian share a point."""
    return (
        first[0] <= second[2]
        and second[0] <= first[2]
        and first[1] <= second[3]
        and second[1] <= first[3]
    )


def _sides(value: PlaceLike) -> BBox:
    """Return west, south, east, north with longitudes within -180..180."""
    box = box_of(value)
    return _checked(box) if box else around(_whole(value))


def _checked(box: BBox) -> BBox:
    """Return the box that four numbers mean; refuse those that cannot be one."""
    west, south, east, north = box
    _refuse_latitudes(south, north, (south, west, north, east))
    if south > north:
        likely = (min(west, east), north, max(west, east), south)
        raise InvalidInput(
            f"the box is upside down: south ({south:g}) above north ({north:g}), where west, south, "
            "east, north is the order",
            _likely(likely),
        )
    if not (-360 <= west <= 360 and -360 <= east <= 360):
        raise InvalidInput(
            f"the area reaches beyond the Earth: longitudes {west:g} and {east:g}", FORMS
        )
    if east - west >= 360:
        return (-180.0, south, 180.0, north)
    if west > east and east + 360 - west > 180:
        raise InvalidInput(
            f"west {west:g} > east {east:g} means across the antimeridian, "
            f"here {east + 360 - west:g} degrees wide",
            _likely((east, south, west, north)),
        )
    turns = math.floor((west + 180) / 360) * 360  # as many degrees as bring the west home
    if west == east == 180:
        turns = 0
    width_east = east - turns + (360 if east < west else 0)
    return west - turns, south, width_east - 360 if width_east > 180 else width_east, north


def _from_box(bbox: BBox) -> BaseGeometry:
    import shapely

    west, south, east, north = bbox
    east = east + 360 if east < west else east
    if west < east and south < north:
        return shapely.box(west, south, east, north)
    if west < east or south < north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.Point(west, south)


def _whole(value: PlaceLike) -> BaseGeometry:
    """Return a place as one valid shape, with its west within -180..180."""
    import shapely

    box = box_of(value)
    if box:
        return _from_box(_checked(box))
    shape = shape_of(value)
    west, south, east, north = shape.bounds
    _refuse_latitudes(south, north, None)
    if west < -360 or east > 360:
        raise InvalidInput(
            f"the area reaches beyond the Earth: longitudes {west:g} to {east:g} are not degrees",
            "bring the geometry to EPSG:4326 first, e.g. with .to_crs(4326)",
        )
    parts = [valid for part in _parts(shape) for valid in _valid(part)]
    for part in parts:
        _refuse_leaps(part)
    if any(part.area > 0 for part in parts):
        parts = [part if part.area > 0 else _widened(part) for part in parts]
    joined = shapely.union_all(_beside_each_other(parts))
    return _home(_cut(joined) if joined.bounds[2] - joined.bounds[0] > 360 else joined)


def _valid(shape: BaseGeometry) -> list[BaseGeometry]:
    """Return the polygons that a shape makes once it is valid; else what it is."""
    import shapely

    whole = shape if shape.is_valid else shapely.make_valid(shape)
    parts = _parts(whole)
    return [part for part in parts if part.area > 0] or parts


def _refuse_leaps(shape: BaseGeometry) -> None:
    """Refuse an edge of more than half the Earth: it goes round the other side, or it was not meant."""
    import shapely

    west, _, east, _ = shape.bounds
    if not 180 < east - west < 360:
        return
    for line in shapely.get_parts(shapely.boundary(shape) if shape.area > 0 else shape):
        xs = shapely.get_coordinates(line)[:, 0]
        if len(xs) > 1 and max(abs(xs[1:] - xs[:-1])) > 180:
            raise InvalidInput(
                f"the geometry has an edge of more than 180 degrees, between {west:g} and {east:g}: "
                "does it cross the antimeridian, or go round the other side of the Earth?",
                "across the antimeridian, write longitudes beyond 180 (179 to 181), or a bbox with "
                "west > east; else give a bbox, or set points in between",
            )


def _beside_each_other(parts: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Bring together what was cut at the antimeridian, so that the box around it is the smallest."""
    from shapely import affinity

    ordered = sorted(parts, key=lambda part: part.bounds[0])
    reach, widest, cut = ordered[0].bounds[2], 0.0, None
    for part in ordered[1:]:
        if part.bounds[0] - reach > widest:
            widest, cut = part.bounds[0] - reach, part.bounds[0]
        reach = max(reach, part.bounds[2])
    if cut is None or widest <= ordered[0].bounds[0] + 360 - reach:
        return ordered
    return [
        affinity.translate(part, xoff=360) if part.bounds[0] < cut else part for part in ordered
    ]


def _home(shape: BaseGeometry) -> BaseGeometry:
    from shapely import affinity

    turns = math.floor((shape.bounds[0] + 180) / 360) * 360
    return affinity.translate(shape, xoff=-turns) if turns else shape


def _refuse_latitudes(south: float, north: float, swapped: BBox | None) -> None:
    if -90 <= south <= 90 and -90 <= north <= 90:
        return
    text = f"latitudes run from -90 to 90, not {south:g} to {north:g}: are latitude and longitude swapped?"
    if swapped and all(-90 <= swapped[i] <= 90 for i in (1, 3)):
        raise InvalidInput(text, _likely(swapped))
    raise InvalidInput(
        f"the area reaches beyond the Earth: {text}",
        "longitude comes first: (west, south, east, north), [longitude, latitude]",
    )


def _likely(bbox: BBox) -> str:
    return "did you mean bbox=({:g}, {:g}, {:g}, {:g})?".format(*bbox)


def _parts(shape: BaseGeometry) -> list[BaseGeometry]:
    members = getattr(shape, "geoms", None)
    return [shape] if members is None else [part for member in members for part in _parts(member)]


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

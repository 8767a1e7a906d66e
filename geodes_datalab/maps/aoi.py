"""What was drawn on a map, as an area that searches and cubes take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from geodes_datalab._inputs import areas
from geodes_datalab._inputs.shapes import PlaceLike
from geodes_datalab._language import gettext
from geodes_datalab._optional import need
from geodes_datalab._types import BBox, Json

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_STYLE = {"color": "#222222", "weight": 2, "fillOpacity": 0.1}


class Area(NamedTuple):
    """An area of interest, given or drawn."""

    bbox: BBox
    """West, south, east, north in degrees; west > east across the antimeridian."""
    geometry: Json
    """GeoJSON, in one piece: longitudes may go on beyond 180 degrees."""


def given(bbox: PlaceLike | None, geometry: PlaceLike | None) -> tuple[Area, BaseGeometry] | None:
    """Read an area as `search` and `load` do; None where none was given.

    Raises
    ------
    InvalidInput
        Both were given, or what was given is no area.
    """
    shape = areas.area(bbox, geometry)
    if shape is None:
        return None
    mapping = need("shapely.geometry", extra="maps").mapping
    outline: Json = dict(mapping(areas.polygon(shape)))
    return Area(areas.around(shape), outline), shape


def outlined(area: Area) -> Any:
    """Return a layer with the outline of an area."""
    leaflet = need("ipyleaflet", extra="maps")
    return leaflet.GeoJSON(data=area.geometry, style=_STYLE, name=gettext("Area of interest"))


def drawn(shape: Json) -> Area:
    """Return what a polygon that was drawn stands for.

    Edges of more than half the Earth get points in between: on a map it was seen which way they go.
    """
    result = wrapped(shape)
    geometry = need("shapely.geometry", extra="maps")
    outline = geometry.shape(result)
    if outline.bounds[2] - outline.bounds[0] > 180:
        result = dict(geometry.mapping(outline.segmentize(90)))
    return Area(box(shape), result)


def touches(item: Json, area: BaseGeometry) -> bool:
    """Tell whether an item's footprint touches an area; without a footprint, it lies nowhere."""
    if not item.get("geometry"):
        return False
    shapely = need("shapely", extra="maps")
    shift = need("shapely.affinity", extra="maps").translate
    outline = shapely.make_valid(need("shapely.geometry", extra="maps").shape(item["geometry"]))
    return any(area.intersects(shift(outline, xoff=turn)) for turn in (-360, 0, 360))


def drawing_control() -> Any:
    """Return a control that draws boxes and polygons, which can be edited and removed."""
    leaflet = need("ipyleaflet", extra="maps")
    return leaflet.GeomanDrawControl(
        rectangle={"pathOptions": _STYLE},
        polygon={"pathOptions": _STYLE},
        polyline={},
        circle={},
        circlemarker={},
        marker={},
        text={},
        drag=True,
        cut=False,
        rotate=False,
    )


def polygons(drawn: Any) -> list[Json]:
    """Return the polygons of what the browser sent: a GeoJSON feature, several, or none."""
    features = drawn if isinstance(drawn, list) else [drawn]
    shapes = [item.get("geometry") for item in features if isinstance(item, dict)]
    return [shape for shape in shapes if shape and shape.get("type") == "Polygon"]


def box(geometry: Json) -> BBox:
    """Return the box around a polygon, in degrees; west > east where it crosses the antimeridian.

    Maps repeat the world to both sides, so longitudes beyond 180 degrees come in.

    Examples
    --------
    >>> ring = [[361.0, 43.0], [362.0, 43.0], [362.0, 44.0], [361.0, 43.0]]
    >>> box({"type": "Polygon", "coordinates": [ring]})
    (1.0, 43.0, 2.0, 44.0)
    """
    points = list(_points(geometry))
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    if east - west >= 360:
        return -180.0, max(south, -90.0), 180.0, min(north, 90.0)
    sides = round(_home(west), 6), round(_home(east), 6)
    return sides[0], round(max(south, -90.0), 6), sides[1], round(min(north, 90.0), 6)


def wrapped(geometry: Json) -> Json:
    """Return a polygon with its centre between 180 degrees west and east."""
    points = [x for x, _ in _points(geometry)]
    centre = (min(points) + max(points)) / 2
    shift = _home(centre) - centre
    rings = [
        [[round(x + shift, 6), round(y, 6)] for x, y, *_ in ring]
        for ring in geometry["coordinates"]
    ]
    return {"type": "Polygon", "coordinates": rings}


def _points(geometry: Json) -> Iterator[tuple[float, float]]:
    for ring in geometry["coordinates"]:
        for x, y, *_ in ring:
            yield float(x), float(y)


def _home(longitude: float) -> float:
    """Bring a longitude between -180 and 180.

    Examples
    --------
    >>> _home(190.0), _home(-190.0), _home(180.0), _home(541.0)
    (-170.0, 170.0, 180.0, -179.0)
    """
    if -180 <= longitude <= 180:
        return longitude
    return (longitude + 180) % 360 - 180

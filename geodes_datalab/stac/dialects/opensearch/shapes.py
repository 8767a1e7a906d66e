"""Footprints of Atom entries (GeoRSS, in GML or simple), whose numbers are latitude before longitude."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from geodes_datalab._markup import Element, local, namespace
from geodes_datalab._types import Json

GEORSS = "http://www.georss.org/georss"
GML = "http://www.opengis.net/gml"

Ring = list[list[float]]


def of_entry(entry: Element) -> tuple[Json | None, list[float] | None]:
    """Return the footprint of an entry as GeoJSON, and the box that it tells."""
    told = {local(one): one for one in entry if namespace(one).rstrip("/") == GEORSS}
    corners = _numbers(told.get("box"))
    bbox = [corners[1], corners[0], corners[3], corners[2]] if len(corners) == 4 else None
    geometry = _where(told["where"]) if "where" in told else None
    if geometry is None and (ring := _ring(_numbers(told.get("polygon")))):
        geometry = {"type": "Polygon", "coordinates": [ring]}
    if geometry is None and (points := _pairs(_numbers(told.get("point")))):
        geometry = {"type": "Point", "coordinates": points[0]}
    if geometry is None and bbox:
        west, south, east, north = bbox
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
    return geometry, bbox


def _where(where: Element) -> Json | None:
    polygons: list[Any] = []
    for element in where.iter():
        if not namespace(element).startswith(GML):
            continue
        read = _READERS.get(local(element))
        if read and (rings := read(element)):
            polygons.append(rings)
    if polygons:
        kind = "Polygon" if len(polygons) == 1 else "MultiPolygon"
        return {"type": kind, "coordinates": polygons[0] if len(polygons) == 1 else polygons}
    for name, kind in (("posList", "LineString"), ("pos", "Point")):
        points = [_pairs(_numbers(one)) for one in where.iter() if local(one) == name]
        if points and points[0]:
            return {"type": kind, "coordinates": points[0] if name == "posList" else points[0][0]}
    return None


def _rings(polygon: Element) -> list[Ring]:
    """Return the outer ring of a polygon, and then its holes."""
    outer, inner = [], []
    for part in polygon:
        ring = _ring(_of_ring(part))
        if ring and local(part) in ("exterior", "outerBoundaryIs"):
            outer.append(ring)
        elif ring:
            inner.append(ring)
    return [*outer[:1], *inner] if outer else []


def _of_ring(part: Element) -> list[float]:
    lists = [one for one in part.iter() if local(one) == "posList"]
    if lists:
        return _numbers(lists[0])
    return [number for one in part.iter() if local(one) == "pos" for number in _numbers(one)]


def _envelope(element: Element) -> list[Ring]:
    corners = {local(one): _numbers(one) for one in element}
    low, high = corners.get("lowerCorner", []), corners.get("upperCorner", [])
    if len(low) != 2 or len(high) != 2:
        return []
    (south, west), (north, east) = low, high
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


_READERS = {"Polygon": _rings, "PolygonPatch": _rings, "Envelope": _envelope}


def _ring(numbers: Sequence[float]) -> Ring | None:
    points = _pairs(numbers)
    if len(points) < 3:
        return None
    return points if points[0] == points[-1] else [*points, points[0]]


def _pairs(numbers: Sequence[float]) -> Ring:
    """Return points as longitude and latitude."""
    if len(numbers) % 2:
        return []
    return [[lon, lat] for lat, lon in zip(numbers[::2], numbers[1::2], strict=True)]


def _numbers(element: Element | None) -> list[float]:
    try:
        told = (
            []
            if element is None
            else [float(one) for one in (element.text or "").replace(",", " ").split()]
        )
    except ValueError:
        return []
    return told if all(map(isfinite, told)) else []

#!/usr/bin/env python3
"""Make the packaged basemap from Natural Earth, as npm's world-atlas redistributes it.

npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
python scripts/make_basemap.py package/ geodes_datalab/maps/data/natural_earth.json
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from shapely import (
    MultiLineString,
    Polygon,
    box,
    get_parts,
    line_merge,
    set_precision,
    union_all,
)
from shapely.affinity import translate
from shapely.geometry import mapping

TOLERANCE = 0.05  # degrees; about 5 km, what a screen shows at zoom level 6
GRID = 0.01  # degrees; two decimals
SMALLEST = 0.02  # square degrees; smaller islands go
LONGEST = 10  # degrees; longer edges get points in between
WORLD = box(-225, -90, 225, 90)  # goes on beyond the antimeridian, for maps of both its sides


def main(source: str, target: str) -> None:
    land = load(source, "land-50m.json")
    countries = load(source, "countries-50m.json")
    large = [part for part in polygons_of(land, "land") if part.area > SMALLEST]
    features = [
        feature("land", around(large)),
        feature("border", around(list(get_parts(line_merge(MultiLineString(borders(countries))))))),
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"))
    Path(target).write_text(text + "\n", encoding="utf-8")
    print(f"{target}: {len(text):,} bytes")


def load(folder: str, name: str) -> dict[str, Any]:
    return dict(json.loads((Path(folder) / name).read_text(encoding="utf-8")))


def arcs(topology: dict[str, Any]) -> list[list[tuple[float, float]]]:
    """Undo the quantisation and the delta coding of the arcs."""
    (sx, sy), (dx, dy) = topology["transform"]["scale"], topology["transform"]["translate"]
    found = []
    for arc in topology["arcs"]:
        x = y = 0
        line = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            line.append((x * sx + dx, y * sy + dy))
        found.append(line)
    return found


def polygons_of(topology: dict[str, Any], name: str) -> Iterator[Polygon]:
    decoded = arcs(topology)
    for geometry in topology["objects"][name]["geometries"]:
        kinds = {"Polygon": [geometry["arcs"]], "MultiPolygon": geometry["arcs"]}
        for rings in kinds[geometry["type"]]:
            shell, *holes = [unwrapped(ring(decoded, one)) for one in rings]
            yield from get_parts(Polygon(shell, holes).buffer(0))


def ring(decoded: list[list[tuple[float, float]]], indices: list[int]) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for index in indices:
        arc = decoded[index] if index >= 0 else decoded[~index][::-1]
        points += arc[1 if points else 0 :]
    return points


def unwrapped(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Let a ring go on beyond 180 degrees instead of jumping; one around the pole is closed along it."""
    turn, line = 0, [points[0]]
    for (before, _), (x, y) in pairwise(points):
        turn -= round((x - before) / 360)
        line.append((x + 360 * turn, y))
    if turn:  # Antarctica
        line += [(line[-1][0], -90.0), (line[0][0], -90.0), line[0]]
    return line


def around(parts: list[Any]) -> Any:
    """Repeat parts of the world to both sides as far as `WORLD` goes, and simplify them."""
    turned = [translate(part, xoff=turn) for part in parts for turn in (-360, 0, 360)]
    near = [set_precision(part, GRID) for part in turned if part.intersects(WORLD)]
    whole = union_all(near).intersection(WORLD).simplify(TOLERANCE).segmentize(LONGEST)
    kept = [part for part in get_parts(whole) if part.geom_type == parts[0].geom_type]
    return union_all(kept, grid_size=GRID)


def borders(topology: dict[str, Any]) -> list[list[tuple[float, float]]]:
    """Return the arcs that two countries share."""
    used: Counter[int] = Counter()
    for geometry in topology["objects"]["countries"]["geometries"]:
        used.update({index if index >= 0 else ~index for index in flat(geometry.get("arcs", []))})
    decoded = arcs(topology)
    return [decoded[index] for index, count in used.items() if count > 1]


def flat(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    else:
        for one in value:
            yield from flat(one)


def feature(kind: str, geometry: Any) -> dict[str, Any]:
    whole = mapping(set_precision(geometry, GRID))
    return {"type": "Feature", "properties": {"kind": kind}, "geometry": trimmed(whole)}


def trimmed(geometry: dict[str, Any]) -> dict[str, Any]:
    def walk(value: Any) -> Any:
        if isinstance(value, float):
            return round(value, 2)
        return [walk(one) for one in value]

    return {"type": geometry["type"], "coordinates": walk(geometry["coordinates"])}


if __name__ == "__main__":
    main(*sys.argv[1:])

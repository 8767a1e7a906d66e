"""Items as shapes on a map, coloured by what they say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from geodes_datalab._language import gettext, mark, ngettext, shown
from geodes_datalab._optional import need
from geodes_datalab._types import Json
from geodes_datalab.errors import ConfigurationError
from geodes_datalab.maps.colours import Scale, plain_legend

Colour = Literal["date", "cloud_cover"]
"""What the colour of a footprint stands for."""

SIMPLIFY_ABOVE = 300
"""Number of footprints from which they are simplified before they go to the browser."""

TOLERANCE = 0.005
"""Degrees by which a simplified footprint may be off: 500 m."""


@dataclass(frozen=True)
class Footprints:
    """Shapes of items, ready for a map."""

    shapes: dict[int, Any]
    """Position of each item that has a footprint, and the footprint (shapely, degrees)."""
    colours: dict[int, str]
    """Position, and colour as ``#rrggbb``."""
    legend: str
    """HTML."""

    def features(self, chosen: Sequence[int] = ()) -> Json:
        """Return a GeoJSON FeatureCollection; the chosen ones stand out, and stand on top."""
        mapping = need("shapely.geometry", extra="maps").mapping
        order = [i for i in self.shapes if i not in chosen] + [
            i for i in chosen if i in self.shapes
        ]
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "id": str(i),
                    "properties": {"item": i, "style": _style(self.colours[i], i in chosen)},
                    "geometry": mapping(self.shapes[i]),
                }
                for i in order
            ],
        }

    def under(self, longitude: float, latitude: float) -> list[int]:
        """Return the positions of all items whose footprint covers a point."""
        point = need("shapely", extra="maps").Point
        home = (longitude + 180) % 360 - 180
        sides = [point(home + turn, latitude) for turn in (-360, 0, 360)]
        found = self._tree.query(sides, predicate="intersects")[1]
        positions = list(self.shapes)
        return sorted({positions[place] for place in found})

    @cached_property
    def _tree(self) -> Any:
        return need("shapely", extra="maps").STRtree(list(self.shapes.values()))


def in_one_piece(shape: Any) -> Any:
    """Return a shape (shapely, degrees) whose parts on both sides of the antimeridian are put together.

    Longitudes go on beyond 180 degrees.

    Examples
    --------
    >>> from shapely import MultiPolygon, box
    >>> in_one_piece(MultiPolygon([box(179, 1, 180, 2), box(-180, 1, -178, 2)])).bounds
    (179.0, 1.0, 182.0, 2.0)
    """
    shapely = need("shapely", extra="maps")
    west, _, east, _ = shape.bounds
    if shape.is_empty or east - west <= 180:
        return shape
    turned = need("shapely.affinity", extra="maps").translate
    parts = [
        turned(part, xoff=360) if part.bounds[0] < 0 else part for part in shapely.get_parts(shape)
    ]
    return shapely.union_all(parts, grid_size=1e-6)


def footprints(dicts: Sequence[Json], colour: Colour, most: int) -> Footprints:
    """Turn items into shapes.

    Parameters
    ----------
    dicts
        Normalised items.
    colour
        ``date`` (of acquisition) or ``cloud_cover``.
    most
        How many to draw; the legend tells when there are more.

    Raises
    ------
    ConfigurationError
        Unknown ``colour``.
    """
    if colour not in ("date", "cloud_cover"):
        raise ConfigurationError(f"unknown colour {colour!r}", hint='use "date" or "cloud_cover"')
    values = {i: _VALUES[colour](item) for i, item in enumerate(dicts[:most])}
    shapes = _shapes(dicts[:most])
    told = [value for value in values.values() if value is not None]
    scale = _scale(colour, told)
    title, label = shown(_LEGENDS[colour][0]), _LEGENDS[colour][1]
    note = _note(len(shapes), len(dicts), values)
    legend = scale.legend(title, label, note) if told else plain_legend(title, note)
    return Footprints(shapes, {i: scale.colour(values[i]) for i in shapes}, legend)


def _shapes(dicts: Sequence[Json]) -> dict[int, Any]:
    shapely = need("shapely", extra="maps")
    geometry = need("shapely.geometry", extra="maps")
    shapes = {
        i: geometry.shape(item["geometry"]) for i, item in enumerate(dicts) if item.get("geometry")
    }
    if len(shapes) <= SIMPLIFY_ABOVE:
        return shapes
    small = {i: shape.simplify(TOLERANCE) for i, shape in shapes.items()}
    return {i: shapely.transform(shape, lambda xy: xy.round(4)) for i, shape in small.items()}


def _scale(colour: Colour, values: Sequence[float]) -> Scale:
    if colour == "cloud_cover":
        return Scale(0, 100, "cividis")
    return Scale(min(values, default=0), max(values, default=0))


def _note(drawn: int, total: int, values: dict[int, float | None]) -> str:
    notes = [ngettext("{count} footprint", "{count} footprints", drawn)]
    if total > len(values):
        notes.append(
            gettext(
                "the first {first} of {total} items; narrow the search, or raise most=",
                first=len(values),
                total=total,
            )
        )
    elif drawn < total:
        notes.append(ngettext("{count} item has none", "{count} items have none", total - drawn))
    without = sum(value is None for value in values.values())
    if without:
        notes.append(gettext("grey: {count} without a value", count=without))
    return "; ".join(notes)


def _style(colour: str, chosen: bool) -> Json:
    if chosen:
        return {"color": "#d7191c", "weight": 3, "fillColor": colour, "fillOpacity": 0.25}
    return {"color": colour, "weight": 1.5, "fillColor": colour, "fillOpacity": 0.15}


def _date(item: Json) -> float | None:
    properties = item["properties"]
    text = properties.get("datetime") or properties.get("start_datetime")
    if not text:
        return None
    moment = datetime.fromisoformat(str(text))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _cloud_cover(item: Json) -> float | None:
    value = item["properties"].get("eo:cloud_cover")
    return None if value is None else float(value)


_VALUES: dict[str, Callable[[Json], float | None]] = {"date": _date, "cloud_cover": _cloud_cover}
_LEGENDS: dict[str, tuple[str, Callable[[float], str]]] = {
    "date": (
        mark("Date of acquisition"),
        lambda value: f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d}",
    ),
    "cloud_cover": (mark("Cloud cover"), lambda value: f"{value:.0f} %"),
}

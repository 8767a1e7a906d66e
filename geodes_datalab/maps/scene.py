"""What lies on the map of products: footprints, dots for the small ones, the one looked at, its picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from geodes_datalab._language import gettext
from geodes_datalab._optional import need
from geodes_datalab._types import Json
from geodes_datalab.maps import dots, mercator
from geodes_datalab.maps.basemap import PICTURES, view
from geodes_datalab.maps.drape import Draped
from geodes_datalab.maps.footprints import Footprints, in_one_piece

_NOTHING: Json = {"type": "FeatureCollection", "features": []}
_LOOKED_AT = {"color": "#111111", "weight": 6, "fill": False, "interactive": False}
_PLAIN = 24
"""Pixels from which a footprint is looked at where it is; the map goes to a smaller one."""


class Scene:
    """Layers of a map, and what the pointer meets there."""

    def __init__(
        self,
        the_map: Any,
        footprints: Footprints,
        *,
        clicked: Callable[..., None],
        pointed: Callable[[list[int]], None],
    ) -> None:
        leaflet = need("ipyleaflet", extra="maps")
        self._map = the_map
        self._footprints = footprints
        self._pointed_at = pointed
        self._chosen: Sequence[int] = ()
        self._dots = dots.gathered(footprints.shapes, the_map.zoom)
        hover = {"weight": 4}
        self.layer = leaflet.GeoJSON(
            data=footprints.features(), hover_style=hover, name=gettext("Footprints")
        )
        self.markers = leaflet.GeoJSON(
            data=self._dotted(),
            hover_style=hover,
            point_style={"radius": 5},
            name=gettext("Small footprints"),
        )
        self._outline = leaflet.GeoJSON(data=_NOTHING, name=gettext("Looked at"))
        self.picture = leaflet.ImageOverlay(name=gettext("Picture"), pane=PICTURES)
        for layer in (self._outline, self.layer, self.markers):
            the_map.add(layer)
        for layer in (self.layer, self.markers):
            layer.on_click(clicked)
        the_map.observe(self._zoomed, "zoom")
        the_map.on_interaction(self._moved)

    def select(self, chosen: Sequence[int]) -> None:
        """Let the chosen ones stand out."""
        self._chosen = chosen
        self.layer.data = self._footprints.features(chosen)
        self._mark()

    def under(self, longitude: float, latitude: float) -> list[int]:
        """Return the positions of all items at a place: their footprint covers it, or their dot."""
        found = self._footprints.under(longitude, latitude)
        return found or dots.under(self._dots, longitude, latitude, self._map.zoom)

    def look_at(self, item: int) -> None:
        """Outline a footprint, and go there where it is out of sight or too small."""
        shape = self._footprints.shapes.get(item)
        if shape is None:
            self._outline.data = _NOTHING
            return
        mapping = need("shapely.geometry", extra="maps").mapping
        self._outline.data = {
            "type": "Feature",
            "properties": {"style": _LOOKED_AT},
            "geometry": mapping(shape),
        }
        self._go_to(in_one_piece(shape).bounds)

    def lay(self, found: Draped | None) -> None:
        """Lay a picture on the map, in the place of the one before."""
        if found is None:
            if self.picture in self._map.layers:
                self._map.remove(self.picture)
            return
        with self.picture.hold_sync():
            self.picture.bounds, self.picture.url = list(found.bounds), found.url
        if self.picture not in self._map.layers:
            self._map.add(self.picture)

    def _go_to(self, box: Sequence[float]) -> None:
        if not self._map.bounds:  # nobody has seen the map yet
            return
        (south, west), (north, east) = self._map.bounds
        turn = 360 * round(((west + east) - (box[0] + box[2])) / 720)
        seen = box[0] + turn < east and box[2] + turn > west and box[1] < north and box[3] > south
        pixels = max(box[2] - box[0], box[3] - box[1]) / 360 * mercator.width(self._map.zoom)
        if not seen or pixels < _PLAIN:
            (latitude, longitude), zoom = view(box)
            self._map.center = latitude, longitude + turn
            self._map.zoom = zoom

    def _zoomed(self, _: Any) -> None:
        self._dots = dots.gathered(self._footprints.shapes, self._map.zoom)
        self._mark()

    def _mark(self) -> None:
        data = self._dotted()
        if data != self.markers.data:
            self.markers.data = data

    def _dotted(self) -> Json:
        return dots.features(self._dots, self._footprints.colours, self._chosen)

    def _moved(self, **event: Any) -> None:
        """Tell what the pointer is upon (ipyleaflet's event)."""
        if event.get("type") == "mousemove":
            latitude, longitude = event["coordinates"]
            self._pointed_at(self.under(longitude, latitude))
        elif event.get("type") == "mouseout":
            self._pointed_at([])

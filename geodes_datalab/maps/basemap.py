"""The map under everything: packaged vectors always, tiles above them where they can be had."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

from geodes_datalab._optional import need
from geodes_datalab._types import BBox, Json
from geodes_datalab.errors import ConfigurationError, RemoteError
from geodes_datalab.maps import graticule, theme

Tiles = bool | str
"""``"auto"``, True, False, or the address of a tile server with ``{z}``, ``{x}`` and ``{y}``."""

OPENSTREETMAP = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
CREDIT = '&copy; <a href="https://www.openstreetmap.org/copyright">OpenStreetMap</a> contributors'

_PANE = "basemap"
"""Name of the pane of the vectors."""

PICTURES = "quicklook"
"""Name of the pane of a product's picture: above footprints."""

_PATIENCE = 2.0
"""Seconds to wait for a tile server before doing without it."""

_OCEAN: Json = {
    "type": "Feature",
    "properties": {"kind": "ocean"},
    "geometry": {
        "type": "Polygon",
        "coordinates": [
            [[-540, -85.06], [540, -85.06], [540, 85.06], [-540, 85.06], [-540, -85.06]]
        ],
    },
}
_STYLES = {
    "ocean": {"stroke": False, "fillColor": "#d9e6ee", "fillOpacity": 1.0},
    "land": {"color": "#9aa79a", "weight": 0.7, "fillColor": "#f3f1e9", "fillOpacity": 1.0},
    "border": {"color": "#b08f8f", "weight": 0.8, "fill": False, "dashArray": "3 3"},
}


def new_map(box: BBox | None, *, tiles: Tiles, height: str) -> Any:
    """Return an `ipyleaflet.Map` over a box, with graticule, scale, coordinates and layer switch.

    Parameters
    ----------
    box
        What to show, in degrees; the world where None.
    tiles
        ``"auto"`` looks whether OpenStreetMap can be reached; True and False decide; a text is the
        address of another tile server.
    height
        CSS height of the map.

    Raises
    ------
    ConfigurationError
        ``tiles`` is neither.
    MissingDependency
        ipyleaflet is not installed.
    """
    leaflet = need("ipyleaflet", extra="maps")
    widgets = need("ipywidgets", extra="maps")
    center, zoom = view(box)
    result = leaflet.Map(
        layers=[vectors(), *tile_layers(tiles)],
        center=center,
        zoom=zoom,
        scroll_wheel_zoom=True,
        world_copy_jump=True,
        prefer_canvas=True,  # thousands of footprints stay smooth
        panes={  # tiles have 200, pictures and footprints 400
            _PANE: {"zIndex": 150},
            graticule.PANE: {"zIndex": 350},
            PICTURES: {"zIndex": 450},
        },
        layout=widgets.Layout(height=height, width="100%"),
    )
    result.add_class(theme.NAME)
    graticule.add(result)
    result.add(leaflet.ScaleControl(position="bottomleft", imperial=False))
    result.add(leaflet.LayersControl(position="topright"))
    return result


def vectors() -> Any:
    """Return a layer of ocean, land and borders (Natural Earth) that no click or pointer reaches."""
    leaflet = need("ipyleaflet", extra="maps")
    fixed = {
        "interactive": False,  # else the browser sends these large shapes back at every move over them
        "pane": _PANE,  # ipyleaflet gives a layer's pane to the group only, not to its shapes
    }
    features = [
        {**item, "properties": {"style": _STYLES[item["properties"]["kind"]] | fixed}}
        for item in (_OCEAN, *_natural_earth())
    ]
    data = {"type": "FeatureCollection", "features": features}
    return leaflet.GeoJSON(data=data, name="Natural Earth")


def tile_layers(tiles: Tiles) -> list[Any]:
    """Return the tile layer, or none; see `new_map`."""
    if tiles is False or (tiles == "auto" and not reachable(OPENSTREETMAP)):
        return []
    url = OPENSTREETMAP if tiles is True or tiles == "auto" else tiles
    if not isinstance(url, str) or not all(part in url for part in ("{z}", "{x}", "{y}")):
        raise ConfigurationError(
            f"tiles={tiles!r} is no tile server",
            hint='use "auto", True or False, or an address like https://tiles.example/{z}/{x}/{y}.png',
        )
    leaflet = need("ipyleaflet", extra="maps")
    own = url == OPENSTREETMAP
    name, credit = ("OpenStreetMap", CREDIT) if own else ("Tiles", "")
    return [leaflet.TileLayer(url=url, name=name, attribution=credit, max_zoom=19)]


@functools.lru_cache(maxsize=8)
def reachable(url: str) -> bool:
    """Tell whether a tile server answers within two seconds; asked once per process.

    A closed network costs these two seconds once, and no error.
    """
    from geodes_datalab import config
    from geodes_datalab._http import Client

    settings = replace(config.load(), timeout=_PATIENCE, retries=0)
    try:
        with Client(settings) as client, client.stream(url.format(z=0, x=0, y=0)) as response:
            return response.headers.get("Content-Type", "").startswith("image/")
    except RemoteError:
        return False


def view(box: BBox | Sequence[float] | None) -> tuple[tuple[float, float], int]:
    """Return the centre (latitude, longitude) and the zoom level that show a box.

    Examples
    --------
    >>> view((1.0, 43.0, 2.0, 44.0))
    ((43.5, 1.5), 8)
    >>> view((170.0, -20.0, -170.0, -10.0))[0]
    (-15.0, 180.0)
    """
    if box is None:
        return (20.0, 0.0), 2
    west, south, east, north = box
    if east < west:  # across the antimeridian
        east += 360
    widest = max(east - west, (north - south) * 1.5, 0.01)
    zoom = int(max(1, min(15, math.log2(360 / widest) + 0.9)))
    return ((south + north) / 2, (west + east) / 2), zoom


@functools.cache
def _natural_earth() -> tuple[Json, ...]:
    text = (resources.files(__package__) / "data" / "natural_earth.json").read_text(
        encoding="utf-8"
    )
    return tuple(json.loads(text)["features"])

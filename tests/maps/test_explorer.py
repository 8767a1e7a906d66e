"""Footprints on a map: what is drawn, what a click and a drawing do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import inline

import geodes_datalab as gd
from geodes_datalab.errors import ConfigurationError
from geodes_datalab.maps import aoi, basemap, panel
from geodes_datalab.maps.explorer import Explorer
from geodes_datalab.stac import Items
from geodes_datalab.standin import StandIn


def item(number: int, west: float, *, cloud: float | None = None, **extra: Any) -> dict[str, Any]:
    ring = [[west, 43], [west + 1, 43], [west + 1, 44], [west, 44], [west, 43]]
    properties = {
        "datetime": f"2024-01-{number + 1:02d}T10:00:00Z",
        "title": f"product {number}",
        "platform": "<b>sentinel-2a</b>",
    }
    if cloud is not None:
        properties["eo:cloud_cover"] = cloud
    return {
        "type": "Feature",
        "id": f"id-{number}",
        "collection": "PEPS_S2_L1C",
        "bbox": [west, 43, west + 1, 44],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": properties,
        "assets": {},
        **extra,
    }


@pytest.fixture
def items() -> Items:
    """Three products beside each other, overlapping by half, and one without a footprint."""
    dicts = [item(i, i * 0.5, cloud=c) for i, c in enumerate([0, 50, None])]
    return Items([*dicts, item(3, 9, geometry=None)])


def explore(items: Items, **options: Any) -> Explorer:
    return gd.explore(items, tiles=False, **options)


def click(view: Explorer, number: int, latitude: float, longitude: float) -> None:
    """Send what the browser sends when a footprint is clicked."""
    feature = next(f for f in view._layer.data["features"] if f["id"] == str(number))
    event = {"event": "click", "feature": feature, "properties": feature["properties"]}
    event |= {"id": feature["id"], "coordinates": [latitude, longitude]}
    view._layer._handle_custom_msg(json.loads(json.dumps(event)), [])


def draw(view: Explorer, event: str, ring: list[list[float]] | None) -> None:
    """Send what the browser sends when something is drawn."""
    shape = {"type": "Polygon", "coordinates": [ring]} if ring else None
    feature = {"type": "Feature", "properties": {"type": "rectangle"}, "geometry": shape}
    view._pen._handle_custom_msg({"event": event, "geo_json": feature}, [])


def fill(view: Explorer) -> dict[str, str]:
    return {f["id"]: f["properties"]["style"]["fillColor"] for f in view._layer.data["features"]}


def test_footprints_are_coloured_by_date(items: Items) -> None:
    view = explore(items)
    assert fill(view) == {
        "0": "#440154",
        "1": "#31688e",
        "2": "#35b779",
    }  # the fourth is the last date
    legend = view._footprints.legend
    assert "Date of acquisition" in legend
    assert "2024-01-01" in legend
    assert "3 footprints; 1 item has none" in legend
    assert repr(view) == "<Explorer: 3 of 4 items, 0 selected, aoi=None>"


def test_footprints_are_coloured_by_cloud_cover(items: Items) -> None:
    view = explore(items, colour="cloud_cover")
    assert fill(view)["0"] == "#00224e"  # cividis at 0 %
    assert fill(view)["2"] == "#8c8c8c"  # no cloud cover
    assert "grey: 2 without a value" in view._footprints.legend
    assert "100 %" in view._footprints.legend


def test_a_click_selects_and_shows(items: Items) -> None:
    view = explore(items)
    click(view, 1, 43.5, 0.7)  # under the point: 0 and 1
    assert view.selected.ids == ["id-1"]
    assert view._panel.choice.options == (
        ("2024-01-01  product 0", 0),
        ("2024-01-02  product 1", 1),
    )
    assert "&lt;b&gt;sentinel-2a" in view._panel._text.value
    assert "this product has no quicklook" in view._panel._picture.value
    last = view._layer.data["features"][-1]
    assert last["id"] == "1"  # on top
    assert last["properties"]["style"]["color"] == "#d7191c"


def test_products_below_are_reached_by_the_list_and_dropped_by_the_box(items: Items) -> None:
    view = explore(items)
    click(view, 1, 43.5, 0.7)
    view._panel.choice.value = 0
    assert "product 0" in view._panel._text.value
    assert view._panel.keep.value is False
    view._panel.keep.value = True
    assert view.selected.ids == ["id-0", "id-1"]
    view._panel.choice.value = 1
    view._panel.keep.value = False
    assert view.selected.ids == ["id-0"]
    view.clear()
    assert len(view.selected) == 0


def test_a_drawn_box_is_the_area(items: Items) -> None:
    view = explore(items)
    assert view.aoi is None
    assert view.geometry is None
    ring = [[1.0, 43.0], [1.0, 43.25], [1.5, 43.25], [1.5, 43.0], [1.0, 43.0]]
    draw(view, "pm:create", ring)
    assert view.aoi == (1.0, 43.0, 1.5, 43.25)
    assert view.geometry == {"type": "Polygon", "coordinates": [ring]}
    draw(view, "pm:edit", [[x + 1, y] for x, y in ring])
    assert view.aoi == (2.0, 43.0, 2.5, 43.25)
    draw(view, "pm:remove", ring)
    assert view.aoi is None


def test_clicks_that_draw_select_nothing(items: Items) -> None:
    view = explore(items)
    view._pen.current_mode = "draw:rectangle"
    click(view, 1, 43.5, 0.7)
    assert len(view.selected) == 0


def test_areas_beyond_the_world_s_edge_come_home() -> None:
    ring = [[539.0, 1.0], [541.0, 1.0], [541.0, 2.0], [539.0, 2.0], [539.0, 1.0]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    assert aoi.box(shape) == (179.0, 1.0, -179.0, 2.0)  # across the antimeridian
    assert aoi.wrapped(shape)["coordinates"][0][0] == [-181.0, 1.0]
    whole = {"type": "Polygon", "coordinates": [[[-300, -95], [300, -95], [300, 95], [-300, -95]]]}
    assert aoi.box(whole) == (-180.0, -90.0, 180.0, 90.0)
    assert aoi.polygons([{"geometry": {"type": "Point", "coordinates": [1, 2]}}, None]) == []


def test_thousands_are_simplified_and_the_cap_is_told() -> None:
    dicts = [item(i % 28, (i % 340) - 170) for i in range(3000)]
    ring = dicts[0]["geometry"]["coordinates"][0]
    ring[1:1] = [[ring[0][0] + step / 1000, 43.0 + 0.0000123456] for step in range(1, 1000)]
    view = explore(Items(dicts))
    assert len(view._layer.data["features"]) == 2000
    assert "the first 2000 of 3000 items" in view._footprints.legend
    assert len(view._layer.data["features"][0]["geometry"]["coordinates"][0]) < 10
    assert len(json.dumps(view._layer.data)) < 1_000_000


def test_nothing_found_is_shown_too() -> None:
    view = explore(Items([]))
    assert view.map.zoom == 2
    assert "0 footprints" in view._footprints.legend
    assert "1970" not in view._footprints.legend
    assert view._strip.widget.layout.display == "none"


def test_the_map_needs_no_network_and_shows_land(items: Items) -> None:
    view = explore(items)
    vectors = view.map.layers[0]
    kinds = [feature["geometry"]["type"] for feature in vectors.data["features"]]
    assert kinds == ["Polygon", "MultiPolygon", "MultiLineString"]
    for feature in vectors.data["features"]:
        assert feature["properties"]["style"]["interactive"] is False
        assert feature["properties"]["style"]["pane"] in view.map.panes
    assert not [layer for layer in view.map.layers if hasattr(layer, "attribution") and layer.url]
    assert "application/vnd.jupyter.widget-view+json" in view._repr_mimebundle_()


def test_packaged_land_is_where_it_should_be() -> None:
    import shapely.geometry

    land = shapely.geometry.shape(basemap._natural_earth()[0]["geometry"]).buffer(0)
    places = {"Toulouse": (1.44, 43.6), "Réunion": (55.5, -21.1), "Kourou": (-52.8, 5.1)}
    assert all(land.contains(shapely.geometry.Point(x, y)) for x, y in places.values())
    assert not land.contains(shapely.geometry.Point(-30, 40))


def test_tiles_come_only_from_servers_that_answer(geodes: StandIn) -> None:
    basemap.reachable.cache_clear()
    away = "http://127.0.0.1:9/{z}/{x}/{y}.png"
    assert basemap.reachable(away) is False
    assert (
        basemap.reachable(geodes.url + "/{z}/{x}/{y}.png") is False
    )  # answers, but with no picture
    assert basemap.tile_layers("auto") == []  # sockets beyond loopback are blocked in tests
    assert [layer.url for layer in basemap.tile_layers(True)] == [basemap.OPENSTREETMAP]
    assert [layer.url for layer in basemap.tile_layers(away)] == [away]


@pytest.mark.parametrize("options", [{"tiles": "openstreetmap"}, {"colour": "orbit"}])
def test_options_are_checked(items: Items, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="What to do: use"):
        gd.explore(items, **{"tiles": False, **options})


def test_quicklooks_of_the_catalogue(geodes: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_PORTAL", geodes.url)
    monkeypatch.setenv("GEODES_API_KEY", geodes.api_key)
    found = gd.search("PEPS_S2_L1C", bbox=(-67.7, -47.9, -67.6, -47.8), limit=2)
    view = explore(found)
    west, south, east, north = found.dicts[0]["bbox"]
    middle = ((south + north) / 2, (west + east) / 2)
    click(view, 0, *middle)
    picture = view._panel._picture.value
    start = 'src="data:image/png;base64,'
    assert start in picture
    pixels = inline.picture(picture.split('src="')[1].split('"')[0])
    assert max(pixels.size) <= 420
    assert len(pixels.convert("RGB").getcolors(1 << 24)) > 10  # a picture, not a blank
    assert geodes.api_key not in picture

    geodes.faults.down()
    click(view, 0, *middle)
    assert "base64" in view._panel._picture.value  # kept
    click(view, 1, *middle)
    assert "no quicklook:" in view._panel._picture.value


def test_a_french_class_reads_french(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_DATALAB_LANGUAGE", "fr")
    items = Items([item(i, 0, cloud=12) for i in range(6)])
    view = gd.explore(items, tiles=False)
    assert "Date d'acquisition" in view._footprints.legend.replace("&#x27;", "'")
    assert "6 emprises" in view._footprints.legend
    assert "sur 6 sélectionnés" in view._panel.count.value
    assert view._panel.keep.description == "sélectionné"
    assert {layer.name for layer in view.map.layers} >= {"Emprises", "Petites emprises", "Regardé"}
    view._strip.buttons[0].click()
    assert "Couverture nuageuse" in view._panel._text.value
    assert "6 produits ici" in panel.card(items.dicts)
    assert "et 2 de plus" in panel.card(items.dicts)

"""What lies on the map of products: dots at low zoom, the card at the pointer, the picture laid on it."""

from __future__ import annotations

from typing import Any

import pytest
from support.waiting import eventually

import geodes_datalab as gd
from geodes_datalab.maps.explorer import Explorer
from geodes_datalab.stac import Items
from geodes_datalab.standin import StandIn


def item(number: int, west: float, width: float = 1.0, **properties: Any) -> dict[str, Any]:
    east = west + width
    ring = [[west, 43], [east, 43], [east, 43 + width], [west, 43 + width], [west, 43]]
    told = {"datetime": f"2024-01-{number + 1:02d}T10:00:00Z", "title": f"<i>product {number}"}
    return {
        "type": "Feature",
        "id": f"id-{number}",
        "collection": "PEPS_S2_L1C",
        "bbox": [west, 43, east, 43 + width],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": told | properties,
        "assets": {},
    }


def point(view: Explorer, kind: str, latitude: float, longitude: float) -> str:
    """Move the pointer as the browser tells it, and return what the card says."""
    event = {"event": "interaction", "type": kind, "coordinates": [latitude, longitude]}
    view.map._handle_leaflet_event(view.map, event, [])
    return str(view._card.html.value)


def see(view: Explorer, west: float, south: float, east: float, north: float) -> None:
    """Say what a browser says when it shows the map."""
    view.map.set_state({"west": west, "south": south, "east": east, "north": north})


def test_the_card_names_what_is_under_the_pointer() -> None:
    dicts = [item(i, i * 0.5, **({"eo:cloud_cover": 12.4} if i == 0 else {})) for i in range(6)]
    view = gd.explore(Items(dicts), tiles=False)
    assert point(view, "mousemove", 43.5, 0.2) == (
        '<div class="geodes-card"><b>&lt;i&gt;product 0</b><div>2024-01-01 · ☁ 12 %</div></div>'
    )
    both = point(view, "mousemove", 43.5, 360.7)  # the same place, once around the world
    assert "2 products here" in both
    assert both.index("product 0") < both.index("product 1")
    assert point(view, "mousemove", 50, 0.2) == ""
    point(view, "mousemove", 43.5, 0.2)
    assert point(view, "mouseout", 43.5, 0.2) == ""
    view._pen.current_mode = "draw:rectangle"
    assert point(view, "mousemove", 43.5, 0.2) == ""


def test_small_footprints_are_dots_until_one_is_near() -> None:
    view = gd.explore(Items([item(0, 0, 0.04), item(1, 0.01, 0.04), item(2, 120)]), tiles=False)
    view.map.zoom = 2
    found = view._scene.markers.data["features"]
    assert [one["properties"]["items"] for one in found] == [[0, 1], [2]]
    x, y = found[0]["geometry"]["coordinates"]
    assert (x, y) == pytest.approx((0.025, 43.02))
    assert "2 products here" in point(view, "mousemove", 44, -1)  # two pixels beside

    event = {"event": "click", "properties": found[0]["properties"], "coordinates": [44, -1]}
    view._scene.markers._handle_mouse_events(None, event, [])
    assert view.selected.ids == ["id-0"]
    assert [value for _, value in view._panel.choice.options] == [0, 1]
    assert view._scene.markers.data["features"][0]["properties"]["style"]["color"] == "#d7191c"

    view.map.zoom = 12
    assert view._scene.markers.data["features"] == []
    assert len(view._layer.data["features"]) == 3


def test_the_map_goes_to_a_product_that_cannot_be_seen() -> None:
    view = gd.explore(Items([item(0, 0, 0.04), item(1, 120)]), tiles=False)
    before = view.map.center
    view._strip.buttons[1].click()
    assert view.map.center == before  # nobody has seen the map
    see(view, -180, -60, 180, 80)
    view._strip.buttons[0].click()
    assert view.map.center == pytest.approx((43.02, 0.02))
    assert view.map.zoom == 13
    see(view, -0.1, 42.9, 0.1, 43.1)
    view._strip.buttons[1].click()
    assert view.map.center == pytest.approx((43.5, 120.5))


def test_picking_a_frame_shows_and_selects_nothing() -> None:
    view = gd.explore(Items([item(1, 0), item(0, 0)]), tiles=False)
    assert view._strip.buttons[0].description == "2024-01-01"  # by date, not as found
    view._strip.buttons[0].click()
    assert len(view.selected) == 0
    assert "product 0" in view._panel._text.value
    assert view._scene._outline.data["geometry"]["type"] == "Polygon"
    view._panel.keep.value = True
    assert view.selected.ids == ["id-0"]
    assert "1</b> of 2 selected" in view._panel.count.value


def test_a_click_takes_what_is_seen_on_top() -> None:
    view = gd.explore(Items([item(i, 0) for i in range(3)]), tiles=False)
    view._strip.buttons[0].click()
    top = view._layer.data["features"][-1]
    event = {"event": "click", "properties": top["properties"], "coordinates": [43.5, 0.5]}
    view._layer._handle_mouse_events(None, event, [])
    assert view.selected.ids == ["id-0"]  # its picture lies there, not that of the last
    assert [value for _, value in view._panel.choice.options] == [0, 1, 2]


def test_pictures_come_when_the_map_is_seen_and_lie_on_it(
    geodes: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODES_PORTAL", geodes.url)
    monkeypatch.setenv("GEODES_API_KEY", geodes.api_key)
    found = gd.search("THEIA_REFLECTANCE_SENTINEL2_L2A", limit=3)
    west, south, east, north = found.bbox or (0, 0, 0, 0)
    asked = len(geodes.requests)
    view = gd.explore(found, tiles=False)
    assert len(geodes.requests) == asked  # no picture before a browser shows the map
    see(view, west, south, east, north)
    strip = view._strip
    eventually(lambda: all(html.value for html in strip._pictures), "the pictures of the strip")
    assert all('url("data:image/jpeg;base64,' in html.value for html in strip._pictures)
    assert max(len(html.value) for html in strip._pictures) < 20_000

    geodes.faults.down()  # what was fetched is kept
    strip.buttons[1].click()
    laid = view._scene.picture
    assert laid in view.map.layers
    assert laid.pane in view.map.panes
    (low, left), (high, right) = laid.bounds
    item = found.dicts[strip.shown[1]]
    assert (left, low, right, high) == pytest.approx(tuple(item["bbox"]), abs=2e-4)
    assert "The picture lies where the product" in view._panel._picture.value
    first = laid.url
    strip.buttons[2].click()
    assert laid.url != first
    view._panel.drape.value = False
    assert laid not in view.map.layers
    assert "<img" in view._panel._picture.value

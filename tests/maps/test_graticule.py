"""Lines of longitude and latitude: where they run, in pixels of the picture, and what they are called."""

from __future__ import annotations

import base64
import math
import re

import pytest

from geodes_datalab.maps import basemap, graticule


def picture(view: tuple[float, float, float, float], zoom: float) -> str:
    address = graticule.drawn(view, zoom)[1]
    return base64.b64decode(address.partition("base64,")[2]).decode()


def labels(svg: str) -> list[str]:
    return re.findall(">([^<>]+)</text>", svg)


def test_lines_lie_at_round_degrees() -> None:
    svg = picture((-68.0, -48.0, -67.0, -47.5), 10)
    scale = 256 * 2**10
    meridians = [float(x) for x in re.findall(r'd="M([\d.]+) 0V', svg)]
    assert meridians == pytest.approx(
        [scale * step / 360 for step in (0, 0.2, 0.4, 0.6, 0.8, 1.0)], abs=0.06
    )
    down = [float(y) for y in re.findall(r'd="M0 ([\d.]+)H', svg)]
    edge = math.asinh(math.tan(math.radians(-47.5)))
    wanted = [
        (edge - math.asinh(math.tan(math.radians(y)))) * scale / (2 * math.pi)
        for y in (-48.0, -47.8, -47.6)
    ]
    assert down == pytest.approx(wanted, abs=0.06)
    assert labels(svg)[:2] == ["68.0° W", "67.8° W"]
    assert labels(svg)[-1] == "47.6° S"


@pytest.mark.parametrize("zoom", range(1, 19))
def test_there_are_some_lines_at_every_level_and_never_many(zoom: int) -> None:
    wide = min(360.0, 900 * 360 / (256 * 2**zoom))
    svg = picture((1.44 - wide / 2, 43.6 - wide / 4, 1.44 + wide / 2, 43.6 + wide / 4), zoom)
    assert 2 <= len(labels(svg)) <= 24


@pytest.mark.parametrize("north", [43.001, 43.01, 43.02, 43.2])
def test_a_label_at_the_upper_edge_is_whole(north: float) -> None:
    svg = picture((1.0, 42.0, 2.0, north), 10)
    assert "43.0° N" in labels(svg)
    baselines = [float(y) for y in re.findall(r'<text x="[\d.]+" y="([-\d.]+)"', svg)]
    assert min(baselines) >= 11, "a letter is 11 pixels high"


def test_longitudes_go_on_beyond_the_antimeridian() -> None:
    assert labels(picture((170, -5, 200, 5), 4))[:4] == ["170° E", "180°", "170° W", "160° W"]
    assert {"10° E", "0°"} <= set(labels(picture((350, -5, 371, 5), 4)))


def test_the_poles_are_cut_where_the_map_ends() -> None:
    bounds, _ = graticule.drawn((-180, -90, 180, 90), 1)
    assert bounds == [(-85.05, -180), (85.05, 180)]


def test_lines_follow_the_map_and_the_corner_follows_the_pointer() -> None:
    the_map = basemap.new_map((1, 43, 2, 44), tiles=False, height="300px")
    assert "Graticule" not in [layer.name for layer in the_map.layers]  # nobody sees it yet
    the_map.set_state({"south": 43.0, "north": 44.0, "west": 1.0, "east": 2.0})
    lines = next(layer for layer in the_map.layers if layer.name == "Graticule")
    assert lines.bounds == [(43.0, 1.0), (44.0, 2.0)]
    before = lines.url
    the_map.set_state({"south": 43.4, "north": 43.6, "west": 1.4, "east": 1.6, "zoom": 11})
    assert lines.bounds == [(43.4, 1.4), (43.6, 1.6)]
    assert lines.url != before
    assert lines.pane in the_map.panes
    event = {"event": "interaction", "type": "mousemove", "coordinates": [-17.8, 541.25]}
    the_map._handle_leaflet_event(the_map, event, [])
    texts = [
        child.value
        for control in the_map.controls
        for child in getattr(getattr(control, "widget", None), "children", ())
    ]
    assert any("17.8000° S, 178.7500° W" in text for text in texts)

"""Pictures on the map: each corner where it belongs, in degrees."""

from __future__ import annotations

import math
from typing import Any

import pytest
from PIL import Image
from shapely import MultiPolygon, Polygon, box
from shapely.geometry import mapping
from support import inline

from geodes_datalab.maps.drape import Draped, draped
from geodes_datalab.maps.inline import png

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


def quarters(width: int = 120, height: int = 120) -> str:
    """Return a picture: red, green on top; white, blue below (clockwise from the upper left)."""
    picture = Image.new("RGB", (width, height), RED)
    halves = width // 2, height // 2
    picture.paste(GREEN, (halves[0], 0, width, halves[1]))
    picture.paste(BLUE, (*halves, width, height))
    picture.paste(WHITE, (0, halves[1], halves[0], height))
    return png(picture)


def item(shape: Any, **properties: Any) -> dict[str, Any]:
    geometry = mapping(shape) if shape is not None else None
    return {"id": "1", "geometry": geometry, "properties": properties}


def down(latitude: float) -> float:
    return -math.asinh(math.tan(math.radians(latitude)))


def colour(found: Draped | None, longitude: float, latitude: float) -> tuple[int, ...] | None:
    """Return what the map shows at a place; None where the picture is transparent."""
    assert found is not None
    (south, west), (north, east) = found.bounds
    picture = inline.picture(found.url)
    x = (longitude - west) / (east - west) * picture.width
    y = (down(latitude) - down(north)) / (down(south) - down(north)) * picture.height
    *pixel, alpha = picture.getpixel((int(x), int(y)))
    return tuple(pixel) if alpha else None


def test_four_corners_are_laid_on_four_corners() -> None:
    turned = Polygon([(2, 51), (5, 50), (4, 47), (1, 48)])  # the upper edge falls to the east
    found = draped(item(turned), quarters())
    assert colour(found, 2.0, 50.4) == RED
    assert colour(found, 4.5, 49.8) == GREEN
    assert colour(found, 3.9, 47.6) == BLUE
    assert colour(found, 1.5, 48.3) == WHITE
    assert colour(found, 1.2, 50.8) is None  # in the box, beside the footprint
    assert colour(found, 4.8, 47.2) is None
    assert found is not None
    assert found.bounds[0] == pytest.approx((47, 1))
    assert found.bounds[1] == pytest.approx((51, 5))
    assert found.note == "The picture's corners lie on the footprint's."


@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("step", [1, -1])
def test_the_order_of_a_ring_does_not_matter(start: int, step: int) -> None:
    ring = [(2, 51), (5, 50), (4, 47), (1, 48)][::step]
    found = draped(item(Polygon(ring[start:] + ring[:start])), quarters())
    assert colour(found, 2.0, 50.4) == RED
    assert colour(found, 3.9, 47.6) == BLUE


def test_points_upon_an_edge_are_no_corners() -> None:
    found = draped(item(box(0, 40, 2, 42).segmentize(0.3)), quarters())
    assert colour(found, 0.2, 41.8) == RED
    assert found is not None
    assert "corners lie on the footprint's" in found.note


def test_the_grid_of_the_product_comes_before_a_footprint_cut_by_the_swath() -> None:
    pyproj = pytest.importorskip("pyproj")
    grid = {
        "proj:code": "EPSG:32631",
        "proj:shape": [10980, 10980],
        "proj:transform": [10.0, 0.0, 300000.0, 0.0, -10.0, 4900020.0],
    }
    degrees = pyproj.Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True).transform
    corner = Polygon([degrees(300000, 4900020), degrees(340000, 4900020), degrees(300000, 4850000)])
    found = draped(item(corner, **grid), quarters(343, 343))
    assert found is not None
    assert "grid" in found.note
    for x, y, wanted in [
        (310000, 4890000, RED),
        (400000, 4890000, GREEN),
        (400000, 4800000, BLUE),
        (310000, 4800000, WHITE),
    ]:
        assert colour(found, *degrees(x, y)) == wanted
    middle = degrees(300000 + 54900, 4900020 - 54900)
    around = {
        colour(found, middle[0] + dx, middle[1] + dy)
        for dx in (-9e-3, 9e-3)
        for dy in (-9e-3, 9e-3)
    }
    assert around == {RED, GREEN, BLUE, WHITE}  # the middle is off by less than two pixels of 320 m


@pytest.mark.parametrize(
    "wrong",
    [
        {"proj:code": "EPSG:32631", "proj:shape": [100, 400]},  # another shape than the picture's
        {"proj:code": "EPSG:999999", "proj:shape": [100, 100]},
        {"proj:code": None, "proj:shape": [100, 100]},
    ],
)
def test_a_grid_that_does_not_fit_is_left(wrong: dict[str, Any]) -> None:
    grid = {"proj:transform": [10.0, 0.0, 300000.0, 0.0, -10.0, 4900020.0], **wrong}
    found = draped(item(box(0, 40, 2, 42), **grid), quarters())
    assert found is not None
    assert found.bounds[0] == pytest.approx((40, 0))


def test_other_footprints_get_the_box_and_it_says_so() -> None:
    five = Polygon([(0, 40), (2, 40), (3, 41), (2, 42), (0, 42)])
    found = draped(item(five), quarters())
    assert found is not None
    assert "rough" in found.note
    assert colour(found, 2.9, 41.9) == GREEN


def test_radar_says_that_it_may_be_mirrored() -> None:
    found = draped(item(box(0, 40, 2, 42), **{"sar:polarizations": ["VV"]}), quarters())
    assert found is not None
    assert "mirrored" in found.note


def test_footprints_cut_by_the_antimeridian_are_one() -> None:
    halves = MultiPolygon([box(179, -18, 180, -16), box(-180, -18, -179, -16)])
    found = draped(item(halves), quarters())
    assert found is not None
    assert found.bounds[0] == pytest.approx((-18, 179))
    assert found.bounds[1] == pytest.approx((-16, 181))
    assert colour(found, 179.2, -16.2) == RED
    assert colour(found, 180.8, -17.8) == BLUE


def test_what_has_no_place_is_not_laid() -> None:
    assert draped(item(None), quarters()) is None
    assert draped(item(Polygon([(0, 0), (1, 1), (2, 2), (0, 0)])), quarters()) is None

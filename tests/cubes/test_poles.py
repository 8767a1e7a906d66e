"""Cubes around the poles: every pixel whose centre lies in a product has its value.

The right value is the height of the place as pyproj tells where it is: a field of the latitude alone,
since around a pole a pixel of a cube in degrees is a sliver.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from pyproj import Transformer

from geodes_datalab import cubes

load = partial(cubes.load, bands="B04", raw=True)
"""Stored numbers are compared with stored numbers."""

HOW: dict[str, dict[str, Any]] = {
    "odc": {}, "stackstac": {"engine": "stackstac"}, "threads": {"threads": 2},
    "smooth": {"resampling": "bilinear"}, "small chunks": {"chunks": 100},
}  # fmt: skip


def places(x: Any, y: Any, crs: str, to: str = "EPSG:4326") -> tuple[Any, Any]:
    return Transformer.from_crs(crs, to, always_xy=True).transform(*np.meshgrid(x, y))


def height(latitude: Any) -> Any:
    return 1000 + 100 * (np.abs(latitude) - 60)


def product(shelf: Any, name: str, crs: str, origin: tuple[float, float], *, step: float) -> Any:
    size = (180, 360) if crs == "EPSG:4326" else (400, 400)
    x = origin[0] + (np.arange(size[1]) + 0.5) * step
    y = origin[1] - (np.arange(size[0]) + 0.5) * step
    pixels = height(places(x, y, crs)[1]).round().astype("uint16")
    return shelf.item(name, crs=crs, origin=origin, size=size, step=step, bands={"B04": pixels})


@pytest.fixture(scope="module")
def south(session_shelf: Any) -> list[Any]:
    """One tile around the South Pole."""
    return [product(session_shelf, "south", "EPSG:3031", (-1e6, 1e6), step=5000)]


@pytest.fixture(scope="module")
def north(session_shelf: Any) -> list[Any]:
    """Four tiles that meet at the North Pole."""
    return [
        product(session_shelf, f"north{x}{y}", "EPSG:3413", (x * 1e6, y * 1e6), step=2500)
        for x in (-1, 0)
        for y in (0, 1)
    ]


def assert_whole(cube: Any, crs: str, reach: float = 1e6) -> None:
    """Assert that what lies within ``reach`` of the pole along x and y has its value."""
    own = str(cube.odc.crs)
    x, y = (cube[name].values for name in ("x", "y"))
    across, down = places(x, y, own, crs)
    inside = np.maximum(np.abs(across), np.abs(down)) < reach - 20_000
    found, expected = cube["B04"].values[0], height(places(x, y, own)[1])
    assert inside.sum() > 1000
    assert (found[inside] != 0).all(), f"{(found[inside] == 0).mean():.0%} are missing"
    np.testing.assert_allclose(found[inside], expected[inside], atol=60)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(
    "bbox", [None, (-180, -90, 180, -84), (-180, -88, 180, -84), (-90, -90, 90, -84), (100, -89, 260, -83)]
)  # fmt: skip
def test_a_tile_around_a_pole_in_degrees(south: Any, bbox: Any, how: str) -> None:
    cube = load(south, crs="EPSG:4326", resolution=0.5, bbox=bbox, **HOW[how]).compute()
    assert_whole(cube, "EPSG:3031")


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(
    ("crs", "step"), [("EPSG:4326", 0.5), ("EPSG:3857", 50_000), ("EPSG:3995", 10_000)]
)
def test_tiles_that_meet_at_a_pole(north: Any, crs: str, step: float, how: str) -> None:
    cube = load(north, crs=crs, resolution=step, bbox=(-180, 80, 180, 89.5), **HOW[how]).compute()
    assert_whole(cube, "EPSG:3413")


@pytest.mark.parametrize("how", HOW)
def test_the_world_in_degrees_around_a_pole(session_shelf: Any, how: str) -> None:
    world = [product(session_shelf, f"world {how}", "EPSG:4326", (-180, 90), step=1.0)]
    cube = load(world, crs="EPSG:3413", resolution=20_000, bbox=(-180, 75, 180, 90), **HOW[how])
    assert_whole(cube.compute(), "EPSG:3413")

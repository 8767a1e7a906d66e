"""Pixels of an old datum lie where points of it do, also beyond the area that PROJ's way was made for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odc.geo import CRS
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from support.ramps import found, ramp

from geodes_datalab import load
from geodes_datalab.cubes.grid import datums

WAYS: list[dict[str, Any]] = [
    {"engine": "odc"},
    {"engine": "odc", "raw": True},
    {"engine": "stackstac"},
    {"threads": 2},
]

PARIS, USHANT = (600_000.0, 2_428_000.0), (55_824.0, 2_394_454.0)
"""EPSG gives NTF's ways the area from 4.87 west to 9.63 east; Ushant is at 5.1 west."""


@pytest.mark.parametrize("how", WAYS, ids=str)
@pytest.mark.parametrize("count", [40, 1000], ids=["beyond", "partly beyond"])
def test_pixels_lie_where_points_do(tmp_path: Path, how: dict[str, Any], count: int) -> None:
    for place in (PARIS, USHANT):
        item = ramp(tmp_path, place, "EPSG:27572", step=10 if count == 40 else 200, count=count)
        there = Transformer.from_crs("EPSG:27572", "EPSG:2154", always_xy=True).transform(*place)
        west, north = Transformer.from_crs("EPSG:2154", "EPSG:4326", always_xy=True).transform(
            *there
        )
        near = (west - 0.001, north - 0.001, west + 0.001, north + 0.001)
        cube = load(item, crs="EPSG:2154", resolution=1, resampling="bilinear", bbox=near, **how)
        assert found(cube, there) == pytest.approx(place, abs=0.01)


def tile(crs: str, place: tuple[float, float], size: float = 1000) -> GeoBox:
    x, y = place
    return GeoBox.from_bbox((x, y, x + size, y + size), CRS(crs), shape=(10, 10), tight=True)


@pytest.mark.parametrize(
    ("box", "crs", "apart"),
    [
        (tile("EPSG:27572", USHANT), "EPSG:2154", True),
        (tile("EPSG:27572", (20_000, 2_300_000), 300_000), "EPSG:2154", True),
        (tile("EPSG:27572", PARIS), "EPSG:2154", False),
        (tile("EPSG:2154", (107_242, 6_832_277)), "EPSG:27572", True),
        # RGF93 and WGS 84 are one to a metre: it does not matter that half of a tile is Spain's
        (tile("EPSG:32631", (300_000, 4_600_000), 110_000), "EPSG:2154", False),
        (tile("EPSG:32631", (300_000, 4_600_000), 110_000), "EPSG:32630", False),
        (tile("EPSG:32631", (300_000, 4_600_000), 110_000), "EPSG:3035", False),
        (tile("EPSG:4326", (-180, -90), 180), "EPSG:2154", False),
    ],
)
def test_only_where_gdal_would_leave_the_turn_out(box: GeoBox, crs: str, apart: bool) -> None:
    part = GeoBox.from_bbox((0, 0, 100, 100), CRS(crs), shape=(10, 10), tight=True)
    assert datums.apart(box, part) is apart

"""Metadata-only items for search benchmarks, derived from one recorded real item."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from geodes_datalab.standin.samples.grid import Grid, mgrs_square
from geodes_datalab.standin.samples.metadata import S3
from geodes_datalab.standin.samples.product import Product, ProductFile

FIRST_DAY = datetime(2016, 1, 1, 10, 50, 31, tzinfo=UTC)
COMMENT = (
    "Simulated metadata for search benchmarks, derived from one real item; there is no such file."
)
COLUMNS, ROWS, NORTHERNMOST = 6, 8, 5_000_020
TILE_METRES, TILE_PIXELS = 109_800, 10_980


def products(model: Product, count: int) -> Iterator[Product]:
    """Yield `count` Sentinel-2 L1C products on 48 tiles of UTM zone 31, in order of date.

    Every product has its own name, time and cloud cover; calling twice gives the same products.
    """
    tiles = [_tile(number) for number in range(COLUMNS * ROWS)]
    generator = random.Random(20261123)
    for number in range(count):
        tile, geometry = tiles[number % len(tiles)]
        start = FIRST_DAY + timedelta(hours=13 * number, seconds=number % 50)
        yield _product(model, tile, geometry, start, round(generator.uniform(0, 100), 6))


def _product(
    model: Product, tile: str, geometry: dict[str, object], start: datetime, cloud_cover: float
) -> Product:
    stamp, unit = start.strftime("%Y%m%dT%H%M%S"), "AB"[start.day % 2]
    name = f"S2{unit}_MSIL1C_{stamp}_N0500_R008_T{tile}_{stamp[:8]}T235959"
    iso = start.strftime("%Y-%m-%dT%H:%M:%S.024Z")
    published = (start + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.809Z")
    properties = {
        **model.properties,
        "grid:code": f"T{tile}",
        "endpoint_url": f"{S3}/sentinel2-l1c/{tile[:2]}/{tile[2]}/{tile[3:]}/{name}.zip",
        "platform": f"S2{unit}",
        "start_datetime": iso,
        "end_datetime": iso,
        "datetime": published,
        "eo:cloud_cover": cloud_cover,
        "sat:relative_orbit": 8,
        "s2:datatake_id": f"GS2{unit}_{stamp}_000000_N05.00",
        "processing:version": "05.00",
        "continent_code": ["EU"],
        "political": {"continents": []},
        "title": f"{name} (simulated)",
        "geodes_datalab:simulated": True,
        "geodes_datalab:comment": COMMENT,
    }
    return replace(
        model, identifier=name, geometry=geometry, properties=properties, urn=None, extra={},
        files=tuple(_files(name, stamp, unit)),
    )  # fmt: skip


def _files(name: str, stamp: str, unit: str) -> Iterator[ProductFile]:
    folder = f"{stamp[:4]}/{stamp[4:6]}/{stamp[6:8]}/S2{unit}"
    for file, size, media, datatype in (
        (f"{name}.zip", 764_210_185, "application/zip", "RAWDATA"),
        (f"{folder}/{name}_quicklook.jpg", 18_684, "image/jpeg", "QUICKLOOK_SD"),
    ):
        digest = hashlib.md5(file.encode(), usedforsecurity=False).hexdigest()
        yield ProductFile(file, None, size, digest, media, datatype)


def _tile(number: int) -> tuple[str, dict[str, object]]:
    x = 300_000 + 100_000 * (number % COLUMNS)
    y = NORTHERNMOST - 100_000 * (number // COLUMNS)
    grid = Grid(32631, x, y, TILE_METRES / TILE_PIXELS, TILE_PIXELS, TILE_PIXELS)
    footprint = grid.footprint()
    lat = sum(point[1] for point in footprint["coordinates"][0][:4]) / 4
    return mgrs_square(31, lat, x, y - TILE_METRES / 2), footprint

"""Cubes that are published, and what a catalogue on a disk holds by the eyes of pystac alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from pystac.validation.stac_validator import JsonSchemaSTACValidator

GRID = GeoBox((24, 30), Affine(20, 0, 600_000, 0, -20, 4_850_000), "EPSG:32631")
TIMES = np.array(["2024-03-01T10:50:31.024", "2024-03-11T10:50:21", "2024-04-10T10:50:29"], "datetime64[ns]")  # fmt: skip
TERMS: dict[str, Any] = {"collection": "greenness", "licence": "etalab-2.0"}


def cube(dates: int = 3, *, seed: int = 0, grid: GeoBox = GRID) -> xr.Dataset:
    """Return floats with NaN, and integers with a number for what is missing."""
    chance = np.random.default_rng(seed)
    shape = (len(TIMES), *grid.shape)
    ndvi = chance.uniform(-1, 1, shape).astype("float32")
    ndvi[chance.random(shape) < 0.1] = np.nan
    height = chance.integers(1, 5000, shape).astype("int16")
    height[chance.random(shape) < 0.1] = -1
    coords = {str(name): one.variable for name, one in xr_coords(grid, always_yx=True).items()}
    return xr.Dataset(
        {
            "ndvi": (("time", "y", "x"), ndvi, {"long_name": "greenness", "units": "1"}),
            "height": (("time", "y", "x"), height, {"units": "m", "nodata": -1, "scale": 0.5}),
        },
        coords | {"time": ("time", TIMES)},
    ).isel(time=slice(dates))


def tree(root: Path) -> dict[str, tuple[int, int, int]]:
    """Return which files there are, and whether any was written anew."""
    return {
        str(path.relative_to(root)): (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_size)
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }  # fmt: skip


def walked(place: Path, owner: str) -> dict[str, dict[str, Any]]:
    """Check a catalogue on a disk in full, as it is; return the items that pystac finds, by id."""
    result: dict[str, dict[str, Any]] = {}
    for start in (place / "catalog.json", place / owner / "catalog.json"):
        if start.exists():
            for item in _items(pystac.Catalog.from_file(start)):
                result[item.id] = json.loads(Path(item.self_href).read_text("utf-8"))
                _check_files(item)
    return result


def _items(catalogue: pystac.Catalog) -> Iterator[pystac.Item]:
    for collection in catalogue.get_children():
        _check_schema(collection.to_dict(transform_hrefs=False), pystac.STACObjectType.COLLECTION)
        for item in collection.get_items():
            _check_schema(item.to_dict(transform_hrefs=False), pystac.STACObjectType.ITEM)
            assert item.collection_id == collection.id
            yield item


def _check_schema(told: dict[str, Any], kind: pystac.STACObjectType) -> None:
    JsonSchemaSTACValidator().validate_core(json.loads(json.dumps(told)), kind, "1.1.0")


def _check_files(item: pystac.Item) -> None:
    for asset in item.assets.values():
        path = Path(str(asset.get_absolute_href()))
        assert path.stat().st_size == asset.extra_fields["file:size"]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert asset.extra_fields["file:checksum"] == f"1220{digest}"

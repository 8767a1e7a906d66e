"""A median composite at a quarter of the resolution: twelve dates, four bands, 4096 x 4096 pixels each.

``make bench`` prints the ratio to odc-stac with Dask and xarray, which is how it is done elsewhere, and the
peak memory of both. Each runs in a process of its own, is warmed up by one small cube, and is measured
inside, without its start. Both must give the same numbers.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

DATES, SIDE, ROUNDS = 12, 4096, 5
BANDS = ("B02", "B03", "B04", "B08")
AT_LEAST = 6

OURS = """
import json, sys
import geodes_datalab as gd
from geodes_datalab import ops
from geodes_datalab.stac import Items
items = Items(json.load(open(sys.argv[1])))
def composite(items):
    return ops.median(gd.load(items, BANDS, resolution=40, progress=False, raw=True)).compute()
composite(items[:1])
"""

ODC = """
import json, sys, warnings
warnings.simplefilter("ignore")
import odc.stac, pystac, numpy as np
from odc.stac import configure_rio
items = [pystac.Item.from_dict(item) for item in json.load(open(sys.argv[1]))]
def composite(items):
    cube = odc.stac.load(items, bands=BANDS, resolution=40, chunks={"x": 1024, "y": 1024}, groupby="id")
    return cube.where(cube != 0).median("time").compute()
composite(items[:1])
"""

MEASURE = """
import time, zlib
from memory import peak
begin, cpu = time.perf_counter(), time.process_time()
result = composite(items)
told = {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu}
told["peak"] = peak()
told["sums"] = [zlib.crc32(result[name].values.astype("float32").tobytes()) for name in BANDS]
told["shape"] = list(result[BANDS[0]].shape)
print(json.dumps(told))
"""

CLIENTS = {
    "geodes_datalab": OURS,
    "odc-stac + dask + xarray": ODC,
}


@pytest.fixture(scope="module")
def described(shared_cache: Path) -> Path:
    """Return a file of items; their COGs are written once, and kept in the tests' cache."""
    folder = shared_cache / "composites-1"
    listing = folder / "items.json"
    if not listing.exists():
        folder.mkdir(parents=True, exist_ok=True)
        items = [_item(folder, date) for date in range(DATES)]
        listing.write_text(json.dumps(items))
    return listing


def _item(folder: Path, date: int) -> dict[str, Any]:
    assets = {}
    for number, band in enumerate(BANDS):
        path = folder / f"{(date + 3 * number) % DATES:02d}.tif"  # each image serves for four
        if not path.exists():
            _cog(path, seed=int(path.stem))
        common = {"B02": "blue", "B03": "green", "B04": "red", "B08": "nir"}[band]
        assets[band] = {
            "href": str(path), "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "roles": ["data"], "bands": [{"eo:common_name": common}],
        }  # fmt: skip
    when = f"2024-{date + 1:02d}-05T10:50:31Z"
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": f"d{date:02d}", "collection": "local-cogs",
        "stac_extensions": ["https://stac-extensions.github.io/projection/v2.0.0/schema.json"],
        "geometry": None, "links": [], "assets": assets,
        "properties": {
            "datetime": when, "start_datetime": when, "end_datetime": when, "proj:code": "EPSG:32631",
            "proj:shape": [SIDE, SIDE], "proj:transform": [10, 0, 600_000, 0, -10, 4_850_000],
        },
    }  # fmt: skip


def _cog(path: Path, seed: int) -> None:
    """Write a band: slopes and noise, with clouds that are missing."""
    chance = np.random.default_rng(seed)
    slopes = np.add.outer(np.arange(SIDE) // 8, np.arange(SIDE) // 4) + 800
    pixels = (slopes + chance.integers(0, 600, (SIDE, SIDE))).astype("uint16")
    clouds = chance.random((SIDE // 256, SIDE // 256)) < 0.3
    pixels[np.kron(clouds, np.ones((256, 256), "bool"))] = 0
    unfinished = path.with_suffix(".part")
    with rasterio.open(
        unfinished, "w", driver="COG", width=SIDE, height=SIDE, count=1, dtype="uint16", nodata=0, crs="EPSG:32631",
        transform=rasterio.Affine(10, 0, 600_000, 0, -10, 4_850_000), COMPRESS="DEFLATE", PREDICTOR="2", LEVEL="1",
        BLOCKSIZE="512", OVERVIEW_RESAMPLING="AVERAGE", NUM_THREADS="2",
    ) as file:  # fmt: skip
        file.write(pixels, 1)
    unfinished.rename(path)


def measured(client: str, described: Path) -> dict[str, Any]:
    code = f"BANDS = {list(BANDS)}\n{CLIENTS[client]}{MEASURE}"
    done = subprocess.run(
        [sys.executable, "-c", code, str(described)], capture_output=True, text=True, env=dict(os.environ),
        cwd=Path(__file__).parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.benchmark
@pytest.mark.timeout(3600)  # a busy machine may take its time
def test_median_composite_against_odc_stac(
    described: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They take turns, so that a busy machine is busy for both; medians are compared."""
    runs: dict[str, list[dict[str, Any]]] = {client: [] for client in CLIENTS}
    for _ in range(ROUNDS):
        for client in CLIENTS:
            runs[client].append(measured(client, described))
    seconds = {
        name: statistics.median(run["seconds"] for run in found) for name, found in runs.items()
    }
    ours, theirs = (seconds[client] for client in CLIENTS)
    with capsys.disabled():
        print(f"\nmedian composite, 1/4 resolution, load {os.getloadavg()[0]:.1f}")
        for client, found in runs.items():
            cpu = statistics.median(run["cpu"] for run in found)
            peak = max(run["peak"] for run in found)
            print(f"{client:26} {seconds[client]:6.2f} s {cpu:6.2f} CPU-s, peak {peak:5.0f} MB")
        print(
            f"ratio to the peer: {theirs / ours:.1f}, to the stated {AT_LEAST}: {theirs / ours / AT_LEAST:.2f}"
        )
    ends = [found[0] for found in runs.values()]
    assert ends[0]["shape"] == ends[1]["shape"] == [SIDE // 4, SIDE // 4]
    assert ends[0]["sums"] == ends[1]["sums"]

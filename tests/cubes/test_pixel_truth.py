"""Cubes from the catalogue's archives equal rasterio's own reading of them, pixel by pixel.

Both engines, without a Dask cluster and with one of two processes. The stand-in serves the archives
by byte ranges and wants the key; the workers have it from the plugin only.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import cloudpickle
import distributed
import numpy as np
import pytest
import rasterio
from support.dask_workers import workers

from geodes_datalab import cubes, stac
from geodes_datalab.cubes.share import sharing
from geodes_datalab.errors import ValuesInDoubt

pytest_plugins = ["geodes_datalab.testing.fixtures"]

PATAGONIA = (-67.66, -47.86, -67.63, -47.85)
PRODUCTS = {
    "safe": ("PEPS_S2_L1C", PATAGONIA, "2021-11/2022-04", ["B04", "B08", "B11"]),
    "theia": ("THEIA_REFLECTANCE_SENTINEL2_L2A", PATAGONIA, None, ["B4", "B12", "SRE_B3", "CLM", "EDG_R2"]),
    "s1tiling": ("THEIA_S1TILING_SENTINEL1_L1", None, None, ["VH", "VV"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.Client]:
    """Two worker processes that were started without a key."""
    with workers(2, threads=2) as client:
        yield client


def archive_of(catalogue, title: str) -> Path:
    """Return the sample file of a product, on this machine's disk."""
    for product in catalogue.products:
        file = product.files[0]
        if product.identifier in title and file.path:
            return catalogue.roots[0] / file.path
    raise LookupError(title)


def truth(path: Path, band: stac.Band) -> tuple[np.ndarray, rasterio.Affine, int]:
    """Read a band as rasterio does, without anything of ours."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            (member,) = [name for name in archive.namelist() if band.matches(name)]
        name = f"/vsizip/{{{path}}}/{member}"
    else:
        name = str(path)
    with rasterio.open(name) as file:
        return file.read(1), file.transform, file.crs.to_epsg()


@pytest.mark.parametrize("with_cluster", [False, True], ids=["threads", "cluster"])
@pytest.mark.parametrize("engine", ["odc", "stackstac"])
@pytest.mark.parametrize("family", PRODUCTS)
def test_pixels_are_true(
    account, samples_catalogue, cluster, *, family: str, engine: str, with_cluster: bool
) -> None:
    collection, bbox, dates, bands = PRODUCTS[family]
    items = stac.search(collection, bbox=bbox, datetime=dates)
    assert len(items) >= 5
    reader = stac.reader(collection)
    for name in bands:
        holding = [item for item in items.dicts if holds(item, reader.band(name))]
        if with_cluster:
            with cluster.as_current():
                cube = cubes.load(holding, [name], engine=engine, raw=True).compute()
        else:
            cube = cubes.load(holding, [name], engine=engine, raw=True).compute()
        assert_is_true(cube, holding, reader.band(name), name, samples_catalogue)


def holds(item, band) -> bool:
    name = item["assets"]["data"]["title"]
    return name.endswith(".zip") or band.matches(name)


def assert_is_true(cube, items, band, name: str, catalogue) -> None:
    items = sorted(items, key=lambda item: item["properties"]["start_datetime"])
    assert cube.sizes["time"] == len(items)
    for step, item in enumerate(items):
        path = archive_of(catalogue, item["properties"]["identifier"])
        pixels, transform, epsg = truth(path, band)
        np.testing.assert_array_equal(cube[name].values[step], pixels)
        assert cube[name].dtype == pixels.dtype
        assert cube.odc.crs.epsg == epsg
        assert tuple(cube.odc.transform)[:6] == tuple(transform)[:6]
        start = datetime.fromisoformat(item["properties"]["start_datetime"]).replace(tzinfo=None)
        assert cube["time"].values[step] == np.datetime64(start, "ns")
    nodata = cube[name].attrs.get("nodata", np.nan)
    expected = {"mask": 255, "data": band.nodata}[band.role]
    assert nodata == expected or (np.isnan(nodata) and np.isnan(expected))


def test_bands_of_two_resolutions_share_a_grid(account, samples_catalogue) -> None:
    items = stac.search("PEPS_S2_L1C", bbox=PATAGONIA, datetime="2021-11")
    cube = cubes.load(items, ["B04", "B11"], raw=True).compute()
    path = archive_of(samples_catalogue, items.dicts[0]["properties"]["identifier"])
    coarse, _, _ = truth(path, stac.reader("PEPS_S2_L1C").band("B11"))
    np.testing.assert_array_equal(cube["B11"].values[0], coarse.repeat(2, 0).repeat(2, 1))


def test_reflectance_knows_the_processing_baseline(account, samples_catalogue) -> None:
    """Products of N0400 and later store 1000 more."""
    items = stac.search("PEPS_S2_L1C", bbox=PATAGONIA, datetime="2021-11/2022-04")
    stored = cubes.load(items, "red", raw=True).compute()
    assert stored["stored_offset"].values.tolist() == [0, 0, 0, -0.1, -0.1, -0.1]
    cube = cubes.load(items, "red").compute()
    band = stac.reader("PEPS_S2_L1C").band("red")
    for step, title in enumerate(item["properties"]["identifier"] for item in items.dicts):
        pixels = truth(archive_of(samples_catalogue, title), band)[0].astype("float64")
        added = 1000 if "_N0400_" in title else 0
        expected = np.where(pixels == 0, np.nan, (pixels - added) / 10_000)
        np.testing.assert_allclose(cube["red"].values[step], expected, rtol=1e-5, atol=1e-8)


def test_a_baseline_that_nothing_tells_is_told(account, samples_catalogue) -> None:
    items = stac.search("PEPS_S2_L1C", bbox=PATAGONIA, datetime="2021-11/2022-04").dicts
    known = cubes.load(items, "red")["red"].compute()
    for number, item in enumerate(items):
        item["id"] = f"product-{number}"
        for name in ("identifier", "processing:version", "s2:processing_baseline"):
            item["properties"].pop(name, None)
    with pytest.warns(ValuesInDoubt, match="product-0, product-1, product-2: neither"):
        found = cubes.load(items, "red")["red"].compute()
    np.testing.assert_array_equal(found, known)


def test_downloaded_archives_are_read_from_disk(account, tmp_path: Path) -> None:
    items = stac.search("THEIA_REFLECTANCE_SENTINEL2_L2A", bbox=PATAGONIA, datetime="2021-11")
    remote = cubes.load(items, "red", raw=True).compute()
    stac.download(items, tmp_path)
    before = len(account.requests.to("/download"))
    local = cubes.load(items, "red", archives=tmp_path, raw=True).compute()
    np.testing.assert_array_equal(local["red"].values, remote["red"].values)
    assert len(account.requests.to("/download")) == before


def test_the_key_stands_in_no_graph_and_no_text(account, cluster) -> None:
    items = stac.search("PEPS_S2_L1C", bbox=PATAGONIA, datetime="2021-11/2022-01")
    key = account.api_key.encode()
    with cluster.as_current():
        for engine in ("odc", "stackstac"):
            cube = cubes.load(items, ["red", "nir"], engine=engine, raw=True)
            graph = dict(cube.__dask_graph__())
            texts = [repr(cube), str(cube), cube._repr_html_(), repr(graph), str(cube.encoding)]
            for variable in cube.variables.values():
                texts += [repr(variable.attrs), repr(variable.encoding)]
            blobs = [cloudpickle.dumps(graph), pickle.dumps(cube), *map(str.encode, texts)]
            blobs.append(cloudpickle.dumps(cube.__dask_graph__()))
            assert not any(key in blob for blob in blobs)
            assert cube["red"].mean().compute() > 0
        logs = str(cluster.get_worker_logs()) + str(cluster.get_scheduler_logs())
        assert account.api_key not in logs


def test_workers_have_no_key_but_by_the_plugin(account, cluster) -> None:
    """The proof that the tests above prove something: nothing else would have let workers read."""

    def sources() -> str:
        import os

        return os.environ.get("GEODES_API_KEY", "") + os.environ.get("GEODES_PORTAL", "")

    assert set(cluster.run(sources).values()) == {""}


def test_a_worker_that_comes_later_has_the_key_too(account) -> None:
    items = stac.search("PEPS_S2_L1C", bbox=PATAGONIA, datetime="2021-11")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as running,
        distributed.Client(running) as client,
    ):
        cube = cubes.load(items, "red", raw=True)
        first = set(client.scheduler_info()["workers"])
        running.scale(2)
        client.wait_for_workers(2)
        (late,) = set(client.scheduler_info()["workers"]) - first
        assert (
            client.compute(cube["red"].max(), workers=[late], allow_other_workers=False).result()
            > 0
        )


def test_the_plugin_is_registered_once(account, cluster) -> None:
    items = stac.search("PEPS_S2_L1C", bbox=PATAGONIA, datetime="2021-11")
    with cluster.as_current():
        cubes.load(items, "red", raw=True)
        known = sharing._registered[cluster]
        cubes.load(items, "red", raw=True)
        assert sharing._registered[cluster] == known

"""The table engine: the pixels of odc-loader, from overviews too, on workers, with and without holes."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cloudpickle
import distributed
import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from odc.loader import RioReader
from products import PLACE, plain
from rasterio.transform import Affine

from geodes_datalab import _http, cubes
from geodes_datalab.cubes.archive.copies import View
from geodes_datalab.cubes.archive.window import Window
from geodes_datalab.cubes.engines.odc import load_params
from geodes_datalab.cubes.parse import products
from geodes_datalab.cubes.plan.files import at_hand, sources_of
from geodes_datalab.cubes.plan.locate import Finder
from geodes_datalab.cubes.plan.model import Layer
from geodes_datalab.cubes.read import views
from geodes_datalab.cubes.read.pixels import Source, read_pixels

SIZES = {"whole": (512, 640), "odd": (509, 640)}
"""Whole: overviews are multiples of the image's pixels. Odd: those of GDAL are stretched a little."""


def written(path: Path, size: tuple[int, int], seed: int = 0, **options: Any) -> np.ndarray:
    chance = np.random.default_rng(seed)
    pixels = chance.integers(1, 10_000, size).astype("uint16")
    pixels[chance.random(size) < 0.2] = 0
    with rasterio.open(
        path, "w", driver="COG", height=size[0], width=size[1], count=1, dtype="uint16", nodata=0,
        crs="EPSG:32631", transform=PLACE, BLOCKSIZE="128", COMPRESS="DEFLATE",
        **{"OVERVIEW_RESAMPLING": "AVERAGE", "OVERVIEW_COUNT": "3", **options},
    ) as file:  # fmt: skip
        file.write(pixels, 1)
    return pixels


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("overviews")
    for name, size in SIZES.items():
        written(folder / f"{name}.tif", size)
        written(folder / f"{name}-none.tif", size, OVERVIEWS="NONE", OVERVIEW_COUNT="0")
    return {path.stem: path for path in folder.glob("*.tif")}


@settings(max_examples=80)
@given(data=st.data())
def test_pixels_are_those_of_odc_loader(files, data: st.DataObject) -> None:
    """Whatever the grid: at full resolution, at that of an overview, between, shifted, beyond the edge."""
    name = data.draw(st.sampled_from(sorted(files)))
    size = SIZES[name.partition("-")[0]]
    times = data.draw(st.sampled_from([1, 2, 3, 4, 8, 16, 2.5]))
    shift = data.draw(st.sampled_from([0, 0, 0, 1, 0.5]))
    column, row = (data.draw(st.integers(-20, 60)) * times + shift for _ in "xy")
    shape = data.draw(st.integers(1, 90)), data.draw(st.integers(1, 90))
    geobox = GeoBox(
        shape, PLACE @ Affine.translation(column, row) @ Affine.scale(times), "EPSG:32631"
    )
    method = data.draw(st.sampled_from(["nearest", "nearest", "bilinear", "average"]))
    params = load_params(Layer("B04", "B04", "uint16", 0, method))
    source = Source("P", "B04", str(files[name]))

    def pasted(found: Any) -> np.ndarray:
        canvas = np.zeros(shape, "uint16")
        canvas[found[0]] = found[1]
        return canvas

    grid = GeoBox(size, PLACE, "EPSG:32631")
    former = pasted(read_pixels(source, params, geobox))
    np.testing.assert_array_equal(pasted(read_pixels(source, params, geobox, grid)), former)


def test_overviews_are_not_warped(files, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cube at the resolution of an overview holds the very pixels of it, and nobody resamples."""
    item = plain({"B04": str(files["whole"])}, SIZES["whole"])
    monkeypatch.setattr(RioReader, "read", lambda *_, **__: pytest.fail("it was warped"))
    for level, times in enumerate((2, 4, 8)):
        cube = cubes.load([item], resolution=10 * times, chunks=50, raw=True)
        with rasterio.open(files["whole"], overview_level=level) as file:
            np.testing.assert_array_equal(cube["B04"].values[0], file.read(1))
        assert len(pickle.dumps(cube.__dask_graph__())) < 10_000


@pytest.mark.parametrize("wrong", ["shape", "transform", "none"])
def test_a_catalogue_that_is_wrong_of_the_grid_gives_no_wrong_pixel(files, wrong: str) -> None:
    item = plain({"B04": str(files["odd" if wrong == "shape" else "whole"])}, SIZES["whole"])
    if wrong == "transform":
        item["properties"]["proj:transform"][2] += 40
    if wrong == "none":
        item["assets"]["B04"]["href"] = str(files["whole-none"])
    cube = cubes.load([item], resolution=40, raw=True)
    params = load_params(Layer("B04", "B04", "uint16", 0, "nearest"))
    path = item["assets"]["B04"]["href"]
    where, found = read_pixels(Source("P", "B04", path), params, cube.odc.geobox)
    expected = np.zeros(cube.odc.geobox.shape, "uint16")
    expected[where] = found
    np.testing.assert_array_equal(cube["B04"].values[0], expected)


@pytest.mark.parametrize("resolution", [10, 40])
def test_workers_read_with_the_users_key(
    site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resolution: int
) -> None:
    """In processes of their own: the table travels, the key comes by the plugin, the pixels are the same."""
    pixels = {
        name: written(tmp_path / f"{name}.tif", SIZES["whole"], seed)
        for seed, name in enumerate("ab")
    }
    served = {f"files/{name}": (tmp_path / f"{name}.tif").read_bytes() for name in pixels}
    portal = site(served, key="s3cret")
    monkeypatch.setenv("GEODES_PORTAL", portal.url)
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    items = [
        plain({"B04": f"{portal.url}/files/{name}"}, SIZES["whole"], **{"file:size": len(served[f"files/{name}"])})
        for name in pixels
    ]  # fmt: skip
    items[1]["id"], items[1]["properties"]["datetime"] = "two", "2024-03-06T10:50:31Z"
    for (
        item
    ) in items:  # as a catalogue does that tells all: nothing is asked while the cube is made
        item["assets"]["B04"]["data_type"] = "uint16"
        item["assets"]["B04"]["nodata"] = 0
        item["assets"]["B04"]["raster:scale"] = 1e-4
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=":0"
        ) as running,
        distributed.Client(running),
    ):
        monkeypatch.setenv("GEODES_API_KEY", "s3cret")  # the workers began without it
        cube = cubes.load(items, resolution=resolution, chunks=100, raw=True)
        assert portal.seen == []
        assert b"s3cret" not in cloudpickle.dumps(cube)
        found = cube.compute()
    assert {request["key"] for request in portal.seen} == {"s3cret"}
    again = cubes.load(items, resolution=resolution, threads=4, raw=True)
    for step, name in enumerate(pixels):
        level = {} if resolution == 10 else {"overview_level": 1}
        with rasterio.open(tmp_path / f"{name}.tif", **level) as file:
            expected = file.read(1)
        np.testing.assert_array_equal(found["B04"].values[step], expected)
        np.testing.assert_array_equal(again["B04"].values[step], expected)


@pytest.mark.parametrize("resolution", [10, 40])
def test_a_hole_that_is_hit_costs_time_and_no_pixel(
    site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resolution: int
) -> None:
    pixels = written(tmp_path / "a.tif", SIZES["whole"])
    data = (tmp_path / "a.tif").read_bytes()
    server = site({"a.tif": data})
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    monkeypatch.setattr(
        views.Shared, "view", lambda one, _: View(Window(0, 0, 9, 9), 0 if one.fold == 1 else 2)
    )
    item = plain({"B04": f"{server.url}/a.tif"}, SIZES["whole"], **{"file:size": len(data)})
    cube = cubes.load([item], resolution=resolution, threads=1, raw=True)
    if resolution == 10:
        np.testing.assert_array_equal(cube["B04"].values[0], pixels)
    else:
        with rasterio.open(tmp_path / "a.tif", overview_level=1) as file:
            np.testing.assert_array_equal(cube["B04"].values[0], file.read(1))


def test_hundreds_of_products_are_planned_without_a_look_at_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    facts = {"data_type": "uint16", "nodata": 0, "raster:scale": 1e-4, "file:size": 123_456}
    items = []
    for number in range(500):
        hrefs = {
            band: f"https://cogs.invalid/{number}/{band}.tif"
            for band in ("B02", "B03", "B04", "B08")
        }
        item = plain(hrefs, SIZES["whole"], **facts)
        item["id"] = f"p{number:03d}"
        item["properties"]["datetime"] = (
            f"2024-{number // 28 % 12 + 1:02d}-{number % 28 + 1:02d}T10:56:31Z"
        )
        items.append(item)
    del items[7]["assets"]["B03"]
    cube = cubes.load(items, groupby="id", chunks=128, raw=True)
    assert len(cloudpickle.dumps(cube.__dask_graph__())) < 100_000
    assert dict(cube.sizes) == {"time": 500, "y": 512, "x": 640}
    assert [str(cube[band].dtype) for band in cube] == ["uint16"] * 4

    with _http.Client() as client:
        parsed = products.parse(items, None)
        slow = [sources_of(one, Finder(client)) for one in parsed]
        quick = at_hand(parsed, Finder(client))
    assert quick is not None
    assert [dict(one) for one in quick] == slow
    assert "B03" not in quick[7]


@pytest.mark.parametrize(
    "asset",
    [
        {"href": "/data/a.tif"},
        {"href": "file:///data/a.tif"},
        {"href": "https://a.invalid/abc", "type": "application/zip"},
        {"href": "https://a.invalid/a.ZIP"},
        {"href": "https://a.invalid/abc", "title": "S2.zip"},
    ],
)
def test_archives_and_files_on_disk_are_looked_at(asset: dict[str, str], tmp_path: Path) -> None:
    plain = {"href": "https://a.invalid/a.tif?sig=1", "type": "image/tiff"}
    with _http.Client() as client:
        assert Finder(client).at_hand([plain]) == ["/vsicurl/https://a.invalid/a.tif?sig=1"]
        assert Finder(client).at_hand([plain, asset]) is None
        assert Finder(client, tmp_path).at_hand([plain]) is None  # it may lie there

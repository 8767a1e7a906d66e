"""Every notebook runs to its end without a warning, and its numbers are right."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import requests
import xarray as xr
from PIL import Image
from support import figures, thumbnails
from support.cells import assert_clean
from support.sample_pixels import ndvi_of, pixels
from support.waiting import minutes

from geodes_datalab.standin import StandIn
from geodes_datalab.standin.samples import SampleSet

if TYPE_CHECKING:
    from conftest import Executed

pytestmark = pytest.mark.timeout(600)

AGAIN = "python tests/support/thumbnails.py"


@pytest.fixture(params=["first", "search", "archives", "dask"])
def notebook(request: pytest.FixtureRequest) -> Executed:
    return request.getfixturevalue(request.param)


def test_runs_without_a_warning(notebook: Executed) -> None:
    assert_clean(notebook.cells)


def test_the_solutions_run_without_a_warning(notebook: Executed) -> None:
    assert len(notebook.solved) >= 2
    assert_clean(notebook.solved)


def test_shows_no_key(notebook: Executed, catalogue: StandIn) -> None:
    assert catalogue.api_key not in notebook.text
    written = [path for path in notebook.folder.rglob("*") if path.is_file()]
    assert [path for path in written if catalogue.api_key.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("fixture", "path"),
    [
        ("first", "01-start/01-first-steps"),
        ("search", "02-search/01-finding-products"),
        ("archives", "03-cubes/02-inside-archives"),
        ("dask", "04-scale/01-dask-gateway"),
    ],
)
def test_its_picture_in_the_gallery_is_its_last_figure(
    fixture: str, path: str, request: pytest.FixtureRequest
) -> None:
    figure = thumbnails.drawn(request.getfixturevalue(fixture).cells)
    kept = thumbnails.path(path)
    assert kept.exists() == (figure is not None), AGAIN
    if figure is not None:
        cell, picture = figure
        with Image.open(kept) as shown:
            named, kept_picture = shown.info["cell"], shown.convert("RGB")
        assert named == cell, AGAIN
        drawn = thumbnails.small(picture)
        assert kept_picture.size == pytest.approx(drawn.size, rel=0.1)
        assert figures.difference(kept_picture, drawn) < figures.ALIKE, AGAIN
        assert figures.difference(drawn.rotate(180), drawn) > figures.ALIKE


def test_first_steps_shows_map_and_plots(first: Executed) -> None:
    assert first.count("application/vnd.jupyter.widget-view+json") >= 3
    assert first.count("image/png") == 3
    assert (first.folder / "ndvi.gif").read_bytes()[:3] == b"GIF"


def test_first_steps_ndvi_is_that_of_the_archives(first: Executed, samples: SampleSet) -> None:
    products = [
        product
        for product in samples.products
        if product.collection == "THEIA_REFLECTANCE_SENTINEL2_L2A"
        and product.properties["grid:code"] == "T19GFG"  # the place of the notebook
        and product.properties["eo:cloud_cover"] <= 50
    ]
    with xr.open_dataset(first.folder / "ndvi.nc", decode_coords="all") as saved:
        ndvi = saved["ndvi"].load()
    expected = np.stack([ndvi_of(product, samples, ndvi) for product in products])
    np.testing.assert_allclose(ndvi.values, expected, rtol=1e-5, atol=1e-6)
    days = [str(day)[:10] for day in ndvi["time"].values]
    assert days == [product.properties["start_datetime"][:10] for product in products]
    with rasterio.open(first.folder / "greenest.tif") as image:
        assert image.crs.to_epsg() == 32719
        assert image.transform[:6] == (10, 0, ndvi["x"][0] - 5, 0, -10, ndvi["y"][0] + 5)
        np.testing.assert_allclose(image.read(1), np.nanmax(expected, axis=0), rtol=1e-5)


def test_search_counts_what_is_there(search: Executed, samples: SampleSet) -> None:
    printed = search.printed()
    here = [
        one for one in samples.products if "19GFG" in one.identifier or "20GJM" in one.identifier
    ]
    level1 = [one for one in here if one.collection == "PEPS_S2_L1C"]
    days = [one.properties["start_datetime"][:7] for one in level1]
    assert f"'2022': {sum(day.startswith('2022') for day in days)}" in printed
    assert f"'2021-11/2022-01': {sum('2021-11' <= day <= '2022-01' for day in days)}" in printed
    assert f"({len(level1)}, {len(level1)})" in printed  # polygon as an object, and as text
    assert f"({len(level1)}, 0)" in printed  # a point here, and one in Paris
    assert "acquired: 0, published: 2" in printed


def test_search_shows_a_map_and_a_plot(search: Executed) -> None:
    assert search.count("application/vnd.jupyter.widget-view+json") >= 1
    assert search.count("image/png") == 1


def test_search_tells_what_to_do_about_mistakes(search: Executed) -> None:
    printed = search.printed()
    assert 'did you mean "eo:cloud_cover"' in printed
    assert 'did you mean "PEPS_S2_L1C"' in printed
    assert "the dates are reversed" in printed
    assert "swapped" in printed


def test_search_downloads_a_whole_product(search: Executed, samples: SampleSet) -> None:
    sums = {file.name: file.md5 for product in samples.products for file in product.files}
    [path] = (search.folder / "downloads").rglob("*.zip")
    assert hashlib.md5(path.read_bytes()).hexdigest() == sums[path.name]


def test_archives_are_read_in_part_and_truly(archives: Executed, samples: SampleSet) -> None:
    printed = archives.printed()
    assert "identical: True" in printed
    [told] = re.findall(r"(\d+) bytes downloaded, (\d+) fetched for the window", printed)
    whole, part = map(int, told)
    assert whole in {file.size for product in samples.products for file in product.files}
    assert 0 < part < whole
    lines = re.findall(r"^S2\S+ .*kB of .* read, in \d+ requests$", printed, re.MULTILINE)
    assert len(lines) >= 6
    assert "the products lie within bbox" in printed
    assert archives.count("image/png") == 1
    assert archives.count("application/vnd.jupyter.widget-view+json") >= 2


def test_dask_statistics_are_those_of_the_images(dask: Executed, samples: SampleSet) -> None:
    with xr.open_dataset(dask.folder / "sentinel1-statistics.nc") as saved:
        statistics = saved.load()
    power = np.stack([
        pixels(str(samples.root / product.files[0].path), statistics, fill=np.nan, blocks=3)
        for product in samples.products
        if product.collection == "THEIA_S1TILING_SENTINEL1_L1" and "_vh_" in product.identifier
    ])  # fmt: skip
    rows, columns = statistics.sizes["y"], statistics.sizes["x"]
    blocks = power.reshape(10, rows, 3, columns, 3).mean(axis=(2, 4))  # NaN where any is
    mean, deviation = blocks.mean(axis=0), blocks.std(axis=0)
    change = 10 * np.log10(blocks[-1] / blocks[:-1].mean(axis=0))
    assert np.isfinite(mean).sum() > 3000
    np.testing.assert_allclose(statistics["mean"], mean, rtol=1e-4)
    np.testing.assert_allclose(statistics["cv"], deviation / mean, rtol=1e-3)
    np.testing.assert_allclose(statistics["change"], change, rtol=1e-3, atol=1e-4)
    looks = 1 / np.nanmedian(deviation / mean) ** 2
    assert f"about {looks:.0f} equivalent looks" in dask.printed()


def test_dask_finds_the_planted_change(dask: Executed) -> None:
    lines = re.findall(r"below -(\S+) dB: (\d+)% .* ([\d.]+)% false", dask.printed())
    assert [threshold for threshold, *_ in lines] == ["1.0", "1.5", "2.0", "3.0"]
    found = [int(share) for _, share, _ in lines]
    false = [float(share) for _, _, share in lines]
    assert found == sorted(found, reverse=True)
    assert false == sorted(false, reverse=True)
    assert found[0] > 95
    assert false[2] < 1


def test_dask_used_the_gateway_and_left_nothing(dask: Executed, gateway: dict[str, str]) -> None:
    assert "(gateway)" in dask.text
    listing = f"{gateway['DASK_GATEWAY__ADDRESS']}/api/v1/clusters/"
    answer = requests.get(listing, auth=("ada", ""), timeout=minutes(2))
    assert answer.json() == {}


def test_dask_shows_its_plots(dask: Executed) -> None:
    assert dask.count("image/png") == 3

"""Every exercise has a hint and a solution that unfold, and the solutions' numbers are right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import numpy as np
import pytest
import rasterio
import rasterio.warp
import xarray as xr
from support.exercises import exercises
from support.sample_pixels import ndvi_of, pixels

from geodes_datalab.standin.samples import Product, SampleSet

if TYPE_CHECKING:
    from conftest import Executed

pytestmark = pytest.mark.timeout(600)
FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*/*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[str(one.relative_to(FOLDER)) for one in NOTEBOOKS])
def test_every_exercise_has_a_hint_and_one_solution(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    found = exercises(cells)
    assert 2 <= len(found) <= 4
    numbers = range(1, len(found) + 1)
    assert [one.name for one in found] == [f"exercise-{number}" for number in numbers]
    for one in found:
        assert list(one.folded) == ["Hint", "Solution"]
        compile(one.code, one.name, "exec")
    named = {cell.id: cell for cell in cells}
    for number, one in zip(numbers, found, strict=True):
        assert named[one.name].source.startswith(f"**{number}.** ")
        assert named[one.name].source.count("<details>") == 2, "each between blank lines"


def surface(samples: SampleSet, *, clouds: float) -> list[Product]:
    """Return Theia's products of the first notebook's place, with so many percent of clouds at most."""
    return [
        product
        for product in samples.products
        if product.collection == "THEIA_REFLECTANCE_SENTINEL2_L2A"
        and "T19GFG" in product.identifier
        and product.properties["eo:cloud_cover"] <= clouds
    ]


def numbers(text: str) -> list[float]:
    return [float(word) for word in re.findall(r"-?\d+(?:\.\d+)?", text)]


def test_first_steps_takes_the_cloudy_date_in(first: Executed, samples: SampleSet) -> None:
    with xr.open_dataset(first.folder / "ndvi.nc", decode_coords="all") as saved:
        grid = saved["ndvi"].load()
    more = surface(samples, clouds=80)
    ndvi = np.stack([ndvi_of(product, samples, grid) for product in more])
    found = numbers(first.answer(1))
    assert found[:2] == [len(more), len(surface(samples, clouds=50))]
    assert found[2] == pytest.approx(np.nanmean(ndvi), abs=0.001)
    assert found[3] == pytest.approx(float(grid.mean()), abs=0.001)


def test_first_steps_computes_the_moisture_index(first: Executed, samples: SampleSet) -> None:
    with xr.open_dataset(first.folder / "ndvi.nc", decode_coords="all") as saved:
        grid = saved["ndvi"].load()
    ndmi = [ndmi_of(product, samples, grid) for product in surface(samples, clouds=50)]
    assert numbers(first.answer(2)) == pytest.approx([np.nanmean(ndmi)], abs=0.001)


def ndmi_of(product: Product, samples: SampleSet, grid: xr.DataArray) -> Any:
    """Read near infrared and, of pixels of 20 m, short-wave infrared with rasterio alone."""
    archive = f"/vsizip/{samples.root / str(product.files[0].path)}/{product.identifier}"
    nir = pixels(f"{archive}/{product.identifier}_FRE_B8.tif", grid, fill=-10000)
    clouds = pixels(f"{archive}/MASKS/{product.identifier}_CLM_R1.tif", grid, fill=255) != 0
    with rasterio.open(f"{archive}/{product.identifier}_FRE_B11.tif") as image:
        left = round((float(grid["x"][0]) - 5 - image.transform.c) / 10)
        top = round((image.transform.f - float(grid["y"][0]) - 5) / 10)
        fine = image.read(1).repeat(2, axis=0).repeat(2, axis=1).astype("float64")
    swir = fine[top : top + grid.sizes["y"], left : left + grid.sizes["x"]]
    missing = (nir == -10000) | (swir == -10000) | clouds
    return np.where(missing, np.nan, (nir - swir) / np.where(nir + swir == 0, 1, nir + swir))


def test_first_steps_reads_a_box_and_a_point(first: Executed) -> None:
    columns, rows = numbers(first.answer(3))[:2]
    assert columns * 10 == pytest.approx(0.005 * 111_320 * np.cos(np.radians(47.85)), abs=20)
    assert rows * 10 == pytest.approx(0.003 * 111_200, abs=20)
    [(x, y)] = in_metres((-67.643, -47.854))
    with xr.open_dataset(first.folder / "ndvi.nc") as saved:
        expected = saved["ndvi"].sel(x=x, y=y, method="nearest").values
    lines = re.findall(r"^2\d{3}-.* (-?\d\.\d+)$", first.answer(4), re.MULTILINE)
    np.testing.assert_allclose([float(one) for one in lines], expected, atol=0.0006)


def in_metres(*places: tuple[float, float]) -> list[tuple[float, float]]:
    """Turn degrees into metres of the first notebook's zone."""
    longitudes, latitudes = zip(*places, strict=True)
    return list(
        zip(*rasterio.warp.transform("EPSG:4326", "EPSG:32719", longitudes, latitudes), strict=True)
    )


def test_search_answers_are_those_of_the_samples(search: Executed, samples: SampleSet) -> None:
    optical = [one for one in samples.products if one.collection == "PEPS_S2_L1C"]
    partly = [one for one in optical if 5 <= one.properties["eo:cloud_cover"] <= 30]
    days = sorted((one.properties["start_datetime"][:10] for one in partly), reverse=True)
    assert re.findall(r"^\d{4}-\d\d-\d\d", search.answer(1), re.MULTILINE) == days
    radar = [one for one in samples.products if one.collection == "THEIA_S1TILING_SENTINEL1_L1"]
    assert search.answer(2) == f"{{'THEIA_S1TILING_SENTINEL1_L1'}} {len(radar)}\n"
    assert 'did you mean "sat:orbit_state"' in search.answer(3)
    fair = [
        one
        for one in optical
        if one.properties["start_datetime"].startswith("2022")
        and one.properties["eo:cloud_cover"] <= 10
    ]
    ready = [one for one in fair if not one.on_tape]
    assert numbers(search.answer(4)) == [len(fair), len(ready)]


def test_archives_a_wide_field_costs_little_more(archives: Executed) -> None:
    narrow, wide = re.findall(r"^(\d+) and (\d+) bytes$", archives.answer(1), re.MULTILINE)[0]
    assert int(wide) < 1.5 * int(narrow)
    rows, columns, fine_rows, fine_columns = numbers(archives.answer(2).splitlines()[-1])
    assert fine_rows == pytest.approx(2 * rows, abs=2)
    assert fine_columns == pytest.approx(2 * columns, abs=2)


def test_archives_months_and_fields(archives: Executed, samples: SampleSet) -> None:
    products = surface(samples, clouds=100)
    months = {product.properties["start_datetime"][:7] for product in products}
    assert f"{len(months)} months" in archives.answer(3)
    lines = re.findall(r"^(2\d{3}-\S+ \S+) +(\S+) +(\S+)$", archives.answer(4), re.MULTILINE)
    assert len(lines) == 2 * len(products)  # means, then counts
    means, counts = lines[: len(products)], lines[len(products) :]
    for mean, count in zip(means, counts, strict=True):
        assert mean[0] == count[0]
        for value, number in zip(mean[1:], count[1:], strict=True):
            assert (value == "NaN") == (float(number) == 0)
            assert float(number) <= 1250


def test_dask_more_looks_from_larger_blocks(dask: Executed) -> None:
    larger, before = numbers(dask.answer(1))
    assert before < larger < before * 25 / 9


def test_dask_half_of_the_weaker_change_lies_about_itself(dask: Executed) -> None:
    half, share = numbers(dask.answer(2))
    assert half == pytest.approx(-1.5, abs=0.25)
    assert 0 < share < 5


def test_dask_despeckling_lessens_the_spread(dask: Executed) -> None:
    single, despeckled = numbers(dask.answer(3))
    assert despeckled < single / 2


def test_dask_vv_varies_as_its_images_do(dask: Executed, samples: SampleSet) -> None:
    paths = [
        samples.root / str(product.files[0].path)
        for product in samples.products
        if product.collection == "THEIA_S1TILING_SENTINEL1_L1" and "_vv_" in product.identifier
    ]
    power = np.stack([image_of(path) for path in paths])
    expected = np.nanmedian(np.nanstd(power, axis=0) / np.nanmean(power, axis=0))
    vv = numbers(dask.answer(4))[0]
    assert vv == pytest.approx(expected, abs=0.003)


def image_of(path: Path) -> Any:
    with rasterio.open(path) as image:
        return image.read(1, masked=True).filled(np.nan)

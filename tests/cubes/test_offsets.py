"""Offsets of stored numbers survive what keeps their meaning, and are refused where they are lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from telling import told

from geodes_datalab import cubes, errors, ops

SHAPE = (6, 8)
OLD, NEW = 0.0, -0.1


def scene(folder: Path, name: str, offset: float, **given_: Any) -> dict[str, Any]:
    """An item of one date, as ESA stores it before (offset 0) and after baseline 04.00 (-0.1)."""
    chance = np.random.default_rng(sum(name.encode()))
    bands = {}
    for band in ("red", "nir"):
        pixels = chance.integers(1, 5_000, SHAPE) + round(-offset * 10_000)
        pixels[chance.random(SHAPE) < 0.1] = 0
        bands[band] = pixels.astype("uint16")
    return told(
        folder, name, bands, nodata=0, data_type="uint16",
        **{"raster:scale": 0.0001, "raster:offset": offset}, **given_,
    )  # fmt: skip


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("series")
    return [
        scene(folder, f"s{day}", OLD if day < 4 else NEW, day=3 * day) for day in range(1, 7)
    ]  # fmt: skip


def physical(items: list[dict[str, Any]], band: str) -> np.ndarray:
    """The truth, by numpy on what rasterio reads."""
    from telling import truth

    words = [item["assets"][band]["bands"][0] for item in items]
    return np.stack(
        [
            truth(
                item,
                band,
                {"scale": one["raster:scale"], "offset": one["raster:offset"], "nodata": 0},
            )
            for item, one in zip(items, words, strict=True)
        ]
    )


def ndvi(items: list[dict[str, Any]]) -> np.ndarray:
    red, nir = physical(items, "red"), physical(items, "nir")
    return (nir - red) / (nir + red)


def stored(items: list[dict[str, Any]]) -> xr.Dataset:
    return cubes.load(items, raw=True)


def test_joined_cubes_keep_the_offset_of_each_date(series) -> None:
    joined = xr.concat([stored(series[:3]), stored(series[3:])], "time")
    assert joined["red"].dtype == np.uint16
    np.testing.assert_allclose(ops.ndvi(joined).values, ndvi(series), rtol=1e-4, atol=1e-5)
    turned = xr.concat([stored(series[3:]), stored(series[:3])], "time")
    np.testing.assert_allclose(
        ops.ndvi(turned).values, ndvi(series[3:] + series[:3]), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("order", [(0, 3), (3, 0)], ids=["old first", "new first"])
def test_appended_cubes_keep_the_offset_of_each_date(series, tmp_path: Path, order) -> None:
    parts = [series[first : first + 3] for first in order]
    stored(parts[0]).to_zarr(tmp_path / "cube.zarr", consolidated=False)
    stored(parts[1]).to_zarr(tmp_path / "cube.zarr", append_dim="time", consolidated=False)
    with xr.open_zarr(tmp_path / "cube.zarr", consolidated=False, decode_coords="all") as back:
        expected = ndvi(parts[0] + parts[1])
        np.testing.assert_allclose(ops.ndvi(back).values, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            ops.median(back)["red"],
            np.nanmedian(physical(parts[0] + parts[1], "red"), 0),
            rtol=1e-4, atol=1e-6,
        )  # fmt: skip
        with pytest.raises(errors.StoredOtherwise):
            ops.ndvi(back.max("time"))


LOSING: dict[str, Callable[[xr.Dataset], xr.Dataset]] = {
    "max": lambda cube: cube.max("time"),
    "min": lambda cube: cube.min("time"),
    "first": lambda cube: cube.groupby("time.year").first(),
    "last": lambda cube: cube.resample(time="6D").last(),
    "mean": lambda cube: cube.mean("time"),
    "median": lambda cube: cube.median("time"),
    "quantile": lambda cube: cube.quantile(0.3, "time"),
    "sum by group": lambda cube: cube.groupby("time.month").sum(),
    "band": lambda cube: cube["red"].max("time").to_dataset().assign(nir=cube["nir"].max("time")),
}


@pytest.mark.parametrize("losing", LOSING)
def test_what_loses_the_offset_is_refused(series, losing: str) -> None:
    reduced = LOSING[losing](stored(series))
    for use in (ops.ndvi, ops.to_physical):
        with pytest.raises(errors.CubeError) as caught:
            use(reduced)
        assert "physical" in str(caught.value)
    whole = LOSING[losing](cubes.load(series).compute())  # physical values have no such trouble
    assert np.isfinite(ops.ndvi(whole).values).any()


def test_maxima_of_physical_values_are_numpys(series) -> None:
    reduced = cubes.load(series).max("time")
    red, nir = (np.nanmax(physical(series, band), 0) for band in ("red", "nir"))
    np.testing.assert_allclose(ops.ndvi(reduced), (nir - red) / (nir + red), rtol=1e-4)


KEEPING: dict[str, tuple[Callable[[xr.Dataset], xr.Dataset], Callable[[Any], Any]]] = {
    "isel": (lambda cube: cube.isel(time=[4, 1]), lambda a: a[[4, 1]]),
    "one": (lambda cube: cube.isel(time=4), lambda a: a[4]),
    "first": (lambda cube: cube.isel(time=0), lambda a: a[0]),
    "sel": (lambda cube: cube.sel(time="2024-03-15"), lambda a: a[4:5]),
    "slice": (lambda cube: cube.sel(time=slice("2024-03-05", "2024-03-13")), lambda a: a[1:4]),
    "sorted": (lambda cube: cube.sortby("time", ascending=False), lambda a: a[::-1]),
    "transposed": (lambda cube: cube.transpose("y", "x", "time"), lambda a: np.moveaxis(a, 0, -1)),
    "groups": (
        lambda cube: cube.groupby("time.month").map(lambda part: part.isel(time=slice(1, None))),
        lambda a: a[1:],
    ),
    "chunked": (lambda cube: cube.chunk(time=2), lambda a: a),
    "loaded": (lambda cube: cube.load(), lambda a: a),
    "part": (lambda cube: cube.isel(x=slice(2, 5)), lambda a: a[..., 2:5]),
    "renamed": (lambda cube: cube.rename(time="date"), lambda a: a),
}


@settings(max_examples=40)
@given(st.lists(st.sampled_from(sorted(KEEPING)), max_size=1), st.integers(1, 5), st.booleans())
def test_any_cube_joined_and_selected_is_numpys(series, steps, cut: int, turned: bool) -> None:
    parts = [series[:cut], series[cut:]]
    order = parts[::-1] if turned else parts
    cube = xr.concat([stored(one) for one in order], "time").sortby("time")
    expected = ndvi(series)
    for step in steps:
        ours, numpys = KEEPING[step]
        cube, expected = ours(cube), numpys(expected)
    index = ops.ndvi(cube)
    np.testing.assert_allclose(index.values, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("keeping", KEEPING)
def test_selections_keep_the_offset(series, keeping: str) -> None:
    ours, numpys = KEEPING[keeping]
    cube = ops.to_physical(ours(stored(series)))
    np.testing.assert_allclose(
        cube["red"].values, numpys(physical(series, "red")), rtol=1e-4, atol=1e-6
    )


def test_composites_mind_the_offsets_of_stored_numbers(series) -> None:
    cube = stored(series)
    red = physical(series, "red")
    np.testing.assert_allclose(ops.median(cube)["red"], np.nanmedian(red, 0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ops.mean(cube)["red"], np.nanmean(red, 0), rtol=1e-4, atol=1e-6)
    assert ops.median(cube)["red"].attrs["units"] == "1"
    one_baseline = stored(series[3:])
    np.testing.assert_allclose(
        ops.median(one_baseline)["red"], np.nanmedian(red[3:], 0), rtol=1e-4, atol=1e-6
    )


def test_bands_whose_offsets_differ_have_a_coordinate_each(tmp_path: Path) -> None:
    scaled = {"raster:scale": 0.0001, "nodata": 0}
    items = [
        told(
            tmp_path, f"i{day}",
            {
                "red": (np.full(SHAPE, 3_000, "uint16"), {**scaled, "raster:offset": offset}),
                "aot": (np.full(SHAPE, 200, "uint16"), {"raster:scale": 0.001, "nodata": 0}),
            },
            day=day,
        )
        for day, offset in ((1, 0.0), (5, -0.1))
    ]  # fmt: skip
    cube = stored(items)
    assert cube["red"].attrs["offset"] == "stored_offset"
    assert cube["aot"].attrs["offset"] == "stored_offset_aot"
    values = ops.to_physical(cube)
    np.testing.assert_allclose(values["red"][:, 0, 0], [0.3, 0.2], rtol=1e-6)
    np.testing.assert_allclose(values["aot"][:, 0, 0], [0.2, 0.2], rtol=1e-6)
    assert not [name for name in values.coords if str(name).startswith("stored_offset")]
    xr.testing.assert_allclose(values, cubes.load(items))


def test_products_of_one_day_that_differ_are_refused_raw_and_right_otherwise(tmp_path) -> None:
    old, new = (
        scene(tmp_path, name, offset, second=second)
        for second, (name, offset) in enumerate((("a", OLD), ("b", NEW)))
    )
    with pytest.raises(errors.StoredOtherwise, match="different offsets"):
        stored([old, new])
    first, second = physical([old, new], "red")
    np.testing.assert_allclose(
        cubes.load([old, new])["red"][0], np.where(np.isnan(first), second, first), rtol=1e-4
    )
    assert stored([old]).sizes["time"] == 1


def test_a_result_kept_beside_stored_numbers_is_no_stored_number(series) -> None:
    cube = stored(series)
    cube["ndvi"] = ops.ndvi(cube)
    again = ops.to_physical(cube)
    np.testing.assert_allclose(again["ndvi"].values, ndvi(series), rtol=1e-4, atol=1e-5)


def test_averaged_offsets_of_a_known_collection_are_refused() -> None:
    """`coarsen` averages coordinates: half an offset is nobody's."""
    band = xr.DataArray(
        np.full((2, 2), 2_000, "uint16"),
        dims=("time", "x"),
        coords={"stored_offset": ("time", [0.0, -0.1], {"possible": [0.0, -0.1]})},
        attrs={"nodata": 0, "scale": 0.0001, "offset": "stored_offset"},
    )
    with pytest.raises(errors.StoredOtherwise):
        ops.to_physical(band.coarsen(time=2).max())
    np.testing.assert_allclose(ops.to_physical(band)[:, 0], [0.2, 0.1], rtol=1e-6)


NAMELESS: dict[str, Callable[[xr.Dataset, xr.Dataset], Any]] = {
    "joined by nesting": lambda old, new: xr.combine_nested([old, new], "time"),
    "an array of bands": lambda old, new: (
        xr.concat([old, new], "time").to_array("band").to_dataset("band")
    ),
    "a table": lambda old, new: (
        xr.concat([old, new], "time").drop_vars("spatial_ref").to_dataframe().to_xarray()
    ),
    "attributes dropped": lambda old, new: xr.concat([old, new], "time").drop_attrs(),
}


@pytest.mark.parametrize("how", NAMELESS)
def test_numbers_that_lost_their_attributes_are_refused(series, how: str) -> None:
    """The index would be that of the stored numbers, 1000 too high after baseline 04.00."""
    cube = NAMELESS[how](stored(series[:3]), stored(series[3:]))
    for use in (ops.ndvi, ops.to_physical, ops.median):
        with pytest.raises(errors.StoredOtherwise, match="lost"):
            use(cube)
    with pytest.raises(errors.StoredOtherwise, match="lost"):
        ops.ndvi(cube.astype("float32"))


def test_classes_beside_stored_numbers_stay(series) -> None:
    cube = stored(series)
    cube["green"] = (cube["red"] > 3_000).astype("uint8").drop_attrs()
    values = ops.to_physical(cube)
    np.testing.assert_array_equal(values["green"], cube["red"] > 3_000)
    np.testing.assert_allclose(values["red"], physical(series, "red"), rtol=1e-4, atol=1e-6)


FIRSTS: dict[str, Callable[[list[xr.Dataset]], xr.Dataset]] = {
    "dates": lambda dates: xr.concat(dates, "time", coords="minimal", compat="override"),
    "expanded": lambda dates: xr.concat(
        [one.expand_dims("time") for one in dates], "time", coords="minimal", compat="override"
    ),
}


@pytest.mark.parametrize("how", FIRSTS)
def test_one_offset_taken_for_all_dates_is_refused(series, how: str) -> None:
    """`override`, xarray's default to come, takes the first date's offset for all."""
    cube = stored(series)
    dates = [cube.isel(time=at) for at in (1, 4)]
    joined = FIRSTS[how](dates)
    for use in (ops.ndvi, ops.to_physical, ops.median):
        with pytest.raises(errors.StoredOtherwise):
            use(joined)
    right = xr.concat(dates, "time", coords="different", compat="equals")
    np.testing.assert_allclose(ops.ndvi(right), ndvi(series)[[1, 4]], rtol=1e-3, atol=1e-5)
    single = cube.isel(time=4).expand_dims("time")
    np.testing.assert_allclose(ops.ndvi(single), ndvi(series)[[4]], rtol=1e-3, atol=1e-5)


WIDENED: dict[str, Callable[[xr.Dataset], xr.Dataset]] = {
    "reindexed": lambda cube: cube.reindex(
        time=np.append(cube["time"].values, np.datetime64("2024-04-01", "ns"))
    ),
    "padded": lambda cube: cube.pad(time=(0, 1)),
}


@pytest.mark.parametrize("possible", [None, [OLD, NEW]], ids=["unknown", "known"])
@pytest.mark.parametrize("how", WIDENED)
def test_dates_that_were_added_are_missing(series, how: str, possible: Any) -> None:
    cube = stored(series).load()
    if possible is not None:
        cube["stored_offset"].attrs["possible"] = possible
    expected = np.concatenate([physical(series, "red"), np.full((1, *SHAPE), np.nan)])
    wide = WIDENED[how](cube)
    np.testing.assert_allclose(ops.to_physical(wide)["red"], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        ops.median(wide)["red"], np.nanmedian(expected, 0), rtol=1e-4, atol=1e-6
    )


def test_offsets_kept_as_a_variable_still_count(series) -> None:
    cube = stored(series).reset_coords("stored_offset")
    values = ops.to_physical(cube)
    np.testing.assert_allclose(values["red"], physical(series, "red"), rtol=1e-4, atol=1e-6)
    assert "stored_offset" not in values.variables
    np.testing.assert_allclose(ops.ndvi(cube), ndvi(series), rtol=1e-3, atol=1e-5)

"""Radar time series against numpy and against what is known of speckle."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geodes_datalab import errors, ops

power = hnp.arrays(
    "float64", (4, 3, 3), elements=st.one_of(st.floats(1e-4, 10), st.sampled_from([np.nan]))
)


def stack(values, *, chunks: bool = False) -> xr.DataArray:
    result = xr.DataArray(values, dims=("time", "y", "x"), name="VV", attrs={"long_name": "sigma0"})
    return result.chunk(time=1, y=16, x=16) if chunks else result


@settings(max_examples=25)
@given(power)
def test_decibels_there_and_back(values) -> None:
    decibels = ops.to_db(stack(values))
    np.testing.assert_allclose(decibels, 10 * np.log10(values))
    np.testing.assert_allclose(ops.from_db(decibels), values)
    assert (decibels.attrs["units"], ops.from_db(decibels).attrs["units"]) == ("dB", "1")


def test_no_logarithm_of_nothing() -> None:
    assert np.isnan(ops.to_db(stack(np.array([[[0.0, -1.0, np.nan]]])))).all()
    ratio = ops.log_ratio(stack(np.array([[[0.0, 1.0]]])), stack(np.array([[[1.0, 0.0]]])))
    assert np.isnan(ratio).all()


@settings(max_examples=25)
@given(power, power)
def test_log_ratio(before, after) -> None:
    np.testing.assert_allclose(
        ops.log_ratio(stack(before), stack(after)), 10 * np.log10(after / before), atol=1e-9
    )


@settings(max_examples=25)
@given(power)
def test_statistics(values) -> None:
    result = ops.temporal_statistics(stack(values, chunks=True)).compute()  # without a warning
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy warns of pixels without a value
        compare(result, values)


def compare(result, values) -> None:
    assert result["mean"].dtype == values.dtype
    np.testing.assert_allclose(result["mean"], np.nanmean(values, 0))
    np.testing.assert_allclose(result["std"], np.nanstd(values, 0))
    np.testing.assert_allclose(result["cv"], np.nanstd(values, 0) / np.nanmean(values, 0))
    np.testing.assert_allclose(result["minimum"], np.nanmin(values, 0))
    np.testing.assert_allclose(result["maximum"], np.nanmax(values, 0))
    np.testing.assert_array_equal(result["count"], np.isfinite(values).sum(0))


@pytest.mark.parametrize("chunks", [False, True])
def test_the_filter_is_its_formula(chunks: bool) -> None:
    values = np.random.default_rng(0).gamma(4, 0.25, (5, 40, 50))
    values[2, 10:14, 20:30] = np.nan
    got = ops.despeckle(stack(values, chunks=chunks), window=5)
    assert (got.chunks is not None) == chunks
    assert got.dtype == np.float32

    def local(image: np.ndarray, y: int, x: int) -> float:
        return float(np.nanmean(image[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]))

    for y, x in [(0, 0), (20, 25), (39, 49), (11, 19), (12, 25), (16, 16), (15, 31)]:
        ratios = [
            values[k, y, x] / local(values[k], y, x)
            for k in range(5)
            if np.isfinite(values[k, y, x])
        ]
        for k in range(5):
            expected = (
                local(values[k], y, x) * np.mean(ratios) if np.isfinite(values[k, y, x]) else np.nan
            )
            np.testing.assert_allclose(got.values[k, y, x], expected, rtol=1e-5)


def test_the_filter_lessens_speckle_and_keeps_the_mean() -> None:
    looks, dates = 4, 10
    scene = np.where(np.arange(120) < 60, 0.05, 0.2)  # two fields, with a sharp edge
    speckle = np.random.default_rng(1).gamma(looks, 1 / looks, (dates, 120, 120))
    got = ops.despeckle(stack(scene * speckle), window=7).values
    for field in (np.s_[:, 10:110, 10:50], np.s_[:, 10:110, 70:110]):
        before, after = (scene * speckle)[field], got[field]
        np.testing.assert_allclose(after.mean(), before.mean(), rtol=0.02)
        assert after.std() / after.mean() < 0.5 * before.std() / before.mean()


def test_a_window_must_have_a_middle() -> None:
    with pytest.raises(errors.CubeError, match="window must be odd"):
        ops.despeckle(stack(np.ones((1, 3, 3))), window=4)


def test_what_is_computed_says_its_source() -> None:
    """By it a figure is marked: what was simulated stays so, whatever was computed of it."""
    source = {"source": "THEIA_S1TILING_SENTINEL1_L1 (simulated)"}
    data = stack(np.ones((4, 3, 3))).assign_attrs(source)
    ratio = ops.log_ratio(data[0], data[1])
    results = (ops.to_db(data), ratio, ops.from_db(ratio), ops.temporal_statistics(data)["cv"])
    assert [result.attrs.get("source") for result in results] == [source["source"]] * 4

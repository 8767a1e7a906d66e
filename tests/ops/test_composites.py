"""Composites against numpy."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geodes_datalab import errors, ops

series = hnp.arrays(
    "int16", st.tuples(st.integers(1, 6), st.just(3), st.just(4)), elements=st.integers(-2, 50)
)


def cube(values, *, chunks: bool = False) -> xr.Dataset:
    times = np.datetime64("2024-01-20", "ns") + np.arange(len(values)) * np.timedelta64(17, "D")
    band = xr.DataArray(
        values, {"time": times}, ("time", "y", "x"), attrs={"nodata": -2, "scale": 0.5, "long_name": "b"}
    )  # fmt: skip
    data = xr.Dataset({"red": band, "CLM": band.astype("uint8").assign_attrs(role="mask")})
    return data.chunk(time=1, y=2) if chunks else data


def truth(values) -> np.ndarray:
    return np.where(values == -2, np.nan, values * 0.5)


@pytest.mark.parametrize("chunks", [False, True])
@pytest.mark.parametrize(
    ("name", "numpys", "arguments"),
    [
        ("median", np.nanmedian, ()),
        ("mean", np.nanmean, ()),
        ("percentile", lambda a, axis: np.nanpercentile(a, 30, axis=axis), (30,)),
        ("count", lambda a, axis: np.isfinite(a).sum(axis), ()),
    ],
)
@settings(max_examples=15)
@given(values=series)
def test_over_all_dates(chunks: bool, name: str, numpys, arguments, values) -> None:
    result = getattr(ops, name)(cube(values, chunks=chunks), *arguments)
    assert list(result.data_vars) == ["red"]
    assert (result["red"].chunks is not None) == chunks
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = numpys(truth(values), axis=0)
    assert result["red"].dtype == ("uint16" if name == "count" else "float32")
    np.testing.assert_allclose(result["red"].values, expected, rtol=1e-5)


def test_by_period() -> None:
    values = np.arange(6, dtype="int16")[:, None, None] * np.ones((1, 3, 4), "int16")
    data = cube(values)  # 20 Jan, 6 Feb, 23 Feb, 11 Mar, 28 Mar, 14 Apr
    monthly = ops.median(data, period="month")
    assert monthly["time"].values.astype("datetime64[D]").astype(str).tolist() == [
        "2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01",
    ]  # fmt: skip
    assert monthly["red"].values[:, 0, 0].tolist() == [0, 0.75, 1.75, 2.5]
    assert monthly["red"].attrs["cell_methods"] == "time: median within month"
    assert ops.count(data, period="quarter")["red"].values[:, 0, 0].tolist() == [5, 1]
    seasons = ops.mean(data, period="season")["time"].values.astype("datetime64[D]").astype(str)
    assert seasons.tolist() == ["2023-12-01", "2024-03-01"]
    assert ops.mean(data, period="year").sizes["time"] == 1
    with pytest.raises(errors.CubeError, match="unknown period 'monthly'") as error:
        ops.mean(data, period="monthly")
    assert 'did you mean "month"' in str(error.value)


@pytest.mark.parametrize("chunks", [False, True])
@settings(max_examples=15)
@given(values=series, score=st.data())
def test_best_pixel(chunks: bool, values, score) -> None:
    data = cube(values, chunks=chunks)
    data["green"] = data["red"] + 100
    data["green"].attrs = {}
    scores = score.draw(
        hnp.arrays("float32", values.shape, elements=st.sampled_from([0.0, 0.5, 1.0, np.nan]))
    )
    result = ops.best_pixel(data, data["red"].copy(data=scores)).compute()
    expected, green = np.full((3, 4), np.nan), np.full((3, 4), np.nan)
    observed = np.full((3, 4), np.datetime64("NaT", "ns"))
    for y, x in np.ndindex(3, 4):
        if np.isfinite(scores[:, y, x]).any():
            best = int(np.nanargmax(scores[:, y, x]))
            expected[y, x] = truth(values)[best, y, x]
            green[y, x] = values[best, y, x] + 100
            observed[y, x] = data["time"].values[best]
    np.testing.assert_array_equal(result["red"].values, expected)
    np.testing.assert_array_equal(result["green"].values, green)
    np.testing.assert_array_equal(result["observed"].values, observed)
    assert set(result.data_vars) == {"red", "green", "observed"}
    assert "time" not in result.coords


def test_nonsense_is_refused() -> None:
    data = cube(np.zeros((1, 3, 4), "int16"))
    with pytest.raises(errors.CubeError, match="there is no dimension time"):
        ops.median(data.isel(time=0))
    with pytest.raises(errors.CubeError, match="between 0 and 100"):
        ops.percentile(data, 101)


@pytest.mark.parametrize("period", ["1MS", "MS", "QS-DEC", "YS", "ME", "10D", "W-MON"])
def test_frequencies_of_pandas_are_xarrays_own(period: str) -> None:
    values = np.random.default_rng(3).integers(0, 50, (9, 3, 4)).astype("int16")
    data = cube(values)
    found = ops.mean(data, period=period)["red"]
    expected = ops.to_physical(data)["red"].resample(time=period).mean().dropna("time", how="all")
    np.testing.assert_array_equal(found["time"], expected["time"])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found["time"].attrs["long_name"] == f"period of {period}"
    shuffled = ops.mean(data.isel(time=[4, 0, 8, 2, 6, 1, 3, 7, 5]), period=period)["red"]
    np.testing.assert_allclose(shuffled, found, rtol=1e-6)


@pytest.mark.parametrize(
    ("period", "said"), [("monht", '"month"'), ("3 moons", "10D"), ("", "10D")]
)
def test_what_is_no_period_is_refused(period: str, said: str) -> None:
    with pytest.raises(errors.CubeError) as caught:
        ops.median(cube(np.zeros((2, 3, 4), "int16")), period=period)
    assert said in str(caught.value)

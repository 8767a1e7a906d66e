"""Medians and percentiles of integers are numpy's, to the last bit, whatever is missing and however it lies."""

from __future__ import annotations

import tracemalloc
import warnings
from itertools import product
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geodes_datalab import ops
from geodes_datalab.ops import ordering
from geodes_datalab.ops.ordering import Rule, network, quantile

INTEGERS = ["uint8", "int8", "uint16", "int16", "int32", "uint32"]


def numpys(stack: Any, percent: float, missing: float | None) -> Any:
    """Return what numpy says, in double precision."""
    values = np.asarray(stack).astype("float64")
    values = values if missing is None else np.where(values == missing, np.nan, values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing but NaN
        if percent == 50:
            return np.nanmedian(values, axis=0)
        return np.nanpercentile(values, percent, axis=0)


@st.composite
def stacks(draw: st.DrawFn) -> tuple[Any, float | None]:
    dtype = draw(st.sampled_from(INTEGERS))
    shape = (draw(st.integers(1, 13)), draw(st.integers(1, 5)), draw(st.integers(1, 4)))
    limits = np.iinfo(dtype)
    near = [value for value in range(-3, 4) if limits.min <= value <= limits.max]
    elements = st.sampled_from([*near, limits.min, limits.max]) | st.integers(
        limits.min, limits.max
    )
    stack = draw(hnp.arrays(dtype, shape, elements=elements))
    missing = draw(st.none() | st.sampled_from([*near, limits.min, limits.max]))
    return stack, missing


@settings(max_examples=300)
@given(case=stacks(), percent=st.sampled_from([0, 5, 25, 30, 50, 66.6, 75, 90, 100]))
def test_integers_exactly_as_numpy(case: tuple[Any, float | None], percent: float) -> None:
    stack, missing = case
    before = stack.copy()
    dtype = "float64" if stack.dtype.itemsize > 2 else "float32"
    result = quantile(stack, Rule(percent / 100, dtype, missing))
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, numpys(stack, percent, missing).astype(dtype))
    np.testing.assert_array_equal(stack, before)


@settings(max_examples=100)
@given(
    stack=hnp.arrays(
        "float32", st.tuples(st.integers(1, 9), st.just(3), st.just(2)),
        elements=st.floats(-1e6, 1e6, width=32) | st.just(np.nan),
    ),
    percent=st.sampled_from([0, 30, 50, 90]),
)  # fmt: skip
def test_floats_as_numpy_in_double_precision(stack: Any, percent: float) -> None:
    result = quantile(stack, Rule(percent / 100, "float32"))
    np.testing.assert_array_equal(result, numpys(stack, percent, None).astype("float32"))


@pytest.mark.parametrize("percent", [50, 20])
@pytest.mark.parametrize("dates", [1, 2, 31, 64, 100])
def test_many_blocks_and_many_dates(
    dates: int, percent: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "WORKING_SET", 1)
    monkeypatch.setattr(ordering, "LEAST", 100)  # three rows of 33
    generator = np.random.default_rng(dates)
    stack = generator.integers(-500, 500, (dates, 17, 33)).astype("int16")
    stack[generator.random(stack.shape) < 0.4] = -10000
    stack[:, 5] = -10000
    stack[:, 9:12] = np.abs(stack[:, 9:12]) % 300  # rows without anything missing
    result = quantile(stack, Rule(percent / 100, "float32", -10000))
    np.testing.assert_array_equal(result, numpys(stack, percent, -10000).astype("float32"))
    assert np.isnan(result[5]).all()


def test_other_shapes() -> None:
    stack = np.arange(24, dtype="uint16").reshape(4, 3, 2)
    for part in (stack[:, 0, 0], stack[:, 0], stack, stack[..., np.newaxis], stack[:, ::-1, ::2]):
        expected = np.median(part, axis=0).astype("float32")
        np.testing.assert_array_equal(quantile(part, Rule(0.5, "float32")), expected)
        parts = [part[:1], part[1:3], part[3:]]
        np.testing.assert_array_equal(quantile(parts, Rule(0.5, "float32")), expected)


@pytest.mark.parametrize("count", range(1, 13))
def test_networks_sort_all_zeros_and_ones(count: int) -> None:
    """What sorts every sequence of zeros and ones sorts everything (Knuth's zero-one principle)."""
    every = np.array(list(product([0, 1], repeat=count)), "uint8").T
    for wanted in [None, *((rank,) for rank in range(count)), (0, count - 1)]:
        memory = np.concatenate([every, np.zeros_like(every[:1])])
        where = ordering._arranged(memory, network(count, wanted))
        for rank in range(count) if wanted is None else wanted:
            np.testing.assert_array_equal(memory[where[rank]], np.sort(every, axis=0)[rank])


def test_memory_is_bounded() -> None:
    stack = np.ones((6, 3000, 3000), "uint16")
    tracemalloc.start()
    try:
        quantile(stack, Rule(0.5, "float32", 0))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    result = 4 * 3000**2
    assert peak < result + 8 * ordering.WORKING_SET


# cubes


def scene(values: Any, **attrs: Any) -> xr.DataArray:
    times = np.datetime64("2022-01-20", "ns") + np.arange(len(values)) * np.timedelta64(9, "D")
    band = xr.DataArray(
        values, {"time": times, "spatial_ref": 0, "y": np.arange(values.shape[1])}, ("time", "y", "x"),
        attrs={"nodata": 0, "long_name": "red", **attrs},
    )  # fmt: skip
    band["spatial_ref"].attrs["crs_wkt"] = "the place"
    band.encoding["grid_mapping"] = "spatial_ref"
    return band


def numbers(dates: int = 7) -> Any:
    generator = np.random.default_rng(1)
    return generator.integers(0, 6, (dates, 40, 30)).astype("uint16") * 1000


@pytest.mark.parametrize(
    "chunks", [None, {"time": 1, "y": 16, "x": 30}, {"time": 3, "y": 40, "x": 7}]
)
def test_lazy_and_loaded_are_equal_and_keep_their_place(chunks: dict[str, int] | None) -> None:
    values = numbers()
    cube = xr.Dataset({"red": scene(values)}, attrs={"title": "a cube"})
    cube = cube.chunk(chunks) if chunks else cube
    result = ops.median(cube)
    assert isinstance(result["red"].data, da.Array if chunks else np.ndarray)
    np.testing.assert_array_equal(result["red"], numpys(values, 50, 0).astype("float32"))
    assert result["red"].attrs == {"long_name": "red", "cell_methods": "time: median"}
    assert result["red"].encoding == {"grid_mapping": "spatial_ref"}
    assert result["spatial_ref"].attrs == {"crs_wkt": "the place"}
    assert result.attrs == cube.attrs
    assert set(result.coords) == {"spatial_ref", "y"}


def test_time_may_lie_anywhere() -> None:
    band = scene(numbers()).transpose("y", "time", "x")
    for given_ in (band, band.chunk(time=2)):
        result = ops.percentile(given_, 30)
        assert result.dims == ("y", "x")
        expected = numpys(numbers(), 30, 0).astype("float32")
        np.testing.assert_array_equal(result, expected)


def test_scaled_once_and_after() -> None:
    values = numbers()
    result = ops.median(scene(values, scale=0.0001, offset=-0.1))
    stored = numpys(values, 50, 0).astype("float32")
    np.testing.assert_array_equal(result, (stored + np.float32(-1000)) * np.float32(0.0001))
    assert "scale" not in result.attrs
    np.testing.assert_array_equal(ops.to_physical(result), result)


@pytest.mark.parametrize("offsets", [[-0.1, 0.0], [0.00005, 0.0]], ids=["whole", "broken"])
def test_offsets_that_change_within_the_series(offsets: list[float]) -> None:
    values = numbers()
    late = np.where(np.arange(7) < 4, offsets[1], offsets[0])
    band = scene(values, scale=0.0001).assign_coords(stored_offset=("time", late))
    moved = np.where(values == 0, np.nan, values + late[:, None, None] / 0.0001)
    expected = numpys(moved, 50, None) * 0.0001
    for given_ in (band, band.chunk(time=1, y=16)):
        result = ops.median(given_)
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-7)
        assert "stored_offset" not in result.coords


def test_a_chunk_of_the_result_is_one_task_and_nothing_is_concatenated() -> None:
    lazy = xr.DataArray(
        da.zeros((5, 64, 64), "uint16", chunks=(1, 32, 32)), dims=("time", "y", "x")
    )
    graph = ops.median(lazy).data.dask
    added = set(graph.layers) - set(lazy.data.dask.layers)
    assert [len(graph.layers[name]) for name in added] == [4]

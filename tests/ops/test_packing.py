"""Stored numbers and physical values."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geodes_datalab import ops


@given(
    hnp.arrays("int16", (20,), elements=st.integers(-10_000, 20_000)),
    st.sampled_from([1.0, 0.0001, 0.01]),
    st.sampled_from([0.0, -0.1, 3.0]),
)
def test_closed_form(values, scale: float, offset: float) -> None:
    band = xr.DataArray(values, attrs={"nodata": -10_000, "scale": scale, "offset": offset})
    got = ops.to_physical(band)
    expected = np.where(values == -10_000, np.nan, values * scale + offset)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got.values, expected, rtol=1e-5, atol=1e-6)
    assert got.attrs == {}
    xr.testing.assert_identical(ops.to_physical(got), got)


def test_an_offset_for_each_date() -> None:
    band = xr.DataArray(
        np.full((2, 3), 2_000, "uint16"),
        dims=("time", "x"),
        coords={"stored_offset": ("time", [0.0, -0.1])},
        attrs={"nodata": 0, "scale": 0.0001},
    )
    cube = ops.to_physical(xr.Dataset({"B04": band}))
    np.testing.assert_allclose(cube["B04"].values, [[0.2] * 3, [0.1] * 3], rtol=1e-6)
    assert "stored_offset" not in cube.coords


def test_masks_stay_as_they_are() -> None:
    mask = xr.DataArray(np.array([0, 255], "uint8"), attrs={"nodata": 255, "role": "mask"})
    cube = xr.Dataset(
        {"CLM": mask, "B4": xr.DataArray(np.array([0, 7], "uint16"), attrs={"nodata": 0})}
    )
    for function in (ops.to_physical, ops.mask_nodata):
        xr.testing.assert_identical(function(cube)["CLM"].variable, cube["CLM"].variable)
        assert np.isnan(function(cube)["B4"].values[0])


def test_masked_values_keep_their_units() -> None:
    band = xr.DataArray(np.array([0, 700], "uint16"), attrs={"nodata": 0, "scale": 0.0001})
    masked = ops.mask_nodata(band)
    assert masked.attrs == {"scale": 0.0001}
    np.testing.assert_allclose(ops.to_physical(masked).values, [np.nan, 0.07], rtol=1e-6)


@pytest.mark.parametrize(("dtype", "expected"), [("uint8", "f4"), ("int16", "f4"), ("int32", "f8")])
def test_floats_hold_every_integer(dtype: str, expected: str) -> None:
    top = np.iinfo(dtype).max
    band = xr.DataArray(np.array([top], dtype), attrs={"nodata": 0})
    masked = ops.mask_nodata(band)
    assert masked.dtype == np.dtype(expected)
    assert int(masked.values[0]) == top


def test_laziness_and_grid_mapping_are_kept() -> None:
    band = xr.DataArray(np.zeros((4, 4), "uint16"), dims=("y", "x"), attrs={"nodata": 0}).chunk(2)
    band.encoding = {"grid_mapping": "spatial_ref", "chunks": (2, 2)}
    result = ops.to_physical(xr.Dataset({"B4": band}, attrs={"title": "kept"}))
    assert result["B4"].chunks == ((2, 2), (2, 2))
    assert result["B4"].encoding == {"grid_mapping": "spatial_ref"}
    assert result.attrs == {"title": "kept"}

"""Bits of quality masks."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from geodes_datalab import errors, ops
from geodes_datalab.ops import masks

EVERY = xr.DataArray(np.arange(256, dtype="uint8"), dims="x")


@pytest.mark.parametrize("table", [masks.CLM, masks.MG2, masks.EDG, *masks.SAT.values()])
def test_every_bit_of_every_value(table) -> None:
    assert list(table.values()) == [2**bit for bit in range(len(table))]
    for bit, name in enumerate(table):
        got = ops.has_bits(EVERY, [name], table).values
        assert got.tolist() == [bool(value >> bit & 1) for value in range(256)]
    both = ops.has_bits(EVERY, list(table)[:2], table).values
    assert both.tolist() == [value & sum(list(table.values())[:2]) > 0 for value in range(256)]


def cube(**attrs) -> xr.Dataset:
    values = np.array([[0, 1, 2, 4, 16, 32, 128, 255]], "uint8")
    return xr.Dataset(
        {
            "red": (("time", "x"), np.arange(1, 9, dtype="int16")[None], {"nodata": -10_000}),
            "CLM": (("time", "x"), values, {"role": "mask", "nodata": 255, **attrs}),
        }
    )


def test_clouds_shadows_and_what_was_not_seen() -> None:
    bad = ops.cloud_mask(cube())
    assert bad.values.tolist() == [[False, True, False, False, True, False, True, True]]
    strict = ops.cloud_mask(cube(), bits=["clouds", "shadows"])
    assert strict.values.tolist() == [[False, False, True, False, False, True, False, True]]
    named = cube(native_name="CLM_R1").rename(CLM="mask")
    xr.testing.assert_equal(ops.cloud_mask(named), bad)


def test_a_clear_cube_keeps_type_and_masks() -> None:
    data = cube()
    result = ops.clear(data)
    assert result["red"].dtype == np.int16
    assert result["red"].values.tolist() == [[1, -10_000, 3, 4, -10_000, 6, -10_000, -10_000]]
    xr.testing.assert_identical(result["CLM"], data["CLM"])
    floats = ops.clear(ops.to_physical(data))
    np.testing.assert_array_equal(np.isnan(floats["red"]), result["red"] == -10_000)


def test_no_mask_is_invented() -> None:
    with pytest.raises(errors.CubeError, match="the cube has no cloud mask") as error:
        ops.cloud_mask(cube().drop_vars("CLM"))
    assert "Sentinel-2 L1C products have none" in str(error.value)
    with pytest.raises(errors.CubeError, match="no bit 'cloud'") as error:
        ops.cloud_mask(cube(), bits=["cloud"])
    assert 'did you mean "clouds"' in str(error.value)

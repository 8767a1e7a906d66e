"""Three bands as one picture: brightness that follows from reflectance alone."""

from __future__ import annotations

from typing import Any

import dask.array
import numpy as np
import pytest
import xarray as xr

from geodes_datalab import ops
from geodes_datalab.errors import CubeError, UnknownBand

REFLECTANCE = "surface_bidirectional_reflectance"
WAVELENGTHS = {"blue": 0.49, "green": 0.56, "red": 0.665, "nir": 0.83}


def cube(**values: Any) -> xr.Dataset:
    """Bands along x, with the attributes that `load` gives them."""
    return xr.Dataset(
        {
            name: (
                "x",
                np.asarray(numbers, "float32"),
                {"standard_name": REFLECTANCE, "wavelength": WAVELENGTHS[name], "units": "1"},
            )
            for name, numbers in values.items()
        }
    )


def test_brightness_follows_from_reflectance_alone() -> None:
    data = cube(red=[0.0, 0.035, 0.35, 0.9], green=[0.1] * 4, blue=[0.2] * 4)
    picture = ops.true_colour(data)
    assert picture.dims == ("x", "band")
    assert list(picture["band"].values) == ["red", "green", "blue"]
    assert picture.dtype == np.float32
    expected = np.clip(np.array([0.0, 0.1, 1.0, 1.0]), 0, 1) ** (1 / 1.6)
    np.testing.assert_allclose(picture.sel(band="red"), expected, rtol=1e-5)
    # a part of the dates, or of the place, looks as it does within the whole
    xr.testing.assert_allclose(ops.true_colour(data.isel(x=[1])), picture.isel(x=[1]))


def test_infrared_is_stretched_further() -> None:
    data = cube(nir=[0.5], red=[0.35], green=[0.175])
    picture = ops.true_colour(data, rgb=("nir", "red", "green"), gamma=1)
    np.testing.assert_allclose(picture.values, [[1.0, 1.0, 0.5]], rtol=1e-6)
    assert picture.attrs["long_name"] == "nir, red, green as red, green, blue"


def test_a_pixel_that_one_band_lacks_is_missing() -> None:
    picture = ops.true_colour(cube(red=[0.1, np.nan], green=[0.1, 0.1], blue=[0.1, 0.1]))
    assert np.isnan(picture.values).tolist() == [[False] * 3, [True] * 3]


def test_stored_numbers_are_made_reflectance_first() -> None:
    data = cube(red=[0.2, 0.0], green=[0.2, 0.1], blue=[0.2, 0.1])
    stored = (data * 10000 + 1000).round().astype("uint16")
    stored["red"][1] = 0
    for name, band in stored.data_vars.items():
        band.attrs = data[name].attrs | {"scale": 0.0001, "offset": -0.1, "nodata": 0}
    picture = ops.true_colour(stored)
    np.testing.assert_allclose(picture[0], ops.true_colour(data)[0], rtol=1e-4)
    assert picture[1].isnull().all()


def test_limits_of_ones_own() -> None:
    data = cube(red=[0.25], green=[0.25], blue=[0.25])
    assert ops.true_colour(data, limits=(0, 0.5)).values.tolist() == [[0.5, 0.5, 0.5]]
    each = ops.true_colour(data, limits=[(0, 1), (0, 0.5), (0.2, 0.3)])
    np.testing.assert_allclose(each.values, [[0.25, 0.5, 0.5]], rtol=1e-5)


def test_lazy_cubes_stay_lazy() -> None:
    def fail(_: Any) -> Any:
        raise AssertionError("computed")

    data = cube(red=[0.1], green=[0.1], blue=[0.1])
    block = dask.array.zeros(1, chunks=1, dtype="float32")
    lazy = data.map(lambda band: band.copy(data=block.map_blocks(fail, dtype="float32")))
    for name in lazy.data_vars:
        lazy[name].attrs = data[name].attrs
    assert ops.true_colour(lazy).chunks


def test_what_makes_no_picture_is_told() -> None:
    data = cube(red=[0.1], green=[0.1], blue=[0.1])
    with pytest.raises(UnknownBand, match="no band 'nir'"):
        ops.true_colour(data, rgb=("nir", "red", "green"))
    with pytest.raises(CubeError, match=r"rgb='red'\n  What to do: for example"):
        ops.true_colour(data, rgb="red")
    with pytest.raises(CubeError, match=r"limits=\(1, 0\) are no values"):
        ops.true_colour(data, limits=(1, 0))
    with pytest.raises(CubeError, match="gamma=0"):
        ops.true_colour(data, gamma=0)
    with pytest.raises(CubeError, match=r"green is no reflectance.*\n  What to do: say so: limits"):
        ops.true_colour(data.assign(green=data["green"].drop_attrs()))

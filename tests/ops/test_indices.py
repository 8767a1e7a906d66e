"""Indices against their closed forms, for every kind of input."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geodes_datalab import errors, ops

SCALE, OFFSET = 0.0001, -0.1
NAMES = ("blue", "green", "red", "nir", "swir16", "swir22")
FORMULAS = {
    "ndvi": lambda b: (b["nir"] - b["red"]) / (b["nir"] + b["red"]),
    "ndwi": lambda b: (b["green"] - b["nir"]) / (b["green"] + b["nir"]),
    "mndwi": lambda b: (b["green"] - b["swir16"]) / (b["green"] + b["swir16"]),
    "ndsi": lambda b: (b["green"] - b["swir16"]) / (b["green"] + b["swir16"]),
    "ndmi": lambda b: (b["nir"] - b["swir16"]) / (b["nir"] + b["swir16"]),
    "nbr": lambda b: (b["nir"] - b["swir22"]) / (b["nir"] + b["swir22"]),
    "evi": lambda b: 2.5 * (b["nir"] - b["red"]) / (b["nir"] + 6 * b["red"] - 7.5 * b["blue"] + 1),
    "savi": lambda b: 1.5 * (b["nir"] - b["red"]) / (b["nir"] + b["red"] + 0.5),
}
stored = st.integers(0, 12_000)
planes = st.tuples(
    *[hnp.arrays("uint16", (2, 3, 4), elements=stored, fill=st.nothing()) for _ in NAMES]
)


def cube(arrays, **attrs) -> xr.Dataset:
    return xr.Dataset(
        {
            f"B{number}": (("time", "y", "x"), array, {"common_name": name, **attrs})
            for number, (name, array) in enumerate(zip(NAMES, arrays, strict=True))
        },
        attrs={"title": "test"},
    )


def reflectance(arrays) -> dict[str, np.ndarray]:
    """The physical values in double precision; 0 is missing."""
    return {
        name: np.where(array == 0, np.nan, array.astype("float64") * SCALE + OFFSET)
        for name, array in zip(NAMES, arrays, strict=True)
    }


@pytest.mark.parametrize("index", FORMULAS)
@settings(max_examples=25)
@given(arrays=planes)
def test_stored_integers_give_the_closed_form(index: str, arrays) -> None:
    data = cube(arrays, nodata=0, scale=SCALE, offset=OFFSET)
    got = getattr(ops, index)(data)
    bands = reflectance(arrays)
    with np.errstate(all="ignore"):
        expected = FORMULAS[index](bands)
        below = expected_denominator(index, bands)
    assert got.dtype == np.float32
    sound = np.abs(below) > 1e-3  # near zero, a quotient in single precision has few right digits
    np.testing.assert_allclose(got.values[sound], expected[sound], rtol=2e-3, atol=2e-4)
    missing = np.isnan(below)
    assert np.isnan(got.values[missing]).all()
    assert np.isfinite(got.values[sound]).all()


def expected_denominator(index: str, bands) -> np.ndarray:
    nir, red, blue = bands["nir"], bands["red"], bands["blue"]
    return {
        "ndvi": nir + red,
        "ndwi": bands["green"] + nir,
        "mndwi": bands["green"] + bands["swir16"],
        "ndsi": bands["green"] + bands["swir16"],
        "ndmi": nir + bands["swir16"],
        "nbr": nir + bands["swir22"],
        "evi": nir + 6 * red - 7.5 * blue + 1,
        "savi": nir + red + 0.5,
    }[index]


@settings(max_examples=25)
@given(arrays=planes)
def test_bare_unsigned_integers_never_wrap_around(arrays) -> None:
    data = cube(arrays)
    red, nir = arrays[2].astype("float64"), arrays[3].astype("float64")
    with np.errstate(all="ignore"):
        expected = np.where(nir + red == 0, np.nan, (nir - red) / (nir + red))
    np.testing.assert_allclose(ops.ndvi(data).values, expected, rtol=1e-5, atol=1e-7)


def test_zero_over_zero_is_missing_not_infinite() -> None:
    zero, one = xr.DataArray([0.0, 0.5]), xr.DataArray([0.0, -0.5])
    assert np.isnan(ops.ndvi(red=zero, nir=one)).all()
    assert np.isnan(ops.difference(xr.DataArray([1.0]), xr.DataArray([-1.0]))).all()


def test_bands_may_be_given_or_found_by_any_name() -> None:
    red, nir = xr.DataArray([0.1], name="a"), xr.DataArray([0.3], name="b")
    expected = ops.ndvi(red=red, nir=nir)
    named = xr.Dataset({"red": red, "nir": nir})
    native = xr.Dataset(
        {"B4": red.assign_attrs(common_name="red"), "B8": nir.assign_attrs(common_name="nir")}
    )
    narrow = xr.Dataset({"red": red, "B8A": nir.assign_attrs(common_name="nir08")})
    for data in (named, native, narrow):
        xr.testing.assert_equal(ops.ndvi(data).drop_attrs(), expected.drop_attrs())
    xr.testing.assert_equal(ops.ndvi(named, nir=nir), expected)


def test_a_band_that_is_missing_is_named() -> None:
    with pytest.raises(errors.UnknownBand, match="the cube has no band 'nir'") as error:
        ops.ndvi(xr.Dataset({"red": ("x", [1.0])}))
    assert 'load it with bands=[..., "nir"]' in str(error.value)
    with pytest.raises(errors.UnknownBand, match="the band nir is missing"):
        ops.ndvi(red=xr.DataArray([1.0]))


def test_the_result_is_lazy_and_keeps_its_grid() -> None:
    data = cube([np.ones((2, 3, 4), "uint16")] * 6, nodata=0).chunk(time=1)
    data = data.assign_coords(spatial_ref=32631, x=[5.0, 15, 25, 35])
    for band in data.data_vars.values():
        band.encoding["grid_mapping"] = "spatial_ref"
    result = ops.ndvi(data)
    assert result.chunks is not None
    assert result.name == "ndvi"
    assert result.attrs == {
        "long_name": "Normalized Difference Vegetation Index",
        "standard_name": "normalized_difference_vegetation_index",
        "units": "1",
    }
    assert result.encoding["grid_mapping"] == "spatial_ref"
    assert "spatial_ref" in result.coords
    assert result["x"].values.tolist() == [5, 15, 25, 35]


def test_floats_that_still_have_to_be_scaled_are_refused() -> None:
    """Whether ``scale`` was applied cannot be known: xarray keeps attributes through arithmetic."""
    band = xr.DataArray([0.3], attrs={"scale": 0.0001}, name="B4")
    with pytest.raises(errors.CubeError, match="B4 holds floats, but its attributes say") as error:
        ops.ndvi(red=band, nir=band)
    assert "to_physical" in str(error.value)
    done = band.drop_attrs()
    assert ops.ndvi(red=done, nir=done).values == 0


@given(st.floats(0, 1), st.floats(0.01, 1), st.floats(0.01, 1))
def test_savi_without_soil_is_ndvi(soil: float, red: float, nir: float) -> None:
    one, other = xr.DataArray([red]), xr.DataArray([nir])
    np.testing.assert_allclose(ops.savi(red=one, nir=other, soil=0), ops.ndvi(red=one, nir=other))
    expected = (nir - red) * (1 + soil) / (nir + red + soil)
    np.testing.assert_allclose(ops.savi(red=one, nir=other, soil=soil).values, [expected])

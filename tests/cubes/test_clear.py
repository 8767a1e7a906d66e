"""`load(clear=True)` brings its own mask; names of bands are those of any sensor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from geodes_datalab import cubes, errors, ops, stac

PATAGONIA = (-67.66, -47.861, -67.626, -47.847)
THEIA = "THEIA_REFLECTANCE_SENTINEL2_L2A"


@pytest.fixture
def items(portal: Any) -> Any:
    return stac.search(THEIA, bbox=PATAGONIA, datetime="2021-11/2022-05")


@pytest.mark.parametrize("bands", [["red", "B8"], ["swir1"], ["red", "swir2"], None])
def test_the_cube_is_that_of_a_mask_loaded_by_hand(items: Any, bands: Any) -> None:
    found = cubes.load(items, bands, bbox=PATAGONIA, clear=True).compute()
    plain = cubes.load(items, bands, bbox=PATAGONIA)
    named = list(plain.data_vars)
    mask = "CLM_R2" if bands == ["swir1"] else "CLM"
    byhand = ops.clear(cubes.load(items, [*named, mask], bbox=PATAGONIA))[named].compute()
    assert (
        found.attrs.pop("history").split("Z", 1)[1] == byhand.attrs.pop("history").split("Z", 1)[1]
    )
    xr.testing.assert_identical(found, byhand)
    assert found.odc.geobox == plain.odc.geobox
    assert int(found.isnull().to_array().sum()) > int(plain.isnull().to_array().sum())


def test_a_mask_that_is_named_stays(items: Any) -> None:
    found = cubes.load(items, ["red", "CLM"], bbox=PATAGONIA, clear=True)
    assert list(found) == ["red", "CLM"]
    stored = cubes.load(items, ["red", "CLM"], bbox=PATAGONIA, clear=True, raw=True).compute()
    bad = ops.cloud_mask(stored)
    assert (stored.red.values[bad.values] == stored.red.attrs["nodata"]).all()


def test_products_without_a_mask_are_refused(portal: Any) -> None:
    l1c = stac.search("PEPS_S2_L1C", bbox=(-67.66, -47.86, -67.63, -47.85), limit=1)
    with pytest.raises(errors.CubeError, match="PEPS_S2_L1C have no cloud mask"):
        cubes.load(l1c, "red", clear=True)
    with pytest.raises(errors.CubeError, match="neither True nor False"):
        cubes.load(l1c, "red", clear="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "other"), [("swir1", "swir16"), ("SWIR2", "swir22")])
def test_names_of_other_sensors_are_understood(items: Any, name: str, other: str) -> None:
    one = cubes.load(items[:1], ["nir", name], bbox=PATAGONIA).compute()
    np.testing.assert_array_equal(
        one[name], cubes.load(items[:1], ["nir", other], bbox=PATAGONIA)[other]
    )
    assert stac.reader(THEIA).band(name) == stac.reader(THEIA).band(other)


def test_an_index_needs_no_second_vocabulary(items: Any) -> None:
    cube = cubes.load(items[:1], ["nir", "swir1"], bbox=PATAGONIA)
    assert float(ops.ndmi(cube).mean()) == pytest.approx(
        float(ops.ndmi(cube.rename(swir1="swir16")).mean())
    )

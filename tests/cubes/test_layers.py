"""Members of archives that have several bands: descriptors name each of them."""

from __future__ import annotations

import zipfile
from functools import partial

import numpy as np
import pytest
import rasterio

from geodes_datalab import cubes, errors, stac

pytest_plugins = ["geodes_datalab.testing.fixtures"]

PATAGONIA = (-67.66, -47.86, -67.63, -47.85)
L1C, L2A = "PEPS_S2_L1C", "THEIA_REFLECTANCE_SENTINEL2_L2A"

load = partial(cubes.load, raw=True)
"""Stored numbers are compared with stored numbers."""


def truth(catalogue, item, ending: str):
    """Read all bands of a member as rasterio does."""
    title = item["properties"]["identifier"]
    (path,) = [
        catalogue.roots[0] / one.files[0].path
        for one in catalogue.products
        if one.identifier == title
    ]
    with zipfile.ZipFile(path) as archive:
        (member,) = [name for name in archive.namelist() if name.endswith(ending)]
    with rasterio.open(f"/vsizip/{{{path}}}/{member}") as file:
        return file.read()


def test_the_three_layers_of_a_classification(account, samples_catalogue) -> None:
    found = stac.search(L1C, query={"processing:version": "04.00"})
    cloudy = max(found.dicts, key=lambda one: one["properties"]["eo:cloud_cover"])
    items = found.filter(lambda one: one["id"] == cloudy["id"])
    pixels = truth(samples_catalogue, cloudy, "MSK_CLASSI_B00.jp2")
    assert pixels.shape[0] == 3
    assert pixels[0].any()  # a mask of nothing would prove nothing
    assert not pixels[2].any()
    cube = load(items, "MSK_CLASSI").compute()
    assert list(cube) == ["MSK_CLASSI.opaque_clouds", "MSK_CLASSI.cirrus", "MSK_CLASSI.snow"]
    for layer, name in zip(pixels, cube, strict=True):
        np.testing.assert_array_equal(cube[name].values[0], layer)
        assert cube[name].attrs["role"] == "mask"
    for wish, layer in (("MSK_CLASSI.snow", 2), ("msk_classi.1", 0)):
        one = load(items, wish).compute()
        np.testing.assert_array_equal(one[wish].values[0], pixels[layer])
    with pytest.raises(errors.UnknownBand, match=r"MSK_CLASSI\.4"):
        load(items, "MSK_CLASSI.4")


def test_the_two_bands_of_the_atmosphere(account, samples_catalogue) -> None:
    items = stac.search(L2A, bbox=PATAGONIA)[:1]
    cube = load(items, ["WVC_R1", "AOT_R1", "AOT_R2"]).compute()
    for name, ending, index in (
        ("WVC_R1", "_ATB_R1.tif", 0),
        ("AOT_R1", "_ATB_R1.tif", 1),
        ("AOT_R2", "_ATB_R2.tif", 1),
    ):
        pixels = truth(samples_catalogue, items.dicts[0], ending)
        assert (pixels[0] != pixels[1]).any()
        fold = cube[name].shape[1] // pixels.shape[1]
        expected = pixels[index].repeat(fold, 0).repeat(fold, 1)
        np.testing.assert_array_equal(cube[name].values[0], expected)
    assert cubes.load(items, "WVC_R1")["WVC_R1"].attrs["units"] == "g cm-2"

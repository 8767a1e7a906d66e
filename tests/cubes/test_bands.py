"""Which pixels a band's name means: files of several bands, and pictures."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp
from rasterio.transform import Affine

from geodes_datalab import cubes, errors
from geodes_datalab.cubes.parse.products import parse

PLACE = Affine(10, 0, 600_000, 0, -10, 4_850_020)
RGBN = [
    {"name": "Red", "common_name": "red"},
    {"name": "Green", "common_name": "green"},
    {"name": "Blue", "common_name": "blue"},
    {"name": "NIR", "common_name": "nir"},
]
ENGINES = ("odc", "stackstac")

load = partial(cubes.load, raw=True)
"""Stored numbers are compared with stored numbers."""


def image(path: Path, count: int = 4, *, seed: int = 0, dtype: str = "uint16", **options):
    """Write a file of several bands that differ in every pixel."""
    pixels = np.random.default_rng(seed).integers(1, 200, (count, 200, 300)).astype(dtype)
    profile = {
        "driver": "COG", "dtype": dtype, "count": count, "height": 200, "width": 300,
        "crs": "EPSG:32631", "transform": PLACE, "nodata": 0, "BLOCKSIZE": 128, **options,
    }  # fmt: skip
    with warnings.catch_warnings(), rasterio.open(path, "w", **profile) as file:
        file.write(pixels)
    return path


def item(assets, name: str = "a", day: int = 1):
    when = f"2024-03-0{day}T10:50:31Z"
    return {
        "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [], "id": name,
        "collection": "aerial", "geometry": None, "links": [],
        "properties": {
            "datetime": when, "proj:code": "EPSG:32631", "proj:shape": [200, 300],
            "proj:transform": list(PLACE)[:6],
        },
        "assets": assets,
    }  # fmt: skip


def asset(path, **facts):
    return {
        "href": str(path),
        "type": "image/tiff; application=geotiff",
        "roles": ["data"],
        **facts,
    }


def band(path, index: int):
    with rasterio.open(path) as file:
        return file.read(index)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("spelling", ["eo:bands", "bands", "raster:bands"])
def test_every_band_of_a_file_is_loaded(tmp_path: Path, engine: str, spelling: str) -> None:
    path = image(tmp_path / "image.tif")
    told = {
        "eo:bands": RGBN,
        "bands": [{"name": b["name"], "eo:common_name": b["common_name"]} for b in RGBN],
        "raster:bands": [{"data_type": "uint16", "nodata": 0}] * 4,
    }[spelling]
    cube = load([item({"image": asset(path, **{spelling: told})})], engine=engine)
    names = [f"image.{n}" for n in (1, 2, 3, 4)]
    assert list(cube) == (names if spelling == "raster:bands" else ["Red", "Green", "Blue", "NIR"])
    for index, name in enumerate(cube, start=1):
        np.testing.assert_array_equal(cube[name].values[0], band(path, index))


@pytest.mark.parametrize(
    ("wish", "index"),
    [
        ("nir", 4), ("NIR", 4), ("image.4", 4), ("image.nir", 4), ("Green", 2), ("green", 2),
        ("image.Blue", 3), ("IMAGE.red", 1),
    ],
)  # fmt: skip
def test_a_band_is_found_by_name_common_name_and_place(tmp_path: Path, wish, index) -> None:
    path = image(tmp_path / "image.tif")
    cube = load([item({"image": asset(path, **{"eo:bands": RGBN})})], wish)
    assert list(cube) == [wish]
    np.testing.assert_array_equal(cube[wish].values[0], band(path, index))


def test_the_name_of_a_file_means_all_of_its_bands(tmp_path: Path) -> None:
    path, single = image(tmp_path / "image.tif"), image(tmp_path / "dsm.tif", 1, seed=1)
    both = {"image": asset(path, **{"eo:bands": RGBN}), "dsm": asset(single)}
    cube = load([item(both)], ["dsm", "image", "nir"])
    assert list(cube) == ["dsm", "Red", "Green", "Blue", "NIR", "nir"]
    np.testing.assert_array_equal(cube["dsm"].values[0], band(single, 1))
    np.testing.assert_array_equal(cube["Blue"].values[0], band(path, 3))
    assert cube["NIR"].attrs["common_name"] == "nir"


def test_a_file_of_which_nobody_tells_how_many_bands_it_has(tmp_path: Path) -> None:
    path, single = image(tmp_path / "image.tif", 3), image(tmp_path / "dsm.tif", 1, seed=1)
    items = [item({"stack": asset(path), "dsm": asset(single)}, "a", 1)]
    items.append(item(items[0]["assets"], "b", 2))
    cube = load(items)
    assert list(cube) == ["stack.1", "stack.2", "stack.3", "dsm"]
    for index in (1, 2, 3):
        np.testing.assert_array_equal(cube[f"stack.{index}"].values[1], band(path, index))
    np.testing.assert_array_equal(cube["dsm"].values[0], band(single, 1))
    third = load(items, "stack.3")
    assert list(third) == ["stack.3"]
    np.testing.assert_array_equal(third["stack.3"].values[0], band(path, 3))


@pytest.mark.parametrize("crs", [None, "EPSG:32632"], ids=["as-it-is", "warped"])
def test_several_bands_where_one_is_told_are_no_silence(tmp_path: Path, crs) -> None:
    """Its type is told, and no band: planning need not open it, so reading must refuse."""
    path = image(tmp_path / "image.tif", 3)
    items = [item({"stack": asset(path, data_type="uint16", nodata=0)})]
    cube = load(items, crs=crs, resolution=10)
    with pytest.raises(
        errors.ReadError, match="it has 3 bands, and the catalogue tells of one at most"
    ):
        cube.compute()
    third = load(items, "stack.3")
    np.testing.assert_array_equal(third["stack.3"].values[0], band(path, 3))


def test_a_band_that_tells_how_opaque_another_is_counts_for_none(tmp_path: Path) -> None:
    path = image(
        tmp_path / "image.tif", 2, nodata=None, driver="GTiff", BLOCKSIZE=None, alpha="yes"
    )
    with rasterio.open(path) as file:
        assert file.colorinterp[1] == rasterio.enums.ColorInterp.alpha
    for facts in ({}, {"data_type": "uint16"}):
        cube = load([item({"image": asset(path, **facts)})])
        assert list(cube) == ["image"]
        np.testing.assert_array_equal(cube["image"].values[0], band(path, 1))


def test_a_band_that_the_file_lacks_is_refused(tmp_path: Path) -> None:
    path = image(tmp_path / "image.tif", 3)
    with pytest.raises(errors.ReadError, match="it has 3 bands, and number 4 was asked for"):
        load([item({"image": asset(path, **{"eo:bands": RGBN})})], "nir").compute()
    with pytest.raises(errors.GeodesError, match="it has 3 bands, and number 7 was asked for"):
        load([item({"image": asset(path)})], "image.7").compute()


@pytest.mark.parametrize(
    "options",
    [
        {"driver": "GTiff", "interleave": "band", "tiled": True, "blockxsize": 64, "blockysize": 64},
        {"driver": "GTiff", "interleave": "pixel", "compress": "deflate"},
        {"driver": "JP2OpenJPEG", "QUALITY": 100, "REVERSIBLE": "YES", "BLOCKXSIZE": 64,
         "BLOCKYSIZE": 64},
    ],
    ids=["planes", "pixels", "jpeg2000"],
)  # fmt: skip
def test_a_distant_file_of_several_bands(tmp_path: Path, site, options) -> None:
    ending = "jp2" if "JP2" in options["driver"] else "tif"
    extra = {"BLOCKSIZE": None} | options
    path = image(
        tmp_path / f"image.{ending}", 3, nodata=None, **{k: v for k, v in extra.items() if v}
    )
    running = site({f"image.{ending}": path.read_bytes()})
    kind = "image/jp2" if ending == "jp2" else "image/tiff"
    told = [{"name": n, "data_type": "uint16"} for n in ("one", "two", "three")]
    one = item({"image": {
        "href": f"{running.url}/image.{ending}", "type": kind, "bands": told,
        "file:size": path.stat().st_size,
    }})  # fmt: skip
    for cube in (load([one]), load([one], threads=2)):
        assert list(cube) == ["one", "two", "three"]
        for index, name in enumerate(cube, start=1):
            np.testing.assert_array_equal(cube[name].values[0], band(path, index))


def test_overviews_and_warping_are_of_the_same_band(tmp_path: Path) -> None:
    path = image(tmp_path / "image.tif", OVERVIEWS="AUTO", RESAMPLING="NEAREST", BLOCKSIZE=64)
    items = [item({"image": asset(path, **{"eo:bands": RGBN})})]
    with rasterio.open(path) as file:
        assert file.overviews(4)[0] == 2
    with rasterio.open(path, overview_level=0) as file:
        half = file.read(4)
    coarse = load(items, "nir", resolution=20)
    np.testing.assert_array_equal(coarse["nir"].values[0], half)
    warped = load(items, ["nir", "red"], crs="EPSG:32632", resolution=10)
    for name, index in (("nir", 4), ("red", 1)):
        expected = np.zeros(warped[name].shape[1:], "uint16")
        rasterio.warp.reproject(
            band(path, index), expected, src_transform=PLACE, src_crs="EPSG:32631",
            dst_transform=warped.odc.transform, dst_crs="EPSG:32632", src_nodata=0, dst_nodata=0,
        )  # fmt: skip
        same = (expected == warped[name].values[0]).mean()
        assert same > 0.98  # GDAL's approximation of the transform depends on the window


def test_the_nodata_of_s1tiling_files_is_missing(tmp_path: Path) -> None:
    """Their header says 0; the sample catalogue's says NaN. A cube of either has NaN there."""
    for missing, part in ((0.0, "a"), (np.nan, "b")):
        name = f"s1a_31TCJ_vv_DES_110_2020010{1 + (part == 'b')}t054321.tif"
        pixels = np.random.default_rng(1).random((200, 300), "float32") + 0.01
        pixels[:50] = missing
        with rasterio.open(
            tmp_path / name, "w", driver="GTiff", dtype="float32", count=1, height=200, width=300,
            crs="EPSG:32631", transform=PLACE, nodata=missing,
        ) as file:  # fmt: skip
            file.write(pixels, 1)
        one = item({"data": asset(tmp_path / name, title=name)})
        one["collection"] = "THEIA_S1TILING_SENTINEL1_L1"
        for raw in (False, True):
            found = cubes.load([one], "VV", raw=raw)["VV"].values[0]
            assert np.isnan(found[:50]).all()
            np.testing.assert_array_equal(found[50:], pixels[50:])


def test_each_item_tells_where_its_bands_lie(tmp_path: Path) -> None:
    """One item has red first, the next blue, the third a file for each."""
    first, second = image(tmp_path / "a.tif"), image(tmp_path / "b.tif", seed=1)
    third = image(tmp_path / "c.tif", 1, seed=2)
    items = [
        item({"image": asset(first, **{"eo:bands": RGBN})}, "a", 1),
        item({"image": asset(second, **{"eo:bands": RGBN[2::-1] + RGBN[3:]})}, "b", 2),
        item({"B4": asset(third, bands=[{"name": "B4", "eo:common_name": "red"}])}, "c", 3),
    ]
    cube = load(items, "red")
    np.testing.assert_array_equal(cube["red"].values[0], band(first, 1))
    np.testing.assert_array_equal(cube["red"].values[1], band(second, 3))
    np.testing.assert_array_equal(cube["red"].values[2], band(third, 1))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("turned", [False, True], ids=["three-first", "four-first"])
@pytest.mark.parametrize("where", ["last", "first"])
def test_a_band_that_some_items_lack_is_missing_there(
    tmp_path: Path, engine: str, turned: bool, where: str
) -> None:
    """Their file has the same key, and another band, or none, at its place."""
    three, four = image(tmp_path / "a.tif", 3), image(tmp_path / "b.tif", 4, seed=1)
    facts = [{**one, "raster:scale": 1.0} for one in RGBN]
    told = facts if where == "last" else facts[3:] + facts[:3]
    items = [
        item({"image": asset(three, bands=facts[:3])}, "three", 1),
        item({"image": asset(four, bands=told)}, "four", 2),
    ]
    given = items[::-1] if turned else items
    nir = 1 + told.index(facts[3])
    cube = cubes.load(given, "image", engine=engine).compute()
    assert sorted(cube) == ["Blue", "Green", "NIR", "Red"]
    assert np.isnan(cube["NIR"].values[0]).all()
    np.testing.assert_array_equal(cube["NIR"].values[1], band(four, nir))
    for place, name in enumerate(("Red", "Green", "Blue"), start=1):
        np.testing.assert_array_equal(cube[name].values[0], band(three, place))
    for wish in ("nir", f"image.{nir}" if where == "last" else "image.NIR"):
        alone = cubes.load(given, wish, engine=engine, threads=2 if engine == "odc" else None)
        np.testing.assert_array_equal(alone[wish].values[-1], band(four, nir))
        assert alone[wish].sizes["time"] == 1 or np.isnan(alone[wish].values[0]).all()


@pytest.mark.parametrize("turned", [False, True], ids=["three-first", "four-first"])
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_files_of_which_nothing_is_told_may_have_more_bands_than_others(
    tmp_path: Path, turned: bool, on_error
) -> None:
    three, four = image(tmp_path / "a.tif", 3), image(tmp_path / "b.tif", 4, seed=1)
    items = [item({"image": asset(three)}, "three", 1), item({"image": asset(four)}, "four", 2)]
    with warnings.catch_warnings():
        warnings.simplefilter("error", errors.SkippedData)
        cube = load(items[::-1] if turned else items, "image", on_error=on_error).compute()
    assert list(cube) == ["image.1", "image.2", "image.3", "image.4"]
    for index in (1, 2, 3):
        np.testing.assert_array_equal(cube[f"image.{index}"].values[0], band(three, index))
    assert (cube["image.4"].values[0] == cube["image.4"].attrs["nodata"]).all()
    np.testing.assert_array_equal(cube["image.4"].values[1], band(four, 4))


@pytest.mark.parametrize("crs", [None, "EPSG:32632"], ids=["as-it-is", "warped"])
@pytest.mark.parametrize("spelling", ["bands", "eo:bands", "raster:bands"])
def test_one_band_that_is_told_of_a_file_of_several_is_no_silence(
    tmp_path: Path, spelling: str, crs
) -> None:
    path = image(tmp_path / "image.tif", 3)
    facts = {"name": "pan"} if spelling != "raster:bands" else {}
    items = [
        item({"stack": asset(path, data_type="uint16", **{spelling: [facts | {"nodata": 0}]})})
    ]
    for wish in ("stack", *facts.values()):
        with pytest.raises(
            errors.ReadError, match="it has 3 bands, and the catalogue tells of one"
        ):
            load(items, wish, crs=crs, resolution=10).compute()
    third = load(items, "stack.3")
    np.testing.assert_array_equal(third["stack.3"].values[0], band(path, 3))


def test_bands_may_be_named_by_numbers(tmp_path: Path) -> None:
    path = image(tmp_path / "image.tif", 3)
    items = [item({"image": asset(path, bands=[{"name": 443}, {"name": 0}, {"name": 705.5}])})]
    cube = load(items, ["443", "0", "705.5"])
    for place, name in enumerate(cube, start=1):
        np.testing.assert_array_equal(cube[name].values[0], band(path, place))


def test_the_finest_wins_however_it_is_called(tmp_path: Path) -> None:
    coarse, fine = image(tmp_path / "ms.tif"), image(tmp_path / "sharp.tif", seed=1)
    sharp = [
        {"name": name, "common_name": one["common_name"]}
        for name, one in zip("RGBN", RGBN, strict=True)
    ]
    one = item({
        "ms": asset(coarse, gsd=20, **{"eo:bands": RGBN, "proj:transform": list(PLACE)[:6]}),
        "sharp": asset(fine, gsd=10, **{"eo:bands": sharp}),
    })  # fmt: skip
    for wish, path, index in (
        ("red", fine, 1), ("nir", fine, 4), ("Red", coarse, 1), ("ms.nir", coarse, 4), ("N", fine, 4),
    ):  # fmt: skip
        np.testing.assert_array_equal(load([one], wish)[wish].values[0], band(path, index))
    assert len(load([one], "ms")) == 4


def test_a_common_name_may_be_another_band_on_another_satellite(tmp_path: Path) -> None:
    """Landsat 7's red is B3, Landsat 8's is B4, and Landsat 7's B4 is near infrared."""
    first, second = image(tmp_path / "l7.tif", 1), image(tmp_path / "l8.tif", 1, seed=1)

    def files(path, *pairs):
        return {
            f"SR_{name}": asset(path, bands=[{"name": name, "eo:common_name": common}])
            for name, common in pairs
        }

    items = [
        item(files(first, ("B3", "red"), ("B4", "nir08")), "a", 1),
        item(files(second, ("B4", "red"), ("B5", "nir08")), "b", 2),
    ]
    for given in (items, items[::-1]):
        parsed = {one.id: one.bands for one in parse(given, ["red", "nir08"])}
        assert {name: band.key for name, band in parsed["a"].items()} == {
            "red": "SR_B3",
            "nir08": "SR_B4",
        }
        assert {name: band.key for name, band in parsed["b"].items()} == {
            "red": "SR_B4",
            "nir08": "SR_B5",
        }
    cube = load(items, "red")
    np.testing.assert_array_equal(cube["red"].values[0], band(first, 1))
    np.testing.assert_array_equal(cube["red"].values[1], band(second, 1))


def test_a_picture_is_loaded_where_it_is_named_and_nowhere_else(tmp_path: Path) -> None:
    """The picture stands first, is finer, and has the role of data."""
    picture = image(tmp_path / "TCI.tif", 3, dtype="uint8")
    measured = image(tmp_path / "B04.tif", 1, seed=1)
    assets = {
        "rgb": asset(picture, gsd=5, **{"eo:bands": RGBN[:3], "proj:transform": list(PLACE)[:6]}),
        **{
            name: asset(measured, gsd=10, **{"eo:bands": [{"name": name, "common_name": common}]})
            for name, common in (("B04", "red"), ("B03", "green"), ("B02", "blue"))
        },
    }
    items = [item(assets)]
    assert list(load(items)) == ["B04", "B03", "B02"]
    np.testing.assert_array_equal(load(items, "red")["red"].values[0], band(measured, 1))
    shown = load(items, "rgb")
    assert list(shown) == ["rgb.Red", "rgb.Green", "rgb.Blue"]
    for index, name in enumerate(shown, start=1):
        assert shown[name].dtype == np.uint8
        np.testing.assert_array_equal(shown[name].values[0], band(picture, index))


def test_an_aerial_image_in_eight_bits_is_a_measurement(tmp_path: Path) -> None:
    path = image(tmp_path / "ortho.tif", 3, dtype="uint8")
    cube = load([item({"ortho": asset(path, **{"eo:bands": RGBN[:3]})})], "green")
    np.testing.assert_array_equal(cube["green"].values[0], band(path, 2))


def test_a_map_of_classes_is_what_its_product_is_for(tmp_path: Path) -> None:
    """As ESA's WorldCover, which has images of its inputs beside it, told to be metadata."""
    path, inputs = image(tmp_path / "map.tif", 1, dtype="uint8"), image(tmp_path / "inputs.tif", 3)
    classes = {"classification:classes": [{"value": 10, "description": "trees"}]}
    items = [
        item({
            "inputs": asset(inputs, bands=[{"name": one} for one in "abc"]) | {"roles": ["metadata"]},
            "map": asset(path, **classes),
        })
    ]  # fmt: skip
    cube = cubes.load(items)
    assert list(cube) == ["map"]
    assert cube["map"].dtype == np.uint8
    np.testing.assert_array_equal(cube["map"].values[0], band(path, 1))
    assert list(load(items, "inputs")) == ["a", "b", "c"]
    items[0]["assets"]["other"] = asset(path, **classes)
    with pytest.raises(
        errors.UnknownBand, match="holds pictures and masks only: inputs, map, other"
    ):
        load(items)


def test_items_that_hold_pictures_only_say_so(tmp_path: Path) -> None:
    path = image(tmp_path / "visual.tif", 3, dtype="uint8")
    items = [item({"visual": asset(path, **{"eo:bands": RGBN[:3]}) | {"roles": ["visual"]}})]
    with pytest.raises(errors.UnknownBand, match="pictures"):
        load(items)
    with pytest.raises(errors.UnknownBand, match=r'load "visual\.Red"'):
        load(items, "red")
    assert len(load(items, "visual")) == 3

"""Arguments that would be silently without effect: they work as meant, or are refused in words."""

from __future__ import annotations

import time
import warnings
from functools import partial

import numpy as np
import pytest
import rasterio
import rasterio.warp
from rasterio.enums import Resampling

from geodes_datalab import cubes, errors, ops
from geodes_datalab.cubes.plan import around

SMOOTH = (np.arange(200)[:, None] * 20 + np.arange(300)[None] * 7 + 100).astype("uint16")
ROUGH = np.random.default_rng(3).integers(1, 10_000, (200, 300)).astype("uint16")
BOX = (4.245, 43.785, 4.262, 43.795)

load = partial(cubes.load, raw=True)
"""Stored numbers are compared with stored numbers."""


@pytest.fixture
def item(shelf):
    return shelf.item("a", bands={"B04": ROUGH, "B08": SMOOTH})


def averaged(pixels: np.ndarray, times: int, method: Resampling) -> np.ndarray:
    """Bring pixels of 10 m to larger ones, as GDAL does."""
    rows, columns = (size // times for size in pixels.shape)
    made = np.zeros((rows, columns), pixels.dtype)
    rasterio.warp.reproject(
        pixels, made, src_crs="EPSG:32631", dst_crs="EPSG:32631", src_nodata=0, dst_nodata=0,
        src_transform=rasterio.Affine(10, 0, 600_000, 0, -10, 4_850_020),
        dst_transform=rasterio.Affine(10 * times, 0, 600_000, 0, -10 * times, 4_850_020),
        resampling=method,
    )  # fmt: skip
    return made


# ---- resampling


@pytest.mark.parametrize(
    ("bands", "given"),
    [
        ("red", {"B04": "average"}),
        ("red", {"b4": "average"}),
        ("red", {"RED": "average"}),
        ("B04", {"red": "average"}),
        ("b4", {"B04": "average"}),
        ("red", {"*": "average"}),
        ("red", {"*": "nearest", "B04": "average"}),
        ("red", {"B04": Resampling.average}),
        ("red", "average"),
        ("red", Resampling.average),
    ],
    ids=str,
)
def test_a_method_reaches_the_band_by_any_of_its_names(item, bands, given) -> None:
    cube = load([item], bands, resolution=40, resampling=given)
    expected = averaged(ROUGH, 4, Resampling.average)
    np.testing.assert_array_equal(cube[bands].values[0], expected)
    assert not np.array_equal(expected, averaged(ROUGH, 4, Resampling.nearest))


def test_names_of_a_described_collection_count_too(geodes) -> None:
    """Aliases that only the description of a collection knows."""
    from geodes_datalab.cubes.grid import native
    from geodes_datalab.stac import reader

    known = reader("PEPS_S2_L1C")
    loaded = {"red": known.band("red"), "B8A": known.band("B8A")}
    found = native.methods({"b4": "cubic", "*": "bilinear"}, loaded, lambda: known)
    assert found == {"red": "cubic", "B8A": "bilinear"}


def test_a_star_leaves_those_that_are_named(item) -> None:
    cube = load([item], ["red", "nir"], resolution=40, resampling={"*": "average", "B08": "max"})
    np.testing.assert_array_equal(cube["red"].values[0], averaged(ROUGH, 4, Resampling.average))
    np.testing.assert_array_equal(cube["nir"].values[0], averaged(SMOOTH, 4, Resampling.max))


def test_one_band_by_two_names_takes_a_method_for_each(item) -> None:
    given = {"red": "average", "B04": "max"}
    cube = load([item], ["red", "B04"], resolution=40, resampling=given)
    np.testing.assert_array_equal(cube["red"].values[0], averaged(ROUGH, 4, Resampling.average))
    np.testing.assert_array_equal(cube["B04"].values[0], averaged(ROUGH, 4, Resampling.max))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rde": "average"}, "red"),
        ({"B99": "average"}, "B04"),
        ({"nir": "average"}, "not loaded"),
        ({4: "average"}, "B04"),
        ({"red": "avarage"}, "average"),
        ({"*": "avarage"}, "average"),
        ({"red": "average", "B04": "max"}, "two methods"),
        ("gauss", "nearest"),
        (["average"], "average"),
        (7, "nearest"),
    ],
    ids=str,
)
def test_what_would_have_no_effect_is_refused_with_the_names_that_exist(item, given, said) -> None:
    with pytest.raises(errors.CubeError) as caught:
        load([item], "red", resolution=40, resampling=given)
    assert said in str(caught.value)


def test_flags_are_never_averaged(shelf) -> None:
    item = shelf.item("a", bands={"B04": ROUGH, "QA": SMOOTH})
    item["assets"]["QA"]["roles"] = ["cloud"]
    with pytest.raises(errors.CubeError, match="QA"):
        load([item], ["B04", "QA"], resampling={"QA": "average"})
    with pytest.raises(errors.CubeError, match="QA"):
        load([item], "QA", resampling="average")
    cube = load([item], ["B04", "QA"], resolution=40, resampling="average")
    np.testing.assert_array_equal(cube["QA"].values[0], averaged(SMOOTH, 4, Resampling.nearest))


# ---- resolution


@pytest.mark.parametrize("resolution", [1, 10, 60.0, 100, 1000, (100, 100), np.int64(20)], ids=str)
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4258", "OGC:CRS84"])
def test_metres_are_no_degrees(item, crs, resolution) -> None:
    with pytest.raises(errors.CubeError) as caught:
        load([item], "red", crs=crs, resolution=resolution)
    text = str(caught.value)
    assert "degrees" in text
    assert "resolution=" in text.partition("What to do")[2]


def test_degrees_are_no_metres(item) -> None:
    for resolution in (0.0001, 0.0009, 0.01):
        with pytest.raises(errors.CubeError, match="metre"):
            load([item], "red", bbox=BOX, resolution=resolution)


def test_the_hint_gives_what_works(item) -> None:
    with pytest.raises(errors.CubeError) as caught:
        load([item], "red", crs="EPSG:4326", resolution=100)
    given = float(
        str(caught.value)
        .partition("resolution=")[2]
        .partition("resolution=")[2]
        .split()[0]
        .rstrip(",")
    )
    cube = load([item], "red", crs="EPSG:4326", resolution=given)
    assert 15 < cube.sizes["y"] < 30  # 2 km in pixels of some 100 m


def test_products_in_degrees_know_degrees_only(shelf) -> None:
    """No crs is given: the cube's is the products'."""
    item = shelf.item("dem", crs="EPSG:4326", origin=(4, 44), step=1 / 3600, bands={"B04": ROUGH})
    with pytest.raises(errors.CubeError, match="degrees"):
        load([item], "red", resolution=30)
    assert load([item], "red", resolution=1 / 1200).sizes["x"] == 100
    coarse = shelf.item("era", crs="EPSG:4326", origin=(-75, 60), step=0.25, bands={"B04": ROUGH})
    assert load([coarse], "red", resolution=2.5).sizes["x"] == 30
    with pytest.raises(errors.CubeError, match="degrees"):
        load([coarse], "red", resolution=100)


def test_coarse_and_fine_pixels_that_may_be_meant_are_made(item) -> None:
    assert load([item], "red", crs="EPSG:4326", resolution=0.01).sizes["y"] >= 2
    assert load([item], "red", resolution=500).sizes["x"] == 6
    assert load([item], "red", bbox=BOX, resolution=0.5).sizes["x"] > 1000


# ---- crs


@pytest.mark.parametrize(
    "crs",
    ["WGS 84 / UTM zone 31N", "proj=utm zone=31", " EPSG:32631 ", "+proj=utm +zone=31",
     {"proj": "utm", "zone": 31, "datum": "WGS84"}, "urn:ogc:def:crs:EPSG::32631"],
    ids=str,
)  # fmt: skip
def test_a_crs_in_every_spelling_is_that_crs(item, crs) -> None:
    cube = load([item], "red", crs=crs, resolution=40)
    expected = load([item], "red", crs="EPSG:32631", resolution=40)
    np.testing.assert_array_equal(cube["red"].values, expected["red"].values)


@pytest.mark.parametrize("crs", ["EPSG:5773", "EPSG:4978", 'LOCAL_CS["x",UNIT["metre",1]]'])
def test_what_has_no_map_is_no_crs_of_a_cube(item, crs) -> None:
    with pytest.raises(errors.CubeError, match="no coordinate system of maps"):
        load([item], "red", crs=crs, resolution=40)


# ---- size


WORLD = (-180, -90, 180, 90)


@pytest.mark.parametrize(
    ("bbox", "options"),
    [
        (WORLD, {"crs": "EPSG:4326", "resolution": 0.0001}),
        ((-180, -85, 180, 85), {"crs": "EPSG:3857", "resolution": 10}),
        ((-30, -30, 60, 60), {}),
        (WORLD, {}),
        ((-170, -80, 170, 80), {"crs": "EPSG:6933", "resolution": 10}),
    ],
    ids=["degrees", "web", "zone", "world in a zone", "equal area"],
)
@pytest.mark.parametrize("threads", [None, 4])
def test_a_box_far_beyond_the_products_is_refused_before_anything_is_built(
    item, bbox, options, threads
) -> None:
    begin = time.monotonic()
    with pytest.raises(errors.CubeError) as caught:
        load([item], bbox=bbox, threads=threads, **options)
    assert time.monotonic() - begin < 5
    text = str(caught.value)
    assert "bbox" in text.partition("What to do")[2] or "smaller area" in text


@pytest.mark.parametrize("resolution", [1e-9, (1e-8, 10)], ids=str)
def test_pixels_too_small_to_count_are_refused_though_products_fill_them(item, resolution) -> None:
    with pytest.raises(errors.CubeError, match="the cube would be") as caught:
        load([item], resolution=resolution)
    assert "coarser resolution" in str(caught.value)


def test_the_refusal_tells_how_much_it_would_be_and_where_the_products_are(item) -> None:
    with pytest.raises(errors.CubeError) as caught:
        load([item], bbox=WORLD, crs="EPSG:4326", resolution=0.0001)
    text = str(caught.value)
    assert (
        "25.9 TB" in text or "26 TB" in text
    )  # 3.6 million times 1.8 million, two bands of 2 bytes
    assert "bbox=(4.2" in text


def test_products_far_apart_are_no_cube_of_all_between(shelf) -> None:
    items = [
        shelf.item("a", crs="EPSG:4326", origin=(-150, 60), step=0.0001),
        shelf.item("b", crs="EPSG:4326", origin=(10, -40), step=0.0001, seed=1),
    ]
    with pytest.raises(errors.CubeError, match="TB"):
        load(items)


def test_large_cubes_that_are_mostly_empty_are_told(item) -> None:
    with pytest.warns(errors.CubeWarning, match="GB"):
        load([item], bbox=(2, 42, 5, 45), resolution=1.5)


def test_large_cubes_that_products_fill_are_nobodys_business(shelf) -> None:
    """A year of many bands may be lazy and large."""
    items = [
        shelf.item(f"{day}", start=f"2024-01-{day:02}T10:00:00Z", bands={"B04": ROUGH})
        for day in range(1, 29)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cube = load(items, resolution=0.06)
    assert cube.nbytes > 90e9


def test_what_no_memory_holds_is_not_read_at_once(item, monkeypatch) -> None:
    monkeypatch.setattr(around, "_memory", lambda: 100_000)
    with pytest.raises(errors.CubeError, match=r"240 kB .* memory"):
        load([item], threads=2)
    assert load([item]).nbytes > 100_000


# ---- the rest of load


@pytest.mark.parametrize("threads", [0, -1, 1.5, "4", True], ids=str)
def test_threads_is_a_number_of_threads(item, threads) -> None:
    with pytest.raises(errors.CubeError, match="threads"):
        load([item], "red", threads=threads)


def test_threads_may_be_a_number_of_numpy(item) -> None:
    cube = load([item], "red", threads=np.int64(2))
    assert cube["red"].chunks is None


def test_an_engine_that_would_not_be_asked_is_refused(item) -> None:
    with pytest.raises(errors.CubeError, match="engine"):
        load([item], "red", engine="stackstac", threads=2)


def test_a_folder_beside_a_locator_is_refused(item, tmp_path) -> None:
    class Elsewhere:
        def locate(self, asset, pattern):
            return asset["href"]

    with pytest.raises(errors.CubeError, match="archives"):
        load([item], "red", archives=tmp_path, locator=Elsewhere())


def test_a_folder_that_holds_none_of_the_products_is_told(item, tmp_path) -> None:
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    with pytest.warns(errors.CubeWarning, match="none of the products"):
        load([item], "red", archives=empty)


def test_no_bits_are_no_mask() -> None:
    import xarray as xr

    cube = xr.Dataset({"CLM": ("x", [0, 3, 128], {"common_name": "cloud_mask"})})
    with pytest.raises(errors.CubeError, match="bits"):
        ops.cloud_mask(cube, bits=[])
    assert ops.cloud_mask(cube, bits="clouds").values.tolist() == [False, True, False]

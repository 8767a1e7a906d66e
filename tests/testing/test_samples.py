from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import mgrs
import numpy as np
import pytest
import rasterio
import shapely
from pyproj import Transformer
from rasterio import features
from rasterio.transform import Affine

from geodes_datalab.standin import Catalogue, fields
from geodes_datalab.standin.samples import (
    Product,
    SampleSet,
    build,
    farmland,
    parcels,
    simulate,
    sources,
)
from geodes_datalab.standin.samples.scenes import SCENES
from geodes_datalab.standin.samples.sky import Sky, opacity, sky

L1C, L2A, S1 = "PEPS_S2_L1C", "THEIA_REFLECTANCE_SENTINEL2_L2A", "THEIA_S1TILING_SENTINEL1_L1"


@pytest.fixture(scope="module")
def samples(samples_cache: Path) -> SampleSet:
    return build(samples_cache)


def of(samples: SampleSet, collection: str) -> list[Product]:
    return [product for product in samples.products if product.collection == collection]


def member(samples: SampleSet, product: Product, ending: str) -> str:
    archive = samples.root / product.files[0].path
    (name,) = [one for one in zipfile.ZipFile(archive).namelist() if one.endswith(ending)]
    return f"/vsizip/{archive}/{name}"


def read(path: str) -> np.ndarray:
    with rasterio.open(path) as source:
        return source.read(1)


def text(samples: SampleSet, product: Product, ending: str) -> str:
    archive = zipfile.ZipFile(samples.root / product.files[0].path)
    (name,) = [one for one in archive.namelist() if one.endswith(ending)]
    return archive.read(name).decode()


def test_committed_data_are_those_of_the_provenance_file() -> None:
    folder = sources.folder()
    told = dict(
        reversed(line.split("  "))
        for line in (folder / "PROVENANCE.md").read_text().splitlines()
        if re.match(r"[0-9a-f]{64}  ", line)
    )
    held = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.tif")
    }
    assert held == told
    assert sum(path.stat().st_size for path in folder.rglob("*")) < 10e6


def test_every_checksum_and_size_is_true(samples: SampleSet) -> None:
    for product in samples.products:
        for file in product.files:
            content = (samples.root / file.path).read_bytes()
            assert len(content) == file.size
            assert hashlib.md5(content).hexdigest() == file.md5


def test_two_processes_may_build_at_once(samples: SampleSet, tmp_path: Path) -> None:
    code = f"from geodes_datalab.standin.samples import build; build({str(tmp_path)!r})"
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == [samples.root.name]
    assert build(tmp_path).products == samples.products


def test_packing_again_gives_the_same_bytes_beside_a_killed_build(
    samples: SampleSet, tmp_path: Path
) -> None:
    half = tmp_path / f"{samples.root.name}-abc"
    half.mkdir()
    (half / "rubbish").write_text("half")
    assert build(tmp_path).products == samples.products  # MD5s included


def test_the_real_scene_keeps_every_pixel_in_the_safe_archive(samples: SampleSet) -> None:
    real = of(samples, L1C)[0]
    assert real.properties["geodes_datalab:simulated"] is False
    for band, pixels in sources.sentinel2()[1].items():
        original = sources.folder() / "sentinel2" / f"{band}.tif"
        path = member(samples, real, f"_{band}.jp2")
        with rasterio.open(path) as packed, rasterio.open(original) as source:
            np.testing.assert_array_equal(packed.read(1), pixels)
            assert (packed.crs, packed.transform) == (source.crs, source.transform)
            assert packed.dtypes == ("uint16",)


def test_jp2_members_are_stored_and_built_like_the_real_ones(samples: SampleSet) -> None:
    archive = zipfile.ZipFile(samples.root / of(samples, L1C)[0].files[0].path)
    images = [info for info in archive.infolist() if info.filename.endswith(".jp2")]
    assert len(images) == 7
    for info in images:
        assert info.compress_type == zipfile.ZIP_STORED
        content = archive.read(info)
        assert b"\xff\x58" in content  # PLT: packet lengths
        assert b"\xff\x55" not in content[:2000]  # TLM: tile lengths, which older baselines lack
        assert b"gmljp2" in content


def test_later_baselines_carry_the_offset(samples: SampleSet) -> None:
    _, bands = sources.sentinel2()
    greenest = next(scene for scene in SCENES if scene.season == 1.0)
    product = next(
        one for one in of(samples, L1C) if one.properties["start_datetime"] == greenest.iso
    )
    expected = np.rint(bands["B08"] * (1 + simulate.SEASON["B08"])) + 1000
    np.testing.assert_array_equal(read(member(samples, product, "_B08.jp2")), expected)
    root = ET.fromstring(text(samples, product, "MTD_MSIL1C.xml"))
    assert {one.text for one in root.iter("RADIO_ADD_OFFSET")} == {"-1000"}
    first = ET.fromstring(text(samples, of(samples, L1C)[0], "MTD_MSIL1C.xml"))
    assert list(first.iter("RADIO_ADD_OFFSET")) == []
    assert {one.text for one in root.iter("QUANTIFICATION_VALUE")} == {"10000"}


def test_xml_is_well_formed_and_tells_the_grid(samples: SampleSet) -> None:
    for product in of(samples, L1C):
        tile = ET.fromstring(text(samples, product, "MTD_TL.xml"))
        assert tile.find(".//HORIZONTAL_CS_CODE").text == product.properties["proj:code"]
        size = tile.find(".//Size[@resolution='10']")
        shape = [int(size.find(name).text) for name in ("NROWS", "NCOLS")]
        assert shape == product.properties["proj:shape"]
        ET.fromstring(text(samples, product, "manifest.safe"))
        ET.fromstring(text(samples, product, "MTD_MSIL1C.xml"))
    for product in of(samples, L2A):
        ET.fromstring(text(samples, product, "_MTD_ALL.xml"))


@pytest.mark.parametrize("collection", [L1C, L2A, S1])
def test_told_grids_are_those_of_the_rasters(samples: SampleSet, collection: str) -> None:
    ending = {L1C: "_B04.jp2", L2A: "_FRE_B4.tif"}.get(collection)
    for product in of(samples, collection):
        path = str(samples.root / product.files[0].path)
        with rasterio.open(member(samples, product, ending) if ending else path) as source:
            told = product.properties
            assert list(source.shape) == told["proj:shape"]
            assert list(source.transform)[:6] == told["proj:transform"]
            assert source.crs.to_string() == told["proj:code"]
            to_degrees = Transformer.from_crs(source.crs, 4326, always_xy=True)
            corner = to_degrees.transform(source.bounds.left, source.bounds.top)
            assert product.geometry["coordinates"][0][0] == pytest.approx(corner, abs=1e-8)


def test_tile_names_are_those_of_mgrs(samples: SampleSet) -> None:
    for product in samples.products:
        if product.properties["proj:code"] == "EPSG:32720":
            continue  # reprojected out of its zone, and says so
        points = np.array(product.geometry["coordinates"][0][:4])
        lon, lat = points.mean(axis=0) - (0, 0.005)  # off the square's upper edge
        square = mgrs.MGRS().toMGRS(lat, lon, MGRSPrecision=0)
        assert product.properties["grid:code"].removeprefix("T") == square


def test_theia_products_hide_their_nodata(samples: SampleSet) -> None:
    product = next(
        one for one in of(samples, L2A) if one.properties["start_datetime"].startswith("2022-03")
    )
    outside = read(member(samples, product, "_EDG_R1.tif")) == 1
    assert 0 < outside.mean() < 0.5
    for variant in ("FRE", "SRE"):
        with rasterio.open(member(samples, product, f"_{variant}_B4.tif")) as source:
            assert source.nodata is None
            assert source.dtypes == ("int16",)
            np.testing.assert_array_equal(source.read(1) == -10000, outside)
    fre, sre = (read(member(samples, product, f"_{name}_B4.tif")) for name in ("FRE", "SRE"))
    assert 0 < np.abs(fre - sre)[~outside].max() <= 0.03 * sre[~outside].max() + 1


def test_cloud_masks_agree_with_the_told_cloud_cover(samples: SampleSet) -> None:
    for product in of(samples, L2A):
        clm = read(member(samples, product, "_CLM_R1.tif"))
        outside = read(member(samples, product, "_EDG_R1.tif")) == 1
        covered = 100 * ((clm & 2) > 0)[~outside].mean()
        assert covered == pytest.approx(product.properties["eo:cloud_cover"], abs=0.01)
        assert ((clm & 1) > 0).sum() == ((clm & (2 | 32)) > 0).sum()  # bit 0: any of both
        coarse = read(member(samples, product, "_CLM_R2.tif"))
        assert [2 * size for size in coarse.shape] == product.properties["proj:shape"]


@pytest.fixture(scope="module")
def cloudy() -> Sky:
    return sky((200, 300), cloud_cover=40, edge=True, seed=7)


def seen(ground: int, cloudy: Sky) -> dict[str, np.ndarray]:
    """Even ground under clouds, in each band."""
    flat = {
        name: np.full((200, 300) if gsd == 10 else (100, 150), ground, "int32")
        for name, gsd in sources.GSD.items()
    }
    return simulate.top_of_atmosphere(flat, season=0, sky=cloudy)


def test_what_the_masks_leave_is_untouched_ground(cloudy: Sky) -> None:
    for name, pixels in seen(2000, cloudy).items():
        local = cloudy.at(sources.GSD[name])
        clear = ~(local.cloud | local.shadow | local.outside)
        assert 0.1 < clear.mean() < 0.9
        assert (pixels[clear] == 2000).all(), name
        assert (pixels[local.outside] == -1).all(), name


def test_clouds_have_thin_edges_and_thick_cores(cloudy: Sky) -> None:
    hidden = opacity(cloudy.thickness)[cloudy.cloud]
    assert hidden.min() < 20
    assert hidden.max() > 900
    shares = np.histogram(hidden, bins=5, range=(0, 1000))[0] / hidden.size
    assert shares.min() > 0.05, shares  # every degree between the two is there


def test_clouds_begin_without_a_step() -> None:
    one = sky((200, 300), cloud_cover=40, edge=False, seed=7)
    for axis in (0, 1):
        step = np.abs(np.diff(opacity(one.thickness), axis=axis))
        border = np.diff(one.cloud, axis=axis)
        assert np.percentile(step[border], 95) < 150


def test_long_waves_see_more_ground_through_thin_clouds(cloudy: Sky) -> None:
    thin = (cloudy.thickness > 50) & (cloudy.thickness < 300)
    coarse = cloudy.at(20)
    thin_coarse = (coarse.thickness > 50) & (coarse.thickness < 300)
    black, names = seen(0, cloudy), ("B02", "B03", "B04", "B08", "B11", "B12")
    hidden = [
        (
            black[name][thin if sources.GSD[name] == 10 else thin_coarse] / simulate.CLOUD[name]
        ).mean()
        for name in names
    ]
    assert hidden == sorted(hidden, reverse=True)


def test_shadows_are_soft_and_never_black(cloudy: Sky) -> None:
    made = simulate.surface(seen(2000, cloudy))
    for name, pixels in made.items():
        local = cloudy.at(sources.GSD[name])
        shadow = local.shadow & ~local.cloud & ~local.outside
        shaded = pixels[shadow] / (2000 - simulate.HAZE[name])
        assert 0.2 < shaded.min() < 0.7, name
        assert shaded.max() > 0.99
        assert np.histogram(shaded, bins=5)[0].min() > 10
    rows, columns = np.nonzero(cloudy.shadow)
    from_cloud = cloudy.cloud[np.maximum(rows - 13, 0), np.minimum(columns + 13, 299)]
    inner = (rows >= 13) & (columns < 287)
    assert from_cloud[inner].mean() > 0.6  # the rest is penumbra


def test_sentinel1_files_keep_every_pixel(samples: SampleSet) -> None:
    products = {one.identifier: one for one in of(samples, S1)}
    assert len(products) == 20
    for scene in sources.sentinel1():
        stamp = scene.start.lower().rstrip("z")
        (product,) = [
            one
            for name, one in products.items()
            if stamp in name and f"_{scene.polarisation}_" in name
        ]
        with rasterio.open(samples.root / product.files[0].path) as packed:
            np.testing.assert_array_equal(packed.read(1), scene.pixels)
            assert np.isnan(packed.nodata)
            assert packed.dtypes == ("float32",)
            assert packed.tags()["POLARIZATION"] == scene.polarisation


def test_the_product_of_the_other_zone_holds_the_same_ground(samples: SampleSet) -> None:
    (product,) = [one for one in of(samples, L1C) if "_T20" in one.identifier]
    with rasterio.open(member(samples, product, "_B02.jp2")) as source:
        assert source.crs.to_epsg() == 32720
        pixels = source.read(1)
    season = next(scene.season for scene in SCENES if scene.epsg == 32720)
    ground = np.rint(sources.sentinel2()[1]["B02"] * (1 + simulate.SEASON["B02"] * season)) + 1000
    assert set(np.unique(pixels)) - {0} <= set(ground.astype(int).ravel())
    assert (pixels > 0).mean() > 0.8
    assert (ground.mean() - pixels[pixels > 0].mean()) == pytest.approx(0, abs=2)


def test_whatever_is_simulated_says_so(samples: SampleSet) -> None:
    simulated = [one for one in samples.products if one.properties["geodes_datalab:simulated"]]
    assert len(simulated) == 22  # all L1C dates but one, all L2A
    for product in simulated:
        assert product.properties["title"].endswith("(simulated)")
        assert "SIMULATED" in product.properties["geodes_datalab:comment"]
    for product in samples.products:
        assert product.properties["geodes_datalab:comment"]


def test_the_place_in_france_is_told_to_be_drawn(samples: SampleSet) -> None:
    drawn = [one for one in of(samples, L2A) if one.properties["grid:code"] == "T31TCJ"]
    assert len(drawn) == 9
    for product in drawn:
        assert product.properties["title"].endswith("(simulated)")
        assert "Nothing in it is a measurement" in product.properties["geodes_datalab:comment"]
        assert "Nothing in it is a measurement" in text(samples, product, "_MTD_ALL.xml")
        assert shapely.geometry.shape(product.geometry).contains(
            shapely.box(1.40, 43.55, 1.44, 43.58)
        )
        assert product.properties["political"]["continents"][0]["countries"][0]["name"] == "France"


def test_fields_hold_their_crop_and_nothing_else() -> None:
    table = fields()
    assert len(table) > 100
    assert set(table["crop"]) == set(parcels.CROPS) - {"wood"}
    assert table["name"].is_unique
    metres = table.to_crs(parcels.GRID.code)
    for day, green, bare in ((142, "wheat", "maize"), (203, "maize", "wheat")):
        bands = {
            name: pixels - simulate.HAZE[name]
            for name, pixels in farmland.bands(day, seed=1).items()
        }
        ndvi = (bands["B08"] - bands["B04"]) / (bands["B08"] + bands["B04"])
        for _, row in metres.iterrows():
            inside = features.geometry_mask(
                [row.geometry], ndvi.shape, Affine(*parcels.GRID.transform), invert=True
            )
            if row["crop"] == green:
                assert ndvi[inside].min() > 0.5, row["name"]
            elif row["crop"] == bare:
                assert ndvi[inside].max() < 0.5, row["name"]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_quicklooks_show_the_pixels(samples: SampleSet) -> None:
    for product in samples.products:
        quicklook = next(file for file in product.files if file.role == "overview")
        with rasterio.open(samples.root / quicklook.path) as picture:
            assert picture.driver == "JPEG"
            assert picture.count == 3
            assert list(picture.shape) == product.properties["proj:shape"]
            assert picture.read().std() > 5


def test_bulk_products_are_distinct_and_repeatable() -> None:
    bulk = Catalogue.bulk(5000)
    assert bulk.products == Catalogue.bulk(5000).products
    assert len({one.identifier for one in bulk.products}) == 5000
    assert len(bulk.by_urn) == 5000
    assert len({one.properties["grid:code"] for one in bulk.products}) == 48
    for product in bulk.products[:48]:
        points = np.array(product.geometry["coordinates"][0][:4])
        lon, lat = points.mean(axis=0)
        assert product.properties["grid:code"][1:3] == "31"
        assert (
            mgrs.MGRS().toMGRS(lat, lon, MGRSPrecision=0)[2] == product.properties["grid:code"][3]
        )


def test_dem_is_real_elevation(samples: SampleSet) -> None:
    with rasterio.open(samples.dem) as dem:
        assert dem.crs.to_epsg() == 4326
        assert dem.read(1).max() > 40

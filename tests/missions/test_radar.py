"""Sentinel-1 images in the geometry of the radar: numbers, places, times, and products that are not as told."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import rasterio
import shapely
from scipy.interpolate import RegularGridInterpolator

import geodes_datalab as gd
from geodes_datalab import cubes, errors, stac
from geodes_datalab.cubes.formats.knots import Knots
from geodes_datalab.cubes.formats.places import touching
from geodes_datalab.standin import Catalogue
from geodes_datalab.standin.missions.made import zipped

GRD = "S1A_IW_GRDH_1SDV_20240315T055530_20240315T055531_053000_066B00_A1C3"
SLC = "S1A_IW_SLC__1SDV_20240315T055530_20240315T055530_053000_066B00_5E21"


@pytest.fixture(scope="module")
def archives(missions_catalogue: Catalogue) -> dict[str, Path]:
    """Path of each product's archive."""
    return {
        one.identifier: missions_catalogue.locate(one.files[0])
        for one in missions_catalogue.products
        if one.collection == "PEPS_S1_L1"
    }


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def xml(path: Path, pattern: str) -> ET.Element:
    """Parse the member of an archive whose path has a text in it."""
    (name,) = [name for name in members(path) if pattern in name]
    return ET.fromstring(members(path)[name])


def pixels(path: Path, pattern: str) -> Any:
    """Read an image with rasterio alone."""
    (name,) = [name for name in members(path) if pattern in name and name.endswith(".tiff")]
    with rasterio.open(f"/vsizip/{path}/{name}") as file:
        return file.read(1)


def look_up(path: Path, pattern: str, shape: tuple[int, int]) -> Any:
    """Interpolate the calibration with scipy."""
    vectors = xml(path, f"calibration-{pattern}").findall(".//calibrationVector")
    lines = [float(one.findtext("line")) for one in vectors]
    columns = np.array(vectors[0].findtext("pixel").split(), float)
    values = [np.array(one.findtext("sigmaNought").split(), float) for one in vectors]
    where = np.moveaxis(np.mgrid[: shape[0], : shape[1]], 0, -1)
    return RegularGridInterpolator((lines, columns), np.array(values))(where)


def local(folder: Path, name: str, content: dict[str, bytes], kind: str = "") -> dict[str, Any]:
    """Write a product, and return an item for it."""
    path = folder / f"{name}.zip"
    path.write_bytes(zipped(content))
    properties: dict[str, Any] = {"identifier": name, "datetime": "2024-03-15T05:55:30Z"}
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": name, "collection": "PEPS_S1_L1",
        "geometry": None, "properties": properties | ({"product:type": kind} if kind else {}),
        "assets": {path.name: {"href": str(path), "type": "application/zip", "roles": ["data"]}},
        "links": [],
    }  # fmt: skip


def altered(
    path: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]
) -> dict[str, bytes]:
    """Return the members of an archive, each changed; None leaves one out."""
    return dict(filter(None, (change(*entry) for entry in members(path).items())))


def item_of(name: str) -> Any:
    return next(one for one in gd.search("PEPS_S1_L1") if name in one.properties["identifier"])


def test_detected_images_are_sigma_nought(portal, archives) -> None:
    opened = gd.open(item_of(GRD))
    assert opened.VV.chunks is not None, "nothing is read before it is needed"
    assert dict(opened.sizes) == {"line": 400, "pixel": 600}
    path = archives[GRD]
    for band in ("VV", "VH"):
        numbers = pixels(path, f"-{band.lower()}-").astype(float)
        told = (numbers / look_up(path, f"s1a-iw-grd-{band.lower()}", numbers.shape)) ** 2
        values = opened[band].values
        assert np.array_equal(np.isnan(values), numbers == 0)
        np.testing.assert_allclose(values[numbers > 0], told[numbers > 0], rtol=1e-6)
    assert float(opened.VV[160, 300]) == pytest.approx(0.01, rel=0.03)  # the lake of the sample
    assert float(opened.VV[0, 590]) == pytest.approx(0.08, rel=0.01)
    assert float(opened.VH[399, 590]) == pytest.approx(0.2 * 0.1199, rel=0.03)
    assert opened.VV.attrs["units"] == "1"
    assert opened.VV.attrs["polarisation"] == "VV"
    assert "sigma nought" in opened.VV.attrs["long_name"]
    assert (opened.attrs["orbit_state"], opened.attrs["polarisations"]) == ("descending", "VV VH")
    assert opened.attrs["source"] == "PEPS_S1_L1 (simulated)"


def test_thermal_noise_comes_where_it_is_named(portal, archives) -> None:
    opened = gd.open(item_of(GRD), ["VV", "VV_noise"])
    assert "VV_noise" not in gd.open(item_of(GRD))
    table = look_up(archives[GRD], "s1a-iw-grd-vv", (400, 600))
    told = xml(archives[GRD], "noise-s1a-iw-grd-vv")
    across = told.find(".//noiseRangeVector")
    knots = np.array(across.findtext("pixel").split(), float)
    values = np.array(across.findtext("noiseRangeLut").split(), float)
    square = np.interp(np.arange(600), knots, values) * np.linspace(1.0, 1.2, 400)[:, None]
    np.testing.assert_allclose(opened.VV_noise.values, square / table**2, rtol=1e-6)
    assert opened.VV_noise.attrs["units"] == "1"


@pytest.mark.parametrize("swath", ["IW1", "IW3"])
def test_complex_images_keep_their_phase(portal, archives, swath: str) -> None:
    opened = gd.open(item_of(SLC), f"{swath}_VV")
    band = opened[f"{swath}_VV"]
    assert band.dims == ("line", "pixel")
    assert band.dtype == np.complex64
    numbers = pixels(archives[SLC], f"{swath.lower()}-slc-vv")
    table = look_up(archives[SLC], f"s1a-{swath.lower()}-slc-vv", numbers.shape)
    np.testing.assert_allclose(band.values, numbers / table, rtol=1e-6)
    assert float(abs(band[3, 4]) ** 2) == pytest.approx(0.0803, rel=0.01)
    assert float(np.angle(band[10, 20])) == pytest.approx(0.11 * 10 + 0.05 * 20, abs=0.02)


def test_sub_swaths_have_dimensions_of_their_own(portal) -> None:
    opened = gd.open(item_of(SLC))
    assert list(opened.data_vars) == [f"IW{n}_{p}" for n in (1, 2, 3) for p in ("VV", "VH")]
    assert opened.IW2_VH.dims == ("line_IW2", "pixel_IW2")
    assert opened.sizes["pixel_IW2"] == 132
    assert {"longitude_IW2", "latitude_IW2", "time_IW2"} <= set(opened.IW2_VH.coords)


def test_places_and_times_of_a_detected_image(portal, archives) -> None:
    opened = gd.open(item_of(GRD))
    points = xml(archives[GRD], "annotation/s1a-iw-grd-vv").findall(".//geolocationGridPoint")
    assert len(points) == 35
    for one in points:
        here = opened.isel(line=int(one.findtext("line")), pixel=int(one.findtext("pixel")))
        for name in ("longitude", "latitude"):
            assert float(here[name]) == pytest.approx(float(one.findtext(name)), abs=1e-9)
        assert float(here.incidence_angle) == pytest.approx(float(one.findtext("incidenceAngle")))
        apart = here.time.values - np.datetime64(one.findtext("azimuthTime"), "ns")
        assert abs(apart) < np.timedelta64(2, "us")
    # between them: within a hundredth of the 10 m of a pixel, of the plane on which the sample lies
    assert float(opened.longitude[50, 50]) == pytest.approx(
        -1.45 + 0.000126 * 50 - 0.0142 * 50 * 0.0014983, abs=1e-6
    )
    assert float(opened.latitude[50, 50]) == pytest.approx(
        44.9 - 0.06 * 50 * 0.0014983 + 0.000016 * 50, abs=1e-6
    )


def test_bursts_overlap_in_time_and_place(portal, archives) -> None:
    opened = gd.open(item_of(SLC), "IW1_VV").compute()
    points = xml(archives[SLC], "annotation/s1a-iw1-slc-vv").findall(".//geolocationGridPoint")
    assert {int(one.findtext("line")) for one in points} == {0, 40, 79}
    for one in points:
        here = opened.isel(line=int(one.findtext("line")), pixel=int(one.findtext("pixel")))
        for name in ("longitude", "latitude"):
            assert float(here[name]) == pytest.approx(float(one.findtext(name)), abs=1e-8)
    assert opened.time.values[40] < opened.time.values[39], "the second burst begins before"
    same = (opened.time.values[40] - opened.time.values[0]) / np.timedelta64(1, "s") / 0.0020555
    assert same == pytest.approx(32, abs=0.01)  # it overlaps with 8 lines
    np.testing.assert_allclose(opened.latitude[40], opened.latitude[32], atol=1e-7)


def test_an_area_takes_the_lines_and_pixels_that_touch_it(portal) -> None:
    whole = gd.open(item_of(GRD)).compute()
    west, east = (float(whole.longitude[150, at]) for at in (130, 160))
    north, south = (float(whole.latitude[at, 145]) for at in (140, 160))
    part = gd.open(item_of(GRD), bbox=(west, south, east, north)).compute()
    assert 0 < part.sizes["line"] < 400
    assert 0 < part.sizes["pixel"] < 600
    assert {140, 160} <= set(part.line.values)
    assert {130, 160} <= set(part.pixel.values)
    same = whole.sel(line=part.line, pixel=part.pixel)
    for name in ("VV", "longitude", "latitude"):
        np.testing.assert_allclose(part[name].values, same[name].values, rtol=1e-6)
    nothing = gd.open(item_of(GRD), bbox=(100.0, 10.0, 101.0, 11.0))
    assert nothing.VV.size == 0


def test_an_area_of_a_complex_image(portal) -> None:
    whole = gd.open(item_of(SLC), "IW2_VV").compute()
    west, south = float(whole.longitude[70, 20]), float(whole.latitude[70, 20])
    part = gd.open(item_of(SLC), "IW2_VV", bbox=(west, south, west + 1e-4, south + 1e-5)).compute()
    assert {70, 20} <= {*part.line.values, *part.pixel.values}
    assert part.sizes["pixel"] < 132
    same = whole.sel(line=part.line, pixel=part.pixel)
    np.testing.assert_array_equal(part.IW2_VV, same.IW2_VV)


def test_one_polarisation_costs_no_more_than_its_image(portal, archives) -> None:
    with cubes.counted() as tally:
        opened = gd.open(item_of(GRD), "VH")
        before = tally.received
        assert before < archives[GRD].stat().st_size / 3, "headers and XML files"
        opened.VH.compute()
    assert tally.received < 0.7 * archives[GRD].stat().st_size


def test_the_next_generation_has_the_same_description() -> None:
    assert stac.reader("peps-s1-l1") is stac.reader("PEPS_S1_L1")
    assert stac.reader("PEPS_S1_L1").layout == "sensor"


def test_they_are_no_cube(portal) -> None:
    with pytest.raises(errors.CubeError, match="in radar geometry") as error:
        gd.load(item_of(GRD))
    assert "geodes_datalab.open(item)" in str(error.value)


@pytest.mark.parametrize("kind", ["GRD", ""])
def test_complex_images_under_the_name_of_detected_ones(tmp_path, archives, kind: str) -> None:
    """What lies in the archive tells, not what the catalogue says."""
    opened = gd.open(local(tmp_path, GRD, members(archives[SLC]), kind), "IW1_VV")
    assert opened.attrs["product_type"] == "SLC"
    assert opened.IW1_VV.dtype == np.complex64


def test_cloud_optimised_products(tmp_path, archives) -> None:
    """Copernicus names them ``*_COG.SAFE``, and their files ``*-cog``."""
    content = {
        name.replace(".SAFE", "_COG.SAFE").replace("-001.", "-001-cog.").replace("-002.", "-002-cog."): data
        for name, data in members(archives[GRD]).items()
    }  # fmt: skip
    opened = gd.open(local(tmp_path, f"{GRD}_COG", content))
    assert float(opened.VV[160, 300]) == pytest.approx(0.01, rel=0.03)


def test_a_polarisation_that_the_product_has_not(portal) -> None:
    with pytest.raises(errors.UnknownBand, match="has no HH") as error:
        gd.open(item_of(GRD), "HH")
    assert "it holds: VV, VH" in str(error.value)


ALTERED: dict[str, tuple[Callable[[str, bytes], tuple[str, bytes] | None], str]] = {
    "no calibration": (
        lambda name, data: None if "/calibration-" in name else (name, data),
        "has no file \\*annotation/calibration/calibration-s1a-iw-grd-vv",
    ),
    "no images": (
        lambda name, data: None if name.endswith(".tiff") else (name, data),
        "has no image of Sentinel-1; it holds .*manifest.safe",
    ),
    "another table": (
        lambda name, data: (name, data.replace(b"sigmaNought", b"sigmaZero")),
        "has no <sigmaNought> in .*calibration-s1a",
    ),
    "short vectors": (
        lambda name, data: (name, data.replace(b" 40 80 ", b" 40 ")),
        "has no whole vectors of sigmaNought",
    ),
    "another polarisation": (
        lambda name, data: (
            name,
            data.replace(b"<polarisation>VV<", b"<polarisation>HH<"),
        ),
        r"holds s1a-iw-grd-vv-.*, of which the annotation is of IW HH",
    ),
    "another size": (
        lambda name, data: (name, data.replace(b"<numberOfLines>400<", b"<numberOfLines>401<")),
        r"of \(1, 400, 600\) bands, lines and pixels, where its annotation tells \(401, 600\)",
    ),
    "uneven places": (
        lambda name, data: (name, data.replace(b"<pixel>599<", b"<pixel>598<", 1)),
        "has an uneven grid of 35 places",
    ),
    "entities": (
        lambda name, data: (name, data.replace(b"?>", b'?><!DOCTYPE product [<!ENTITY a "b">]>', 1)),
        "cannot be read as XML",
    ),
    "no XML": (
        lambda name, data: (name, data[:200] if name.endswith(".xml") else data),
        "cannot be read as XML",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", ALTERED)
def test_products_that_are_not_as_told(tmp_path, archives, how: str) -> None:
    change, said = ALTERED[how]
    item = local(tmp_path, GRD, altered(archives[GRD], change), "GRD")
    with pytest.raises(errors.FormatChanged, match=said) as error:
        gd.open(item)
    assert GRD in str(error.value)


def test_bursts_that_do_not_fit_the_lines(tmp_path, archives) -> None:
    content = altered(
        archives[SLC],
        lambda name, data: (
            name,
            data.replace(b"<linesPerBurst>40<", b"<linesPerBurst>41<"),
        ),
    )
    with pytest.raises(errors.FormatChanged, match="has 2 bursts of 41 lines, and 80 lines"):
        gd.open(local(tmp_path, SLC, content, "SLC"), "IW1_VV")


def test_an_annotation_of_another_sub_swath(tmp_path, archives) -> None:
    content = altered(
        archives[SLC],
        lambda name, data: (name, data.replace(b"<swath>IW1<", b"<swath>IW2<")),
    )
    with pytest.raises(errors.FormatChanged, match="of which the annotation is of IW2 VV"):
        gd.open(local(tmp_path, SLC, content, "SLC"), "IW1_VV")


def test_noise_of_products_before_2018(tmp_path, archives) -> None:
    def older(name: str, data: bytes) -> tuple[str, bytes]:
        before = data.replace(b"noiseRangeVector", b"noiseVector").replace(
            b"noiseRangeLut", b"noiseLut"
        )
        return name, before.replace(b"noiseAzimuthVector", b"another")

    item = local(tmp_path, GRD, altered(archives[GRD], older), "GRD")
    new, old = (
        gd.open(local(tmp_path, "S1A_IW_GRDH_X", members(archives[GRD])), "VV_noise"),
        gd.open(item, "VV_noise"),
    )
    np.testing.assert_allclose(new.VV_noise[0], old.VV_noise[0], rtol=1e-6)
    np.testing.assert_allclose(new.VV_noise[-1], old.VV_noise[-1] * 1.2, rtol=1e-6)


def test_vectors_that_name_other_pixels_each() -> None:
    vectors = [
        (10.0, np.array([0.0, 10.0]), np.array([1.0, 3.0])),
        (0.0, np.array([0.0, 4.0, 10.0]), np.array([0.0, 8.0, 8.0])),
    ]
    table = Knots.of(vectors)
    asked = table.at([0, 5, 10, 99], [0, 2, 4, 10, 50])
    expected = [
        [0.0, 4.0, 8.0, 8.0, 8.0],
        [0.5, 2.7, 4.9, 5.5, 5.5],
        [1.0, 1.4, 1.8, 3.0, 3.0],
        [1.0, 1.4, 1.8, 3.0, 3.0],
    ]
    np.testing.assert_allclose(asked, expected)


def test_cells_on_both_sides_of_the_date_line() -> None:
    longitude = np.array([[178.0, 180.0, 182.0]] * 2)
    latitude = np.array([[1.0] * 3, [0.0] * 3])
    for west, cells in ((-179.0, [False, True]), (178.5, [True, False]), (10.0, [False, False])):
        area = shapely.box(west, 0.2, west + 0.5, 0.4)
        assert touching(longitude, latitude, area).tolist() == [cells]


def test_samples_are_archives_of_stored_members(archives) -> None:
    with zipfile.ZipFile(io.BytesIO(archives[GRD].read_bytes())) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == f"{GRD}.SAFE/manifest.safe"

"""Scenes of SPOT in DIMAP 1: values, bands, places, and what is refused."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from geodes_datalab import _http, cubes, stac
from geodes_datalab.cubes.formats import dimap1, files
from geodes_datalab.cubes.formats.opening import open_products
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.errors import CubeError, FormatChanged, ValuesInDoubt
from geodes_datalab.stac.readers import reader
from geodes_datalab.standin.missions import spot


@pytest.fixture(scope="module")
def made() -> list[Any]:
    return list(spot.products())


def opened(
    product: Any,
    folder: Path,
    change: Callable[[dict[str, bytes]], None] | None = None,
    bands: tuple[str, ...] | None = None,
) -> Any:
    """Open a product on disk, with other members where they are changed."""
    (name, content), = product.files.items()  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    if change:
        change(members)
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    item = {
        "id": "1",
        "properties": {"identifier": product.identifier},
        "assets": {"data": {"href": str(path), "type": "application/zip", "roles": ["data"]}},
    }
    with _http.Client() as client:
        held = files.ProductFiles(item, client)
        return dimap1.open_product(held, reader(product.collection), item, Wanted(bands))


def edit(old: str, new: str) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        text = members["SCENE01/METADATA.DIM"].decode("iso-8859-1")
        assert old in text
        members["SCENE01/METADATA.DIM"] = text.replace(old, new).encode("iso-8859-1")

    return change


def unpacked(product: Any, folder: Path) -> Path:
    (content,) = product.files.values()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return folder / "SCENE01/METADATA.DIM"


def test_reflectance_follows_the_metadata(made: list[Any], tmp_path: Path) -> None:
    scene = opened(made[0], tmp_path)
    assert set(scene.data_vars) == {"green", "red", "nir", "swir16"}
    # first valid pixel of line 5: 40 of XS1; day 195 of 2006, sun at 60.5 degrees
    far = 1 - 0.01673 * math.cos(math.radians(0.9856 * 191))
    by_hand = math.pi * (40 / 1.843) * far**2 / (1843.0 * math.sin(math.radians(60.5)))
    assert scene.green[5, 0].compute().item() == pytest.approx(by_hand, rel=1e-6)
    assert by_hand == pytest.approx(0.04396, abs=1e-4)
    assert scene.green.attrs["units"] == "1"
    assert np.isnan(scene.green[:5]).all()
    assert not np.isnan(scene.green[5:]).any()


def test_without_irradiance_values_are_radiance(made: list[Any], tmp_path: Path) -> None:
    scene = opened(made[2], tmp_path)
    assert scene.pan.attrs["units"] == "W m-2 sr-1 um-1"
    assert scene.pan[5, 0].compute().item() == pytest.approx(90 / 1.2)
    assert scene.sizes == {"line": 120, "pixel": 240}


def test_gdal_reads_the_same_pixels_and_corners(made: list[Any], tmp_path: Path) -> None:
    scene = opened(made[0], tmp_path, bands=("XS3", "SWIR"))
    with rasterio.open(unpacked(made[0], tmp_path / "unpacked")) as file:
        assert file.driver == "DIMAP"
        points, _ = file.gcps
        pixels = file.read()
    shown = scene["SWIR"][5:] / scene["SWIR"][5, 0]
    np.testing.assert_allclose(shown, pixels[3, 5:] / pixels[3, 5, 0], rtol=1e-6)
    shown = scene["XS3"][5:] / scene["XS3"][5, 0]
    np.testing.assert_allclose(shown, pixels[0, 5:] / pixels[0, 5, 0], rtol=1e-6)
    assert len(points) == 4
    for point in points:  # GDAL counts from the corner of a pixel, coordinates are of centres
        line, pixel = round(point.row - 0.5), round(point.col - 0.5)
        assert scene.longitude[line, pixel].compute().item() == pytest.approx(point.x, abs=1e-9)
        assert scene.latitude[line, pixel].compute().item() == pytest.approx(point.y, abs=1e-9)


def test_places_between_corners_are_interpolated(made: list[Any], tmp_path: Path) -> None:
    scene = opened(made[0], tmp_path)
    middle = scene.longitude[149:151, 149:151].mean().compute().item()
    assert middle == pytest.approx((1.10 + 1.90 + 1.75 + 0.95) / 4, abs=1e-9)
    assert "corners" in scene.longitude.attrs["comment"]


def test_bands_that_the_metadata_mix_up_are_put_right(made: list[Any], tmp_path: Path) -> None:
    with pytest.warns(ValuesInDoubt, match="another order than the image"):
        mixed = opened(made[1], tmp_path)
    right = opened(made[0], tmp_path)
    for name in ("green", "nir", "red", "swir16"):  # another day: the sun is a little further
        ratio = mixed[name][5:] / right[name][5:]
        np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-6)
        assert ratio[0, 0].compute().item() == pytest.approx(1, abs=1e-3)


def test_right_order_is_not_doubted(made: list[Any], tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ValuesInDoubt)
        opened(made[0], tmp_path)


def drop(members: dict[str, bytes]) -> None:
    del members["SCENE01/IMAGERY.TIF"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (drop, "has no file"),
        (edit('version="1.1"', 'version="2.15"'), "version 2.15"),
        (edit("<NROWS>300", "<NROWS>301"), "301 lines"),
        (edit(">XS2<", ">B99<"), 'a band "B99"'),
        (edit("<PHYSICAL_GAIN>1.843<", "<PHYSICAL_GAIN>0<"), "the gain 0"),
        (edit("<STX_MEAN>", "<STX_MEAN>9"), "in doubt"),
        (
            edit("<Dimap_Document ", '<!DOCTYPE a [<!ENTITY b "c">]><Dimap_Document '),
            "document type",
        ),
        (edit("</Dimap_Document>", ""), "cannot be read"),
    ],
)
def test_what_is_not_as_described_is_refused(
    made: list[Any], tmp_path: Path, change: Any, told: str
) -> None:
    with pytest.raises(FormatChanged, match=told):
        opened(made[0], tmp_path, change)


def test_band_that_a_scene_lacks_is_refused(made: list[Any], tmp_path: Path) -> None:
    with pytest.raises(FormatChanged, match="has no band PAN"):
        opened(made[0], tmp_path, bands=("PAN",))


@pytest.mark.parametrize(
    ("name", "today"),
    [
        ("swh-spot-1-2-3-l1a", "SWH_SPOT123_L1"), ("swh-spot-4-l1a", "SWH_SPOT4_L1"),
        ("swh-spot-5-l1a", "SWH_SPOT5_L1"), ("theia-spirit-spot5-l1a", "THEIA_SPIRIT_SPOT5_L1A"),
    ],
)  # fmt: skip
def test_next_ids_find_the_same_reader(name: str, today: str) -> None:
    assert reader(name) is reader(today)


def test_found_and_opened_over_http(
    geodes_factory: Any, missions_catalogue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = geodes_factory(missions_catalogue)
    monkeypatch.setenv("GEODES_PORTAL", server.url)
    monkeypatch.setenv("GEODES_API_KEY", server.api_key)
    items = stac.search("SWH_SPOT4_L1", datetime="2006")
    with pytest.raises(CubeError, match="sensor"):
        cubes.load(items)
    scene = open_products(items)
    assert scene.sizes == {"line": 300, "pixel": 300}
    assert scene.attrs["source"].endswith("(simulated)")
    assert float(scene.green[5, 0]) == pytest.approx(0.04396, abs=1e-4)

"""SPOT World Heritage: reflectance worked out by hand, bands in another order, places as GDAL's own driver has them."""

from __future__ import annotations

import math
import zipfile
from io import BytesIO

import numpy as np
import pytest
import rasterio

import geodes_datalab as gd
from geodes_datalab.errors import CubeError, FormatChanged, ValuesInDoubt
from geodes_datalab.stac import reader

pytest_plugins = ["geodes_datalab.testing.fixtures"]

SWH = "SWH_SPOT4_L1"
DISTANCE = 1 - 0.01672 * math.cos(2 * math.pi * (172 - 3) / 365.256)


def archive(catalogue, number: int):
    (product,) = [
        one
        for one in catalogue.products
        if one.collection == SWH and one.identifier.endswith(f"_{number}")
    ]
    return catalogue.locate(product.files[0])


def scene(find, number: int):
    (item,) = [
        one for one in find(SWH).dicts if one["properties"]["identifier"].endswith(f"_{number}")
    ]
    return item


def edited(catalogue, tmp_path, change, collection: str = SWH) -> dict:
    into = BytesIO()
    with zipfile.ZipFile(archive(catalogue, 1)) as old, zipfile.ZipFile(into, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    path = tmp_path / "edited.zip"
    path.write_bytes(into.getvalue())
    return {
        "type": "Feature", "id": "a", "collection": collection, "geometry": None, "links": [],
        "properties": {"datetime": "2005-06-21T10:50:01Z", "title": "A"},
        "assets": {"data": {"href": str(path), "title": path.name, "roles": ["data"]}},
    }  # fmt: skip


def test_reflectance_is_what_the_formula_gives_by_hand(find) -> None:
    found = gd.open(scene(find, 1))
    assert list(found.data_vars) == ["XS1", "XS2", "XS3", "SWIR"]
    red = found["XS2"]
    # 90 counts / 2.5 = 36 W m-2 sr-1 um-1; the sun gives 1568 W m-2 um-1 and stands at 60 degrees
    expected = math.pi * 36 * DISTANCE**2 / (1568 * math.sin(math.radians(60)))
    assert float(red[0, 10]) in (
        pytest.approx(expected, rel=1e-5),
        pytest.approx(expected * 100 / 90, rel=1e-5),
    )
    assert float(red[0, 5]) == pytest.approx(expected, rel=1e-5)
    assert np.isnan(red[:, :3]).all()
    assert (red.attrs["units"], red.attrs["common_name"]) == ("1", "red")
    assert red.attrs["standard_name"] == "toa_bidirectional_reflectance"
    assert red.attrs["source"] == f"{SWH} (simulated)"


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")  # GDAL's own reading
def test_gdals_driver_has_the_same_pixels_and_corners(find, missions_catalogue, tmp_path) -> None:
    found = gd.open(scene(find, 1)).compute()
    with zipfile.ZipFile(archive(missions_catalogue, 1)) as packed:
        packed.extractall(tmp_path)
    with rasterio.open(tmp_path / "SCENE01" / "METADATA.DIM", driver="DIMAP") as file:
        counts, (points, _) = file.read(), file.gcps
    assert len(points) == 4
    for point in points:
        line, pixel = (
            min(max(round(point.row - 0.5), 0), 299),
            min(max(round(point.col - 0.5), 0), 299),
        )
        assert float(found["longitude"][line, pixel]) == pytest.approx(point.x, abs=1e-6)
        assert float(found["latitude"][line, pixel]) == pytest.approx(point.y, abs=1e-6)
    radiance = counts[1] / 2.5
    factor = math.pi * DISTANCE**2 / (1568 * math.sin(math.radians(60)))
    truth = np.where(counts[1] > 0, radiance * factor, np.nan)
    np.testing.assert_allclose(found["XS2"], truth, rtol=1e-5)


def test_bands_in_another_order_are_put_right_and_told(find) -> None:
    with pytest.warns(ValuesInDoubt, match="in another order than its notes tell"):
        mixed = gd.open(scene(find, 2))
    right = gd.open(scene(find, 1))
    for name in right.data_vars:
        np.testing.assert_allclose(mixed[name], right[name])


def test_an_image_that_fits_no_order_of_the_notes_is_refused(missions_catalogue, tmp_path) -> None:
    def other(name: str, content: bytes) -> bytes:
        return (
            content.replace(b"<STX_MEAN>95", b"<STX_MEAN>20") if name.endswith("DIM") else content
        )

    with pytest.raises(FormatChanged, match="are not those of its notes"):
        gd.open(edited(missions_catalogue, tmp_path, other))


def test_without_the_sun_there_is_radiance(missions_catalogue, tmp_path) -> None:
    def dark(name: str, content: bytes) -> bytes:
        return content.replace(b"SUN_ELEVATION", b"SUN_HEIGHT") if name.endswith("DIM") else content

    found = gd.open(edited(missions_catalogue, tmp_path, dark), "green")
    assert list(found.data_vars) == ["XS1"]
    assert float(found["XS1"][0, 5]) == pytest.approx(60 / 2.0)
    assert found["XS1"].attrs["units"] == "W m-2 sr-1 um-1"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"<Vertex><FRAME_LON>1.08", b"<Other><FRAME_LON>1.08", "cannot be read as XML"),
        (b"<BAND_DESCRIPTION>XS2", b"<BAND_DESCRIPTION>XS1", "notes of 4: XS1, XS1"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?>', b"<!DOCTYPE a [<!ENTITY b 'c'>]>", "document type"),
        (b"<PHYSICAL_GAIN>2.5</PHYSICAL_GAIN>", b"", "has no <PHYSICAL_GAIN>"),
    ],
)  # fmt: skip
def test_notes_that_are_not_as_described_are_refused(
    missions_catalogue, tmp_path, old, new, said
) -> None:
    def change(name: str, content: bytes) -> bytes:
        return content.replace(old, new) if name.endswith("DIM") else content

    with pytest.raises(FormatChanged, match=said):
        gd.open(edited(missions_catalogue, tmp_path, change))


def test_a_scene_is_no_cube_and_says_what_to_do(find) -> None:
    with pytest.raises(CubeError, match=r"geodes_datalab\.open\(item\)"):
        gd.load(scene(find, 1))


def test_ids_of_the_next_generation() -> None:
    assert reader("swh-spot-1-2-3-l1a") is reader("SWH_SPOT123_L1")
    assert reader("swh-spot-4-l1a") is reader(SWH)

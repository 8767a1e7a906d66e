"""GRACE by SAGSA: grids and harmonics as text, against plain numbers and numpy's own reader of text."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

import geodes_datalab as gd
from geodes_datalab.errors import CubeError, FormatChanged, ReadError

pytest_plugins = ["geodes_datalab.testing.fixtures"]

WATER, FIELD = "L2B_CNES_SAGSA_GFQ_EWH_SVD_1MONTH", "L2A_CNES_SAGSA_GGM_SVD_1MONTH"


def path_of(catalogue, collection: str):
    product = next(one for one in catalogue.products if one.collection == collection)
    return catalogue.locate(product.files[0])


def item(path, collection: str = WATER) -> dict:
    return {
        "type": "Feature", "id": "a", "collection": collection, "geometry": None, "links": [],
        "properties": {"datetime": "2017-04-15T00:00:00Z", "title": "A"},
        "assets": {"data": {"href": str(path), "title": path.name, "roles": ["data"]}},
    }  # fmt: skip


def test_water_heights_lie_where_they_should(find, missions_catalogue) -> None:
    water = gd.open(find(WATER)[0])["EWH"]
    theirs = np.loadtxt(path_of(missions_catalogue, WATER)).reshape(180, 360)
    np.testing.assert_allclose(water, theirs, atol=1e-7)
    # 0.1 m * sin(longitude + 120 degrees) * cos(latitude), by hand at 29.5 W, 0.5 N
    assert float(water.sel(x=-29.5, y=0.5)) == pytest.approx(
        0.1 * np.sin(np.radians(90.5)), abs=1e-5
    )
    assert float(water.sel(x=150.5, y=0.5)) == pytest.approx(
        -0.1 * np.sin(np.radians(90.5)), abs=1e-5
    )
    assert water.attrs["units"] == "m"
    assert water.odc.geobox.crs.epsg == 4326
    assert water.odc.geobox.boundingbox.bbox == (-180, -90, 180, 90)


def test_months_without_measurements_stay_away(find) -> None:
    cube = gd.load(find(WATER), bbox=(-10, 40, 10, 50)).compute()
    assert [str(one)[:7] for one in cube["time"].values] == ["2017-04", "2018-06"]
    assert cube["EWH"].shape == (2, 10, 20)


def test_a_grid_that_was_cut_off_is_refused(missions_catalogue, tmp_path) -> None:
    whole = path_of(missions_catalogue, WATER).read_bytes()
    cut = tmp_path / "cut.txt"
    cut.write_bytes(whole[: len(whole) // 2].rpartition(b"\n")[0])
    with pytest.raises(FormatChanged, match="which should be 64800"):
        gd.open(item(cut))
    packed = tmp_path / "whole.txt.gz"
    packed.write_bytes(gzip.compress(whole))
    assert gd.open(item(packed))["EWH"].shape == (180, 360)
    packed.write_bytes(gzip.compress(whole)[:-1000])
    with pytest.raises(ReadError, match="packed by gzip, and broken"):
        gd.open(item(packed))


def test_coefficients_stand_at_their_degree_and_order(find) -> None:
    field = gd.open(find(FIELD)[0])
    assert float(field["clm"].sel(degree=2, order=0)) == -4.841652e-4
    assert float(field["slm"].sel(degree=2, order=2)) == -1.400266e-6
    assert np.isnan(field["clm"].sel(degree=3, order=1))  # not told is not nothing
    assert field.attrs["earth_gravity_constant"] == 0.3986004415e15
    assert field.attrs["radius"] == 6378136.46
    assert field.attrs["tide_system"] == "tide_free"
    assert field.attrs["norm"] == "fully_normalized"
    # J2 of the Earth, by hand: -sqrt(5) * C20
    assert -np.sqrt(5) * float(field["clm"].sel(degree=2, order=0)) == pytest.approx(
        1.0826e-3, rel=1e-4
    )
    with pytest.raises(CubeError, match="coefficients by degree and order"):
        gd.load(find(FIELD))


def test_the_form_of_grgs_is_read_too(tmp_path) -> None:
    path = tmp_path / "GRGS_GSM"
    path.write_text("FIELD OF A MONTH\n    2    0 -0.484165D-03  0.000000D+00  0.1D-11  0.0D+00\n")
    field = gd.open(item(path, FIELD))
    assert float(field["clm"].sel(degree=2, order=0)) == -4.84165e-4
    path.write_text("nothing of the kind\n")
    with pytest.raises(FormatChanged, match="has no coefficients"):
        gd.open(item(path, FIELD))

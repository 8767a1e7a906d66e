"""FLATSIM: displacement of a known source, its sign and its line of sight; read by GDAL as well."""

from __future__ import annotations

import zipfile
from io import BytesIO

import numpy as np
import pytest
import rasterio

import geodes_datalab as gd
from geodes_datalab.errors import CubeError, FormatChanged, UnknownBand

pytest_plugins = ["geodes_datalab.testing.fixtures"]

SERIES, AUXILIARY = "FLATSIM_TIMESERIE", "FLATSIM_AUXILIARYDATA"
UP = 0.7769
"""Upward part of the line of sight of the samples."""


def member(catalogue, collection: str, layer: str) -> str:
    (product,) = [one for one in catalogue.products if one.collection == collection]
    path = catalogue.locate(product.files[0])
    with zipfile.ZipFile(path) as archive:
        (name,) = [
            one for one in archive.namelist() if f"_{layer}_" in one and one.endswith("tiff")
        ]
    return f"/vsizip/{{{path}}}/{name}"


def changed(catalogue, tmp_path, change) -> dict:
    """Return an item of the time series whose archive was changed."""
    (product,) = [one for one in catalogue.products if one.collection == SERIES]
    into = BytesIO()
    with (
        zipfile.ZipFile(catalogue.locate(product.files[0])) as old,
        zipfile.ZipFile(into, "w") as new,
    ):
        members = {name: old.read(name) for name in old.namelist()}
        for name, content in change(members).items():
            new.writestr(name, content)
    path = tmp_path / "changed.zip"
    path.write_bytes(into.getvalue())
    return {
        "type": "Feature", "id": "a", "collection": SERIES, "geometry": None, "links": [],
        "properties": {"datetime": "2020-01-05T00:00:00Z", "title": "A"},
        "assets": {"data": {"href": str(path), "title": path.name, "roles": ["data"]}},
    }  # fmt: skip


def test_ground_that_rises_comes_nearer_to_the_satellite(find) -> None:
    series = gd.open(find(SERIES)[0])
    moved = series["DTs"]
    assert moved.dims == ("time", "y", "x")
    assert [str(one)[:10] for one in moved["time"].values] == [
        "2020-01-05", "2020-01-17", "2020-01-29", "2020-02-10",
    ]  # fmt: skip
    # Above the source the ground rises by 10 mm a date: worked out by hand
    np.testing.assert_allclose(moved[:, 25, 30], np.array([0, 10, 20, 30]) * UP, rtol=1e-5)
    assert float(moved[3, 45, 30]) < 0.5 * float(moved[3, 25, 30])
    assert moved.attrs["units"] == "mm"
    assert moved.attrs["positive"] == "towards the satellite"
    assert float(series["MV-LOS"][25, 30]) == pytest.approx(30 * UP / (36 / 365.25), rel=1e-5)
    assert series["MV-LOS"].attrs["units"] == "mm year-1"


def test_gdal_sees_the_radians_at_the_same_places(find, missions_catalogue) -> None:
    moved = gd.open(find(SERIES)[0], "displacement")["DTs"]
    with rasterio.open(member(missions_catalogue, SERIES, "DTs")) as file:
        radians, transform = file.read(), file.transform
    np.testing.assert_allclose(moved[:, 3:], radians[:, 3:] * -4.4563, rtol=1e-5)
    grid = moved.odc.geobox
    assert grid.crs.epsg == 4326
    assert grid.transform.almost_equals(transform, 0.01 * 0.001)


def test_nothing_is_missing_and_no_movement_is_not(find) -> None:
    moved = gd.open(find(SERIES)[0])["DTs"].compute()
    assert np.isnan(moved[:, :3]).all()
    assert (moved[0, 3:] == 0).all()  # the first date is what others are compared with


def test_both_conventions_of_the_line_of_sight_are_one(find, missions_catalogue) -> None:
    item = find(AUXILIARY)[0]
    enu, neu = (gd.open(item, name)["los"].compute() for name in ("CosENU", "CosNEU"))
    np.testing.assert_allclose(enu, neu)
    assert enu["direction"].values.tolist() == ["east", "north", "up"]
    np.testing.assert_allclose(enu[:, 10, 10], [-0.62, -0.11, UP], rtol=1e-6)
    assert (enu.sel(direction="up") > 0).all()
    with rasterio.open(member(missions_catalogue, AUXILIARY, "CosENU")) as file:
        np.testing.assert_allclose(-file.read(), enu, rtol=1e-6)
    with rasterio.open(member(missions_catalogue, AUXILIARY, "CosNEU")) as file:
        np.testing.assert_allclose(file.read([2, 1, 3]), enu, rtol=1e-6)


def test_uplift_follows_from_the_line_of_sight(find) -> None:
    """What a user does: movement along the line, divided by its upward part."""
    moved = gd.open(find(SERIES)[0])["DTs"]
    up = gd.open(find(AUXILIARY)[0], "CosENU")["los"].sel(direction="up")
    assert float((moved / up)[3, 25, 30]) == pytest.approx(30, rel=1e-4)


def test_a_cube_keeps_each_date(find) -> None:
    cube = gd.load(find(SERIES), "DTs", bbox=(14.02, 40.86, 14.04, 40.88)).compute()
    assert cube.sizes["time"] == 4
    assert cube.odc.geobox.crs.epsg == 4326
    assert float(cube["DTs"].isel(time=3).max()) == pytest.approx(30 * UP, rel=1e-3)


def test_dates_that_do_not_fit_the_bands_are_refused(missions_catalogue, tmp_path) -> None:
    def fewer(members):
        return {
            name: content.replace(b" 20200210", b"") if name.endswith("meta") else content
            for name, content in members.items()
        }

    def without(members):
        return {name: content for name, content in members.items() if not name.endswith("meta")}

    with pytest.raises(FormatChanged, match=r"has 4 bands in .*, and 3 dates in .*meta"):
        gd.open(changed(missions_catalogue, tmp_path, fewer), "DTs")
    with pytest.raises(FormatChanged, match="has no notes with dates"):
        gd.open(changed(missions_catalogue, tmp_path, without), "DTs")


def test_products_in_radar_geometry_are_refused_with_what_to_do(
    missions_catalogue, tmp_path
) -> None:
    def radar(members):
        return {name.replace("_geo_", "_radar_"): content for name, content in members.items()}

    with pytest.raises(CubeError, match="with _geo_ in it"):
        gd.open(changed(missions_catalogue, tmp_path, radar))
    with pytest.raises(UnknownBand):
        gd.open(changed(missions_catalogue, tmp_path, dict), "InU")
    with pytest.raises(FormatChanged, match="has no file of its description"):
        gd.open(changed(missions_catalogue, tmp_path, lambda _: {"A/readme.txt": b"x"}))

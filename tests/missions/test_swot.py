"""SWOT's rasters and shapes, and land cover as shapes: against plain numbers, netCDF4, GDAL and GeoPandas."""

from __future__ import annotations

import zipfile

import geopandas
import netCDF4
import numpy as np
import pandas as pd
import pytest
import rasterio
from pyproj import CRS

import geodes_datalab as gd
from geodes_datalab import cubes
from geodes_datalab.errors import CubeError, FormatChanged, UnknownBand

pytest_plugins = ["geodes_datalab.testing.fixtures"]

RASTER, RIVERS, PARCELS = "SWOT_L2_HR_Raster_100m", "SWOT_L2_HR_RiverSP", "THEIA_OSO_VECTOR_L3B"


def path_of(catalogue, collection: str, part: str = ""):
    (product,) = [
        one for one in catalogue.products if one.collection == collection and part in one.identifier
    ]
    return catalogue.locate(product.files[0])


def test_heights_are_those_of_the_file_where_they_are_good(find, missions_catalogue) -> None:
    water = gd.open(find(RASTER)[0])
    with netCDF4.Dataset(path_of(missions_catalogue, RASTER)) as file:
        height, quality = file["wse"][:].filled(np.nan), file["wse_qual"][:].filled(3)
        y, x = file["y"][:], file["x"][:]
    truth = np.where(quality <= 1, height, np.nan)[::-1]
    np.testing.assert_array_equal(water["wse"], truth)
    np.testing.assert_array_equal(water["y"], y[::-1])
    np.testing.assert_array_equal(water["x"], x)
    assert np.isfinite(water["wse"]).sum() == 14 * 60  # 15 rows of water, one of them degraded
    assert float(water["wse"].sel(x=340_050, y=4_903_050)) == pytest.approx(119.99, abs=1e-5)
    attrs = water["wse"].attrs
    assert (attrs["units"], attrs["vertical_datum"], attrs["positive"]) == ("m", "EGM2008", "up")
    assert attrs["standard_name"] == "water_surface_height_above_reference_datum"
    assert attrs["source"] == f"{RASTER} (simulated)"
    assert (int(water["cycle"]), int(water["pass"])) == (14, 42)
    assert (water.attrs["crid"], water.attrs["orbit_phase"]) == ("PIC0", "21-day")
    assert pd.Timestamp(water["time"].values) == pd.Timestamp("2024-05-03T06:12:11")


def test_gdal_sees_the_same_pixels_at_the_same_places(find, missions_catalogue) -> None:
    """Another reader altogether: its own driver turns the rows, and finds the CRS."""
    water = gd.open(find(RASTER)[0], "water_area")
    with rasterio.open(f'NETCDF:"{path_of(missions_catalogue, RASTER)}":water_area') as file:
        pixels, transform, crs = file.read(1), file.transform, file.crs
    grid = water.odc.geobox
    assert grid.crs.epsg == crs.to_epsg() == 32631
    for mine, theirs in zip(grid.transform[:6], transform[:6], strict=True):
        assert abs(mine - theirs) < 1  # 0.01 pixels of 100 m
    mine = water["water_area"].values
    there = np.isfinite(mine)
    np.testing.assert_array_equal(mine[there], pixels[there])
    assert water["water_area"].attrs["units"] == "m2"


def test_flags_stay_integers_and_say_what_they_mean(find) -> None:
    quality = gd.open(find(RASTER)[0], "wse_qual")["wse_qual"]
    assert quality.dtype == "uint8"
    assert quality.attrs["flag_meanings"] == "good suspect degraded bad"
    assert "units" not in quality.attrs


def test_a_window_takes_a_part_of_the_file(find, portal, missions_catalogue) -> None:
    portal.requests.clear()
    water = gd.open(find(RASTER)[0], "wse", bbox=(1.03, 44.25, 1.035, 44.255))
    assert 0 < water.sizes["x"] < 20
    assert 0 < water.sizes["y"] < 20
    water["wse"].compute()
    size = path_of(missions_catalogue, RASTER).stat().st_size
    asked = sum(
        int(last) - int(first) + 1
        for one in portal.requests.to("/api/download/")
        if (told := one.headers.get("range"))
        for first, last in [told.removeprefix("bytes=").split("-")]
    )
    assert asked <= size  # such a small file comes in one piece; larger ones do not


def test_a_cube_is_made_of_them(find) -> None:
    cube = gd.load(find(RASTER), ["wse", "wse_qual"], bbox=(1.03, 44.25, 1.05, 44.27)).compute()
    assert cube["wse"].dims == ("time", "y", "x")
    assert cube.odc.geobox.crs.epsg == 32631
    x, y = float(cube.x[3]), 4_903_050
    height = cube["wse"].isel(time=0).sel(x=x, y=y, method="nearest")
    assert float(height) == pytest.approx(120 - 0.0002 * (x - 340_000), abs=1e-4)
    assert cube["wse_qual"].dtype == "uint8"
    degrees = gd.load(find(RASTER), "wse", crs="EPSG:4326", resolution=0.001, resampling="bilinear")
    assert degrees.odc.geobox.crs.epsg == 4326
    with pytest.raises(CubeError, match="raw, clear would have no effect"):
        gd.load(find(RASTER), raw=True, clear=True)


def test_a_raster_of_other_variables_is_named(tmp_path) -> None:
    path = tmp_path / "SWOT_L2_HR_Raster_100m_X.nc"
    with netCDF4.Dataset(path, "w") as file:
        for axis in "yx":
            file.createDimension(axis, 2)
            file.createVariable(axis, "f8", (axis,))[:] = [0, 100]
        file.createVariable("water_surface", "f4", ("y", "x"))[:] = 1
    item = {
        "type": "Feature", "id": "a", "collection": RASTER, "geometry": None, "links": [],
        "properties": {"datetime": "2024-01-01T00:00:00Z", "title": "A"},
        "assets": {"data": {"href": str(path), "title": path.name, "roles": ["data"]}},
    }  # fmt: skip
    with pytest.raises(
        FormatChanged, match=r"A has no variable wse or wse_qual or water_area .*water_surface"
    ):
        gd.open(item)


def test_a_product_of_another_catalogue_is_known_by_its_name(find) -> None:
    item = find(RASTER).dicts[0]
    other = {**item, "collection": "swot-hr-raster"}
    assert gd.open(other, "wse")["wse"].attrs["units"] == "m"


def test_rivers_have_heights_dates_and_names(find, missions_catalogue) -> None:
    items = find(RIVERS)
    (reaches,) = [one for one in items.dicts if "_Reach_" in one["properties"]["identifier"]]
    found = gd.open(reaches)
    theirs = geopandas.read_file(path_of(missions_catalogue, RIVERS, "_Reach_"))
    assert list(found["wse"][:2]) == list(theirs["wse"][:2]) == [119.5, 118.0]
    assert found[["wse", "wse_u", "slope", "width", "area_total"]].iloc[2].isna().all()
    assert found["time_str"][0] == pd.Timestamp("2024-05-03T06:12:12Z")
    assert pd.isna(found["time_str"][2])
    assert found["reach_id"].tolist()[0] == "21602700010"
    assert found.crs.to_epsg() == 4326
    assert found.attrs["units"]["slope"] == "m m-1"
    assert found.attrs["vertical_datum"] == "EGM2008"
    assert found.attrs["source"].endswith("(simulated)")
    assert found.geometry.to_wkt().tolist() == theirs.geometry.to_wkt().tolist()


def test_an_area_and_columns_choose_among_shapes(find) -> None:
    (reaches,) = [one for one in find(RIVERS).dicts if "_Reach_" in one["properties"]["identifier"]]
    near = gd.open(reaches, ["wse", "width"], bbox=(1.0, 44.2, 1.01, 44.3))
    assert list(near.columns) == ["wse", "width", "geometry"]
    assert len(near) == 1
    with pytest.raises(UnknownBand, match="no column widht"):
        gd.open(reaches, "widht")
    with pytest.raises(CubeError, match=r"geodes_datalab\.open\(item\): a GeoDataFrame"):
        cubes.load(reaches)


def test_reaches_and_nodes_are_stacked(find) -> None:
    assert len(gd.open(find(RIVERS))) == 7


def test_parcels_have_the_names_of_their_year(find) -> None:
    item = find(PARCELS).dicts[0]
    parcels = gd.open(item)
    assert parcels["Classe_name"].tolist() == ["rapeseed", "broad-leaved forest", "water"]
    assert parcels.crs.to_epsg() == 2154
    assert parcels.geometry.area.tolist() == pytest.approx([160_000.0] * 3)
    old = {**item, "properties": {**item["properties"], "start_datetime": "2016-01-01T00:00:00Z"}}
    assert gd.open(old)["Classe_name"].isna().all()  # 5 and 16 are no classes of 2016


def test_shapes_of_other_columns_are_named(tmp_path) -> None:
    from shapely.geometry import Point

    frame = geopandas.GeoDataFrame({"height": [1.0]}, geometry=[Point(1, 44)], crs="EPSG:4326")
    frame.to_file(tmp_path / "a.shp")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for part in tmp_path.glob("a.[sdp]*"):
            archive.write(part, part.name)
    item = {
        "type": "Feature", "id": "a", "collection": RIVERS, "geometry": None, "links": [],
        "properties": {"datetime": "2024-01-01T00:00:00Z", "title": "A"},
        "assets": {"data": {"href": str(tmp_path / "a.zip"), "title": "a.zip", "roles": ["data"]}},
    }  # fmt: skip
    with pytest.raises(FormatChanged, match=r"has no column reach_id or wse \(it has height\)"):
        gd.open(item)


def raster(folder, cycle: int, crid: str, height: float) -> dict:
    """Return an item of a raster of 4 x 4 pixels."""
    name = f"SWOT_L2_HR_Raster_100m_UTM31T_N_x_x_x_{cycle:03d}_042_096F_20240503T061211_20240503T061232_{crid}_01"
    with netCDF4.Dataset(folder / f"{name}.nc", "w") as file:
        for axis, low in (("y", 4_900_050), ("x", 340_050)):
            file.createDimension(axis, 4)
            file.createVariable(axis, "f8", (axis,))[:] = low + 100 * np.arange(4)
        file.createVariable("crs", "S1").crs_wkt = CRS("EPSG:32631").to_wkt()
        for key, kind, value in (
            ("wse", "f4", height),
            ("water_area", "f4", 1.0),
            ("wse_qual", "u1", 0),
        ):
            file.createVariable(key, kind, ("y", "x"))[:] = value
        file.setncatts(
            {"cycle_number": np.int16(cycle), "pass_number": np.int16(42), "crid": crid,
             "time_granule_start": f"2024-05-{cycle:02d}T06:12:11.5Z"}
        )  # fmt: skip
    west, south, east, north = 1.0, 44.2, 1.1, 44.3
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature", "id": name, "collection": RASTER, "links": [], "bbox": [1.0, 44.2, 1.1, 44.3],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"datetime": f"2024-05-{cycle:02d}T06:12:11Z", "title": name},
        "assets": {"data": {"href": str(folder / f"{name}.nc"), "title": f"{name}.nc", "roles": ["data"]}},
    }  # fmt: skip


def test_each_date_keeps_its_cycle_and_version(tmp_path) -> None:
    """Versions differ in calibration: a series that mixes them must show it."""
    items = [raster(tmp_path, 15, "PGD0", 2.0), raster(tmp_path, 14, "PIC0", 1.0)]
    opened = gd.open(items, "wse")
    assert opened["wse"].dims == ("time", "y", "x")
    assert opened["wse"][:, 0, 0].values.tolist() == [1.0, 2.0]
    assert opened["cycle"].values.tolist() == [14, 15]
    assert opened["crid"].values.tolist() == ["PIC0", "PGD0"]
    assert str(opened["time"].values[0]) == "2024-05-14T06:12:11.500000000"
    cube = gd.load(items, "wse").compute()
    assert cube["wse"][:, 0, 0].values.tolist() == [1.0, 2.0]
    assert cube["cycle"].values.tolist() == [14, 15]
    assert cube["pass"].values.tolist() == [42, 42]
    assert cube["crid"].values.tolist() == ["PIC0", "PGD0"]

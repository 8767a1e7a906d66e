"""SWOT's rasters and shapes, and land cover as shapes: against plain numbers, netCDF4, GDAL and GeoPandas."""

from __future__ import annotations

import zipfile
from dataclasses import replace

import geopandas
import netCDF4
import numpy as np
import pandas as pd
import pytest
import rasterio
from pyproj import CRS

import geodes_datalab as gd
from geodes_datalab import cubes
from geodes_datalab.errors import CubeError, FormatChanged, UnknownBand, UnknownCollection
from geodes_datalab.standin import Catalogue
from geodes_datalab.standin.samples.product import describe

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


def test_a_window_is_a_part_of_the_whole(find) -> None:
    whole, part = (
        gd.open(find(RASTER)[0], "wse", bbox=box) for box in (None, (1.03, 44.25, 1.035, 44.255))
    )
    assert 0 < part.sizes["x"] < 20
    assert 0 < part.sizes["y"] < 20
    np.testing.assert_array_equal(part["wse"], whole["wse"].sel(x=part.x, y=part.y))


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


def shapes(
    folder, columns: dict, collection: str = RIVERS, *, crs: str = "EPSG:4326", without=()
) -> dict:
    """Return an item of zipped shapes: points at 1 and 2 degrees east, 44 north."""
    from shapely.geometry import Point

    points = geopandas.GeoSeries([Point(1, 44), Point(2, 44)], crs="EPSG:4326").to_crs(crs)
    geopandas.GeoDataFrame(columns, geometry=points).to_file(folder / "a.shp")
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for part in sorted(folder.glob("a.[scdp]*")):
            if part.suffix not in without:
                archive.write(part, part.name)
    return {
        "type": "Feature", "id": "a", "collection": collection, "geometry": None, "links": [],
        "properties": {"datetime": "2024-01-01T00:00:00Z", "title": "A"},
        "assets": {"data": {"href": str(folder / "a.zip"), "title": "a.zip", "roles": ["data"]}},
    }  # fmt: skip


def test_shapes_without_a_prj_lie_where_their_description_says(tmp_path) -> None:
    columns = {"reach_id": ["1", "2"], "wse": [1.0, 2.0]}
    found = gd.open(shapes(tmp_path, columns, without=(".prj",)), bbox=(0.5, 43, 1.5, 45))
    assert found["wse"].tolist() == [1.0]
    assert found.crs.to_epsg() == 4326


def test_an_area_in_degrees_finds_parcels_in_metres(tmp_path) -> None:
    item = shapes(tmp_path, {"Classe": [5, 23]}, PARCELS, crs="EPSG:2154", without=(".prj",))
    found = gd.open(item, bbox=(1.5, 43, 2.5, 45))
    assert found.crs.to_epsg() == 2154
    assert found["Classe_name"].tolist() == ["water"]
    assert list(gd.open(item, "Classe").columns) == ["Classe", "Classe_name", "geometry"]
    assert gd.open(item, "Classe_name")["Classe_name"].tolist() == ["rapeseed", "water"]


@pytest.mark.parametrize("part", [".shx", ".dbf"])
def test_shapes_without_one_of_their_files_are_refused(tmp_path, part: str) -> None:
    item = shapes(tmp_path, {"reach_id": ["1", "2"], "wse": [1.0, 2.0]}, without=(part,))
    with pytest.raises(FormatChanged, match=f"without its {part}"):
        gd.open(item)


def test_what_is_larger_than_shapes_can_be_is_not_unpacked(tmp_path, monkeypatch) -> None:
    from geodes_datalab.cubes.formats import files

    item = shapes(tmp_path, {"reach_id": ["1" * 80, "2"], "wse": [1.0, 2.0]})
    size = (tmp_path / "a.dbf").stat().st_size
    assert gd.open(item)["wse"].tolist() == [1.0, 2.0]
    monkeypatch.setattr(files, "UNPACKED", size - 1)
    with pytest.raises(FormatChanged, match=rf"holds a\.dbf of {size} bytes, which is too large"):
        gd.open(item)


@pytest.mark.parametrize(
    ("collection", "other"),
    [
        (RASTER, "SWOT_L2_HR_Raster_100m_2.0"),
        (RASTER, "SWOT_L2_HR_Raster_100m_D"),
        (RASTER, "swot-l2-hr-raster-100m"),
        ("SWOT_L2_HR_Raster_250m", "SWOT_L2_HR_Raster_250m_D"),
        (RIVERS, "SWOT_L2_HR_RiverSP_node_2.0"),
        (RIVERS, "swot-l2-hr-riversp"),
        ("SWOT_L2_HR_LakeSP", "SWOT_L2_HR_LakeSP_prior_D"),
    ],
)
def test_versions_and_parts_of_other_catalogues_have_the_same_reader(collection, other) -> None:
    assert gd.stac.reader(other) is gd.stac.reader(collection)


@pytest.mark.parametrize("name", ["reach_id", "names", "lake_id"])
def test_columns_are_no_collections(name: str) -> None:
    with pytest.raises(UnknownCollection):
        gd.stac.reader(name)


def test_both_rasters_have_the_same_variables() -> None:
    fine, coarse = (gd.stac.reader(f"SWOT_L2_HR_Raster_{size}m") for size in (100, 250))
    assert fine.names == coarse.names
    assert len(fine.names) > 30
    assert {band.gsd for band in fine.bands} == {100}
    assert {band.gsd for band in coarse.bands} == {250}


def test_of_a_large_raster_one_variable_of_an_area_is_fetched(
    missions_catalogue, geodes_factory, monkeypatch, tmp_path
) -> None:
    """Of a scene of 64 km, one variable at one place costs a part of the bytes."""
    size = 640
    noise = np.random.default_rng(0).random((size, size), "f4")
    path = tmp_path / "large.nc"
    with netCDF4.Dataset(path, "w") as file:
        for axis, low in (("y", 4_900_050), ("x", 340_050)):
            file.createDimension(axis, size)
            file.createVariable(axis, "f8", (axis,))[:] = low + 100 * np.arange(size)
        file.createVariable("crs", "S1").crs_wkt = CRS("EPSG:32631").to_wkt()
        for key in ("wse", "water_area", "sig0", "inc"):
            file.createVariable(key, "f4", ("y", "x"), chunksizes=(80, 80))[:] = noise
        file.createVariable("wse_qual", "u1", ("y", "x"), chunksizes=(80, 80))[:] = 0
    whole = path.stat().st_size
    (known,) = [one for one in missions_catalogue.products if one.collection == RASTER]
    held = describe(
        tmp_path, path, name=path.name, media="application/x-netcdf", datatype="RAWDATA"
    )
    portal = geodes_factory(Catalogue((replace(known, files=(held,)),), (tmp_path,)))
    monkeypatch.setenv("GEODES_PORTAL", portal.url)
    monkeypatch.setenv("GEODES_API_KEY", portal.api_key)
    (item,) = gd.search(RASTER, progress=False).dicts
    water = gd.open(item, "wse", bbox=(1.1, 44.3, 1.12, 44.32))["wse"].compute()
    rows, columns = ((axis - low) / 100 for axis, low in ((water.y, 4_900_050), (water.x, 340_050)))
    np.testing.assert_array_equal(water, noise[np.ix_(rows.astype(int), columns.astype(int))])
    assert water.size > 100
    ranges = [
        one.headers["range"]
        for one in portal.requests.to("/api/download/")
        if "range" in one.headers
    ]
    sent = sum(int(b) - int(a) + 1 for a, b in (one[6:].split("-") for one in ranges))
    assert 0 < sent < whole / 2

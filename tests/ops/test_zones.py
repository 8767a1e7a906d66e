"""Statistics of areas: exactextract's own numbers, for every date and band at once, lazily too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import exactextract
import numpy as np
import odc.geo.geom
import odc.geo.xr
import pytest
import shapely
import xarray as xr
from exactextract.raster import NumPyRasterSource
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from geodes_datalab import ops
from geodes_datalab.errors import CubeError, CubeWarning, InvalidInput

UTM = "EPSG:32631"
BOX = GeoBox.from_bbox((360000, 4820000, 361000, 4820800), UTM, resolution=10)
TRIANGLE = shapely.Polygon([(360033, 4820111), (360333, 4820133), (360200, 4820410)])
EDGE = shapely.box(359900, 4820650, 360155, 4820900)
"""Reaches beyond the cube, over pixels without a value."""
STATS = ("mean", "sum", "min", "max", "std", "count")


@pytest.fixture
def cube() -> xr.Dataset:
    values = np.random.default_rng(1).random((2, *BOX.shape))
    values[:, :10, :10] = np.nan
    coords = {**xr_coords(BOX), "time": np.array(["2024-01-01", "2024-02-01"], "M8[ns]")}
    red = xr.DataArray(values, dims=("time", "y", "x"), coords=coords)
    return xr.Dataset({"red": red, "nir": 1 - red})


@pytest.fixture
def fields() -> Any:
    geopandas = pytest.importorskip("geopandas")
    return geopandas.GeoDataFrame({"crop": ["wheat", "oats"]}, geometry=[TRIANGLE, EDGE], crs=UTM)


def expected(values: Any, shape: Any) -> dict[str, float]:
    west, south, east, north = BOX.boundingbox
    source = NumPyRasterSource(values, west, south, east, north, nodata=np.nan)
    feature = {"type": "Feature", "properties": {}, "geometry": shape.__geo_interface__}
    names = ["mean", "sum", "min", "max", "stdev", "count"]
    found = exactextract.exact_extract(source, [feature], names)[0]["properties"]
    return dict(zip(STATS, (found[name] for name in names), strict=True))


@pytest.mark.parametrize("lazy", [False, True])
def test_numbers_are_those_of_exactextract(cube: xr.Dataset, fields: Any, lazy: bool) -> None:
    data = cube.chunk({"time": 1, "y": 30, "x": 40}) if lazy else cube
    found = ops.zonal(data, fields, STATS, names="crop")
    assert bool(found.red.chunks) is lazy
    found = found.compute()
    assert set(found.red.dims) == {"area", "statistic", "time"}
    for band in ("red", "nir"):
        for name, shape in (("wheat", TRIANGLE), ("oats", EDGE)):
            for date in range(2):
                here = found[band].sel(area=name).isel(time=date)
                truth = expected(cube[band].values[date], shape)
                told = {str(stat): here.sel(statistic=stat).item() for stat in STATS}
                assert told == pytest.approx(truth, rel=1e-6)


@pytest.mark.parametrize("flip", [("y",), ("x",), ("y", "x")])
def test_cubes_that_run_the_other_way_give_the_same(
    cube: xr.Dataset, fields: Any, flip: tuple[str, ...]
) -> None:
    turned = cube.isel({dim: slice(None, None, -1) for dim in flip})
    assert np.allclose(ops.zonal(turned.red, fields), ops.zonal(cube.red, fields))


def test_degrees_and_the_cubes_crs_agree(cube: xr.Dataset, fields: Any, tmp_path: Path) -> None:
    degrees = fields.to_crs(4326)
    there = ops.zonal(cube.red, fields, "count").isel(time=0)
    collection = json.loads(degrees.to_json())
    path = tmp_path / "fields.geojson"
    path.write_text(json.dumps(collection))
    named = dict(zip(degrees.crop, degrees.geometry, strict=True))
    for areas in (degrees, collection, path, str(path), list(degrees.geometry), named):
        found = ops.zonal(cube.red, areas, "count").isel(time=0)
        assert found.values == pytest.approx(there.values, abs=0.05)
    assert ops.zonal(cube.red, path, "mean", names="crop").area.values.tolist() == ["wheat", "oats"]


def test_an_area_without_a_value_is_counted_as_nothing(cube: xr.Dataset, fields: Any) -> None:
    empty = ops.zonal(cube.red.where(False), fields.iloc[:1], STATS).isel(area=0, time=0)
    assert empty.sel(statistic="count").item() == 0
    assert np.isnan(empty.drop_sel(statistic="count")).all()


@pytest.mark.parametrize("lazy", [False, True])
def test_a_layer_of_fields_may_be_larger_than_the_cube(cube: xr.Dataset, lazy: bool) -> None:
    """What lies outside has a count of 0, and a warning tells of it; the others are as they were."""
    away = {f"far {number}": shapely.box(50 + number, 50, 51 + number, 51) for number in range(4)}
    degrees = odc.geo.geom.Geometry(TRIANGLE, UTM).to_crs("EPSG:4326").geom
    data = cube.chunk(y=30) if lazy else cube
    with pytest.warns(
        CubeWarning, match="^4 of 5 areas lie outside of the cube: 'far 0', .*, ...$"
    ):
        found = ops.zonal(data, {"here": degrees, **away}, STATS).compute()
    xr.testing.assert_allclose(
        found.sel(area="here"), ops.zonal(cube, {"here": degrees}, STATS).isel(area=0)
    )
    outside = found.red.sel(area=list(away))
    assert (outside.sel(statistic="count") == 0).all()
    assert outside.drop_sel(statistic="count").isnull().all()
    with pytest.raises(InvalidInput, match="4 of 4 areas lie outside"):
        ops.zonal(data, away)


def test_one_statistic_needs_no_dimension(cube: xr.Dataset, fields: Any) -> None:
    assert set(ops.zonal(cube, fields, "max").red.dims) == {"area", "time"}


@pytest.mark.parametrize(
    ("areas", "stats", "said"),
    [
        ([shapely.box(50, 50, 51, 51)], "mean", "1 of 1 areas lie outside of the cube: 0"),
        ([shapely.Point(1.3, 43.5)], "mean", "is a Point: polygons are needed"),
        ([], "mean", "there are no areas"),
        ([TRIANGLE], "meen", 'did you mean "mean"?'),
        ([TRIANGLE], (), "no statistic is wanted"),
    ],
)
def test_what_is_no_area_is_refused(cube: xr.Dataset, areas: Any, stats: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ops.zonal(cube, areas, stats)
    assert said in str(caught.value)


def test_a_rotated_grid_is_refused(cube: xr.Dataset, fields: Any) -> None:
    turned = GeoBox((80, 100), BOX.affine @ BOX.affine.rotation(10), UTM)
    grid = xr.DataArray(np.zeros((80, 100)), dims=("y", "x"), coords=xr_coords(turned))
    with pytest.raises(CubeError, match="rotated"):
        ops.zonal(grid, fields)

"""Values at points: the pixel in which each lies, in degrees or any CRS, and nothing from outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import odc.geo.xr  # noqa: F401
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from pyproj import Transformer
from shapely.geometry import MultiPoint, Point, box

from geodes_datalab import ops
from geodes_datalab.errors import CubeError, InvalidInput

UTM = "EPSG:32631"
BOX = GeoBox.from_bbox((360000, 4820000, 361000, 4820800), UTM, resolution=10)
TO_DEGREES = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)


@pytest.fixture
def cube() -> xr.Dataset:
    """Each pixel holds its number; three dates are 10,000 apart."""
    numbers = np.arange(BOX.shape[0] * BOX.shape[1], dtype="float32").reshape(BOX.shape)
    stack = np.stack([numbers + 10_000 * date for date in range(3)])
    coords = {
        **xr_coords(BOX),
        "time": np.array(["2024-01-01", "2024-02-01", "2024-03-01"], "M8[ns]"),
    }
    red = xr.DataArray(stack, dims=("time", "y", "x"), coords=coords)
    return xr.Dataset({"red": red, "nir": red * 2})


def middle(row: int, column: int) -> tuple[float, float]:
    return BOX.affine @ (column + 0.5, row + 0.5)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (79, 99), (40, 17)])
def test_every_pixel_is_found_in_degrees_and_in_its_own_crs(
    cube: xr.Dataset, row: int, column: int
) -> None:
    here = middle(row, column)
    expected = [row * 100 + column + 10_000 * date for date in range(3)]
    for values in (ops.at(cube, TO_DEGREES.transform(*here)), ops.at(cube, here, crs=UTM)):
        assert values.red.values.tolist() == expected
        assert values.nir.values.tolist() == [2 * value for value in expected]
        assert set(values.red.dims) == {"time"}
        assert float(values.longitude) == pytest.approx(TO_DEGREES.transform(*here)[0])


def test_points_have_names_and_a_dimension(cube: xr.Dataset) -> None:
    places = {"north": middle(1, 5), "south": middle(70, 5)}
    values = ops.at(cube.red, places, crs=UTM)
    assert values.dims == ("time", "point")
    assert values.sel(point="south", time="2024-02-01").item() == 17_005
    listed = ops.at(cube.red, list(places.values()), crs=UTM)
    assert listed.point.values.tolist() == [0, 1]
    assert (listed.values == values.values).all()


def test_shapes_and_tables_bring_their_own_crs(cube: xr.Dataset) -> None:
    geopandas = pytest.importorskip("geopandas")
    there = [Point(middle(3, 4)), Point(middle(50, 60))]
    table = geopandas.GeoDataFrame({"k": [1, 2]}, geometry=there, crs=UTM, index=["a", "b"])
    values = ops.at(cube.red, table)
    assert values.point.values.tolist() == ["a", "b"]
    assert values.isel(time=0).values.tolist() == [304, 5060]
    degrees = [Point(TO_DEGREES.transform(point.x, point.y)) for point in there]
    assert ops.at(cube.red, MultiPoint(degrees)).isel(time=0).values.tolist() == [304, 5060]
    assert ops.at(cube.red, degrees[0]).isel(time=0).item() == 304


def test_lazy_cubes_stay_lazy(cube: xr.Dataset) -> None:
    values = ops.at(cube.chunk({"y": 20, "x": 20}), [middle(3, 4)], crs=UTM)
    assert values.red.chunks
    assert values.red.isel(time=0).compute().item() == 304


def test_stored_integers_become_physical(cube: xr.Dataset) -> None:
    stored = cube.red.isel(time=0).astype("int16").assign_attrs(scale_factor=0.1, add_offset=0.0)
    stored.attrs["_FillValue"] = 304
    here, gone = middle(3, 5), middle(3, 4)
    values = ops.at(stored, [here, gone], crs=UTM)
    assert values.values[0] == pytest.approx(30.5)
    assert np.isnan(values.values[1])


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ((1.44, 43.6), "1 of 1 points lie outside of the cube"),
        ([(1.3, 43.52), (50.0, 50.0)], "50, 50"),
        ((-67.64, -47.85), "it covers longitudes 1.26"),
        (box(1, 43, 2, 44), "a Polygon is no point"),
        ("nothing", "What to do"),
        ({"a": (1.0,)}, "is no point"),
        ([], "What to do"),
        ({"a": (float("nan"), 1)}, "is no point"),
    ],
)
def test_what_lies_outside_or_is_none_is_refused(cube: xr.Dataset, points: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ops.at(cube, points)
    assert said in str(caught.value)


def test_a_cube_without_a_place_is_refused() -> None:
    with pytest.raises(CubeError, match="no place"):
        ops.at(xr.DataArray(np.zeros((2, 2)), dims=("y", "x")), (0, 0))

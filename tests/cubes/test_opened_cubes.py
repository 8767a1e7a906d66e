"""Cubes of products that are opened one by one: grids put onto one, values along paths averaged in pixels."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from shapely.geometry import box

from geodes_datalab.cubes.formats import binned, cube, gridded
from geodes_datalab.cubes.formats.asked import Asked, Opened
from geodes_datalab.errors import CubeError

START = datetime(2024, 3, 1, 10)  # noqa: DTZ001 - as products have it


def grid(left: float = 500_000, top: float = 4_800_000, size: int = 4, step: float = 100) -> GeoBox:
    return GeoBox.from_bbox(
        (left, top - size * step, left + size * step, top),
        "EPSG:32631",
        resolution=step,
        tight=True,
    )


def raster(values, geobox: GeoBox, **flags) -> xr.Dataset:
    coords = xr_coords(geobox, always_yx=True)
    return xr.Dataset(
        {"wse": (("y", "x"), values, {"units": "m"})}
        | {name: (("y", "x"), array, {"flag_values": [0, 1]}) for name, array in flags.items()},
        coords,
    )


def test_pixels_of_neighbours_stay_as_they_are() -> None:
    one, other = np.arange(16.0).reshape(4, 4), np.arange(16.0).reshape(4, 4) + 100
    flags = np.ones((4, 4), "uint8")
    products = [
        Opened("a", START, raster(one, grid(), good=flags)),
        Opened("b", START, raster(other, grid(500_200), good=flags)),
    ]
    placed, geobox = gridded.placed(products, Asked())
    assert geobox.shape == (4, 6)
    step = cube.first([item.isel(time=0) for item in placed])
    np.testing.assert_array_equal(step["wse"][:, :4], one)
    np.testing.assert_array_equal(step["wse"][:, 4:], other[:, 2:])
    assert step["good"].dtype == "uint8"
    assert (step["good"] == 1).all()
    assert step["wse"].attrs["units"] == "m"


def test_classes_are_never_averaged() -> None:
    flags = np.array([[0, 1], [1, 0]], "uint8")
    product = Opened("a", START, raster(np.ones((2, 2)), grid(size=2), good=flags))
    asked = Asked(resolution=50, resampling="bilinear")
    (placed,), _ = gridded.placed([product], asked)
    assert set(np.unique(placed["good"])) <= {0, 1}
    with pytest.raises(CubeError, match="resampling names depth"):
        gridded.placed([product], Asked(resampling={"depth": "cubic"}))


def test_an_area_cuts_and_one_elsewhere_is_refused() -> None:
    product = Opened("a", START, raster(np.arange(16.0).reshape(4, 4), grid()))
    outline = grid().extent.to_crs("EPSG:4326").geom
    half = box(outline.bounds[0], outline.bounds[1], outline.centroid.x, outline.bounds[3])
    (placed,), geobox = gridded.placed([product], Asked(area=half))
    assert geobox.shape[1] in (2, 3)
    rows = [4_799_950, 4_799_850, 4_799_750, 4_799_650]
    kept = placed["wse"].isel(time=0).sel(x=500_050, y=rows)
    np.testing.assert_array_equal(kept, [0, 4, 8, 12])
    with pytest.raises(CubeError, match="none of the products touches"):
        gridded.placed([product], Asked(area=box(100, 10, 101, 11)))


def test_products_of_several_dates_keep_each() -> None:
    days = np.array(["2024-01-01", "2024-01-13"], "datetime64[ns]")
    stack = raster(np.zeros((4, 4)), grid()).expand_dims(time=days)
    (placed,), _ = gridded.placed([Opened("a", START, stack)], Asked())
    np.testing.assert_array_equal(placed["time"], days)


def points(longitude, latitude, **values) -> xr.Dataset:
    return xr.Dataset(
        {
            name: ("point", np.asarray(array, "float64"), {"units": "m"})
            for name, array in values.items()
        },
        {"longitude": ("point", longitude), "latitude": ("point", latitude)},
    )


def test_values_at_points_are_averaged_and_counted() -> None:
    product = points([0.2, 0.4, 1.7, 1.8], [0.5, 0.6, 0.5, 0.9], height=[1, 3, np.nan, 7])
    placed, geobox = binned.placed([Opened("a", START, product)], Asked(resolution=1))
    assert (geobox.shape, str(geobox.crs)) == ((1, 2), "EPSG:4326")
    step = binned.pooled([placed[0].isel(time=0)])
    np.testing.assert_allclose(step["height"], [[2, 7]])
    np.testing.assert_array_equal(step[binned.COUNT], [[2, 1]])
    assert step["height"].attrs["cell_methods"] == "area: mean"


def test_products_of_one_day_are_averaged_together_and_pixels_without_values_are_missing() -> None:
    both = [
        Opened("a", START, points([0.5], [0.5], height=[1])),
        Opened("b", START, points([0.5, 2.5], [0.5, 0.5], height=[2, 5])),
    ]
    placed, _ = binned.placed(both, Asked(resolution=1))
    step = binned.pooled([item.isel(time=0) for item in placed])
    np.testing.assert_allclose(step["height"], [[1.5, np.nan, 5]])
    np.testing.assert_array_equal(step[binned.COUNT], [[2, 0, 1]])


def test_a_swath_in_metres_lies_in_the_zone_of_its_middle() -> None:
    longitude, latitude = np.meshgrid(np.linspace(2.9, 3.1, 50), np.linspace(43.9, 44.1, 60))
    swath = xr.Dataset(
        {"ssha": (("line", "pixel"), longitude * 0 + 0.25)},
        {"longitude": (("line", "pixel"), longitude), "latitude": (("line", "pixel"), latitude)},
    )
    placed, geobox = binned.placed([Opened("a", START, swath)], Asked(resolution=5000))
    assert str(geobox.crs) == "EPSG:32631"
    step = binned.pooled([placed[0].isel(time=0)])
    assert float(step[binned.COUNT].sum()) == 3000
    assert float(np.nanmax(step["ssha"])) == pytest.approx(0.25)


def test_longitudes_up_to_360_are_those_up_to_180() -> None:
    product = points([359.5], [0.5], height=[4])
    _, geobox = binned.placed([Opened("a", START, product)], Asked(resolution=1))
    assert geobox.boundingbox.bbox == (-1, 0, 0, 1)


def test_what_has_no_places_is_refused() -> None:
    product = points([np.nan], [np.nan], height=[4])
    with pytest.raises(CubeError, match="no places"):
        binned.placed([Opened("a", START, product)], Asked(resolution=1))

"""What clipping to an area keeps: the pixels that rasterio's own masks keep, and a word where that is none."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pytest
import rasterio
import rasterio.features
import shapely
from pyproj import Transformer

from geodes_datalab import cubes, errors, ops

BACK = Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True)
LEFT, TOP = 600_000, 4_850_020
FULL = np.arange(1, 60_001, dtype="uint16").reshape(200, 300)

load = partial(cubes.load, raw=True)
"""Stored numbers are compared with stored numbers."""


def lonlat(shape: shapely.Geometry) -> shapely.Geometry:
    """Bring a shape in metres to degrees."""
    return shapely.transform(shape, lambda points: np.column_stack(BACK.transform(*points.T)))


def square(x: float, y: float, side: float) -> shapely.Geometry:
    """Return a square so many metres right of and below the corner of the image."""
    return lonlat(shapely.box(LEFT + x, TOP - y - side, LEFT + x + side, TOP - y))


@pytest.fixture
def item(shelf):
    return shelf.item("a", bands={"B04": FULL})


def told(item, geometry, **options) -> tuple[np.ndarray, list[str]]:
    """Load what a geometry keeps, and what was said."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cube = load([item], "B04", geometry=geometry, clip=True, **options)
    said = [str(one.message) for one in caught if issubclass(one.category, errors.CubeWarning)]
    return ops.mask_nodata(cube)["B04"].values[0], said


@pytest.mark.parametrize("side", [0.5, 2.0, 3.5])
def test_a_clip_that_keeps_no_pixel_is_told(item, side) -> None:
    pixels, said = told(item, square(1001, 1001, side))
    assert np.isnan(pixels).all()
    assert len(said) == 1
    assert "no pixel" in said[0]
    assert "all_touched=True" in said[0]


def test_so_is_a_sliver_between_the_centres(item) -> None:
    sliver = lonlat(shapely.box(LEFT + 1001, TOP - 1502, LEFT + 1003, TOP - 1002))
    pixels, said = told(item, sliver)
    assert np.isnan(pixels).all()
    assert len(said) == 1
    pixels, said = told(item, sliver, all_touched=True)
    np.testing.assert_array_equal(pixels[:, 0], FULL[100:151, 100])
    assert said == []


def test_points_and_lines_keep_the_pixels_that_they_lie_in(item) -> None:
    pixels, said = told(item, lonlat(shapely.Point(LEFT + 1002, TOP - 1002)))
    assert pixels.tolist() == [[FULL[100, 100]]]
    assert said == []
    line = shapely.LineString([(LEFT + 1002, TOP - 1002), (LEFT + 1302, TOP - 1002)])
    pixels, said = told(item, lonlat(line))
    np.testing.assert_array_equal(pixels[0], FULL[100, 100:131])
    assert said == []


def test_the_parts_that_are_lost_are_counted(item) -> None:
    """Two plots of three vanish, without which nobody would know."""
    plots = shapely.union_all([square(101, 101, 3), square(501, 501, 3), square(900, 900, 100)])
    pixels, said = told(item, plots)
    assert np.isfinite(pixels).sum() == 100
    assert len(said) == 1
    assert "2 of the 3 parts" in said[0]


def test_a_clip_that_keeps_something_is_not_told(item) -> None:
    pixels, said = told(item, square(1000, 1000, 100))
    assert np.isfinite(pixels).sum() == 100
    assert said == []


@pytest.mark.parametrize("all_touched", [False, True])
@pytest.mark.parametrize("chunks", [None, 7])
def test_a_clip_keeps_the_pixels_that_rasterio_keeps(item, all_touched, chunks) -> None:
    shape = shapely.Polygon(
        [(LEFT + x, TOP - y) for x, y in [(203, 207), (851, 333), (497, 901), (411, 418)]]
    )
    options = {} if chunks is None else {"chunks": chunks}
    cube = load(
        [item], "B04", geometry=lonlat(shape), clip=True, all_touched=all_touched, **options
    )
    left, top = cube.odc.transform.c, cube.odc.transform.f
    inside = rasterio.features.geometry_mask(
        [shape], cube["B04"].shape[1:], rasterio.Affine(10, 0, left, 0, -10, top),
        all_touched=all_touched, invert=True,
    )  # fmt: skip
    row, column = round((TOP - top) / 10), round((left - LEFT) / 10)
    height, width = inside.shape
    whole = FULL[row : row + height, column : column + width]
    np.testing.assert_array_equal(cube["B04"].values[0], np.where(inside, whole, 0))
    assert 0 < inside.sum() < inside.size


def test_all_touched_keeps_the_one_pixel_that_a_small_geometry_touches(item) -> None:
    pixels, said = told(item, square(1001, 1002, 4), all_touched=True)
    assert pixels.shape == (1, 1)
    assert pixels[0, 0] == FULL[100, 100]
    assert said == []


@pytest.mark.parametrize(
    "options", [{}, {"clip": False}, {"clip": True}], ids=["neither", "no clip", "no area"]
)
def test_all_touched_needs_something_to_clip_to(item, options) -> None:
    with pytest.raises(errors.CubeError, match="all_touched"):
        load([item], "B04", all_touched=True, **options)


def test_clip_needs_an_area(item) -> None:
    with pytest.raises(errors.CubeError, match="clip"):
        load([item], "B04", clip=True)


def test_all_touched_without_clip_is_refused_beside_a_geometry(item) -> None:
    with pytest.raises(errors.CubeError, match="clip=True"):
        load([item], "B04", geometry=square(100, 100, 50), all_touched=True)

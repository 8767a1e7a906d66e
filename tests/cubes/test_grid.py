"""Grids, areas and time steps, without pixels or network."""

# ruff: noqa: DTZ001 - times of a cube are UTC without a zone, as numpy's are
from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from geodes_datalab import errors, stac
from geodes_datalab._inputs.areas import area
from geodes_datalab.cubes.grid.boxes import step, touching
from geodes_datalab.cubes.grid.output import output_grid
from geodes_datalab.cubes.parse.products import item_dicts, parse
from geodes_datalab.cubes.plan.model import group

TILE = GeoBox((10980, 10980), Affine(10, 0, 600_000, 0, -10, 4_900_020), "EPSG:32631")
INSIDE = TILE.footprint("EPSG:4326").boundingbox


@settings(max_examples=60)
@given(
    west=st.floats(0.05, 0.9),
    south=st.floats(0.05, 0.9),
    width=st.floats(0, 0.05),
    height=st.floats(0, 0.05),
    resolution=st.sampled_from([None, 10, 20, 30, 60, 12.5, (10, 20)]),
)
def test_a_grid_covers_its_area_and_no_more(west, south, width, height, resolution) -> None:
    span_x, span_y = INSIDE.right - INSIDE.left, INSIDE.top - INSIDE.bottom
    box = shapely.box(
        INSIDE.left + west * span_x, INSIDE.bottom + south * span_y,
        INSIDE.left + (west + width) * span_x, INSIDE.bottom + (south + height) * span_y,
    )  # fmt: skip
    grid = output_grid([TILE], area=box, resolution=resolution)
    step_x, step_y = step(grid)
    assert (step_x, step_y) == (
        resolution if isinstance(resolution, tuple) else ((resolution or 10),) * 2
    )
    left, top = grid.transform.c, grid.transform.f
    assert (left - 600_000) / step_x == pytest.approx(round((left - 600_000) / step_x), abs=1e-9)
    assert (4_900_020 - top) / step_y == pytest.approx(round((4_900_020 - top) / step_y), abs=1e-9)
    from odc.geo.geom import Geometry

    wanted = Geometry(box, "EPSG:4326").to_crs("EPSG:32631", resolution=0.001).boundingbox
    got = grid.boundingbox
    assert got.left <= wanted.left + 1e-3
    assert got.right >= wanted.right - 1e-3
    assert got.bottom <= wanted.bottom + 1e-3
    assert got.top >= wanted.top - 1e-3
    assert wanted.left - got.left < step_x + 1
    assert got.right - wanted.right < step_x + 1


def test_without_an_area_the_grid_is_the_products_own() -> None:
    assert output_grid([TILE]) == TILE
    coarse = GeoBox((5490, 5490), TILE.transform @ Affine.scale(2), TILE.crs)
    assert output_grid([coarse, TILE]) == TILE
    neighbour = GeoBox((10980, 10980), Affine(10, 0, 699_960, 0, -10, 4_900_020), TILE.crs)
    both = output_grid([TILE, neighbour])
    assert tuple(both.shape) == (10980, 20976)
    assert tuple(both.boundingbox) == (600_000, 4_790_220, 809_760, 4_900_020)


def test_a_point_is_one_pixel() -> None:
    point = shapely.Point(INSIDE.left + 0.5, INSIDE.bottom + 0.5)
    assert tuple(output_grid([TILE], area=point).shape) == (1, 1)


def test_pixels_that_begin_elsewhere_keep_their_place() -> None:
    odd = GeoBox((100, 100), Affine(30, 0, 756_765, 0, -30, 9_409_035), "EPSG:32754")
    assert output_grid([odd]) == odd
    corner = odd.footprint("EPSG:4326").centroid.geom.buffer(0.003)
    part = output_grid([odd], area=corner)
    assert (part.transform.c - 756_765) % 30 == 0
    assert (9_409_035 - part.transform.f) % 30 == 0


def test_another_projection_in_metres_keeps_the_pixel_size() -> None:
    assert step(output_grid([TILE], crs="EPSG:2154")) == (10, 10)
    with pytest.raises(errors.CubeError, match="a pixel size in units of EPSG:4326"):
        output_grid([TILE], crs="EPSG:4326")


def test_an_area_across_the_antimeridian() -> None:
    east = GeoBox((1000, 1000), Affine(100, 0, 799_000, 0, -100, 8_200_000), "EPSG:32760")
    found = area((179.7, -17.2, -179.9, -16.9), None)
    assert touching([east, TILE], found) == [True, False]
    grid = output_grid([east], area=found)
    assert 30_000 < grid.boundingbox.right - grid.boundingbox.left < 50_000
    whole = area((-180, -90, 180, 90), None)
    assert touching([east, TILE], whole) == [True, True]


def test_geometries_of_all_kinds() -> None:
    square = shapely.box(1, 43, 2, 44)
    as_json = json.loads(shapely.to_geojson(square))
    feature = {"type": "Feature", "geometry": as_json, "properties": {}}
    halves = [shapely.box(1, 43, 1.5, 44), shapely.box(1.5, 43, 2, 44)]
    collection = {
        "type": "FeatureCollection",
        "features": [
            {**feature, "geometry": json.loads(shapely.to_geojson(half))} for half in halves
        ],
    }
    for given_ in (square, as_json, feature, collection):
        assert area(None, given_).equals(square)


def test_a_geodataframe_is_understood_in_its_own_crs() -> None:
    geopandas = pytest.importorskip("geopandas")
    square = shapely.box(1, 43, 2, 44)
    frame = geopandas.GeoDataFrame(geometry=[square], crs="EPSG:4326").to_crs("EPSG:3857")
    assert area(None, frame).equals_exact(square, 1e-6)
    assert area(None, frame.geometry).equals_exact(square, 1e-6)


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=8),
    st.sampled_from(["solar_day", "time", "id"]),
    st.floats(-180, 180),
)
def test_time_steps_hold_every_product_once(minutes, how, longitude) -> None:
    starts = [datetime(2024, 1, 1) + timedelta(minutes=minute) for minute in minutes]
    ids = [str(number) for number in range(len(starts))]
    groups = group(starts, ids, how, longitude)
    assert sorted(index for one in groups for index in one) == list(range(len(starts)))
    firsts = [starts[one[0]] for one in groups]
    assert firsts == sorted(firsts)
    for one in groups:
        assert [starts[index] for index in one] == sorted(starts[index] for index in one)
    if how == "id":
        assert all(len(one) == 1 for one in groups)
    if how == "time":
        assert len(groups) == len(set(starts))


def test_a_pass_over_new_zealand_is_one_solar_day() -> None:
    """Around 23:50 UTC the calendar day changes, the day at that place does not."""
    starts = [datetime(2024, 1, 1, 22, 15), datetime(2024, 1, 2, 0, 5)]
    assert group(starts, ["a", "b"], "solar_day", 174.0) == ((0, 1),)
    assert group(starts, ["a", "b"], "solar_day", 0.0) == ((0,), (1,))


def l1c(baseline: str, **properties) -> dict:
    return {
        "id": f"S2A_MSIL1C_20220401T105031_N{baseline}_R051_T31TCH_20220401T143000",
        "collection": "PEPS_S2_L1C",
        "assets": {"data": {"href": "http://x.example/files/a", "title": "a.zip", "roles": ["data"]}},
        "properties": {
            "datetime": "2022-04-01T12:50:31+02:00", "proj:code": "EPSG:32631",
            "proj:shape": [10980, 10980], "proj:transform": [10, 0, 300000, 0, -10, 4900020],
            **properties,
        },
    }  # fmt: skip


def test_what_metadata_tell_of_a_product() -> None:
    (one,) = parse([l1c("0400")], ["red", "B11", "B09"])
    assert one.start == datetime(2022, 4, 1, 10, 50, 31)
    assert one.bands["red"].name == "B04"
    assert {name: int(grid.shape.y) for name, grid in one.grids.items()} == {
        "red": 10980, "B11": 5490, "B09": 1830,
    }  # fmt: skip
    assert one.grids["B11"].transform.a == 20
    assert one.grids["B11"].boundingbox == one.grids["red"].boundingbox
    assert one.bands["red"].offset == -0.1
    assert parse([l1c("0301")], "red")[0].bands["red"].offset == 0


def test_all_measurements_means_no_masks_and_no_variants() -> None:
    (one,) = parse([l1c("0400")], None)
    assert len(one.bands) == 13
    theia = l1c("0400") | {"collection": "THEIA_REFLECTANCE_SENTINEL2_L2A"}
    names = list(parse([theia], None)[0].bands)
    assert names == ["B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12"]


def test_a_product_without_a_date_is_refused() -> None:
    with pytest.raises(errors.CubeError, match="has no date of acquisition"):
        parse([l1c("0400", datetime=None)], "red")


def test_items_in_every_form() -> None:
    import pystac

    raw = {**l1c("0400"), "type": "Feature", "stac_version": "1.1.0", "links": [],
           "geometry": None, "bbox": None, "stac_extensions": []}  # fmt: skip
    raw["properties"]["datetime"] = "2022-04-01T10:50:31Z"
    item = pystac.Item.from_dict(raw)
    forms = [[raw], raw, item, [item], stac.Items([raw]), pystac.ItemCollection([item]),
             {"type": "FeatureCollection", "features": [raw]}, iter([item])]  # fmt: skip
    for form in forms:
        (found,) = item_dicts(form)
        assert found["id"] == raw["id"]
        assert parse([found], "red")[0].start == datetime(2022, 4, 1, 10, 50, 31)
    with pytest.raises(errors.DataError, match="this is no item: int"):
        item_dicts([3])


def test_an_unknown_collection_without_images_keeps_the_readers_message() -> None:
    with pytest.raises(
        errors.UnknownCollection, match='there is no reader for the collection "SOMEBODYS_L1"'
    ):
        parse([l1c("0400") | {"collection": "SOMEBODYS_L1"}], None)


def test_items_without_images_say_what_they_hold_and_what_to_do() -> None:
    told = {
        "title": "mosaic of references",
        "type": "application/zip",
        "roles": ["data"],
        "href": "x",
    }
    item = l1c("0400") | {"collection": "TAPISREF_L1", "assets": {"data": told}}
    with pytest.raises(errors.UnknownCollection) as error:
        parse([item], "B1")
    text = str(error.value)
    assert "TAPISREF_L1" in text
    assert "mosaic of references" in text
    assert "geodes_datalab.download()" in text
    assert "geodes_datalab.collections()" in text


def test_importing_the_package_brings_no_array_library() -> None:
    script = (
        "import sys, geodes_datalab.cubes\n"
        "heavy = {'xarray', 'numpy', 'dask', 'rasterio', 'odc.geo', 'stackstac', 'distributed'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_loading_does_not_import_distributed() -> None:
    script = "import sys, geodes_datalab.cubes.loading as l; print('distributed' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_numbers_stay_whole() -> None:
    """Coordinates are exact, however far the area lies from the corner of the tile."""
    grid = output_grid(
        [TILE],
        area=shapely.box(
            INSIDE.left + 0.9, INSIDE.bottom + 0.3, INSIDE.left + 1, INSIDE.bottom + 0.4
        ),
    )
    assert np.array_equal(grid.transform.c % 10, 0)

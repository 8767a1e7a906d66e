"""False fields of the projection extension: found by the item's own box, and the header believed."""

from __future__ import annotations

import copy
import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.warp import transform_bounds

from geodes_datalab import cubes, errors, stac
from geodes_datalab.cubes.parse.products import item_dicts, parse
from geodes_datalab.cubes.plan import doubt
from geodes_datalab.cubes.plan import making as planning

SIZE = (200, 300)
ORIGIN = (600_000, 4_850_020)

load = partial(cubes.load, raw=True)
"""Stored numbers are compared with stored numbers."""


def boxed(item: dict[str, Any]) -> dict[str, Any]:
    """Give an item the box of its file, as rasterio tells."""
    asset = next(iter(item["assets"].values()))
    with rasterio.open(asset["href"]) as file:
        item["bbox"] = list(transform_bounds(file.crs, "EPSG:4326", *file.bounds))
    return item


@pytest.fixture
def item(shelf) -> dict[str, Any]:
    return boxed(shelf.item("truthful"))


def pixels(item: dict[str, Any], band: str = "B04") -> np.ndarray:
    with rasterio.open(item["assets"][band]["href"]) as file:
        return file.read(1)


def lying(item: dict[str, Any], how: str) -> dict[str, Any]:
    """Return an item that tells a falsehood of its grid."""
    item = copy.deepcopy(item)
    item["id"] = "liar"
    told = item["properties"]
    a, b, c, d, e, f = told["proj:transform"]
    rows, columns = told["proj:shape"]
    lies: dict[str, dict[str, Any]] = {
        "GDAL's order": {"proj:transform": [c, a, b, f, d, e]},
        "another zone": {"proj:code": "EPSG:32630"},
        "the zone on the other side": {"proj:code": "EPSG:32632"},
        "another hemisphere": {"proj:code": "EPSG:32731"},
        "transposed": {"proj:shape": [columns, rows]},
        "upside down": {"proj:transform": [a, b, c, d, -e, f]},
        "degrees for metres": {"proj:code": "EPSG:4326"},
        "metres for degrees": {"proj:transform": [1e-4, 0, 4.24, 0, -1e-4, 43.8]},
        "web metres": {"proj:code": "EPSG:3857"},
        "x and y swapped": {"proj:transform": [a, b, f, d, e, c]},
        "half the shape": {"proj:shape": [rows // 2, columns // 2]},
        "pixels ten times larger": {"proj:transform": [a * 100, b, c, d, e * 100, f]},
        "by a kilometre": {"proj:transform": [a, b, c + 1000, d, e, f]},
        "no such code": {"proj:code": "EPSG:999999"},
        "a code in words": {"proj:code": "UTM 31 north"},
        "no size": {"proj:shape": [0, 0]},
        "one size": {"proj:shape": [rows]},
        "a shape in words": {"proj:shape": ["many", "more"]},
        "no pixel": {"proj:transform": [0, 0, c, 0, 0, f]},
        "not a number": {"proj:transform": [a, b, float("nan"), d, e, f]},
        "four numbers": {"proj:transform": [a, e, c, f]},
    }
    told |= lies[how]
    return item


LIES = [
    "GDAL's order", "another zone", "the zone on the other side", "another hemisphere", "transposed",
    "upside down", "degrees for metres", "metres for degrees", "web metres", "x and y swapped",
    "half the shape", "pixels ten times larger", "by a kilometre", "no such code", "a code in words",
    "no size", "one size", "a shape in words", "no pixel", "not a number", "four numbers",
]  # fmt: skip


@pytest.mark.parametrize("engine", ["odc", "stackstac"])
@pytest.mark.parametrize("lie", LIES)
def test_a_false_field_is_told_and_gives_the_right_pixels(item, lie, engine) -> None:
    with pytest.warns(errors.ServerQuirk, match="liar.*proj:"):
        cube = load([lying(item, lie)], engine=engine)
    assert cube.sizes == {"time": 1, "y": SIZE[0], "x": SIZE[1]}
    assert tuple(cube.odc.transform)[:6] == (10, 0, ORIGIN[0], 0, -10, ORIGIN[1])
    for band in ("B04", "B08"):
        np.testing.assert_array_equal(cube[band].values[0], pixels(item, band))


@pytest.mark.parametrize("lie", LIES)
def test_a_box_finds_the_product_where_it_is(item, lie) -> None:
    to = Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True)
    west, south = to.transform(ORIGIN[0] + 1000, ORIGIN[1] - 1500)
    east, north = to.transform(ORIGIN[0] + 1500, ORIGIN[1] - 1000)
    with pytest.warns(errors.ServerQuirk, match="liar"):
        cube = load([lying(item, lie)], "B04", bbox=(west, south, east, north))
    assert cube["B04"].values.max() > 0
    row, column = (
        round((ORIGIN[1] - cube.odc.transform.f) / 10),
        round((cube.odc.transform.c - ORIGIN[0]) / 10),
    )
    height, width = cube["B04"].shape[1:]
    np.testing.assert_array_equal(
        cube["B04"].values[0], pixels(item)[row : row + height, column : column + width]
    )


@pytest.mark.parametrize("where", ["asset", "older spelling", "geometry", "box with heights"])
def test_wherever_it_stands(item, where) -> None:
    found = lying(item, "GDAL's order")
    told = found["properties"]
    if where == "asset":
        false = told.pop("proj:transform")
        for asset in found["assets"].values():
            asset["proj:transform"] = false
    if where == "older spelling":
        told["proj:epsg"] = int(told.pop("proj:code").removeprefix("EPSG:"))
    if where == "geometry":
        west, south, east, north = found.pop("bbox")
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        found["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    if where == "box with heights":
        west, south, east, north = found["bbox"]
        found["bbox"] = [west, south, 0, east, north, 100]
    with pytest.warns(errors.ServerQuirk, match="liar"):
        cube = load([found], "B04")
    np.testing.assert_array_equal(cube["B04"].values[0], pixels(item))


@pytest.mark.parametrize(
    "lie", ["GDAL's order", "degrees for metres", "no such code", "x and y swapped"]
)
def test_what_cannot_be_is_found_without_a_box_too(item, lie) -> None:
    found = lying(item, lie)
    del found["bbox"]
    with pytest.warns(errors.ServerQuirk, match="liar"):
        cube = load([found], "B04")
    np.testing.assert_array_equal(cube["B04"].values[0], pixels(item))


def test_one_liar_among_many_is_named_and_the_rest_are_not_asked(shelf, monkeypatch) -> None:
    items = [
        boxed(shelf.item(f"item{day}", start=f"2024-03-0{day}T10:00:00Z", seed=day))
        for day in range(1, 6)
    ]
    items[2] = lying(items[2], "transposed")
    asked = counted(monkeypatch)
    with pytest.warns(errors.ServerQuirk) as caught:
        cube = load(items, "B04")
    (said,) = [str(one.message) for one in caught]
    assert "liar" in said
    assert "item" not in said
    assert "proj:shape" in said
    assert sum("item3" in path for path in asked) >= 1
    for step, one in enumerate(items):
        np.testing.assert_array_equal(cube["B04"].values[step], pixels(one))


def counted(monkeypatch) -> list[str]:
    """List the headers that are read for their grid."""
    asked: list[str] = []
    original = planning.read_header

    def read(source: Any) -> Any:
        asked.append(source.path)
        return original(source)

    monkeypatch.setattr(planning, "read_header", read)
    return asked


def described(item: dict[str, Any]) -> dict[str, Any]:
    """Tell the type of the pixels too, so that no header is needed."""
    for asset in item["assets"].values():
        asset["bands"][0] |= {"data_type": "uint16", "nodata": 0, "raster:scale": 0.0001}
    return item


@pytest.mark.parametrize(
    "box", ["as it is", "rounded", "a strip of it", "none", "turned", "east of 180", "with heights"]
)
def test_a_truthful_item_costs_no_look_at_its_file(item, monkeypatch, box) -> None:
    west, south, east, north = item["bbox"]
    wide, high = east - west, north - south
    boxes: dict[str, Any] = {
        "as it is": item["bbox"],
        "rounded": [round(number, 4) for number in item["bbox"]],
        "a strip of it": [west, south, west + 0.1 * wide, north],
        "none": None,
        "turned": [west + 0.3 * wide, south + 0.3 * high, east, north],
        "east of 180": [west + 360, south, east + 360, north],
        "with heights": [west, south, 0, east, north, 10],
    }
    item["bbox"] = boxes[box]
    asked = counted(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error", errors.GeodesWarning)
        cube = load([described(item)], "B04")
    assert asked == []
    np.testing.assert_array_equal(cube["B04"].values[0], pixels(item))


@pytest.mark.parametrize("bbox", [[0, 0, 0, 0], [10, 10, 11, 11], "everywhere", [1, 2], [None] * 4])
def test_a_false_box_alone_harms_nobody(item, bbox) -> None:
    item["bbox"] = bbox
    malformed = bbox == "everywhere" or None in bbox or len(bbox) < 4
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", errors.GeodesWarning)
        cube = load([item], "B04")
    assert [one.category for one in told] == [errors.ServerQuirk] * malformed
    np.testing.assert_array_equal(cube["B04"].values[0], pixels(item))


@pytest.mark.parametrize(
    "bbox",
    [[179.9, -17, -179.6, -16], [-180, -17, 180, -16], [179.9, -17, 180.4, -16], "of the file"],
    ids=["west above east", "all around", "beyond 180", "of the file"],
)
def test_a_box_across_the_antimeridian_is_no_contradiction(shelf, monkeypatch, bbox) -> None:
    item = shelf.item("fiji", crs="EPSG:32701", origin=(170_000, 8_215_000), step=200.0)
    west, south, east, north = boxed(item)["bbox"]
    assert west > east  # as rasterio has it
    bounds = {"south": south + 0.01, "north": north - 0.01}
    if bbox != "of the file":
        item["bbox"] = [bbox[0], bounds["south"], bbox[2], bounds["north"]]
    asked = counted(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error", errors.GeodesWarning)
        load([described(item)], "B04")
    assert asked == []


def test_the_catalogues_own_items_are_believed(geodes, monkeypatch) -> None:
    """Boxes of real tiles, and grids that their names tell."""
    monkeypatch.setenv("GEODES_PORTAL", geodes.url)
    for collection in ("PEPS_S2_L1C", "THEIA_REFLECTANCE_SENTINEL2_L2A"):
        items = stac.search(collection)
        assert len(items) > 3
        parsed = parse(item_dicts(items), "red")
        assert all(one.grids for one in parsed)
        assert doubt.checked(parsed) == (parsed, {})


@pytest.mark.parametrize("lie", ["transposed", "upside down", "half the shape", "by a kilometre"])
@pytest.mark.parametrize("field", ["proj:bbox", "proj:geometry"])
def test_without_a_box_other_fields_tell(item, lie, field) -> None:
    found = lying(item, lie)
    del found["bbox"]
    left, top = ORIGIN
    right, bottom = left + 10 * SIZE[1], top - 10 * SIZE[0]
    ring = [[left, bottom], [right, bottom], [right, top], [left, top], [left, bottom]]
    found["properties"][field] = {
        "proj:bbox": [left, bottom, right, top],
        "proj:geometry": {"type": "Polygon", "coordinates": [ring]},
    }[field]
    with pytest.warns(errors.ServerQuirk, match="liar.*proj:"):
        cube = load([found], "B04")
    np.testing.assert_array_equal(cube["B04"].values[0], pixels(item))


@pytest.mark.parametrize(
    "lie", ["another zone", "another hemisphere", "the zone on the other side"]
)
def test_without_a_box_the_centroid_tells(item, lie) -> None:
    found = lying(item, lie)
    west, south, east, north = found.pop("bbox")
    found["properties"]["proj:centroid"] = {"lat": (south + north) / 2, "lon": (west + east) / 2}
    with pytest.warns(errors.ServerQuirk, match="liar.*proj:code"):
        cube = load([found], "B04")
    np.testing.assert_array_equal(cube["B04"].values[0], pixels(item))


@pytest.mark.parametrize(
    "told",
    [
        {"proj:bbox": [600_000, 4_848_020, 603_000, 4_850_020]},
        {"proj:bbox": [4.24, 43.78, 4.28, 43.8]},
        {"proj:bbox": None, "proj:geometry": None, "proj:centroid": None},
        {"proj:bbox": [600_000, 4_848_020, 0, 603_000, 4_850_020, 9]},
        {"proj:geometry": "somewhere", "proj:centroid": {"lat": None}},
        {"proj:centroid": {"lat": 43.787, "lon": 364.26}},
    ],
    ids=["true", "in degrees", "none", "with heights", "useless", "turned"],
)
def test_without_a_box_the_truth_is_no_cause_for_alarm(item, told) -> None:
    del item["bbox"]
    item["properties"] |= told
    with warnings.catch_warnings():
        warnings.simplefilter("error", errors.GeodesWarning)
        cube = load([item], "B04")
    np.testing.assert_array_equal(cube["B04"].values[0], pixels(item))


def test_a_transform_that_is_no_list_is_told(item) -> None:
    item["properties"]["proj:transform"] = {"a": 10}
    with pytest.warns(errors.ServerQuirk, match="make no grid"):
        cube = load([item], "B04")
    np.testing.assert_array_equal(cube["B04"].values[0], pixels(item))

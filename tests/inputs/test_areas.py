from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import odc.geo.geom
import pandas as pd
import pystac
import pytest
import rasterio.coords
import shapely
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st
from odc.geo.geom import Geometry
from shapely import affinity
from shapely.geometry import mapping, shape

from geodes_datalab._inputs.areas import BUFFER, area, bounding_box, geometry
from geodes_datalab.errors import CubeError, InvalidInput, InvalidQuery
from geodes_datalab.stac import Query

LONGITUDES = st.floats(-180, 180, allow_nan=False)
LATITUDES = st.floats(-85, 85, allow_nan=False)
TOULOUSE = (1.3, 43.5, 1.5, 43.7)


@pytest.mark.parametrize(
    "written",
    [
        TOULOUSE,
        list(TOULOUSE),
        "1.3, 43.5, 1.5, 43.7",
        (1.3, 43.5, 0, 1.5, 43.7, 100),
        shapely.box(*TOULOUSE),
        geopandas.GeoSeries([shapely.box(*TOULOUSE)], crs=4326),
    ],
)
def test_a_box_in_every_form(written: Any) -> None:
    assert bounding_box(written) == (TOULOUSE, None)


@given(LONGITUDES, LATITUDES, LONGITUDES, LATITUDES)
def test_a_plain_box_stays_what_it_is(west: float, south: float, east: float, north: float) -> None:
    assume(west < east and south < north)
    assert bounding_box((west, south, east, north)) == ((west, south, east, north), None)


@pytest.mark.parametrize(
    "written", [(178, -19, -178, -16), (178, -19, 182, -16), (-182, -19, -178, -16)]
)
def test_across_the_antimeridian_a_box_is_cut_in_two(written: Any) -> None:
    bbox, cut = bounding_box(written)
    assert bbox == (178, -19, -178, -16)
    assert cut is not None
    parts = sorted(part.bounds for part in shape(cut).geoms)
    assert parts == [(-180, -19, -178, -16), (178, -19, 180, -16)]


@given(st.floats(91, 179.9), LATITUDES, st.floats(-179.9, -91), st.floats(0.01, 4))
def test_the_two_halves_keep_the_area(
    west: float, south: float, east: float, height: float
) -> None:
    _, cut = bounding_box((west, south, east, south + height))
    assert cut is not None
    found = shape(cut)
    assert found.is_valid
    assert math.isclose(found.area, (east + 360 - west) * height, rel_tol=1e-6)
    assert -180 <= found.bounds[0] <= found.bounds[2] <= 180


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ((43.5, 101.3, 43.7, 101.5), "swapped", "did you mean bbox=(101.3, 43.5, 101.5, 43.7)?"),
        (
            (-34.7, -118.3, -33.9, -117.9),
            "swapped",
            "did you mean bbox=(-118.3, -34.7, -117.9, -33.9)?",
        ),
        ((1.3, 43.7, 1.5, 43.5), "upside down", "did you mean bbox=(1.3, 43.5, 1.5, 43.7)?"),
        ((1.5, 43.7, 1.3, 43.5), "upside down", "did you mean bbox=(1.3, 43.5, 1.5, 43.7)?"),
        ((1.5, 43.5, 1.3, 43.7), "antimeridian", "did you mean bbox=(1.3, 43.5, 1.5, 43.7)?"),
        ((300000, 4800000, 310000, 4810000), "swapped", "longitude comes first"),
        ((1.3, 43.5, 1.5), "four finite numbers", "write bbox="),
        ((1.3, 43.5, 1.5, float("nan")), "four finite numbers", "write bbox="),
        ("Toulouse", "is no box", "write bbox="),
        (1.5, "is no box", "write bbox="),
    ],
)
def test_a_wrong_box_is_refused_with_the_likely_one(written: Any, message: str, hint: str) -> None:
    with pytest.raises(InvalidQuery, match=message) as caught:
        bounding_box(written)
    assert hint in str(caught.value)


POINT = {"type": "Point", "coordinates": [1.44, 43.6]}


@pytest.mark.parametrize(
    "written",
    [
        POINT,
        json.dumps(POINT),
        "POINT (1.44 43.6)",
        shapely.Point(1.44, 43.6),
        shapely.Point(1.44, 43.6, 150),
        {"type": "Feature", "geometry": POINT, "properties": {}},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": POINT}]},
        geopandas.GeoSeries([shapely.Point(1.44, 43.6)], crs=4326),
        geopandas.GeoSeries([shapely.Point(1.44, 43.6)], crs=4326).to_crs(32631),
    ],
)
def test_a_point_in_every_form_becomes_a_small_polygon(written: Any) -> None:
    found = geometry(written)
    assert found["type"] == "Polygon"
    area = shape(found)
    assert area.contains(shapely.Point(1.44, 43.6))
    west, south, east, north = area.bounds
    assert (north - south) * 111_320 == pytest.approx(2 * BUFFER, rel=0.01)
    assert (east - west) * 111_320 * math.cos(math.radians(43.6)) == pytest.approx(
        2 * BUFFER, rel=0.01
    )


@given(LONGITUDES, st.floats(-89, 89))
def test_every_point_lies_in_its_polygon(longitude: float, latitude: float) -> None:
    found = shape(geometry({"type": "Point", "coordinates": [longitude, latitude]}))
    assert found.is_valid
    assert found.intersects(shapely.Point(longitude, latitude))
    assert -180 <= found.bounds[0] <= found.bounds[2] <= 180


def test_lines_are_widened_and_boxes_without_width_too() -> None:
    line = geometry("LINESTRING (1 43, 2 44)")
    assert shape(line).contains(shapely.LineString([(1, 43), (2, 44)]))
    bbox, widened = bounding_box((1.4, 43, 1.4, 44))
    assert bbox == (1.4, 43, 1.4, 44)
    assert widened is not None
    assert shape(widened).area > 0


def test_polygons_keep_their_holes_and_turn_the_right_way() -> None:
    clockwise = {
        "type": "Polygon",
        "coordinates": [
            [[0, 0], [0, 10], [10, 10], [10, 0], [0, 0]],
            [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]],
        ],
    }
    found = shape(geometry(clockwise))
    assert found.area == 96
    assert found.exterior.is_ccw
    assert not found.interiors[0].is_ccw


def test_a_crossed_polygon_is_mended() -> None:
    found = shape(geometry("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))"))
    assert found.is_valid
    assert found.area == pytest.approx(2)


def test_a_polygon_across_the_antimeridian_is_cut() -> None:
    found = shape(geometry(mapping(shapely.box(175, -20, 190, -10))))
    assert found.geom_type == "MultiPolygon"
    assert sorted(part.bounds for part in found.geoms) == [
        (-180, -20, -170, -10),
        (175, -20, 180, -10),
    ]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("POLYGON EMPTY", "empty"),
        ({"type": "Polygon", "coordinates": []}, "empty"),
        ("POLYGON ((1 2", "cannot be read"),
        ({"type": "Blob", "coordinates": [1, 2]}, "cannot be read"),
        ("POINT (43.6 101.4)", "swapped"),
        ("POINT (574000 48.2)", "not degrees"),
        (42, "no geometry"),
    ],
)
def test_a_wrong_geometry_is_refused(written: Any, message: str) -> None:
    with pytest.raises(InvalidQuery, match=message) as caught:
        geometry(written)
    assert caught.value.hint


SQUARE = shapely.box(*TOULOUSE)
JSON = mapping(SQUARE)
FEATURE = {"type": "Feature", "geometry": JSON, "properties": {}}
NULL = {"type": "Feature", "geometry": None, "properties": {}}
FRAME = geopandas.GeoDataFrame({"name": ["a"]}, geometry=[SQUARE], crs=4326)
UTM = FRAME.to_crs(32631)


class Held:
    """An object of somebody else's, with the interface that all agree on."""

    __geo_interface__ = FEATURE


class Named:
    """An object of somebody else's, with a geometry in a CRS of its own."""

    geometry, crs = mapping(UTM.geometry.iloc[0]), "EPSG:32631"


PLACES: dict[str, Any] = {
    "tuple": TOULOUSE,
    "list of numpy's numbers": [np.float32(one) for one in TOULOUSE],
    "array": np.array(TOULOUSE),
    "six numbers": (1.3, 43.5, -5, 1.5, 43.7, 100),
    "array of six": np.array([1.3, 43.5, -5, 1.5, 43.7, 100]),
    "column of four": pd.Series(TOULOUSE),
    "decimals": [Decimal("1.3"), Decimal("43.5"), Decimal("1.5"), Decimal("43.7")],
    "texts": ["1.3", "43.5", "1.5", "43.7"],
    "text": "1.3,43.5,1.5,43.7",
    "text with blanks": " 1.3 43.5 1.5 43.7 ",
    "JSON list": "[1.3, 43.5, 1.5, 43.7]",
    "generator": lambda: (one for one in TOULOUSE),
    "sides": dict(zip(("west", "south", "east", "north"), TOULOUSE, strict=True)),
    "total_bounds": FRAME.total_bounds,
    "bounds of rasterio": rasterio.coords.BoundingBox(*TOULOUSE),
    "shapely": SQUARE,
    "shapely with heights": shapely.force_3d(SQUARE, 5),
    "parts": shapely.GeometryCollection([SQUARE, shapely.Point(1.4, 43.6)]),
    "WKT": SQUARE.wkt,
    "small WKT": SQUARE.wkt.lower(),
    "EWKT": f"SRID=4326;{SQUARE.wkt}",
    "EWKT in metres": f"SRID=32631;{UTM.geometry.iloc[0].wkt}",
    "WKB": SQUARE.wkb,
    "WKB in hexadecimal": SQUARE.wkb_hex,
    "GeoJSON": JSON,
    "GeoJSON text": json.dumps(JSON),
    "GeoJSON bytes": json.dumps(JSON).encode(),
    "feature": FEATURE,
    "features": {"type": "FeatureCollection", "features": [FEATURE]},
    "features, one without geometry": {"type": "FeatureCollection", "features": [NULL, FEATURE]},
    "list of features": [NULL, FEATURE, None],
    "text of features": json.dumps([FEATURE]),
    "collection": {"type": "GeometryCollection", "geometries": [JSON]},
    "old GeoJSON in metres": json.loads(UTM.to_json()),
    "its text": UTM.to_json(),
    "list of shapely": [SQUARE],
    "array of shapely": np.array([SQUARE, None]),
    "list of boxes": [(1.3, 43.5, 1.4, 43.7), (1.4, 43.5, 1.5, 43.7)],
    "interface": Held(),
    "geometry in a CRS": Named(),
    "frame": FRAME,
    "frame in metres": UTM,
    "frame with a null": geopandas.GeoDataFrame(geometry=[None, SQUARE], crs=4326).to_crs(32631),
    "frame without CRS": geopandas.GeoDataFrame(geometry=[SQUARE]),
    "series": UTM.geometry,
    "values of a series": UTM.geometry.values,
    "renamed column": UTM.rename_geometry("outline"),
    "row": FRAME.iloc[0],
    "odc-geo": Geometry(SQUARE, "EPSG:4326").to_crs("EPSG:32631"),
    "odc-geo's box": odc.geo.geom.BoundingBox(*TOULOUSE, "EPSG:4326"),
    "pystac": pystac.Item("a", JSON, list(TOULOUSE), datetime(2024, 1, 1, tzinfo=UTC), {}),
}


@pytest.mark.parametrize("form", PLACES)
@pytest.mark.parametrize("argument", ["bbox", "geometry"])
def test_every_form_is_the_same_place_for_all(form: str, argument: str) -> None:
    def written() -> Any:
        return PLACES[form]() if form == "generator" else PLACES[form]

    cube = area(**({"bbox": None, "geometry": None} | {argument: written()}))
    assert cube is not None
    assert (
        shapely.hausdorff_distance(cube, SQUARE) < 1e-3
    )  # a straight edge in metres bends by 20 m
    query = Query.of(**{argument: written()})
    asked = shape(query.geometry) if query.geometry else shapely.box(*query.bbox)
    assert asked.symmetric_difference(cube).area < 1e-6


@pytest.mark.parametrize("suffix", ["geojson", "json", "wkt", "gpkg", "parquet", "shp"])
def test_files_are_read_in_their_own_crs(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"field.{suffix}"
    if suffix == "wkt":
        path.write_text(SQUARE.wkt)
    elif suffix == "parquet":
        UTM.to_parquet(path)
    elif suffix == "json":
        path.write_text("\ufeff" + UTM.to_json(), "utf-8")
    else:
        FRAME.to_file(path) if suffix == "geojson" else UTM.to_file(path)
    for written in (path, str(path)):
        assert shapely.hausdorff_distance(area(None, written), SQUARE) < 1e-3


NOWHERE: dict[str, Any] = {
    "empty text": "",
    "blank": " ",
    "empty list": [],
    "empty tuple": (),
    "empty dictionary": {},
    "empty array": np.array([]),
    "empty frame": geopandas.GeoDataFrame(geometry=[], crs=4326),
    "frame without columns": geopandas.GeoDataFrame(),
    "frame with rows only": geopandas.GeoDataFrame(index=[1, 2]),
    "table without columns": pd.DataFrame(),
    "table": pd.DataFrame({"a": [1.0]}),
    "empty series": geopandas.GeoSeries([], crs=4326),
    "bounds of nothing": geopandas.GeoSeries([], crs=4326).total_bounds,
    "null geometries": geopandas.GeoSeries([None, None], crs=32631),
    "null feature": NULL,
    "null features": {"type": "FeatureCollection", "features": [NULL]},
    "no features": {"type": "FeatureCollection", "features": []},
    "features are no list": {"type": "FeatureCollection", "features": None},
    "feature without geometry": {"type": "Feature"},
    "empty shape": shapely.Polygon(),
    "empty WKT": "GEOMETRYCOLLECTION EMPTY",
    "list of nothing": [None, None, None, None],
    "NaN": float("nan"),
    "NA": pd.NA,
    "four NaN": [float("nan")] * 4,
    "a None among numbers": (1.3, None, 1.5, 43.7),
    "a text among numbers": (1.3, "north", 1.5, 43.7),
    "truth values": (True, False, True, True),
    "truth": True,
    "a number": 1,
    "two numbers": (1.3, 43.5),
    "five numbers": (1.3, 43.5, 1.5, 43.7, 0),
    "eight numbers": range(8),
    "corners": [[1.3, 43.5], [1.5, 43.7]],
    "set": {1.3, 43.5, 1.5, 43.7},
    "infinite": (-math.inf, 0, math.inf, 1),
    "a point of NaN": shapely.Point(float("nan"), 1),
    "GeoJSON of texts": {"type": "Point", "coordinates": ["a", "b"]},
    "GeoJSON without coordinates": {"type": "Polygon"},
    "GeoJSON of null": {"type": "Polygon", "coordinates": None},
    "topology": {"type": "Topology", "objects": {}},
    "dictionary": {"a": 1},
    "broken JSON": '{"type": "Point", "coordinates": [1, 2]',
    "broken WKT": "POLYGON ((1 2, 3",
    "bytes": b"\x01\x02\x03",
    "no text": b"\xff\xfe",
    "no such file": "fields/nowhere.geojson",
    "no such path": Path("nowhere.gpkg"),
    "address": "https://example.org/field.geojson",
    "unknown CRS": {**JSON, "crs": {"type": "name", "properties": {"name": "EPSG:1"}}},
    "unknown SRID": f"SRID=1;{SQUARE.wkt}",
    "metres": UTM.total_bounds,
    "metres without CRS": geopandas.GeoSeries(list(UTM.geometry)),
    "object": object(),
    "class": object,
    "word": "Toulouse",
    "very long word": "x" * 10_000,
    "nul": "a\0b.geojson",
    "home of nobody": "~nobody-of-that-name/field.geojson",
    "across, uncut": "POLYGON ((179 -17, -179 -17, -179 -16, 179 -16, 179 -17))",
    "scalar array": np.array(1.0),
    "dataset": xr.Dataset({"B04": ("x", [1])}),
    "instants": pd.to_datetime(["2024-01-01"]),
}


@pytest.mark.parametrize("form", NOWHERE)
@pytest.mark.parametrize("argument", ["bbox", "geometry"])
def test_what_is_no_place_is_told_as_our_own_error(form: str, argument: str) -> None:
    given_ = {"bbox": None, "geometry": None} | {argument: NOWHERE[form]}
    with pytest.raises(InvalidInput) as asked:
        Query.of(**given_)
    assert asked.value.hint
    with pytest.raises(CubeError) as loaded:
        area(**given_)
    assert str(loaded.value) == str(asked.value)


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    picture = tmp_path / "field.gpkg"
    picture.write_bytes(b"no table")
    (tmp_path / "latin.geojson").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "empty.geojson").write_text("")
    for path in (picture, tmp_path, tmp_path / "latin.geojson", tmp_path / "empty.geojson"):
        with pytest.raises(InvalidInput):
            area(None, path)


def test_what_was_cut_at_the_antimeridian_is_one_place_again() -> None:
    whole = shapely.box(178, -19, 182, -16)
    cut = geometry(whole)
    assert cut["type"] == "MultiPolygon"
    assert area(None, cut).equals(whole)
    assert bounding_box(cut) == bounding_box((178, -19, -178, -16))
    far = shapely.union_all([shapely.box(170, 0, 171, 1), shapely.box(-172, 0, -171, 1)])
    assert area(None, far).bounds == (170, 0, 189, 1)
    assert bounding_box(far)[0] == (170, 0, -171, 1)


@pytest.mark.parametrize("turn", [-360, 0, 360])
def test_longitudes_of_another_turn_are_brought_home(turn: int) -> None:
    box = (1.25 + turn, 43.5, 1.5 + turn, 43.75)
    if turn <= 0 or box[2] <= 360:
        assert bounding_box(box) == ((1.25, 43.5, 1.5, 43.75), None)
        assert area(None, shapely.box(*box)).bounds == (1.25, 43.5, 1.5, 43.75)
    assert bounding_box((350, 40, 359, 50))[0] == (-10, 40, -1, 50)
    assert area((350, 40, 10, 50), None).bounds == (-10, 40, 10, 50)
    assert area((0, -90, 360, 90), None).bounds == (-180, -90, 180, 90)
    assert area(None, shapely.box(-180, -90, 180, 90)).bounds == (-180, -90, 180, 90)


@given(LONGITUDES, LATITUDES, st.floats(0, 170), st.floats(0, 4), st.sampled_from([-360, 0, 360]))
def test_box_and_polygon_are_one_place(
    west: float, south: float, width: float, height: float, turn: int
) -> None:
    """However it is written: what is searched is what is loaded, up to whole turns."""
    assume(west + turn >= -360 and west + width + turn <= 360)
    written = (west + turn, south, west + width + turn, south + height)
    loaded = [area(written, None), area(None, written), area(None, _polygon(written))]
    for one in loaded:
        assert -180 <= one.bounds[0] <= 180
        assert one.bounds == pytest.approx(loaded[0].bounds, abs=1e-9)
    for asked in (Query.of(bbox=written), Query.of(geometry=written)):
        found = shape(asked.geometry) if asked.geometry else shapely.box(*asked.bbox)
        pieces = [affinity.translate(found, xoff=shift) for shift in (0, 360)]
        assert any(piece.buffer(1e-9).intersects(loaded[0]) for piece in pieces)
        if width > 0.01 and height > 0.01:
            assert found.area == pytest.approx(loaded[0].area)


def _polygon(box: tuple[float, float, float, float]) -> Any:
    """Return the box with points between, so that no edge is long."""
    west, south, east, north = box
    if west < east and south < north:
        return shapely.box(*box).segmentize(90)
    if west == east and south == north:
        return shapely.Point(west, south)
    return shapely.LineString([(west, south), (east, north)]).segmentize(90)

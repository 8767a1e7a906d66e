from __future__ import annotations

import json
import math
from typing import Any

import geopandas
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.geometry import mapping, shape

from geodes_datalab.errors import InvalidQuery
from geodes_datalab.stac.areas import BUFFER, bounding_box, geometry

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

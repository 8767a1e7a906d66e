"""Places and times are read alike by `search`, `load` and `explore`, whatever their form."""

# ruff: noqa: DTZ001 - naive datetimes are what is tested
from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from odc.geo.geom import Geometry
from pyproj import Transformer
from shapely import affinity
from shapely.geometry import mapping, shape

import geodes_datalab as gd
from geodes_datalab import stac
from geodes_datalab.errors import CubeError, InvalidInput
from geodes_datalab.stac import Query
from geodes_datalab.stac.dialects import Found


class Reached(Exception):
    """What was typed has been read: nothing more is wanted of a verb."""

    def __init__(self, found: Any) -> None:
        self.found = found
        super().__init__(found)


class View:
    """What a map would be made of."""

    def __init__(self, items: stac.Items, *, area: Any, **_: Any) -> None:
        self.ids, self.area = items.ids, area


@contextmanager
def only_reading() -> Iterator[None]:
    """Stop `search` before it asks a server, `load` before it looks for files, `explore` before it draws."""

    def ask(_self: Any, query: Query) -> Found:
        raise Reached(query)

    def plan(parsed: Any, wish: Any, **_: Any) -> Any:
        raise Reached((wish.area, [one.id for one in parsed]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("geodes_datalab.stac.dialects.geodes.Geodes.search", ask)
        patch.setattr("geodes_datalab.cubes.loading.make_plan", plan)
        patch.setattr("geodes_datalab.maps.explorer.Explorer", View)
        yield


def item(name: str, start: datetime, end: datetime) -> dict[str, Any]:
    asset = {"href": "https://x.example/a.zip", "title": "a.zip", "roles": ["data"]}
    times = {"datetime": start, "start_datetime": start, "end_datetime": end}
    return {
        "type": "Feature", "id": name, "collection": "PEPS_S2_L1C", "links": [],
        "geometry": mapping(shapely.box(-180, -90, 180, 90)), "assets": {"data": asset},
        "properties": {key: f"{value.isoformat()}Z" for key, value in times.items()},
    }  # fmt: skip


ITEMS = [item("one", datetime(2021, 12, 14, 14, 20), datetime(2021, 12, 14, 14, 20, 9))]


def searched(**given_: Any) -> Query:
    with only_reading(), pytest.raises(Reached) as caught:
        gd.search("PEPS_S2_L1C", **given_)
    found: Query = caught.value.found
    return found


def loaded(items: Any = ITEMS, **given_: Any) -> tuple[Any, list[str]]:
    with only_reading(), pytest.raises(Reached) as caught:
        gd.load(items, "B04", **given_)
    found: tuple[Any, list[str]] = caught.value.found
    return found


def explored(items: Any = ITEMS, **given_: Any) -> Any:
    with only_reading():
        return gd.explore(items, **given_)


def numbers(box: tuple[float, float, float, float]) -> dict[str, Any]:
    west, south, east, north = box
    return {
        "tuple": box,
        "array": np.array(box),
        "six": (west, south, -10, east, north, 900),
        "text": ", ".join(map(repr, box)),
        "sides": {"west": west, "south": south, "east": east, "north": north},
    }


def outlines(found: Any) -> dict[str, Any]:
    feature = {"type": "Feature", "properties": {}, "geometry": mapping(found)}
    null = {**feature, "geometry": None}
    return {
        "shapely": found,
        "WKT": found.wkt,
        "WKB": found.wkb,
        "GeoJSON": mapping(found),
        "text": json.dumps(mapping(found)),
        "features": {"type": "FeatureCollection", "features": [null, feature]},
        "series": geopandas.GeoSeries([None, found], crs=4326),
        "frame": geopandas.GeoDataFrame({"a": [1]}, geometry=[found], crs=4326),
        "list": [found],
    }


def same(one: Any, other: Any) -> bool:
    """Tell whether two areas are one place, up to whole turns and the rounding of degrees."""
    turned = [affinity.translate(other, xoff=turn) for turn in (-360, 0, 360)]
    together = shapely.union_all(turned)
    return bool(one.difference(together.buffer(1e-7)).area < 1e-9)


def areas(**given_: Any) -> tuple[Any, Any, Any]:
    """Return the area that each verb reads."""
    query, (cube, _), view = searched(**given_), loaded(**given_)[0:2], explored(**given_)
    asked = shape(query.geometry) if query.geometry else shapely.box(*query.bbox)
    assert view.area.bbox == query.bbox or query.bbox is None
    return asked, cube, shape(view.area.geometry)


BOXES = st.tuples(
    st.floats(-360, 180), st.floats(-85, 80), st.floats(0.01, 170), st.floats(0.01, 5)
).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))  # fmt: skip
"""West, south, east, north: longitudes of any turn, across the antimeridian or not."""


@settings(max_examples=50)
@given(BOXES, st.sampled_from(["tuple", "array", "six", "text", "sides"]), st.booleans())
def test_a_box_is_one_place_to_all(box: Any, form: str, as_bbox: bool) -> None:
    written = numbers(box)[form]
    asked, cube, shown = areas(**{"bbox" if as_bbox else "geometry": written})
    truth = shapely.box(*box)
    for found in (asked, cube, shown):
        assert same(found, truth)
        assert found.area == pytest.approx(truth.area, rel=1e-6)
    assert cube.bounds[2] - cube.bounds[0] == pytest.approx(box[2] - box[0])


FORMS = ("shapely", "WKT", "WKB", "GeoJSON", "text", "features", "series", "frame", "list")


@settings(max_examples=50)
@given(BOXES, st.integers(3, 9), st.sampled_from(FORMS), st.booleans())
def test_a_polygon_is_one_place_to_all(box: Any, corners: int, form: str, as_bbox: bool) -> None:
    west, south, east, north = box
    angles = [2 * math.pi * corner / corners for corner in range(corners)]
    ring = [
        ((west + east) / 2 + math.cos(angle) * (east - west) / 2,
         (south + north) / 2 + math.sin(angle) * (north - south) / 2)
        for angle in angles
    ]  # fmt: skip
    polygon = shapely.Polygon(ring)
    asked, cube, shown = areas(**{"bbox" if as_bbox else "geometry": outlines(polygon)[form]})
    truth = polygon.envelope if as_bbox else polygon
    for found in (asked, cube, shown):
        assert same(found, truth)
        assert found.area == pytest.approx(truth.area, rel=1e-6)


@settings(max_examples=40)
@given(st.floats(-180, 180), st.sampled_from([-90, -70, -17, 0, 45, 90]), st.floats(1e4, 2e6),
       st.sampled_from(["series", "frame", "odc", "grid"]), st.booleans())  # fmt: skip
def test_a_projected_place_is_one_place_to_all(
    longitude: float, latitude: int, half: float, form: str, as_bbox: bool
) -> None:
    """Around any place of the Earth, poles and the antimeridian too: against pyproj, point by point."""
    crs = f"+proj=laea +lat_0={latitude} +lon_0={longitude} +datum=WGS84"
    box = shapely.box(-half, -half, half, half)
    written = {
        "series": lambda: geopandas.GeoSeries([None, box], crs=crs),
        "frame": lambda: geopandas.GeoDataFrame({"a": [1]}, geometry=[box], crs=crs),
        "odc": lambda: Geometry(box, crs),
        "grid": lambda: GeoBox((9, 9), Affine(half / 4.5, 0, -half, 0, -half / 4.5, half), crs),
    }[form]()
    x, y = (axis.ravel() * half for axis in np.meshgrid(*[np.linspace(-1.5, 1.5, 24)] * 2))
    east, north = Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    inside = shapely.contains_xy(box, x, y)
    for found in areas(**{"bbox" if as_bbox else "geometry": written}):
        held = np.logical_or.reduce(
            [shapely.contains_xy(found, east + turn, north) for turn in (-360, 0, 360)]
        )
        assert held[inside].all()
        assert as_bbox or not held[~inside].any()


@settings(max_examples=50)
@given(st.floats(-180, 180), st.floats(-85, 85), st.sampled_from(FORMS))
def test_a_point_lies_in_what_all_read(longitude: float, latitude: float, form: str) -> None:
    point = shapely.Point(longitude, latitude)
    asked, cube, shown = areas(geometry=outlines(point)[form])
    assert cube.geom_type == "Point"
    for found in (asked, shown):
        turns = (affinity.translate(cube, xoff=turn) for turn in (-360, 0, 360))
        assert any(found.buffer(1e-9).contains(one) for one in turns)
    assert asked.area == pytest.approx(shown.area, rel=1e-3)


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.binary(max_size=6),
    st.lists(st.one_of(st.floats(), st.none(), st.text(max_size=3)), max_size=7),
    st.dictionaries(st.sampled_from(["type", "geometry", "features", "coordinates", "crs", "west"]),
                    st.one_of(st.none(), st.text(max_size=5), st.lists(st.floats(), max_size=4))),
    st.fixed_dictionaries({"type": st.sampled_from(["Point", "Polygon", "Feature", "MultiPoint"]),
                           "coordinates": st.recursive(st.one_of(st.none(), st.floats(), st.text(max_size=2)),
                                                       lambda inner: st.lists(inner, max_size=3))}),
)  # fmt: skip


@settings(max_examples=50)
@given(ANYTHING, st.sampled_from(["bbox", "geometry", "datetime"]))
def test_all_take_the_same_and_refuse_the_same(value: Any, argument: str) -> None:
    """Whatever is typed: a place or a time to all of them, or our own error, the same from each."""
    answers = {answer(verb, {argument: value}) for verb in (searched, loaded, explored)}
    assert len(answers) == 1, answers


def answer(verb: Any, given_: dict[str, Any]) -> str:
    """Return what a verb says to a place or a time; nothing where it can be read."""
    try:
        verb(**given_)
    except InvalidInput as error:
        return str(error)
    except CubeError as error:  # read well, but there is no item of that time
        return "" if "none of the 1 items" in error.message else str(error)
    return ""


def as_texts(pair: Any) -> Any:
    """Return a column of texts where both are; else the pair."""
    return np.array(pair) if all(isinstance(one, str) for one in pair) else pair


MOMENTS = st.datetimes(min_value=datetime(2021, 11, 20), max_value=datetime(2022, 1, 10))
WRITTEN = {
    "text": lambda moment: moment.isoformat() + ".0" * (moment.microsecond == 0) + "Z",
    "day": lambda moment: moment.date().isoformat(),
    "month": lambda moment: moment.date().isoformat()[:7],
    "minute": lambda moment: moment.isoformat()[:16],
    "hour": lambda moment: moment.isoformat()[:13],
    "datetime": lambda moment: moment,
    "midnight": lambda moment: datetime.combine(moment.date(), datetime.min.time()),
    "date": lambda moment: moment.date(),
    "Timestamp": pd.Timestamp,
    "Timestamp at midnight": lambda moment: pd.Timestamp(moment.date()),
    "Timestamp of a zone": lambda moment: pd.Timestamp(moment, tz="UTC").tz_convert("Asia/Tokyo"),
    "numpy": np.datetime64,
    "numpy's day": lambda moment: np.datetime64(moment.date()),
    "Period": lambda moment: pd.Period(moment, "D"),
    "open": lambda moment: None,
}
CATALOGUE = [
    item(f"{day}", datetime(2021, 11, 20) + timedelta(days=day, hours=10.4), datetime(2021, 11, 20)
         + timedelta(days=day, hours=10.5))
    for day in range(50)
]  # fmt: skip


@settings(max_examples=50)
@given(MOMENTS, MOMENTS, st.sampled_from(sorted(WRITTEN)), st.sampled_from(sorted(WRITTEN)),
       st.sampled_from([tuple, list, lambda pair: slice(*pair), as_texts]))  # fmt: skip
def test_a_span_is_one_time_to_all(one: Any, other: Any, first: str, last: str, pair: Any) -> None:
    start, end = sorted((one, other))
    when = pair((WRITTEN[first](start), WRITTEN[last](end)))
    refused = answer(searched, {"datetime": when})
    if refused:  # open at both ends, or reversed: midnight before what precedes it
        assert refused == answer(loaded, {"datetime": when}) == answer(explored, {"datetime": when})
        return
    span = searched(datetime=when).acquired
    expected = [
        one["id"]
        for one in CATALOGUE
        if (span.end is None or told(one, "start_datetime") <= span.end)
        and (span.start is None or told(one, "end_datetime") >= span.start)
    ]
    assert stac.Items(CATALOGUE).filter(datetime=when).ids == expected
    assert explored(CATALOGUE, datetime=when).ids == expected
    if expected:
        assert loaded(CATALOGUE, datetime=when)[1] == expected


def told(one: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(one["properties"][name])


def test_the_area_given_is_shown_and_narrows() -> None:
    inside = {**ITEMS[0], "id": "in", "geometry": mapping(shapely.box(179, -18, 180, -17))}
    beyond = {**ITEMS[0], "id": "far", "geometry": mapping(shapely.box(1, 43, 2, 44))}
    nowhere = {**ITEMS[0], "id": "none", "geometry": None}
    view = gd.explore([inside, beyond, nowhere], tiles=False, bbox=(178, -19, -178, -16))
    assert view._items.ids == ["in"]
    assert view.aoi == (178, -19, -178, -16)
    assert searched(geometry=view.geometry).geometry == searched(bbox=view.aoi).geometry
    assert "Area of interest" in [layer.name for layer in view.map.layers]
    view.clear()
    assert view.aoi is None
    assert "Area of interest" not in [layer.name for layer in view.map.layers]
    assert gd.explore([], tiles=False, bbox=(1, 43, 2, 44)).aoi == (1, 43, 2, 44)
    assert explored(datetime="2021-12-14").ids == ["one"]
    assert explored(datetime="2021-12-15").ids == []

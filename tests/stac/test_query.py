from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest

from geodes_datalab.errors import InvalidQuery, UnknownProperty
from geodes_datalab.stac import Query
from geodes_datalab.stac.dialects.geodes import search_body
from geodes_datalab.stac.query.conditions import geodes_attributes


def query(*arguments: Any, **options: Any) -> Query:
    return Query.of(*arguments, attributes=geodes_attributes(), **options)


def test_a_query_is_a_value() -> None:
    one = query("PEPS_S2_L1C", bbox=(1, 43, 2, 44), datetime="2024-05", cloud_cover=20)
    assert one == query(
        ["PEPS_S2_L1C"], bbox="1,43,2,44", datetime=("2024-05", "2024-05"), cloud_cover=(0, 20)
    )
    assert hash(one) == hash(pickle.loads(pickle.dumps(one)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.limit = 3  # type: ignore[misc]


def test_it_says_what_it_searches() -> None:
    text = query(
        "PEPS_S2_L1C", bbox=(1, 43, 2, 44), cloud_cover=20, query={"platform": "S2A"}
    ).describe()
    assert text == "PEPS_S2_L1C, in (1, 43, 2, 44), cloud cover 0 to 20 %, platform eq 'S2A'"


@pytest.mark.parametrize(
    ("datetime", "said"),
    [
        ("2021-11/2022-05", "2021-11-01 to 2022-05-31"),
        ("2024-05-03", "2024-05-03"),
        ("2024-05-03/..", "since 2024-05-03"),
        ("../2024-05-03", "until 2024-05-03"),
        ("2024-05-03T10:30/2024-05-04", "2024-05-03 10:30 to 2024-05-04"),
        ("2024-05-03T10:30/2024-05-03T10:40", "2024-05-03 10:30 to 2024-05-03 10:40"),
        ("2024-05-03T10:30:12Z", "2024-05-03 10:30:12"),
        ("2024-05-03T00:00:00Z", "2024-05-03 00:00"),
    ],
)
def test_times_are_said_as_people_say_them(datetime: str, said: str) -> None:
    assert query("PEPS_S2_L1C", datetime=datetime).describe() == f"PEPS_S2_L1C, acquired {said}"


def test_coordinates_are_said_with_three_decimals() -> None:
    box = (-67.643219, -0.0000004, 123.45678, 1.5)
    text = query("PEPS_S2_L1C", bbox=box).describe()
    assert text == "PEPS_S2_L1C, in (-67.643, 0, 123.457, 1.5)"


@pytest.mark.parametrize(
    ("sort", "keys"),
    [
        ("start_datetime", [("start_datetime", "asc"), ("identifier", "asc")]),
        ("-datetime", [("start_datetime", "desc"), ("identifier", "asc")]),
        (
            ["platform", "-eo:cloud_cover"],
            [("platform", "asc"), ("eo:cloud_cover", "desc"), ("identifier", "asc")],
        ),
        ("-identifier", [("identifier", "desc")]),
        ("published", [("datetime", "asc"), ("identifier", "asc")]),
        (None, [("identifier", "asc")]),
    ],
)
def test_the_order_always_ends_in_a_unique_key(sort: Any, keys: list[Any]) -> None:
    body = search_body(query(sort=sort))
    assert [(one["field"], one["direction"]) for one in body["sortBy"]] == keys


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"bbox": (1, 2, 3, 4), "geometry": "POINT (1 2)"}, InvalidQuery, "both bbox and geometry"),
        ({"sort": "cloud"}, UnknownProperty, "eo:cloud_cover"),
        ({"limit": 0}, InvalidQuery, "whole number from 1"),
        ({"limit": 2.5}, InvalidQuery, "whole number from 1"),
        ({"limit": True}, InvalidQuery, "whole number from 1"),
        ({"page_size": -1}, InvalidQuery, "whole number from 1"),
        ({"cloud_cover": 120}, InvalidQuery, "0 to 100"),
        ({"cloud_cover": (30, 10)}, InvalidQuery, "0 to 100"),
        ({"cloud_cover": "low"}, InvalidQuery, "no percentage"),
        ({"cloud_cover": 20, "query": {"eo:cloud_cover": 5}}, InvalidQuery, "given twice"),
        ({"ids": [1]}, InvalidQuery, "must be texts"),
        ({"collections": [""]}, InvalidQuery, "must be texts"),
    ],
)
def test_contradictions_are_refused(options: Any, error: type, text: str) -> None:
    with pytest.raises(error) as caught:
        query(**options)
    assert text in str(caught.value)


def test_numbers_of_numpy_will_do() -> None:
    assert query(limit=np.int64(5)).limit == 5


def test_the_body_for_the_portal() -> None:
    body = search_body(
        query(
            "PEPS_S2_L1C",
            bbox=(1, 43, 2, 44),
            datetime="2024-05",
            published="2024/..",
            cloud_cover=20,
            query={"platform": "sentinel-2a", "grid:code": "T31TCH"},
            limit=10,
        )
    )
    assert body == {
        "page": 1,
        "limit": 10,
        "collections": ["PEPS_S2_L1C"],
        "bbox": [1, 43, 2, 44],
        "datetime": "2024-01-01T00:00:00Z/..",
        "query": {
            "eo:cloud_cover": {"gte": 0, "lte": 20},
            "platform": {"in": ["S2A", "SENTINEL2A"]},
            "grid:code": {"contains": "31TCH"},
            "end_datetime": {"gte": "2024-05-01T00:00:00Z"},
            "start_datetime": {"lte": "2024-05-31T23:59:59.999999Z"},
        },
        "sortBy": [
            {"field": "start_datetime", "direction": "asc"},
            {"field": "identifier", "direction": "asc"},
        ],
    }


def test_what_the_portal_cannot_be_asked() -> None:
    with pytest.raises(InvalidQuery, match="80 items per page"):
        search_body(query(page_size=500))
    with pytest.raises(InvalidQuery, match="limited twice"):
        search_body(query(datetime="2024", query={"start_datetime": {"lte": "2023"}}))
    with pytest.raises(InvalidQuery, match="two calls"):
        search_body(query(ids=["URN:FEATURE:DATA:gdh:x:V1", "S2A_MSIL1C"]))

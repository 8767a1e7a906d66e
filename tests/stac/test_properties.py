# ruff: noqa: DTZ001 - naive datetimes are what is tested
from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodes_datalab.errors import InvalidQuery, UnknownProperty
from geodes_datalab.stac.query.conditions import Clause, conditions, geodes_attributes, tile

KNOWN = geodes_attributes()


def test_the_shipped_data_model_is_whole() -> None:
    assert len(KNOWN) == 53  # 52 of the data model, and identifier
    assert KNOWN["eo:cloud_cover"] == "DOUBLE"


@pytest.mark.parametrize(
    ("wish", "clauses"),
    [
        ({"platform": "S2A"}, [("eq", "S2A")]),
        ({"platform": ["S2A", "S2B"]}, [("in", ("S2A", "S2B"))]),
        ({"platform": {"S2B", "S2A"}}, [("in", ("S2A", "S2B"))]),
        ({"sat:relative_orbit": "51"}, [("eq", 51)]),
        ({"sat:relative_orbit": 51.0}, [("eq", 51)]),
        ({"sat:relative_orbit": (8, 51)}, [("gte", 8), ("lte", 51)]),
        ({"eo:cloud_cover": (None, "20")}, [("lte", 20.0)]),
        ({"eo:cloud_cover": {"gt": 5, "lt": 10}}, [("gt", 5), ("lt", 10)]),
        ({"product_validity": "true"}, [("eq", True)]),
        ({"product_validity": False}, [("eq", False)]),
        ({"nb_cols": 6000}, [("eq", "6000")]),
        ({"grid:code": "MGRS-31TCH"}, [("eq", "31TCH")]),
        ({"grid:code": ["T31TCH", "31tcj"]}, [("in", ("31TCH", "31TCJ"))]),
        ({"grid:code": "SPOTGRS-553_212"}, [("eq", "SPOTGRS-553_212")]),
        ({"processing:datetime": {"gte": "2024-05"}}, [("gte", "2024-05-01T00:00:00Z")]),
        ({"processing:datetime": {"lte": "2024-05"}}, [("lte", "2024-05-31T23:59:59.999999Z")]),
        ({"start_datetime": {"gt": datetime(2024, 5, 3)}}, [("gt", "2024-05-03T00:00:00Z")]),
        ({"keywords": {"contains": "season:spring"}}, [("contains", "season:spring")]),
    ],
)
def test_wishes_become_conditions_in_the_right_type(wish: Any, clauses: list[Any]) -> None:
    (name,) = wish
    found = conditions(wish, KNOWN)
    assert found == tuple(Clause(name, operator, value) for operator, value in clauses)
    for clause, (_, value) in zip(found, clauses, strict=True):
        assert type(clause.value) is type(value)


@pytest.mark.parametrize(
    ("wish", "error", "text"),
    [
        ({"eo:cloudcover": 20}, UnknownProperty, 'did you mean "eo:cloud_cover"?'),
        ({"Platform": "S2A"}, UnknownProperty, 'did you mean "platform"?'),
        ({"relativeOrbit": 51}, UnknownProperty, "sat:relative_orbit"),
        ({"zzz": 1}, UnknownProperty, "the properties are: "),
        ({"datetime": "2024"}, InvalidQuery, "published="),
        ({"dataset": "PEPS_S1_L1"}, InvalidQuery, "collections="),
        ({"id": "x"}, InvalidQuery, "ids="),
        ({"eo:cloud_cover": {"le": 20}}, InvalidQuery, 'did you mean "lte"'),
        ({"eo:cloud_cover": {"contains": 20}}, InvalidQuery, "the operators here are"),
        ({"eo:cloud_cover": "low"}, InvalidQuery, "a number"),
        ({"eo:cloud_cover": True}, InvalidQuery, "a number"),
        ({"eo:cloud_cover": float("nan")}, InvalidQuery, "a number"),
        ({"eo:cloud_cover": {"eq": 5, "lte": 20}}, InvalidQuery, "cannot be combined"),
        ({"eo:cloud_cover": {}}, InvalidQuery, "no condition"),
        ({"sat:relative_orbit": 51.5}, InvalidQuery, "a whole number"),
        ({"product_validity": 1}, InvalidQuery, "true or false"),
        ({"platform": True}, InvalidQuery, "a text"),
        ({"platform": ""}, InvalidQuery, "a text"),
        ({"platform": {"in": "S2A"}}, InvalidQuery, "needs a list"),
        ({"platform": []}, InvalidQuery, "nothing could match"),
        ({"processing:datetime": {"gte": 2024}}, InvalidQuery, "a date"),
        ({"eo:cloud_cover": (None, None)}, InvalidQuery, "no range"),
        ({"eo:cloud_cover": (1, 2, 3)}, InvalidQuery, "no range"),
        ({"political": "France"}, InvalidQuery, "items.filter"),
    ],
)
def test_what_the_server_would_ignore_is_refused(wish: Any, error: type, text: str) -> None:
    with pytest.raises(error) as caught:
        conditions(wish, KNOWN)
    assert text in str(caught.value)


def test_of_an_unknown_catalogue_any_name_is_taken() -> None:
    assert conditions({"my:field": {"lte": 3}}, None) == (Clause("my:field", "lte", 3),)


@pytest.mark.parametrize("code", ["31TCH", "T31TCH", "MGRS-31TCH", " 31tch "])
def test_tiles_have_one_name(code: str) -> None:
    assert tile(code) == "31TCH"


@given(st.floats(0, 100, allow_nan=False), st.floats(0, 100, allow_nan=False))
def test_ranges_survive(one: float, other: float) -> None:
    low, high = sorted((one, other))
    found = conditions({"eo:cloud_cover": (low, high)}, KNOWN)
    assert [(clause.operator, clause.value) for clause in found] == [("gte", low), ("lte", high)]


@given(st.text(min_size=1).filter(lambda name: name not in KNOWN))
def test_no_unknown_name_gets_through(name: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        conditions({name: 1}, KNOWN)
    assert caught.value.hint

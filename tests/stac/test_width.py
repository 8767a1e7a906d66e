"""A search asks for what was typed: nothing wider, nothing narrower, and never for everything by mistake."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import geodes_datalab as gd
from geodes_datalab.errors import InvalidInput, InvalidQuery
from geodes_datalab.stac import Query
from geodes_datalab.standin import StandIn

EMPTY: dict[str, Any] = {
    "list": [],
    "tuple": (),
    "set": set(),
    "array": np.array([], "U10"),
    "column": pd.Series([], dtype=str),
    "generator": lambda: iter(()),
}


def sent(portal: StandIn) -> list[Any]:
    return [one for one in portal.requests if one.path.endswith("/search")]


@pytest.mark.parametrize("kind", EMPTY)
@pytest.mark.parametrize("argument", ["ids", "collections"])
def test_an_empty_list_does_not_find_everything(portal: StandIn, kind: str, argument: str) -> None:
    empty = EMPTY[kind]() if kind == "generator" else EMPTY[kind]
    with pytest.raises(InvalidInput, match=f"{argument} is an empty list") as caught:
        gd.search(**{argument: empty})
    assert f"leave {argument} out" in str(caught.value)
    assert not sent(portal)


@pytest.mark.parametrize("argument", ["datetime", "published", "bbox", "geometry"])
@pytest.mark.parametrize(
    "value", [[], "", (), pd.NaT, np.datetime64("NaT", "ns"), float("nan"), pd.NA, (None, None)],
    ids=["list", "text", "tuple", "NaT", "numpy's NaT", "NaN", "NA", "Nones"],
)  # fmt: skip
def test_nothing_is_no_time_and_no_place(portal: StandIn, argument: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        gd.search("PEPS_S2_L1C", **{argument: value})
    assert caught.value.hint
    assert not sent(portal)


@pytest.mark.parametrize(
    "value", [5, 1.5, True, b"URN", {"a": 1}, [None], ["a", 3], [""], object()]
)
@pytest.mark.parametrize("argument", ["ids", "collections", "sort"])
def test_what_is_no_name_is_told_as_our_own_error(argument: str, value: Any) -> None:
    with pytest.raises(InvalidQuery, match=f"{argument} must be texts"):
        Query.of(**{argument: value})


def test_names_in_every_form() -> None:
    shelf = [SimpleNamespace(id="PEPS_S2_L1C"), "PEPS_S1_L1"]
    assert Query.of(shelf).collections == ("PEPS_S2_L1C", "PEPS_S1_L1")
    assert Query.of(shelf[0]).collections == ("PEPS_S2_L1C",)
    held = [np.array(["a", "b"]), pd.Series(["a", "b"]), pd.Index(["a", "b"]), ("a", "b", "a"),
            iter(["a", "b"]), {"a": 1, "b": 2}.keys()]  # fmt: skip
    for names in held:
        assert Query.of(ids=names).ids == ("a", "b")
    assert Query.of(sort=[]).sort == Query.of(sort=None).sort


@pytest.mark.parametrize(
    ("value", "range_"),
    [(20, (0, 20)), ((None, 20), (0, 20)), ((5, None), (5, 100)), ([5, 20], (5, 20)),
     (np.array([5, 20]), (5, 20)), (np.float32(20), (0, 20)), ("20", (0, 20))],
    ids=["number", "open low", "open high", "list", "array", "numpy's", "text"],
)  # fmt: skip
def test_cloud_cover_in_every_form(value: Any, range_: tuple[float, float]) -> None:
    assert Query.of(cloud_cover=value).cloud_cover == range_


@pytest.mark.parametrize(
    "value", [True, [], (None, None), (1, 2, 3), float("nan"), (0, float("nan")), pd.NA, (20, 5), [[1]]],
    ids=["truth", "empty", "Nones", "three", "NaN", "NaN in a pair", "NA", "reversed", "nested"],
)  # fmt: skip
def test_a_cloud_cover_that_says_nothing_is_refused(value: Any) -> None:
    with pytest.raises(InvalidQuery) as caught:
        Query.of(cloud_cover=value)
    assert caught.value.hint


@pytest.mark.parametrize(
    "empty", [[], set(), np.array([]), ()], ids=["list", "set", "array", "tuple"]
)
def test_a_condition_on_nothing_is_refused(empty: Any) -> None:
    with pytest.raises(InvalidQuery):
        Query.of(query={"platform": empty})


def days(portal: StandIn, when: Any) -> list[str]:
    """Return the days on which what is found was taken; the catalogue has many of December 2021."""
    found = gd.search(bbox=(-180, -90, 180, 90), datetime=when)
    return sorted(str(item["properties"]["start_datetime"])[:10] for item in found.dicts)


def test_a_pair_of_timestamps_finds_what_the_text_finds(portal: StandIn) -> None:
    everything = days(portal, "1970/2100")
    first, last = everything[0], everything[-1]
    assert len(set(everything)) > 2
    for pair in (
        (pd.Timestamp(first), pd.Timestamp(last)),
        (datetime.fromisoformat(first), datetime.fromisoformat(last)),
        slice(pd.Timestamp(first, tz="UTC"), pd.Timestamp(last, tz="UTC")),
        (np.datetime64(first, "ns"), np.datetime64(last, "ns")),
        (first, pd.Timestamp(last)),
    ):
        assert days(portal, pair) == days(portal, f"{first}/{last}") == everything
    (only,) = {day for day in everything if day == last}
    assert days(portal, pd.Timestamp(only)) == [day for day in everything if day == last]


def test_a_minute_finds_what_was_taken_in_it(portal: StandIn) -> None:
    (start, *_) = (
        str(item["properties"]["start_datetime"])
        for item in gd.search("PEPS_S2_L1C", bbox=(-180, -90, 180, 90)).dicts
    )
    assert start[16:] != ":00Z"
    for written in (start[:16], f"{start[:16]}Z", np.datetime64(start[:16]), start[:13]):
        found = gd.search("PEPS_S2_L1C", bbox=(-180, -90, 180, 90), datetime=written)
        assert start in [item["properties"]["start_datetime"] for item in found.dicts]


def test_filter_reads_as_search_does(portal: StandIn) -> None:
    items = gd.search("PEPS_S2_L1C", bbox=(-180, -90, 180, 90))
    last = str(items.dicts[-1]["properties"]["start_datetime"])[:10]
    pair = (pd.Timestamp("2000-01-01"), pd.Timestamp(last))
    assert len(items.filter(datetime=pair)) == len(items)
    assert len(items.filter(collection=["PEPS_S2_L1C", "PEPS_S1_L1"])) == len(items)
    for wish in ({"datetime": pd.NaT}, {"collection": []}, {"tile": []}, {"platform": []}):
        with pytest.raises(InvalidQuery):
            items.filter(**wish)


def test_an_upper_bound_at_midnight_keeps_its_day() -> None:
    (clause,) = Query.of(
        query={"start_datetime": {"lte": pd.Timestamp("2021-12-31")}}, attributes=None
    ).clauses
    assert clause.value == "2021-12-31T23:59:59.999999Z"

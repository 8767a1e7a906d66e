"""The order of items where a catalogue cannot sort, patterns, and conditions that are told twice."""

from __future__ import annotations

import random
import re
import warnings
from typing import Any

import pytest
from support.small_catalogue import CLASSES, item, sending

from geodes_datalab import stac
from geodes_datalab.errors import InvalidQuery, ServerQuirk
from geodes_datalab.stac.dialects.standard import _cql2
from geodes_datalab.stac.items.normalise import normalise
from geodes_datalab.stac.items.sequence import Items
from geodes_datalab.stac.query.canonical import SortKey
from geodes_datalab.stac.query.conditions import Clause
from geodes_datalab.stac.query.order import in_order

DAYS = random.Random(17).sample(range(1, 29), 12)


def mixed() -> list[dict[str, Any]]:
    """Items in no order."""
    return [
        item(f"i{day:02}", datetime=f"2024-05-{day:02}T00:00:00Z", gsd=30 - day) for day in DAYS
    ]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("start_datetime", sorted(DAYS)),
        ("-datetime", sorted(DAYS, reverse=True)),
        ("gsd", sorted(DAYS, reverse=True)),
        (["-gsd", "identifier"], sorted(DAYS)),
    ],
)
@pytest.mark.parametrize("limit", [None, len(DAYS), 100])
def test_all_items_are_sorted_here(sort: Any, expected: list[int], limit: int | None) -> None:
    with sending(*mixed()) as catalogue:
        found = stac.search("one", catalogue=catalogue.url, sort=sort, limit=limit, page_size=5)
    assert found.ids == [f"i{day:02}" for day in expected]
    assert not any("sortby" in asked for asked in catalogue.asked)


@pytest.mark.parametrize("told", [True, False], ids=["total told", "total not told"])
@pytest.mark.parametrize("sort", ["-datetime", "start_datetime", ["gsd"]])
def test_a_limit_that_an_order_decides_on_is_refused(sort: Any, told: bool) -> None:
    with sending(*mixed()) as catalogue:
        catalogue.matched = told
        with pytest.raises(InvalidQuery, match="this catalogue cannot sort: limit=5") as caught:
            stac.search("one", catalogue=catalogue.url, sort=sort, limit=5)
        assert "leave limit= out" in str(caught.value)
        found = stac.search("one", catalogue=catalogue.url, sort=sort, limit=12)
    assert len(found) == 12


def test_nobody_asked_for_an_order() -> None:
    with sending(*mixed()) as catalogue:
        with pytest.warns(ServerQuirk, match="cannot sort by time: these are the first 5"):
            found = stac.search("one", catalogue=catalogue.url, limit=5)
        assert found.ids == [f"i{day:02}" for day in sorted(DAYS[:5])]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = stac.search("one", catalogue=catalogue.url, limit=5, sort=None)
    assert found.ids == sorted(f"i{day:02}" for day in DAYS[:5])


def test_a_catalogue_that_sorts_is_asked_to() -> None:
    with sending(*mixed(), classes=(*CLASSES, "item-search#sort")) as catalogue:
        found = stac.search("one", catalogue=catalogue.url, sort="-datetime", limit=5)
    assert len(found) == 5
    assert catalogue.asked[0]["sortby"][0] == {
        "field": "properties.datetime",
        "direction": "desc",
    }


def test_what_lacks_the_property_comes_last_and_fractions_of_seconds_count() -> None:
    moments = ["2024-05-03T00:00:00.500Z", "2024-05-03T00:00:00Z", None, "2024-05-03T00:00:01Z"]
    items = [{"properties": {"datetime": moment}} for moment in moments]
    found = [one["properties"]["datetime"] for one in in_order(items, [SortKey("start_datetime")])]
    assert found == [moments[1], moments[0], moments[3], None]
    mixture = [{"properties": {"a": value}} for value in ("x", 5, None, 2.5)]
    down = in_order(mixture, [SortKey("a", ascending=False)])
    assert [one["properties"]["a"] for one in down] == ["x", 5, 2.5, None]


def like(pattern: str, text: str) -> bool:
    """Tell whether a text fits a pattern, as CQL2 says it."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(part, re.escape(part[-1])) for part in parts)
    return re.fullmatch(expression, text, re.DOTALL) is not None


@pytest.mark.parametrize("value", ["100%", "S2A_MSI", "a\\b", "%", "_", "\\", "\\%", "{}", "plain"])
def test_texts_stand_for_themselves_in_patterns(value: str) -> None:
    for operator, fits, fits_not in (
        ("contains", f"x{value}y", "xy"),
        ("startsWith", f"{value}y", f"x{value}"),
        ("endsWith", f"x{value}", f"{value}x"),
    ):
        pattern = _cql2(Clause("title", operator, value))["args"][1]
        assert like(pattern, fits)
        assert not like(pattern, fits_not)
    assert not like(_cql2(Clause("title", "contains", "S2A_MSI"))["args"][1], "S2AxMSI")


def shades() -> Items:
    clouds = {"clear": 5, "hazy": 30, "dull": 90}
    items = [item(name, **{"eo:cloud_cover": share}) for name, share in clouds.items()]
    return Items([normalise(one) for one in items])


@pytest.mark.parametrize("span", [(10, 50), [10, 50], iter((10, 50))])
def test_a_range_of_cloud_cover_is_a_range_however_it_is_written(span: Any) -> None:
    assert shades().filter(cloud_cover=span).ids == ["hazy"]


def test_forms_of_cloud_cover() -> None:
    assert shades().filter(cloud_cover=30).ids == ["clear", "hazy"]
    assert shades().filter(cloud_cover=(20, None)).ids == ["hazy", "dull"]
    for wrong in ([50, 10], [10], [1, 2, 3], "much", float("nan"), 101, True):
        with pytest.raises(InvalidQuery) as caught:
            shades().filter(cloud_cover=wrong)  # type: ignore[arg-type]
        assert caught.value.hint


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"cloud_cover": [0, 50], "query": {"eo:cloud_cover": {"gte": 60}}}, "cloud_cover="),
        ({"tile": "31TCH", "query": {"grid:code": "31TCJ"}}, "tile="),
        ({"platform": "S2A", "query": {"platform": "S2B"}}, "platform="),
    ],
)
def test_an_argument_never_overrides_a_condition_of_the_query(
    arguments: dict[str, Any], name: str
) -> None:
    with pytest.raises(InvalidQuery, match=f"is given twice: {name}"):
        shades().filter(**arguments)

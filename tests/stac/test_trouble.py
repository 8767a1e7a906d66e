"""What the user reads when a search goes wrong, word for word where it matters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

import geodes_datalab as gd
from geodes_datalab.errors import (
    InvalidQuery,
    RequestError,
    ServiceError,
    UnknownCollection,
    UnknownProperty,
)
from geodes_datalab.standin import StandIn


@pytest.mark.parametrize(
    ("search", "error", "text"),
    [
        (
            {"collections": "PEPS_S2_L1"},
            UnknownCollection,
            (
                'the catalogue has no collection "PEPS_S2_L1"\n'
                '  What to do: did you mean "PEPS_S2_L1C" or "PEPS_S3_L1" or "PEPS_S1_L1"?'
            ),
        ),
        (
            {"collections": "MUSCATE_SENTINEL2_SENTINEL2_L2A"},
            UnknownCollection,
            (
                'the collection "MUSCATE_SENTINEL2_SENTINEL2_L2A" was renamed\n'
                '  What to do: use "THEIA_REFLECTANCE_SENTINEL2_L2A"'
            ),
        ),
        (
            {"query": {"eo:cloudcover": {"lte": 20}}},
            UnknownProperty,
            (
                'the catalogue has no searchable property "eo:cloudcover"\n'
                '  What to do: did you mean "eo:cloud_cover"?'
            ),
        ),
        (
            {"bbox": (43.5, 101.3, 43.7, 101.5)},
            InvalidQuery,
            (
                "latitudes run from -90 to 90, not 101.3 to 101.5: are latitude and longitude swapped?\n"
                "  What to do: did you mean bbox=(101.3, 43.5, 101.5, 43.7)?"
            ),
        ),
        (
            {"bbox": (1.5, 43.5, 1.3, 43.7)},
            InvalidQuery,
            (
                "west 1.5 > east 1.3 means across the antimeridian, here 359.8 degrees wide\n"
                "  What to do: did you mean bbox=(1.3, 43.5, 1.5, 43.7)?"
            ),
        ),
        (
            {"datetime": "2024-03/2024-01"},
            InvalidQuery,
            (
                "the dates are reversed: 2024-03-01T00:00:00Z is after 2024-01-31T23:59:59.999999Z\n"
                '  What to do: did you mean "2024-01/2024-03"?'
            ),
        ),
    ],
)
def test_mistakes_are_told_before_a_search_is_sent(
    portal: StandIn, search: dict[str, Any], error: type, text: str
) -> None:
    with pytest.raises(error) as caught:
        gd.search(**search)
    assert str(caught.value) == text
    assert not portal.requests.to("/search")


def test_naive_dates_are_utc(portal: StandIn) -> None:
    start, end = datetime(2021, 11, 4, 14), datetime(2021, 11, 4, 15)  # noqa: DTZ001 - naive on purpose
    assert len(gd.search("PEPS_S2_L1C", datetime=(start, end))) == 1
    assert portal.requests.to("/search")[0].body["query"]["start_datetime"] == {
        "lte": "2021-11-04T15:00:00Z"
    }


def test_an_empty_result_is_no_error_and_says_what_to_do(portal: StandIn) -> None:
    found = gd.search("PEPS_S2_L1C", bbox=(0, 0, 1, 1))
    assert repr(found) == "Items(0 of 0)"
    assert "Nothing was found: widen the area, the dates or the cloud cover." in found._repr_html_()
    with pytest.raises(IndexError):
        found[0]


def test_a_catalogue_that_is_down(portal: StandIn) -> None:
    portal.faults.down()
    with pytest.raises(ServiceError) as caught:
        gd.search("PEPS_S2_L1C")
    assert str(caught.value).startswith("127.0.0.1 answered 503")
    assert "try again in a few minutes" in str(caught.value)


def test_a_catalogue_that_is_not_there(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("GEODES_PORTAL", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("GEODES_BACKOFF", "0")
    with pytest.raises(ServiceError) as caught:
        gd.search("PEPS_S2_L1C")
    assert "127.0.0.1 cannot be reached" in str(caught.value)
    assert "check the network and the proxy settings" in str(caught.value)


def test_a_catalogue_that_goes_down_between_two_pages(
    served: Callable[..., StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    from geodes_datalab.standin import Catalogue

    monkeypatch.setenv("GEODES_RETRIES", "0")
    portal = served(Catalogue.bulk(400))
    portal.faults.fail_randomly("search", probability=0.6)
    with pytest.raises(ServiceError, match="answered 500"):
        searches(20)


def searches(count: int) -> None:
    for _ in range(count):
        gd.search("PEPS_S2_L1C")


def test_an_answer_that_is_no_catalogue(portal: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_STAC_URL", portal.url)
    with pytest.raises((ServiceError, RequestError)) as caught:
        gd.search("PEPS_S2_L1C")
    assert caught.value.hint


def test_a_slow_catalogue(portal: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_TIMEOUT", "0.2")
    monkeypatch.setenv("GEODES_RETRIES", "0")
    portal.faults.slow("search", seconds=2)  # patience: longer than the client has
    with pytest.raises(ServiceError) as caught:
        gd.search("PEPS_S2_L1C")
    assert "did not answer in time" in str(caught.value)
    assert "GEODES_TIMEOUT" in str(caught.value)

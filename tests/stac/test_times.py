# ruff: noqa: DTZ001 - naive datetimes are what is tested
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodes_datalab.errors import InvalidQuery
from geodes_datalab.stac.times import interval, iso

MOMENTS = st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2100, 1, 1))


@pytest.mark.parametrize(
    ("written", "start", "end"),
    [
        ("2024", "2024-01-01T00:00:00Z", "2024-12-31T23:59:59.999999Z"),
        ("2024-12", "2024-12-01T00:00:00Z", "2024-12-31T23:59:59.999999Z"),
        ("2023-02", "2023-02-01T00:00:00Z", "2023-02-28T23:59:59.999999Z"),
        ("2024-5-3", "2024-05-03T00:00:00Z", "2024-05-03T23:59:59.999999Z"),
        ("2024-05-03T10:30:00Z", "2024-05-03T10:30:00Z", "2024-05-03T10:30:00Z"),
        ("2024-05-03 10:30", "2024-05-03T10:30:00Z", "2024-05-03T10:30:00Z"),
        ("2024-05-03T12:30:00+02:00", "2024-05-03T10:30:00Z", "2024-05-03T10:30:00Z"),
        ("2024-01/2024-03", "2024-01-01T00:00:00Z", "2024-03-31T23:59:59.999999Z"),
        ("../2020", "..", "2020-12-31T23:59:59.999999Z"),
        ("/2020", "..", "2020-12-31T23:59:59.999999Z"),
        ("2020/..", "2020-01-01T00:00:00Z", ".."),
        (date(2024, 5, 3), "2024-05-03T00:00:00Z", "2024-05-03T23:59:59.999999Z"),
        ((None, date(2024, 5, 3)), "..", "2024-05-03T23:59:59.999999Z"),
        (["2024-05", None], "2024-05-01T00:00:00Z", ".."),
        (np.datetime64("2024-05-03"), "2024-05-03T00:00:00Z", "2024-05-03T23:59:59.999999Z"),
        (pd.Timestamp("2024-05-03T10:30"), "2024-05-03T10:30:00Z", "2024-05-03T10:30:00Z"),
    ],
)
def test_written_forms(written: object, start: str, end: str) -> None:
    assert str(interval(written)) == f"{start}/{end}"


def test_naive_is_utc_whatever_the_machine_thinks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert iso(datetime(2024, 5, 3, 10)) == "2024-05-03T10:00:00Z"
    tokyo = timezone(timedelta(hours=9))
    assert iso(datetime(2024, 5, 3, 10, tzinfo=tokyo)) == "2024-05-03T01:00:00Z"


def test_nothing_is_no_span() -> None:
    assert interval(None) is None


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("2024-03/2024-01", "reversed"),
        ((datetime(2024, 3, 1), datetime(2024, 1, 1)), "reversed"),
        ("spring 2024", "no date"),
        ("2024-13", "no date"),
        ("2023-02-29", "no date"),
        ("20240503", "no date"),
        ("03/05/2024", "3 parts"),
        ("../..", "both ends are open"),
        (20240503, "no date"),
        (("2024", "2025", "2026"), "3 parts"),
    ],
)
def test_what_cannot_be_meant_is_refused(written: object, message: str) -> None:
    with pytest.raises(InvalidQuery, match=message) as caught:
        interval(written)
    assert caught.value.hint


def test_reversed_dates_come_with_the_likely_ones() -> None:
    with pytest.raises(InvalidQuery) as caught:
        interval("2024-03/2024-01")
    assert 'did you mean "2024-01/2024-03"?' in str(caught.value)


@given(MOMENTS, MOMENTS)
def test_any_two_moments_make_their_span(one: datetime, other: datetime) -> None:
    start, end = sorted((one, other))
    span = interval((start, end))
    assert span == (start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
    assert interval(str(span)) == span
    assert interval(f"{start.isoformat()}/{end.isoformat()}") == span


@given(MOMENTS)
def test_a_day_holds_its_moments(moment: datetime) -> None:
    span = interval(moment.date().isoformat())
    assert span is not None
    assert span.start <= moment.replace(tzinfo=UTC) <= span.end
    assert span.end - span.start == timedelta(days=1) - timedelta(microseconds=1)

# ruff: noqa: DTZ001 - naive datetimes are what is tested
from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from geodes_datalab._inputs.times import interval, iso
from geodes_datalab.errors import InvalidQuery

MOMENTS = st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2100, 1, 1))


@pytest.mark.parametrize(
    ("written", "start", "end"),
    [
        ("2024", "2024-01-01T00:00:00Z", "2024-12-31T23:59:59.999999Z"),
        ("2024-12", "2024-12-01T00:00:00Z", "2024-12-31T23:59:59.999999Z"),
        ("2023-02", "2023-02-01T00:00:00Z", "2023-02-28T23:59:59.999999Z"),
        ("2024-5-3", "2024-05-03T00:00:00Z", "2024-05-03T23:59:59.999999Z"),
        ("2024-05-03T10:30:00Z", "2024-05-03T10:30:00Z", "2024-05-03T10:30:00Z"),
        ("2024-05-03 10:30", "2024-05-03T10:30:00Z", "2024-05-03T10:30:59.999999Z"),
        ("2024-05-03T10:30Z", "2024-05-03T10:30:00Z", "2024-05-03T10:30:59.999999Z"),
        ("2024-05-03T10:30+02", "2024-05-03T08:30:00Z", "2024-05-03T08:30:59.999999Z"),
        ("2024-05-03T10", "2024-05-03T10:00:00Z", "2024-05-03T10:59:59.999999Z"),
        ("2024-05-03t10z", "2024-05-03T10:00:00Z", "2024-05-03T10:59:59.999999Z"),
        (
            "2024-05-03T10:15/2024-05-03T10:20",
            "2024-05-03T10:15:00Z",
            "2024-05-03T10:20:59.999999Z",
        ),
        (
            "2024-05-03T10:30:00.123456789",
            "2024-05-03T10:30:00.123456Z",
            "2024-05-03T10:30:00.123456Z",
        ),
        ("9999", "9999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
        ("2024-05-03T12:30:00+02:00", "2024-05-03T10:30:00Z", "2024-05-03T10:30:00Z"),
        ("2024-01/2024-03", "2024-01-01T00:00:00Z", "2024-03-31T23:59:59.999999Z"),
        ("../2020", "..", "2020-12-31T23:59:59.999999Z"),
        ("/2020", "..", "2020-12-31T23:59:59.999999Z"),
        ("2020/..", "2020-01-01T00:00:00Z", ".."),
        (date(2024, 5, 3), "2024-05-03T00:00:00Z", "2024-05-03T23:59:59.999999Z"),
        ((None, date(2024, 5, 3)), "..", "2024-05-03T23:59:59.999999Z"),
        (["2024-05", None], "2024-05-01T00:00:00Z", ".."),
        (np.datetime64("2024-05-03"), "2024-05-03T00:00:00Z", "2024-05-03T23:59:59.999999Z"),
        (np.datetime64("2024"), "2024-01-01T00:00:00Z", "2024-12-31T23:59:59.999999Z"),
        (np.datetime64("2024-05"), "2024-05-01T00:00:00Z", "2024-05-31T23:59:59.999999Z"),
        (np.datetime64("2024-05-03", "W"), "2024-05-02T00:00:00Z", "2024-05-08T23:59:59.999999Z"),
        (np.datetime64("2024-05-03T10"), "2024-05-03T10:00:00Z", "2024-05-03T10:59:59.999999Z"),
        (np.datetime64("2024-05-03T10:30"), "2024-05-03T10:30:00Z", "2024-05-03T10:30:59.999999Z"),
        (np.datetime64("2024-05-03T10:30:05"), "2024-05-03T10:30:05Z", "2024-05-03T10:30:05Z"),
        (np.datetime64("2024-05-03", "ns"), "2024-05-03T00:00:00Z", "2024-05-03T23:59:59.999999Z"),
        (pd.Timestamp("2024-05-03T10:30"), "2024-05-03T10:30:00Z", "2024-05-03T10:30:00Z"),
        (pd.Timestamp("2024-05-03"), "2024-05-03T00:00:00Z", "2024-05-03T23:59:59.999999Z"),
        (datetime(2024, 5, 3), "2024-05-03T00:00:00Z", "2024-05-03T23:59:59.999999Z"),
        (pd.Period("2024-05"), "2024-05-01T00:00:00Z", "2024-05-31T23:59:59.999999Z"),
        (pd.Period("2024Q2"), "2024-04-01T00:00:00Z", "2024-06-30T23:59:59.999999Z"),
        (slice("2024-01", "2024-03"), "2024-01-01T00:00:00Z", "2024-03-31T23:59:59.999999Z"),
        (slice("2024-01", None), "2024-01-01T00:00:00Z", ".."),
        (
            np.array(["2024-01", "2024-03"], "M8[M]"),
            "2024-01-01T00:00:00Z",
            "2024-03-31T23:59:59.999999Z",
        ),
        (np.array("2024-05-03", "M8[D]"), "2024-05-03T00:00:00Z", "2024-05-03T23:59:59.999999Z"),
        (
            xr.DataArray(np.datetime64("2024-05-03", "ns")),
            "2024-05-03T00:00:00Z",
            "2024-05-03T23:59:59.999999Z",
        ),
        (
            pd.Interval(pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01"), closed="left"),
            "2024-01-01T00:00:00Z",
            "2024-01-31T23:59:59.999999Z",
        ),
    ],
)
def test_written_forms(written: object, start: str, end: str) -> None:
    assert str(interval(written)) == f"{start}/{end}"


FIRST, LAST = "2021-12-01", "2021-12-31"
DAYS = "2021-12-01T00:00:00Z/2021-12-31T23:59:59.999999Z"


@pytest.mark.parametrize(
    "pair",
    [
        (pd.Timestamp(FIRST), pd.Timestamp(LAST)),
        [pd.Timestamp(FIRST), pd.Timestamp(LAST)],
        (pd.Timestamp(FIRST, tz="UTC"), pd.Timestamp(LAST, tz="UTC")),
        (datetime(2021, 12, 1), datetime(2021, 12, 31)),
        (date(2021, 12, 1), datetime(2021, 12, 31)),
        (FIRST, pd.Timestamp(LAST)),
        slice(pd.Timestamp(FIRST), pd.Timestamp(LAST)),
        pd.to_datetime([FIRST, LAST]),
        pd.Series(pd.to_datetime([FIRST, LAST])),
        pd.to_datetime([FIRST, LAST]).to_numpy(),
        pd.PeriodIndex([FIRST, LAST], freq="D"),
        xr.DataArray(pd.to_datetime([FIRST, LAST]), dims="time"),
    ],
    ids=lambda pair: type(pair).__name__,
)
def test_days_that_are_held_as_midnights_keep_the_last_one(pair: object) -> None:
    assert str(interval(pair)) == DAYS


def test_a_day_ends_where_its_clock_stands() -> None:
    """In Paris the last Sunday of October has 25 hours."""
    day = pd.Timestamp("2024-10-27", tz="Europe/Paris")
    assert str(interval(day)) == "2024-10-26T22:00:00Z/2024-10-27T22:59:59.999999Z"


def test_beside_a_time_of_day_midnight_is_an_instant() -> None:
    pair = pd.Timestamp("2021-12-30T18:00"), pd.Timestamp("2021-12-31")
    assert str(interval(pair)) == "2021-12-30T18:00:00Z/2021-12-31T00:00:00Z"
    text = "2021-12-01T00:00:00Z/2021-12-31T00:00:00Z"
    assert str(interval(text)) == text  # with seconds, as STAC has it


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
        (pd.NaT, "is no time"),
        (np.datetime64("NaT", "ns"), "is no time"),
        (pd.NA, "is no time"),
        (float("nan"), "is no time"),
        ((pd.NaT, pd.Timestamp("2024")), "is no time"),
        ((pd.Timestamp("2024"), np.datetime64("NaT", "ns")), "is no time"),
        (pd.to_datetime(["2024-01-01", None]), "is no time"),
        (pd.Period("NaT", "D"), "is no time"),
        ((None, None), "both ends are open"),
        ("", "both ends are open"),
        (slice(None), "both ends are open"),
        (slice("2024", "2025", 2), "has a step"),
        ([], "0 parts"),
        (pd.date_range("2024-01-01", periods=5), "5 parts"),
        ({"2024", "2025"}, "no date"),
        ({"start": "2024"}, "no date"),
        (True, "no date"),
        (b"2024", "no date"),
        (pd.Interval(0, 1), "no date"),
        (np.zeros((2, 2), "M8[D]"), "no date"),
        ("0000", "no date"),
        ("2024-05-03T25:00", "no date"),
        ("2024-05-03T10:61", "no date"),
        ("2024-05-03T", "no date"),
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
    midnights = all(moment.time() == time() for moment in (start, end))
    until = datetime.combine(end.date(), time.max) if midnights else end
    assert span == (start.replace(tzinfo=UTC), until.replace(tzinfo=UTC))
    assert interval(str(span)) == span


@given(MOMENTS)
def test_a_day_holds_its_moments(moment: datetime) -> None:
    span = interval(moment.date().isoformat())
    assert span is not None
    assert span.start <= moment.replace(tzinfo=UTC) <= span.end
    assert span.end - span.start == timedelta(days=1) - timedelta(microseconds=1)


@pytest.mark.parametrize(
    "pair",
    [
        np.array(["2024-01", "2024-03-05"]),
        np.array(["2024-01", "2024-03-05"], object),
        list(np.array(["2024-01", "2024-03-05"])),
        pd.Series(["2024-01", "2024-03-05"]),
        pd.Index(["2024-01", "2024-03-05"]),
    ],
    ids=["array", "array of objects", "list of numpy's", "series", "index"],
)
def test_columns_of_texts_are_pairs(pair: object) -> None:
    assert str(interval(pair)) == "2024-01-01T00:00:00Z/2024-03-05T23:59:59.999999Z"

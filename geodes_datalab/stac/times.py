"""Moments and spans of time, in every form that people write them.

Naive times, in text or as ``datetime`` objects, are UTC: satellites have no time zone, and a search
must not change its answer with the machine that runs it.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, TypeAlias

from geodes_datalab.errors import InvalidQuery

DatetimeLike: TypeAlias = str | date | datetime | tuple[Any, Any] | list[Any]
"""A text such as ``"2024-05"`` or ``"2024-01-01/2024-03-31"``, a date, a datetime, or a pair."""

FORMS = 'write "2024", "2024-05", "2024-05-03", "2024-05-03T10:30:00Z", or two of them as "a/b"'

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_OPEN = ("", "..", None)
_TICK = timedelta(microseconds=1)


class Interval(NamedTuple):
    """A span of time in UTC, both ends included; ``None`` is an open end."""

    start: datetime | None
    end: datetime | None

    def __str__(self) -> str:
        """Write as STAC does, ``start/end`` with ``..`` for an open end."""
        return "/".join(iso(moment) if moment else ".." for moment in self)


def interval(value: DatetimeLike | None) -> Interval | None:
    """Read a span of time.

    Parameters
    ----------
    value
        A year, month or day stands for all of it; ``"a/b"`` or ``(a, b)`` runs from the begin of
        ``a`` to the end of ``b``; ``".."``, ``""`` and ``None`` leave an end open. Naive is UTC.

    Raises
    ------
    InvalidQuery
        Unreadable, reversed, or open at both ends.

    Examples
    --------
    >>> str(interval("2024-02"))
    '2024-02-01T00:00:00Z/2024-02-29T23:59:59.999999Z'
    >>> str(interval("../2024-05-03"))
    '../2024-05-03T23:59:59.999999Z'
    """
    if value is None:
        return None
    first, last = _ends(value)
    start = None if _is_open(first) else _span(first)[0]
    end = None if _is_open(last) else _span(last)[1]
    if start is None and end is None:
        raise InvalidQuery(f"{value!r} says nothing: both ends are open", FORMS)
    if start and end and start > end:
        raise InvalidQuery(
            f"the dates are reversed: {iso(start)} is after {iso(end)}",
            f'did you mean "{last}/{first}"?',
        )
    return Interval(start, end)


def iso(moment: datetime) -> str:
    """Write a moment as RFC 3339 text in UTC.

    Examples
    --------
    >>> iso(datetime(2024, 5, 3, 10, 30))
    '2024-05-03T10:30:00Z'
    """
    return _utc(moment).isoformat().replace("+00:00", "Z")


def _ends(value: DatetimeLike) -> tuple[Any, Any]:
    if isinstance(value, str) and "/" in value:
        parts: list[Any] = [part.strip() for part in value.split("/")]
    elif isinstance(value, tuple | list):
        parts = list(value)
    else:
        return value, value
    if len(parts) != 2:
        raise InvalidQuery(f"{value!r} is no span of time: it has {len(parts)} parts", FORMS)
    return parts[0], parts[1]


def _is_open(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in _OPEN)


def _span(value: Any) -> tuple[datetime, datetime]:
    """Return the first and the last moment that a value stands for."""
    if isinstance(value, datetime):
        return _utc(value), _utc(value)
    if isinstance(value, date):
        return _day(value)
    if type(value).__name__ == "datetime64":  # numpy's, without importing numpy
        value = str(value)
    if not isinstance(value, str):
        raise InvalidQuery(f"{value!r} is no date ({type(value).__name__})", FORMS)
    text = value.strip()
    match = _DATE.fullmatch(text)
    try:
        if match:
            return _calendar(*(int(part) if part else None for part in match.groups()))
        if "T" not in text.upper() and " " not in text:
            raise ValueError(text)
        moment = _utc(datetime.fromisoformat(text.upper()))
    except ValueError as error:
        raise InvalidQuery(f"{text!r} is no date that can be read", FORMS) from error
    return moment, moment


def _calendar(year: int | None, month: int | None, day: int | None) -> tuple[datetime, datetime]:
    assert year is not None
    if day is not None and month is not None:
        return _day(date(year, month, day))
    first = date(year, month or 1, 1)
    if month is None or month == 12:
        following = date(year + 1, 1, 1)
    else:
        following = date(year, month + 1, 1)
    return _day(first)[0], _day(following)[0] - _TICK


def _day(day: date) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time(), UTC)
    return start, start + timedelta(days=1) - _TICK


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

"""Moments and spans of time, in every form that people write them.

Naive times, in text or as ``datetime`` objects, are UTC: satellites have no time zone, and a search
must not change its answer with the machine that runs it.

What is written to the hour, the minute, the day, the month or the year stands for all of it, as it
does in speech: ``"2024-05"`` is a month and ``"2024-05-03T14:20"`` a minute. With seconds it is an
instant, as in STAC. Pandas and Python have no day beside the instant at its midnight: so objects at
midnight are whole days, unless the other end of their pair has a time of day.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, TypeAlias

from geodes_datalab.errors import InvalidInput

DatetimeLike: TypeAlias = Any
"""A text such as ``"2024-05"`` or ``"2024-01-01/2024-03-31"``, a date, a datetime, numpy's or pandas's
(also a ``Period`` or an ``Interval``), or two of them: a pair, a slice, an array."""

FORMS = 'write "2024", "2024-05", "2024-05-03", "2024-05-03T10:30:00Z", or two of them as "a/b"'

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_CLOCK = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2})(?:T|\s+)(\d{1,2})(?::(\d{2})(?::(\d{2}(?:[.,]\d+)?))?)?"
    r"\s*(Z|[+-]\d{2}(?::?\d{2})?)?",
    re.IGNORECASE,
)
_OPEN = ("", "..")
_TICK = timedelta(microseconds=1)
_LAST = time(23, 59, 59, 999999)


class Interval(NamedTuple):
    """A span of time in UTC, both ends included; ``None`` is an open end."""

    start: datetime | None
    end: datetime | None

    def __str__(self) -> str:
        """Write as STAC does, ``start/end`` with ``..`` for an open end."""
        return "/".join(iso(moment) if moment else ".." for moment in self)

    @property
    def spoken(self) -> str:
        """Written for people, without times of day where whole days are meant; UTC.

        Examples
        --------
        >>> interval("2021-11/2022-05").spoken, interval("2024-05-03").spoken
        ('2021-11-01 to 2022-05-31', '2024-05-03')
        """
        if self.start and self.start == self.end:
            return _clock(self.start)
        first = _spoken(self.start, time()) if self.start else ""
        last = _spoken(self.end, _LAST) if self.end else ""
        if first and last:
            return first if first == last else f"{first} to {last}"
        return f"since {first}" if first else f"until {last}"


class _Moment(NamedTuple):
    """What one value stands for."""

    first: datetime
    last: datetime
    day: datetime | None = None
    """End of the day, where the value is an object at midnight."""
    exact: bool = False
    """Whether the value has a time of day."""


def interval(value: DatetimeLike | None) -> Interval | None:
    """Read a span of time.

    Parameters
    ----------
    value
        See `DatetimeLike`. A year, month, day, hour or minute stands for all of it; ``"a/b"`` or
        ``(a, b)`` runs from the begin of ``a`` to the end of ``b``; ``".."``, ``""`` and ``None`` leave
        an end of a pair open. Objects at midnight are whole days, unless the other end has a time of
        day. Naive is UTC.

    Returns
    -------
    Interval or None
        None where nothing was given.

    Raises
    ------
    InvalidInput
        Unreadable, not a time (``NaT``), reversed, or open at both ends.

    Examples
    --------
    >>> str(interval("2024-02"))
    '2024-02-01T00:00:00Z/2024-02-29T23:59:59.999999Z'
    >>> str(interval("../2024-05-03T14:20"))
    '../2024-05-03T14:20:59.999999Z'
    """
    if value is None:
        return None
    first, last = _ends(value)
    start, end = _moment(first), _moment(last)
    if start is None and end is None:
        raise InvalidInput(f"{value!r} says nothing: both ends are open", FORMS)
    begin = start.first if start else None
    until = _until(end, exact=bool(start and start.exact)) if end else None
    if begin and until and begin > until:
        raise InvalidInput(
            f"the dates are reversed: {iso(begin)} is after {iso(until)}",
            f'did you mean "{last}/{first}"?',
        )
    return Interval(begin, until)


def iso(moment: datetime) -> str:
    """Write a moment as RFC 3339 text in UTC.

    Examples
    --------
    >>> iso(datetime(2024, 5, 3, 10, 30))
    '2024-05-03T10:30:00Z'
    """
    return _utc(moment).isoformat().replace("+00:00", "Z")


def _spoken(moment: datetime, edge: time) -> str:
    """Write a moment; its day alone where it stands at the edge of it."""
    if moment.time() == edge:
        return moment.date().isoformat()
    return _clock(moment)


def _clock(moment: datetime) -> str:
    text = f"{moment:%Y-%m-%d %H:%M:%S}"
    return text.removesuffix(":59" if moment.microsecond else ":00")


def _until(end: _Moment, *, exact: bool) -> datetime:
    return end.last if exact or end.day is None else end.day


def _ends(value: DatetimeLike) -> tuple[Any, Any]:
    """Return both ends of what is a pair; else the same value twice."""
    if isinstance(value, str):
        parts = [part.strip() for part in value.split("/")] if "/" in value else [value, value]
    elif isinstance(value, slice):
        if value.step is not None:
            raise InvalidInput(f"{value!r} has a step: a span of time has none", FORMS)
        parts = [value.start, value.stop]
    elif hasattr(value, "left") and hasattr(value, "right"):  # pandas's Interval
        return _of_interval(value)
    else:
        parts = _listed(value)
    if len(parts) != 2:
        raise InvalidInput(
            f"{_shown(value)} is no span of time: it has {len(parts)} parts",
            "give the first and the last of them: (dates.min(), dates.max())"
            if len(parts) > 2 and not isinstance(value, str)
            else FORMS,
        )
    return parts[0], parts[1]


def _listed(value: Any) -> list[Any]:
    """Return the members of a list, tuple, array or column; a single value twice."""
    if isinstance(value, Mapping | AbstractSet | bytes):
        raise _no_date(value)
    if isinstance(value, tuple | list) or getattr(value, "ndim", 0) == 1:
        return [_scalar(item) for item in value]
    if getattr(value, "ndim", 0) > 1:
        raise _no_date(value)
    return [_scalar(value)] * 2


def _scalar(value: Any) -> Any:
    """Return what an array without dimensions holds."""
    if isinstance(value, str):  # numpy's, too, which says that it has no dimensions
        return str(value)
    if getattr(value, "ndim", None) == 0 and not _is_numpy_time(value):
        return getattr(value, "values", value)[()]
    return value


def _of_interval(value: Any) -> tuple[Any, Any]:
    """Return the ends of pandas's Interval, which says itself whether they are part of it."""
    if not (isinstance(value.left, datetime) and isinstance(value.right, datetime)):
        raise _no_date(value)
    start, end = _utc(value.left), _utc(value.right)
    start += timedelta() if value.closed in ("both", "left") else _TICK
    end -= timedelta() if value.closed in ("both", "right") else _TICK
    return iso(start), iso(end)


def _moment(value: Any) -> _Moment | None:
    """Return what a value stands for; None for an open end."""
    if value is None or (isinstance(value, str) and value.strip() in _OPEN):
        return None
    if _is_nothing(value):
        raise InvalidInput(
            f"{value!r} is no time: it is what a table has where a time is missing",
            "leave it out for all times, or leave out the rows without one",
        )
    try:
        return _read(value)
    except (ValueError, OverflowError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"{_shown(value)} is no date that can be read", FORMS) from error


def _read(value: Any) -> _Moment:
    if hasattr(value, "start_time") and hasattr(value, "end_time"):  # pandas's Period
        return _Moment(_utc(value.start_time), _utc(value.end_time), exact=_is_short(value))
    if isinstance(value, datetime):
        return _of_datetime(value)
    if isinstance(value, date):
        return _Moment(*_day(value))
    if _is_numpy_time(value):
        return _of_numpy(value)
    if isinstance(value, str):
        return _of_text(value.strip())
    raise _no_date(value)


def _of_datetime(value: datetime) -> _Moment:
    moment = _utc(value)
    midnight = value.time() == time() and not getattr(value, "nanosecond", 0)
    if not midnight:
        return _Moment(moment, moment, exact=True)
    # The end of that day where the clock stands: it may have 23 or 25 hours.
    end = _utc(value.replace(hour=23, minute=59, second=59, microsecond=999999))
    return _Moment(moment, moment, day=end)


def _of_numpy(value: Any) -> _Moment:
    """Read numpy's datetime64, whose unit tells how exactly it was written."""
    result, unit = _of_text(str(value)), str(value.dtype).partition("[")[2].rstrip("]")
    if unit == "W":
        return _Moment(result.first, result.first + timedelta(days=7) - _TICK)
    return result if unit in ("Y", "M", "D", "h", "m") else _of_datetime(result.first)


def _of_text(text: str) -> _Moment:
    match = _DATE.fullmatch(text)
    if match:
        return _Moment(*_calendar(*(int(part) if part else None for part in match.groups())))
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        raise ValueError(text)
    year, month, day = (int(part) for part in clock[1].split("-"))
    hour, minute, second, zone = clock[2], clock[3], clock[4], clock[5]
    written = f"{year:04}-{month:02}-{day:02}T{hour:0>2}:{minute or '00'}:{(second or '00').replace(',', '.')}"
    moment = _utc(datetime.fromisoformat(written + (zone or "").upper()))
    if second:
        return _Moment(moment, moment, exact=True)
    length = timedelta(minutes=1) if minute else timedelta(hours=1)
    return _Moment(moment, moment + length - _TICK, exact=True)


def _calendar(
    year: int | None, month: int | None = None, day: int | None = None
) -> tuple[datetime, datetime]:
    assert year is not None
    if day is not None and month is not None:
        return _day(date(year, month, day))
    last = month or 12
    days = calendar.monthrange(year, last)[1]
    return _day(date(year, month or 1, 1))[0], _day(date(year, last, days))[1]


def _day(day: date) -> tuple[datetime, datetime]:
    return datetime.combine(day, time(), UTC), datetime.combine(day, _LAST, UTC)


def _utc(moment: Any) -> datetime:
    if hasattr(moment, "to_pydatetime"):  # pandas's, which counts nanoseconds too
        moment = moment.floor("us").to_pydatetime()
    result: datetime = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return result.astimezone(UTC)


def _is_numpy_time(value: Any) -> bool:
    return type(value).__name__ == "datetime64"  # without importing numpy


def _is_short(period: Any) -> bool:
    """Tell whether a pandas Period is shorter than a day, and so has a time of day."""
    return bool(period.end_time - period.start_time < timedelta(hours=23))


def _is_nothing(value: Any) -> bool:
    """Tell NaT, NA and NaN, which no comparison finds."""
    return type(value).__name__ in ("NaTType", "NAType") or (
        (isinstance(value, float) or _is_numpy_time(value)) and bool(value != value)  # noqa: PLR0124
    )


def _no_date(value: Any) -> InvalidInput:
    return InvalidInput(f"{_shown(value)} is no date ({type(value).__name__})", FORMS)


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) < 100 else text[:97] + "..."

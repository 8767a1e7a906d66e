"""What a search body selects: the filters of the legacy catalogue, with and without its traps."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from geodes_datalab.standin.attributes import BOOLEAN, DATE, NUMBER, STRING, STRINGS, TYPES
from geodes_datalab.standin.profiles import Profile
from geodes_datalab.standin.records import Record

Test = Callable[[Record], bool]

DATETIME = re.compile(
    r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$"
)
OPEN_ENDED = ("", "..")


class BadRequest(Exception):
    """A body that the server cannot read; answered with 400."""


def compile_filters(
    body: dict[str, Any], profile: Profile, collections: frozenset[str]
) -> list[Test]:
    """Return the tests that an item must pass; null members count as absent.

    Parameters
    ----------
    body
        Search body of geodes-api section 1.2.
    profile
        Decides which traps are set.
    collections
        Collection ids that the catalogue knows.
    """
    if profile.modern and body.get("bbox") and body.get("intersects"):
        raise BadRequest("bbox and intersects cannot be given together")
    tests = [
        *_collections(body.get("collections"), profile, collections),
        *_ids(body.get("ids")),
        *_bbox(body.get("bbox")),
        *_intersects(body.get("intersects"), profile),
        *_datetime(body.get("datetime"), profile),
    ]
    query = body.get("query") or {}
    if not isinstance(query, dict):
        raise BadRequest("query must be an object of attributes")
    for name, operators in query.items():
        tests += _attribute(name, operators, profile)
    return tests


_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)


def instant(text: str) -> float:
    """Return an ISO 8601 date or time as seconds since 1970; without zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"Text '{text}' could not be parsed as a date") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _collections(wanted: Any, profile: Profile, known: frozenset[str]) -> list[Test]:
    if not wanted:
        return []
    if not isinstance(wanted, list):
        raise BadRequest("collections must be a list")
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise BadRequest(f"Unknown collection {unknown[0]}")
    if profile.collections_are_anded and len(set(wanted)) > 1:
        return [_never]
    return [lambda record: record.collection in wanted]


def _never(_: Record) -> bool:
    return False


def _ids(wanted: Any) -> list[Test]:
    if not wanted:
        return []
    chosen = frozenset([wanted] if isinstance(wanted, str) else wanted)
    return [lambda record: record.id in chosen]


def _bbox(values: Any) -> list[Test]:
    if not values:
        return []
    if not isinstance(values, list) or len(values) not in (4, 6):
        raise BadRequest("bbox must have 4 or 6 numbers")
    from shapely.geometry import MultiPolygon, box

    half = len(values) // 2
    west, south, east, north = *values[:2], *values[half : half + 2]
    if south > north:
        raise BadRequest("bbox: south is greater than north")
    if west > east:  # across the antimeridian
        return [_meets(MultiPolygon([box(west, south, 180, north), box(-180, south, east, north)]))]
    return [_meets(box(west, south, east, north))]


def _intersects(geometry: Any, profile: Profile) -> list[Test]:
    if not geometry:
        return []
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if profile.only_polygons and kind not in ("Polygon", "MultiPolygon"):
        return []  # the trap: items from anywhere come back
    try:
        return [_meets(shape(geometry))]
    except (ShapelyError, AttributeError, KeyError, ValueError, TypeError) as error:
        raise BadRequest("intersects is not a GeoJSON geometry") from error


def _meets(area: Any) -> Test:
    from shapely import prepare

    prepare(area)
    return lambda record: bool(area.intersects(record.shape))


def _datetime(text: Any, profile: Profile) -> list[Test]:
    if not text:
        return []
    first, slash, last = str(text).partition("/")
    if not slash:
        last = first
    if profile.modern:
        first, last = _strictly(first), _strictly(last)
        if {first, last} <= set(OPEN_ENDED):
            raise BadRequest("datetime: one end of the interval must be given")
    low = float("-inf") if first in OPEN_ENDED else instant(first)
    high = float("inf") if last in OPEN_ENDED else instant(last)
    if low > high:
        raise BadRequest("datetime: the interval ends before it starts")
    if profile.datetime_is_publication:
        return [lambda record: low <= instant(record.properties["datetime"]) <= high]
    return [lambda record: _start(record) <= high and _end(record) >= low]


def _strictly(text: str) -> str:
    """Return a time as RFC 3339 has it, which the standard asks for; open ends as they are."""
    if text not in OPEN_ENDED and not _RFC3339.fullmatch(text):
        raise BadRequest(f"datetime: {text!r} is no time of RFC 3339")
    return text.upper()


def _start(record: Record) -> float:
    return instant(record.properties.get("start_datetime") or record.properties["datetime"])


def _end(record: Record) -> float:
    return instant(record.properties.get("end_datetime") or record.properties["datetime"])


def _attribute(name: str, operators: Any, profile: Profile) -> list[Test]:
    """Tests of one attribute: unknown names and wrong types are ignored, or refused."""
    if not isinstance(operators, dict):
        raise BadRequest(f"query.{name} must be an object of operators")
    declared = TYPES.get(name)
    values = [value for key, value in operators.items() if key != "matchType"]
    kind = _kind(values[0], declared) if values else None
    fits = declared is not None and (kind == declared or (declared, kind) == (STRINGS, STRING))
    if not fits or kind is None:
        if profile.ignores_unknown:
            return []
        problem = "is not searchable" if declared is None else f"is of type {declared}"
        raise BadRequest(f"query: the attribute {name} {problem}")
    if kind == BOOLEAN:
        return [_boolean(name, operators)]
    if kind == NUMBER:
        return [_number(name, operators)]
    if kind == DATE:
        return [_date(name, operators)]
    return [_string(name, operators, ignore_case=_ignores_case(operators, profile))]


def _kind(value: Any, declared: str | None) -> str | None:
    """Return the kind of a clause: its first value decides, and a date in a string is a date."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return DATE if DATETIME.match(value) and declared != STRING else STRING
    return None


def _ignores_case(operators: dict[str, Any], profile: Profile) -> bool:
    return not profile.modern and "STRICT" not in str(operators.get("matchType", "")).upper()


def _boolean(name: str, operators: dict[str, Any]) -> Test:
    wanted = operators.get("eq", not operators.get("neq", True))
    return lambda record: record.properties.get(name) == wanted


def _number(name: str, operators: dict[str, Any]) -> Test:
    """``eq``, else ``neq``, else ``in``, else a range: the first that is given wins."""

    def test(record: Record) -> bool:
        value = record.properties.get(name)
        if not isinstance(value, int | float):
            return False
        if "eq" in operators:
            return bool(value == operators["eq"])
        if "neq" in operators:
            return bool(value != operators["neq"])
        if "in" in operators:
            return value in operators["in"]
        return _in_range(value, operators, float)

    return test


def _date(name: str, operators: dict[str, Any]) -> Test:
    def test(record: Record) -> bool:
        text = record.properties.get(name)
        if text is None:
            return False
        value = instant(text)
        if "eq" in operators and value != instant(operators["eq"]):
            return False
        if "neq" in operators and value == instant(operators["neq"]):
            return False
        if "in" in operators and value not in [instant(one) for one in operators["in"]]:
            return False
        return _in_range(value, operators, instant)

    return test


def _in_range(value: float, operators: dict[str, Any], read: Callable[[Any], float]) -> bool:
    checks = {"gt": float.__gt__, "gte": float.__ge__, "lt": float.__lt__, "lte": float.__le__}
    return all(
        check(float(value), float(read(operators[name])))
        for name, check in checks.items()
        if operators.get(name) is not None
    )


STRING_TESTS: dict[str, Callable[[list[str], list[str]], bool]] = {
    "eq": lambda found, wanted: wanted[0] in found,
    "neq": lambda found, wanted: wanted[0] not in found,
    "in": lambda found, wanted: any(one in found for one in wanted),
    "contains": lambda found, wanted: any(wanted[0] in one for one in found),
    "startsWith": lambda found, wanted: any(one.startswith(wanted[0]) for one in found),
    "endsWith": lambda found, wanted: any(one.endswith(wanted[0]) for one in found),
    "containsAll": lambda found, wanted: all(one in found for one in wanted),
}


def _string(name: str, operators: dict[str, Any], *, ignore_case: bool) -> Test:
    fold: Callable[[str], str] = str.casefold if ignore_case else str
    wanted = {
        operator: [fold(str(one)) for one in (value if isinstance(value, list) else [value])]
        for operator, value in operators.items()
        if operator in STRING_TESTS and value not in (None, [])
    }

    def test(record: Record) -> bool:
        value = record.properties.get(name)
        if value is None:
            return False
        result = [fold(str(one)) for one in (value if isinstance(value, list) else [value])]
        return all(STRING_TESTS[operator](result, values) for operator, values in wanted.items())

    return test

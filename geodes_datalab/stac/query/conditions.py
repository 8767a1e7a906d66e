"""Conditions on properties: known names, known operators, right types, before anything is sent.

The portal ignores an unknown name, and a value of the wrong JSON type, without a word: the answer
is then too wide. So both are refused or put right here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, TypeAlias

from geodes_datalab._inputs.times import interval, iso
from geodes_datalab.errors import InvalidQuery, UnknownProperty, near

QueryLike: TypeAlias = Mapping[str, Any]
"""Property name to value, list of values, ``(low, high)`` range, or ``{operator: value}``."""

Attributes: TypeAlias = Mapping[str, str]
"""Name to type: STRING, STRING_ARRAY, INTEGER, LONG, DOUBLE, BOOLEAN, DATE_ISO8601, JSON, ANY."""

OPERATORS: Mapping[str, tuple[str, ...]] = {
    "STRING": ("eq", "neq", "in", "contains", "startsWith", "endsWith"),
    "STRING_ARRAY": ("eq", "in", "contains"),
    "INTEGER": ("eq", "neq", "in", "lt", "lte", "gt", "gte"),
    "LONG": ("eq", "neq", "in", "lt", "lte", "gt", "gte"),
    "DOUBLE": ("eq", "neq", "in", "lt", "lte", "gt", "gte"),
    "BOOLEAN": ("eq", "neq"),
    "DATE_ISO8601": ("eq", "lt", "lte", "gt", "gte"),
    "JSON": (),
    "ANY": ("eq", "neq", "in", "contains", "startsWith", "endsWith", "lt", "lte", "gt", "gte"),
}
"""Operators that the portal honours, by type of the property."""

ELSEWHERE: Mapping[str, str] = {
    "datetime": 'use datetime= for the time of acquisition, or published= for the portal\'s "datetime"',
    "dataset": "use the first argument: collections=",
    "collection": "use the first argument: collections=",
    "collections": "use the first argument: collections=",
    "bbox": "use bbox=",
    "geometry": "use geometry=",
    "id": "use ids=",
    "ids": "use ids=",
    "links": "links cannot be searched",
}
"""Names that are arguments of their own, or mean something else than they seem to."""

_TILE = re.compile(r"(?:MGRS-)?T?(\d{1,2}[C-HJ-NP-X][A-HJ-NP-Z][A-HJ-NP-V])", re.IGNORECASE)


@dataclass(frozen=True)
class Clause:
    """One condition on one property."""

    name: str
    """Property."""
    operator: str
    """One of `OPERATORS`."""
    value: Any
    """Value in the JSON type of the property; a tuple for ``in``."""


@cache
def geodes_attributes() -> Attributes:
    """Return what the portal can search (data model v8.0), with types."""
    text = files("geodes_datalab.stac").joinpath("data/queryables.json").read_text("utf-8")
    result: Attributes = json.loads(text)["attributes"]
    return result


def conditions(query: QueryLike | None, attributes: Attributes | None) -> tuple[Clause, ...]:
    """Read and check conditions.

    Parameters
    ----------
    query
        See `QueryLike`. Tiles (``grid:code``) may be written ``31TCH``, ``T31TCH`` or
        ``MGRS-31TCH``.
    attributes
        What the catalogue can search; ``None`` where it does not tell.

    Raises
    ------
    UnknownProperty
        With the names that are near.
    InvalidQuery
        Unknown operator, wrong type, operators that exclude each other.

    Examples
    --------
    >>> conditions({"sat:relative_orbit": "51"}, geodes_attributes())
    (Clause(name='sat:relative_orbit', operator='eq', value=51),)
    """
    result: list[Clause] = []
    for name, wish in (query or {}).items():
        kind = _kind(name, attributes)
        result += [
            _clause(name, kind, operator, value) for operator, value in _spelled_out(name, wish)
        ]
        _refuse_mixture(name, kind, result)
    return tuple(result)


@lru_cache(maxsize=4096)
def tile(text: str) -> str | None:
    """Return the five characters of an MGRS tile, or None for any other grid.

    Examples
    --------
    >>> tile("T31TCH"), tile("MGRS-1CCV"), tile("SPOTGRS-553_212")
    ('31TCH', '01CCV', None)
    """
    match = _TILE.fullmatch(text.strip())
    return match.group(1).upper().zfill(5) if match else None


def _kind(name: str, attributes: Attributes | None) -> str:
    if name in ELSEWHERE:
        raise InvalidQuery(f'"{name}" is no condition on a property', ELSEWHERE[name])
    if attributes is None:
        return "ANY"
    if name not in attributes:
        known = [known for known in attributes if known not in ELSEWHERE]
        raise UnknownProperty(
            f'the catalogue has no searchable property "{name}"',
            near(name, known) or "the properties are: " + ", ".join(sorted(known)),
        )
    return attributes[name]


def _spelled_out(name: str, wish: Any) -> list[tuple[str, Any]]:
    if isinstance(wish, Mapping):
        if not wish:
            raise InvalidQuery(
                f'"{name}" has no condition', 'write e.g. {"eo:cloud_cover": {"lte": 20}}'
            )
        return list(wish.items())
    if isinstance(wish, list | set | frozenset):
        return [("in", sorted(wish) if isinstance(wish, set | frozenset) else wish)]
    if isinstance(wish, tuple):
        if len(wish) != 2 or wish == (None, None):
            raise InvalidQuery(
                f'"{name}": {wish!r} is no range', "write (low, high), None for an open end"
            )
        return [(op, end) for op, end in zip(("gte", "lte"), wish, strict=True) if end is not None]
    return [("eq", wish)]


def _clause(name: str, kind: str, operator: str, value: Any) -> Clause:
    allowed = OPERATORS[kind]
    if operator not in allowed:
        if not allowed:
            raise InvalidQuery(
                f'the catalogue cannot search inside "{name}"',
                "filter the result: items.filter(...)",
            )
        hint = near(operator, allowed) or "the operators here are: " + ", ".join(allowed)
        raise InvalidQuery(f'"{name}" ({kind.lower()}) knows no operator "{operator}"', hint)
    if operator == "in":
        if isinstance(value, str) or not hasattr(value, "__iter__"):
            raise InvalidQuery(
                f'"{name}": "in" needs a list, not {value!r}', "write [first, second]"
            )
        values = tuple(_typed(name, kind, operator, item) for item in value)
        if not values:
            raise InvalidQuery(
                f'"{name}": the list is empty, so nothing could match', "leave the condition out"
            )
        return Clause(name, operator, values)
    return Clause(name, operator, _typed(name, kind, operator, value))


def _refuse_mixture(name: str, kind: str, clauses: list[Clause]) -> None:
    """Refuse what the server would answer in part: beside ``eq`` or ``in`` it ignores a range."""
    operators = {clause.operator for clause in clauses if clause.name == name}
    alone = operators & {"eq", "neq", "in"}
    if len(operators) > 1 and alone and kind in ("INTEGER", "LONG", "DOUBLE", "BOOLEAN"):
        raise InvalidQuery(
            f'"{name}": {", ".join(sorted(operators))} cannot be combined, the portal would heed one only',
            "keep one of them, and filter the result: items.filter(...)",
        )


def _typed(name: str, kind: str, operator: str, value: Any) -> Any:
    if name == "grid:code" and isinstance(value, str):
        return tile(value) or value
    try:
        return _READERS[kind](value, operator)
    except (TypeError, ValueError) as error:
        raise InvalidQuery(
            f'"{name}" is {_WORDS[kind]}, not {value!r}',
            f"give {_WORDS[kind]}: anything else is ignored by the portal",
        ) from error


def _integer(value: Any, operator: str) -> int:
    number = _number(value, operator)
    if number != int(number):
        raise ValueError(value)
    return int(number)


def _number(value: Any, _operator: str) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - the test for NaN
        raise ValueError(value)
    return int(value) if isinstance(value, int) else number


def _boolean(value: Any, _operator: str) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _text(value: Any, _operator: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(value)
    if not str(value).strip():
        raise ValueError(value)
    return str(value)


def _moment(value: Any, operator: str) -> str:
    if not isinstance(value, str | date | datetime) and type(value).__name__ != "datetime64":
        raise TypeError(value)
    result = interval(value)
    assert result is not None
    # An object at midnight is a day for those who mean days: ``lte`` takes all of it in, ``gt`` too.
    after = ("lte",) if isinstance(value, datetime) else ("lte", "gt")
    end = result.end if operator in after else result.start
    if end is None:
        raise ValueError(value)
    return iso(end)


def _any(value: Any, operator: str) -> Any:
    if isinstance(value, date | datetime):
        return _moment(value, operator)
    if not isinstance(value, str | int | float | bool):
        raise TypeError(value)
    return value


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "STRING": _text,
    "STRING_ARRAY": _text,
    "INTEGER": _integer,
    "LONG": _integer,
    "DOUBLE": _number,
    "BOOLEAN": _boolean,
    "DATE_ISO8601": _moment,
    "ANY": _any,
}

_WORDS: Mapping[str, str] = {
    "STRING": "a text",
    "STRING_ARRAY": "a text",
    "INTEGER": "a whole number",
    "LONG": "a whole number",
    "DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "DATE_ISO8601": "a date",
    "ANY": "a text, a number, a date or a truth value",
}

"""Conditions tried on items that are here already, in the way the portal understands them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from geodes_datalab._inputs.times import Interval, interval
from geodes_datalab._types import Json
from geodes_datalab.errors import UnknownProperty, near
from geodes_datalab.stac.query.conditions import Clause, tile
from geodes_datalab.stac.query.satellites import stac_platform


def matches(properties: Json, clause: Clause) -> bool:
    """Tell whether an item's properties fulfil a condition.

    Texts are compared without regard to case; a list fulfils what one of its members fulfils; a
    missing property fulfils nothing.

    Examples
    --------
    >>> matches({"sar:polarizations": ["VV", "VH"]}, Clause("sar:polarizations", "eq", "vh"))
    True
    """
    if properties.get(clause.name) is None:
        return False
    value = properties[clause.name]
    values = value if isinstance(value, list) else [value]
    wanted = clause.value if clause.operator == "in" else (clause.value,)
    holds = _OPERATORS[clause.operator]
    pairs = (
        (_canonical(clause.name, item), _canonical(clause.name, other))
        for item in values
        for other in wanted
    )
    if clause.operator == "neq":
        return all(holds(item, other) for item, other in pairs)
    return any(holds(item, other) for item, other in pairs)


def during(properties: Json, span: Interval) -> bool:
    """Tell whether an acquisition touches a span of time."""
    start = properties.get("start_datetime") or properties.get("datetime")
    end = properties.get("end_datetime") or start
    first, last = interval(start or None), interval(end or None)
    if first is None or last is None or first.start is None or first.end is None:
        return False
    until = max(first.end, last.end or first.end)  # rounded, an end may lie before its start
    return (span.end is None or first.start <= span.end) and (
        span.start is None or until >= span.start
    )


def refuse_absent(clauses: Iterable[Clause], dicts: Iterable[Json]) -> None:
    """Refuse a property that no item has: most often it is mistyped."""
    known = {name for item in dicts for name in item["properties"]}
    for clause in clauses:
        if known and clause.name not in known:
            raise UnknownProperty(
                f'none of these items has the property "{clause.name}"',
                near(clause.name, known) or "they have: " + ", ".join(sorted(known)),
            )


def _canonical(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name == "grid:code":
        value = tile(value) or value
    elif name == "platform":
        value = stac_platform(value)
    return value.casefold()


def _compared(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def holds(one: Any, other: Any) -> bool:
        try:
            return test(one, other)
        except TypeError:  # a number against a text
            return False

    return holds


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: bool(one == other),
    "in": lambda one, other: bool(one == other),
    "neq": lambda one, other: bool(one != other),
    "lt": _compared(lambda one, other: bool(one < other)),
    "lte": _compared(lambda one, other: bool(one <= other)),
    "gt": _compared(lambda one, other: bool(one > other)),
    "gte": _compared(lambda one, other: bool(one >= other)),
    "contains": lambda one, other: str(other) in str(one),
    "startsWith": lambda one, other: str(one).startswith(str(other)),
    "endsWith": lambda one, other: str(one).endswith(str(other)),
}

"""The order of items, where a catalogue cannot sort: they are put into it here, once all have come."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from geodes_datalab._types import Json
from geodes_datalab.errors import InvalidQuery, ServerQuirk
from geodes_datalab.stac.query.canonical import Query, SortKey


def in_order(dicts: list[Json], keys: Sequence[SortKey]) -> list[Json]:
    """Return items sorted by one key after another; those that lack a property come last.

    Examples
    --------
    >>> items = [{"properties": {"gsd": gsd}} for gsd in (10, None, 60, 20)]
    >>> [one["properties"]["gsd"] for one in in_order(items, [SortKey("gsd", ascending=False)])]
    [60, 20, 10, None]
    """
    for key in reversed(keys):
        told = [item for item in dicts if _value(item, key.name) is not None]
        lacking = [item for item in dicts if _value(item, key.name) is None]
        told.sort(key=lambda item: _rank(_value(item, key.name)), reverse=not key.ascending)
        dicts = told + lacking
    return dicts


def refuse_other_items(query: Query, count: int | None) -> None:
    """Refuse a limit that an order decides on, where the catalogue cannot sort.

    Parameters
    ----------
    query
        What is searched.
    count
        How many items there are, at least; None where that is not known yet.

    Raises
    ------
    InvalidQuery
        Other items would come than the first ones in the order that was asked for.

    Warns
    -----
    ServerQuirk
        They come, and nobody asked for an order.
    """
    if query.limit is None or count is None or count <= query.limit:
        return
    which = f"the first {query.limit} that it sends, not the first ones in that order"
    if query.order_is_told:
        raise InvalidQuery(
            f"this catalogue cannot sort: limit={query.limit} would give {which}",
            "leave limit= out, and all items are sorted here; or give sort=None for any of them",
        )
    if len(query.sort) > 1:
        text = (
            f"this catalogue cannot sort by time: these are {which}. sort=None asks for any of them"
        )
        warnings.warn(text, ServerQuirk, stacklevel=3)


def _value(item: Json, name: str) -> Any:
    properties = item["properties"]
    if name == "start_datetime":
        return properties.get(name) or properties.get("datetime")
    return properties.get(name)


def _rank(value: Any) -> tuple[int, Any]:
    """Return what numbers and texts are compared by; dates may or may not have fractions of a second."""
    if isinstance(value, int | float):
        return 0, value
    return 1, str(value).removesuffix("Z")

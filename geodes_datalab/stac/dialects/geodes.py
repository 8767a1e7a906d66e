"""Today's portal, and its traps.

What the server does, and what is done about it:

- Several ids in ``collections`` find nothing: several go into ``query.dataset.in``.
- ``datetime`` is the time of publication: acquisition is asked with ``start_datetime`` and
  ``end_datetime``.
- Without a sort key that is unique, pages overlap: the last key is always ``identifier``.
- ``next`` links are wrong: pages are asked by number. As page 1 tells the total, the others are
  fetched in parallel.
- Any sort direction but ``asc`` means downwards: ``asc`` and ``desc`` are all that is ever sent.
- Without ``limit``, ten items come: it is always sent, and is 80 at most.
- Tiles are stored as ``T31TCH`` or ``31TCH``: they are asked with ``contains``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from typing import Any

from geodes_datalab._http import Client
from geodes_datalab._types import Json
from geodes_datalab.errors import InvalidQuery
from geodes_datalab.stac.dialects import Found, members
from geodes_datalab.stac.query.canonical import PAGE_SIZE, Query
from geodes_datalab.stac.query.conditions import Attributes, Clause, geodes_attributes, tile
from geodes_datalab.stac.query.satellites import product_platforms
from geodes_datalab.stac.shipped import shipped_ids

_URN = "URN:FEATURE:"
_FIELDS = {"published": "datetime"}


class Geodes:
    """The dialect of today's portal."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._url = client.config.stac_url

    def attributes(self) -> Attributes:
        """Return the data model that is shipped: the portal has no call for it."""
        return geodes_attributes()

    def knows(self, collection: str) -> bool:
        """Look into the shipped list; newer ones are asked for with `collections`."""
        return collection in shipped_ids()

    def collections(self) -> list[Json]:
        """Ask the portal for its collections."""
        reply = self._client.post_json(f"{self._url}/collections", {"page": 1, "limit": 500})
        return members(reply, "collections")

    def search(self, query: Query) -> Found:
        """Fetch page 1; the others in parallel, when they are taken."""
        body = search_body(query)
        reply = self._client.post_json(f"{self._url}/search", body)
        first = members(reply, "features")
        matched = _matched(reply)
        if matched is None:
            return Found(None, chain([first], self._until_short(body, len(first))))
        wanted = min(matched, query.limit or matched)
        numbers = _following(wanted, len(first))
        pages = self._client.map(lambda number: self._page(body, number), numbers)
        return Found(matched, chain([first], pages))

    def page(self, query: Query, number: int) -> tuple[int | None, list[Json]]:
        """Fetch one page, counted from 1: how many items match, where told, and the items."""
        body = {**search_body(query), "page": number}
        reply = self._client.post_json(f"{self._url}/search", body)
        return _matched(reply), members(reply, "features")

    def _page(self, body: Json, number: int) -> list[Json]:
        return members(
            self._client.post_json(f"{self._url}/search", {**body, "page": number}), "features"
        )

    def _until_short(self, body: Json, count: int) -> Iterator[list[Json]]:
        number = 1
        while count >= body["limit"]:
            number += 1
            page = self._page(body, number)
            count = len(page)
            yield page


def search_body(query: Query) -> Json:
    """Return the JSON body of page 1 of a search.

    Raises
    ------
    InvalidQuery
        What the portal cannot be asked.
    """
    if query.page_size > PAGE_SIZE:
        raise InvalidQuery(
            f"the portal serves {PAGE_SIZE} items per page, not {query.page_size}",
            "leave page_size out",
        )
    body: Json = {"page": 1, "limit": min(query.page_size, query.limit or query.page_size)}
    if len(query.collections) == 1:
        body["collections"] = list(query.collections)
    if query.geometry:
        body["intersects"] = query.geometry
    elif query.bbox:
        body["bbox"] = list(query.bbox)
    if query.published:
        body["datetime"] = str(query.published)
    urns, names = _ids(query.ids)
    if urns:
        body["ids"] = urns
    conditions = _conditions(query, names)
    if conditions:
        body["query"] = conditions
    body["sortBy"] = [
        {"field": _FIELDS.get(key.name, key.name), "direction": "asc" if key.ascending else "desc"}
        for key in query.sort
    ]
    return body


def _conditions(query: Query, names: list[str]) -> Json:
    result: dict[str, Json] = {}
    if len(query.collections) > 1:
        result["dataset"] = {"in": list(query.collections)}
    if names:
        result["identifier"] = {"in": names} if len(names) > 1 else {"eq": names[0]}
    if query.cloud_cover:
        result["eo:cloud_cover"] = {"gte": query.cloud_cover[0], "lte": query.cloud_cover[1]}
    for clause in query.clauses:
        operator, value = _spelling(clause)
        result.setdefault(clause.name, {})[operator] = value
    if query.acquired:
        start, end = str(query.acquired).split("/")
        if start != "..":
            _narrow(result, "end_datetime", "gte", start)
        if end != "..":
            _narrow(result, "start_datetime", "lte", end)
    return result


def _narrow(found: dict[str, Json], name: str, operator: str, value: str) -> None:
    if operator in found.get(name, {}):
        raise InvalidQuery(
            f'the acquisition is limited twice: datetime= and query["{name}"]["{operator}"]',
            "keep one",
        )
    found.setdefault(name, {})[operator] = value


def _spelling(clause: Clause) -> tuple[str, Any]:
    """Write a condition as the server stores the property."""
    if clause.operator not in ("eq", "in"):
        return clause.operator, clause.value
    values = list(clause.value) if clause.operator == "in" else [clause.value]
    if clause.name == "platform":
        values = [spelling for value in values for spelling in product_platforms(value)]
    elif clause.name == "grid:code" and any(tile(value) for value in values):
        if clause.operator == "eq":
            return "contains", clause.value
        values = [spelling for value in values for spelling in (f"T{value}", value)]
    return ("eq", values[0]) if len(values) == 1 else ("in", values)


def _ids(ids: tuple[str, ...]) -> tuple[list[str], list[str]]:
    urns = [item for item in ids if item.upper().startswith(_URN)]
    names = [item for item in ids if item not in urns]
    if urns and names:
        raise InvalidQuery(
            "ids holds both item ids (URN:...) and product names",
            "search for them in two calls: the portal can be asked for one kind at a time",
        )
    return urns, names


def _following(wanted: int, served: int) -> range:
    """Return the numbers of the pages after the first, given what the first one held."""
    return range(2, math.ceil(wanted / served) + 1) if served else range(0)


def _matched(reply: Json) -> int | None:
    context = reply.get("context") or {}
    matched = context.get("matched", reply.get("numberMatched"))
    return matched if isinstance(matched, int) else None

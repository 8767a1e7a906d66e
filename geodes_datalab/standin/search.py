"""Item search: selecting, sorting, paging and the envelopes of the three profiles."""

from __future__ import annotations

import base64
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from geodes_datalab.standin import records
from geodes_datalab.standin.catalogue import Catalogue
from geodes_datalab.standin.profiles import Profile
from geodes_datalab.standin.query import BadRequest, compile_filters
from geodes_datalab.standin.records import PORTAL, Record

REMEMBERED = 64
PAGING = ("page", "limit", "fields")


@dataclass
class Search:
    """Searches one catalogue in one profile; repeated searches are answered from memory."""

    catalogue: Catalogue
    profile: Profile
    _remembered: OrderedDict[str, tuple[Record, ...]] = field(
        default_factory=OrderedDict, init=False, repr=False
    )

    def select(self, body: dict[str, Any], known: frozenset[str]) -> tuple[Record, ...]:
        """Return every matching record, sorted; `known` are the collection ids that exist.

        Raises
        ------
        BadRequest
            When the body cannot be read.
        """
        selecting = {
            name: value
            for name, value in body.items()
            if name not in PAGING and value not in (None, [], {})
        }
        key = json.dumps(selecting, sort_keys=True)
        if key not in self._remembered:
            tests = compile_filters(selecting, self.profile, known)
            result = [
                record
                for record in self.catalogue.records(self.profile)
                if all(test(record) for test in tests)
            ]
            order = selecting.get("sortBy") or selecting.get("sortby")
            self._remembered[key] = tuple(_sorted(result, order))
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return self._remembered[key]

    def page(self, found: tuple[Record, ...], body: dict[str, Any]) -> Page:
        """Return the slice of the results that a body asks for."""
        number, limit = _positive(body, "page", 1), _positive(body, "limit", None)
        limit = limit or self.profile.default_limit
        assert number is not None
        start = (number - 1) * limit
        sorted_ = bool(body.get("sortBy") or body.get("sortby"))
        overlap = self.profile.order_is_unstable and not sorted_ and number % 2 == 0
        first = start - 1 if overlap else start
        return Page(found[first : first + limit], number, limit, len(found))


@dataclass(frozen=True)
class Page:
    """One page of results."""

    items: tuple[Record, ...]
    number: int
    """1-based."""
    limit: int
    matched: int

    @property
    def is_last(self) -> bool:
        """Whether no page follows."""
        return self.number * self.limit >= self.matched


def envelope(page: Page, links: list[dict[str, Any]], profile: Profile) -> bytes:
    """Return a feature collection as JSON, made of items that were serialised before."""
    features = b",".join(record.text for record in page.items)
    context = {"returned": len(page.items), "limit": page.limit, "matched": page.matched}
    if profile.modern:
        head: dict[str, Any] = {"type": "FeatureCollection"}
        tail = {
            "links": links,
            "numberMatched": page.matched,
            "numberReturned": len(page.items),
        }
    else:
        head = {
            "stac_version": "1.0.0-beta.1",
            "stac_extensions": [],
            "type": "FeatureCollection",
        }
        tail = {"links": links, "context": context}
    opened, closed = json.dumps(head)[:-1].encode(), json.dumps(tail)[1:].encode()
    return opened + b',"features":[' + features + b"]," + closed


def post_links(page: Page, body: dict[str, Any], profile: Profile) -> list[dict[str, Any]]:
    """Return the links of a POST search: legacy pages are fetched by GET, modern ones by POST."""
    stac = f"{PORTAL}/api/stac"
    if profile.modern:
        links: list[dict[str, Any]] = [
            {"rel": "root", "href": stac, "type": "application/json"},
            {"rel": "self", "href": f"{stac}/search", "type": "application/geo+json"},
        ]
        for rel, number in _neighbours(page):
            body_there = {**body, "page": number, "limit": page.limit}
            links.append(
                {
                    "rel": rel,
                    "href": f"{stac}/search",
                    "type": "application/geo+json",
                    "method": "POST",
                    "body": body_there,
                }
            )
        return links
    packed = base64.urlsafe_b64encode(json.dumps({**body, "limit": page.limit}).encode()).decode()
    address = f"{stac}/search/paginate?"
    numbers = [("self", page.number), *_neighbours(page)]
    return [
        _legacy_link(address + urlencode({"itemBody": packed, "page": number}), rel)
        for rel, number in numbers
    ]


def get_links(
    page: Page, path: str, parameters: dict[str, str], profile: Profile
) -> list[dict[str, Any]]:
    """Return the links of a GET search; the legacy ``next`` asks for one item too many."""
    links = []
    for rel, number in [("self", page.number), *_neighbours(page)]:
        wrong = profile.next_link_is_wrong and rel == "next"
        there = {
            **parameters,
            "limit": str(page.limit + 1 if wrong else page.limit),
            "page": str(number),
        }
        href = f"{PORTAL}{path}?{urlencode(there)}"
        modern = {"href": href, "rel": rel, "type": "application/geo+json", "method": "GET"}
        links.append(modern if profile.modern else _legacy_link(href, rel))
    if profile.modern:
        links.append(
            {"rel": "root", "href": f"{records.PORTAL}/api/stac", "type": "application/json"}
        )
    return links


def unpack(packed: str) -> dict[str, Any]:
    """Return the body that a legacy ``next`` link carries."""
    try:
        body = json.loads(base64.urlsafe_b64decode(packed.encode()))
    except ValueError as error:
        raise BadRequest("itemBody is not base64 of a JSON body") from error
    if not isinstance(body, dict):
        raise BadRequest("itemBody is not a search body")
    return body


def body_of(parameters: dict[str, str]) -> dict[str, Any]:
    """Return the search body that the parameters of a GET stand for."""
    body: dict[str, Any] = {}
    try:
        for name, text in parameters.items():
            if name == "bbox":
                body[name] = [float(value) for value in text.split(",")]
            elif name in ("collections", "ids"):
                body[name] = text.split(",")
            elif name in ("page", "limit"):
                body[name] = int(text)
            elif name in ("intersects", "query"):
                body[name] = json.loads(text)
            elif name in ("sortby", "sortBy"):
                body["sortBy"] = text.split(",")
            elif name == "datetime":
                body[name] = text
    except ValueError as error:
        raise BadRequest(f"parameter {name} cannot be read: {text}") from error
    return body


def _neighbours(page: Page) -> list[tuple[str, int]]:
    after = [] if page.is_last else [("next", page.number + 1)]
    return after + ([("prev", page.number - 1)] if page.number > 1 else [])


def _legacy_link(href: str, rel: str) -> dict[str, Any]:
    name = {"self": "this", "next": "next", "prev": "previous"}[rel]
    title = f"{name} search page"
    return {"href": href, "rel": rel, "type": "application/json", "title": title}


def _positive(body: dict[str, Any], name: str, default: int | None) -> int | None:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)  # as the real backend does: eodag sends "1"
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadRequest(f"{name} must be a number from 1 on")
    return value


def _sorted(found: list[Record], order: Any) -> list[Record]:
    """Sort by each key, the last one first; anything but ``asc`` sorts descending."""
    for given in reversed(order or []):
        entry = _spelt_out(given) if isinstance(given, str) else given
        if not isinstance(entry, dict) or "field" not in entry:
            raise BadRequest("sortBy must be a list of {field, direction}")
        name = str(entry["field"]).removeprefix("properties.")
        ascending = str(entry.get("direction", "asc")).lower() == "asc"
        having = [record for record in found if _value(record, name) is not None]
        lacking = [record for record in found if _value(record, name) is None]
        having.sort(key=lambda record: _key(_value(record, name)), reverse=not ascending)
        found = having + lacking
    return found


def _spelt_out(order: str) -> dict[str, str]:
    direction = "desc" if order.startswith("-") else "asc"
    return {"field": order.lstrip("+-"), "direction": direction}


def _value(record: Record, name: str) -> Any:
    return record.id if name == "id" else record.properties.get(name)


def _key(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, int | float) else (1, str(value))

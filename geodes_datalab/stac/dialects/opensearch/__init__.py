"""Any catalogue that has an OpenSearch description (OGC 13-026), whose answers are GeoJSON (17-047) or Atom.

The description says which parameters there are, what they are called, and how pages are counted. What it
does not offer is refused: servers drop a parameter that they do not know, and answer with everything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property, partial
from itertools import chain, islice, product
from typing import Any

from geodes_datalab._http import Client
from geodes_datalab._types import Json
from geodes_datalab.errors import InvalidQuery, ServiceError
from geodes_datalab.stac.dialects import Found, members
from geodes_datalab.stac.dialects.opensearch import features, feed
from geodes_datalab.stac.dialects.opensearch.description import (
    COUNT,
    PARENT,
    START_INDEX,
    START_PAGE,
    Description,
    Token,
    Url,
    described,
)
from geodes_datalab.stac.dialects.opensearch.tokens import values
from geodes_datalab.stac.query.canonical import Query

__all__ = ["OpenSearch"]

_MOST_TOLD = 8 * 2**20
"""Bytes of a description, at most."""
_MOST_FOUND = 128 * 2**20
"""Bytes of a page of items, at most."""
_MOST_COLLECTIONS = 2000
_ATOM = "application/atom+xml"

Page = tuple[int | None, list[Json]]
"""How many items there are for the search, where told, and some of them."""


class OpenSearch:
    """The dialect of OpenSearch services."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @cached_property
    def description(self) -> Description:
        """What the service says of itself."""
        address = self._client.config.stac_url
        accept = "application/opensearchdescription+xml, application/xml;q=0.9, */*;q=0.1"
        return described(self._client.get_content(address, accept=accept, most=_MOST_TOLD), address)

    def attributes(self) -> None:
        """Tell nothing: each template has tokens of its own, and refuses what it has none for."""
        return

    def knows(self, collection: str) -> bool:
        """Look into the collections that the description lists; where it lists none, any may exist."""
        options = self.description.options(PARENT)
        return not options or collection in options

    def collections(self) -> list[Json]:
        """Return the collections that the description lists, or that can be searched as it says."""
        options = self.description.options(PARENT)
        if options:
            return [{"id": option} for option in options]
        urls = [one for one in self.description.urls if one.rel == "collection"]
        if not urls:
            raise InvalidQuery(
                "this OpenSearch service does not list its collections",
                "look for their ids on its web pages",
            )
        query = Query(page_size=100)
        found = (
            one
            for _, page in _pages(partial(self._page, urls[0], ""), query, urls[0], {})
            for one in page
        )
        return [
            {"id": one["id"], "title": one["properties"].get("title")}
            for one in islice(found, _MOST_COLLECTIONS)
        ]  # fmt: skip

    def search(self, query: Query) -> Found:
        """Fetch page 1 of each collection and id that is asked for; the others one after another."""
        asked = list(product(query.collections or ("",), query.ids or ("",)))
        url = _fitting(self.description, query, *asked[0])
        parts = [self._part(query, url, *one) for one in asked]
        firsts = [next(part) for part in parts]
        counts = [matched for matched, _ in firsts]
        told = [count for count in counts if count is not None]
        following = (
            items
            for (_, first), part in zip(firsts, parts, strict=True)
            for items in chain([first], (page for _, page in part))
        )
        return Found(sum(told) if len(told) == len(counts) else None, following, sorted=False)

    def _part(self, query: Query, url: Url, collection: str, uid: str) -> Iterator[Page]:
        told = values(query, url, collection, uid)
        return _pages(partial(self._page, url, collection), query, url, told)

    def _page(self, url: Url, collection: str, told: dict[Token, str]) -> Page:
        address = url.filled(told)
        if url.kind == _ATOM:
            content = self._client.get_content(address, accept=_ATOM, most=_MOST_FOUND)
            total, entries = feed.read(content)
            return total, [self._linked(feed.item(entry, collection)) for entry in entries]
        reply = self._client.get_json(address, most=_MOST_FOUND)
        found = members(reply, "features")
        items = [self._linked(features.item(one, collection)) for one in found]
        return features.total(reply), items

    def _linked(self, item: Any) -> Any:
        """Link an item to what describes its collection, as STAC wants it."""
        if (
            isinstance(item, dict)
            and item.get("collection")
            and isinstance(item.get("links"), list)
        ):
            kind = "application/opensearchdescription+xml"
            address = self._client.config.stac_url
            item["links"].append({"rel": "collection", "href": address, "type": kind})
        return item


def _fitting(description: Description, query: Query, collection: str, uid: str) -> Url:
    """Return the first template that offers all that is searched by.

    Raises
    ------
    InvalidQuery
        None does; what the preferred one lacks is told.
    """
    refused: InvalidQuery | None = None
    for url in description.results:
        try:
            values(query, url, collection, uid)
        except InvalidQuery as error:
            refused = refused or error
        else:
            return url
    assert refused is not None
    raise refused


def _pages(ask: Any, query: Query, url: Url, told: dict[Token, str]) -> Iterator[Page]:
    """Yield page after page, by the numbers of items or of pages, as the template counts them."""
    size = _size(query, url)
    received, number, before = 0, 0, ""
    while True:
        place = _place(url, received, number, size)
        total, items = ask({**told, **place})
        seen = json.dumps([one.get("id") if isinstance(one, dict) else None for one in items])
        if number and items and seen == before:
            raise ServiceError(
                f"the catalogue sends the same page again after {received} items",
                "narrow the search, so that its answer fits one page, or set limit=",
            )
        yield total, items
        received, number, before = received + len(items), number + 1, seen
        short = total is None and size is not None and len(items) < size
        if not items or short or (total is not None and received >= total):
            return
        if not (url.offers(START_INDEX) or url.offers(START_PAGE)):
            return


def _place(url: Url, received: int, number: int, size: int | None) -> dict[Token, str]:
    place = {COUNT: str(size)} if size is not None else {}
    if url.offers(START_INDEX):
        place[START_INDEX] = str(url.index_offset + received)
    elif url.offers(START_PAGE):
        place[START_PAGE] = str(url.page_offset + number)
    return place


def _size(query: Query, url: Url) -> int | None:
    """Return how many items a page is asked to have; None where the service decides."""
    if not url.offers(COUNT):
        return None
    size = min(query.page_size, query.limit or query.page_size)
    most = url.parameters[COUNT].most if COUNT in url.parameters else None
    return max(1, min(size, int(most))) if most else size

"""Any standard STAC API, through pystac-client, over this package's own session.

pystac-client knows how requests are spelled and how pages follow each other; the session brings
timeouts, retries, certificates and errors. Conditions go as CQL2 or as the query extension,
whichever the catalogue says it understands; where it understands neither, they are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from typing import Any

from pystac import STACError, STACTypeError
from pystac_client import Client as PystacClient
from pystac_client.conformance import ConformanceClasses
from pystac_client.errors import ClientTypeError
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO

from geodes_datalab._http import Client
from geodes_datalab._types import Json
from geodes_datalab.errors import GeodesError, InvalidQuery, RequestError, ServiceError
from geodes_datalab.stac.dialects import Found, members
from geodes_datalab.stac.items.wellformed import MISREAD
from geodes_datalab.stac.query.canonical import Query
from geodes_datalab.stac.query.conditions import Attributes, Clause, tile
from geodes_datalab.stac.query.satellites import stac_platform

_SYMBOLS = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_PATTERNS = {"contains": "%{}%", "startsWith": "{}%", "endsWith": "%{}"}
_FIELDS = {"start_datetime": "properties.datetime", "identifier": "id"}
_KINDS = {
    "string": "STRING",
    "number": "DOUBLE",
    "integer": "INTEGER",
    "boolean": "BOOLEAN",
    "array": "STRING_ARRAY",
}
_PUBLISHED = ("published", "updated", "created")


class Standard:
    """The dialect of standard STAC APIs."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._url = client.config.stac_url

    def attributes(self) -> Attributes | None:
        """Ask the catalogue for its queryables; None where it has none, or takes any name."""
        return self._attributes

    @cached_property
    def _attributes(self) -> Attributes | None:
        try:
            reply = self._client.get_json(f"{self._url}/queryables")
        except RequestError:
            return None
        names = reply.get("properties")
        if not isinstance(names, dict) or reply.get("additionalProperties", True):
            return None
        return {
            name: _KINDS.get(str(item.get("type")), "ANY") if isinstance(item, Mapping) else "ANY"
            for name, item in names.items()
        }

    def knows(self, collection: str) -> bool:
        """Ask for the collection."""
        try:
            self._client.get_json(f"{self._url}/collections/{collection}")
        except RequestError:
            return False
        return True

    def collections(self) -> list[Json]:
        """Ask for all collections, page after page."""
        result: list[Json] = []
        for page in _understood(_Io(self._client).get_pages(f"{self._url}/collections")):
            result += members(page, "collections")
        return result

    def search(self, query: Query) -> Found:
        """Fetch page 1; the others one after another, as their links are taken."""
        root = self._root
        sorts = root.conforms_to(ConformanceClasses.SORT)
        search = root.search(
            method="POST" if _takes_post(root) else "GET",
            max_items=query.limit if sorts else None,
            limit=min(query.page_size, query.limit or query.page_size),
            ids=list(query.ids) or None,
            collections=list(query.collections) or None,
            bbox=query.bbox if query.geometry is None else None,
            intersects=query.geometry,
            datetime=str(query.acquired) if query.acquired else None,
            sortby=_sorting(query) if sorts else None,
            **self._conditions(query),
        )
        pages = _understood(search.pages_as_dicts())
        # pystac-client passes over a page without items
        first: Json = next(pages, {}) or self._io.last
        return Found(_matched(first), _features(chain([first], pages)), sorted=sorts)

    @cached_property
    def _root(self) -> PystacClient:
        with _understanding():
            return PystacClient.open(self._url, stac_io=self._io)

    @cached_property
    def _io(self) -> _Io:
        return _Io(self._client)

    def _conditions(self, query: Query) -> Json:
        """Return ``filter`` or ``query``, whichever the catalogue understands."""
        clauses = [_standard(clause) for clause in (*query.clauses, *self._implied(query))]
        if not clauses:
            return {}
        if self._root.conforms_to(ConformanceClasses.FILTER):
            return {
                "filter": {"op": "and", "args": [_cql2(item) for item in clauses]},
                "filter_lang": "cql2-json",
            }
        if self._root.conforms_to(ConformanceClasses.QUERY):
            return {"query": _query_extension(clauses)}
        raise InvalidQuery(
            f"this catalogue cannot search by properties ({', '.join(sorted({item.name for item in clauses}))})",
            "leave the conditions out, and filter the result: items.filter(...)",
        )

    def _implied(self, query: Query) -> Iterator[Clause]:
        if query.cloud_cover:
            yield Clause("eo:cloud_cover", "gte", query.cloud_cover[0])
            yield Clause("eo:cloud_cover", "lte", query.cloud_cover[1])
        if query.published:
            known = self.attributes()
            name = next((item for item in _PUBLISHED if known is None or item in known), None)
            if name is None:
                raise InvalidQuery(
                    "this catalogue cannot search by the time of publication",
                    "leave published= out",
                )
            for end, operator in zip(str(query.published).split("/"), ("gte", "lte"), strict=True):
                if end != "..":
                    yield Clause(name, operator, end)


class _Io(StacApiIO):
    """pystac-client's reading, over our client: our errors, and no header in any log."""

    def __init__(self, client: Client) -> None:
        super().__init__(max_retries=None)
        self.session.close()
        self.session = client.session
        self._geodes = client
        self.last: Json = {}
        """The last answer, whatever is in it."""

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """Send through our client; ``headers`` of next links are not used by any API we know."""
        import json

        if (method or "GET").upper() == "POST":
            self.last = self._geodes.post_json(href, parameters or {})
        else:
            self.last = self._geodes.get_json(href, parameters)
        return json.dumps(self.last)


@contextmanager
def _understanding() -> Iterator[None]:
    """Turn what pystac-client raises of an answer that it cannot read into our error."""
    try:
        yield
    except GeodesError:
        raise
    except (STACError, STACTypeError, ClientTypeError, APIError, *MISREAD) as error:
        raise ServiceError(
            f"an answer of the catalogue cannot be read ({type(error).__name__}: {error})",
            "check that the address is that of a STAC API: geodes_datalab.status() tells it",
        ) from error


def _understood(pages: Iterator[Json]) -> Iterator[Json]:
    """Yield the pages that pystac-client reads."""
    while True:
        with _understanding():
            page = next(pages, None)
        if page is None:
            return
        yield page


def _takes_post(root: PystacClient) -> bool:
    links = [link for link in root.links if link.rel == "search"]
    return any(link.extra_fields.get("method", "GET").upper() == "POST" for link in links)


def _matched(page: Json) -> int | None:
    context = page.get("context") or {}
    result = page.get("numberMatched", context.get("matched", page.get("numMatched")))
    return result if isinstance(result, int) else None


def _features(pages: Iterator[Json]) -> Iterator[list[Json]]:
    return (members(page, "features") for page in pages)


def _sorting(query: Query) -> list[Json]:
    return [
        {
            "field": _FIELDS.get(key.name, f"properties.{key.name}"),
            "direction": "asc" if key.ascending else "desc",
        }
        for key in query.sort
    ]


def _standard(clause: Clause) -> Clause:
    """Give values the names that STAC gives them."""
    mend = _MENDERS.get(clause.name)
    if mend is None or clause.operator not in ("eq", "neq", "in"):
        return clause
    values = clause.value if clause.operator == "in" else (clause.value,)
    mended = tuple(mend(str(value)) for value in values)
    return Clause(clause.name, clause.operator, mended if clause.operator == "in" else mended[0])


def _grid(code: str) -> str:
    square = tile(code)
    return f"MGRS-{square}" if square else code


_MENDERS: Mapping[str, Callable[[str], str]] = {
    "grid:code": _grid,
    "platform": stac_platform,
    "sat:orbit_state": str.lower,
}


def _cql2(clause: Clause) -> Json:
    name = {"property": clause.name}
    if clause.operator == "in":
        return {"op": "in", "args": [name, list(clause.value)]}
    if clause.operator in _PATTERNS:
        pattern = _PATTERNS[clause.operator].format(_literal(clause.value))
        return {"op": "like", "args": [name, pattern]}
    return {"op": _SYMBOLS[clause.operator], "args": [name, clause.value]}


def _literal(value: Any) -> str:
    """Write a text so that no character of it stands for others in a pattern of CQL2."""
    return re.sub(r"[\\%_]", r"\\\g<0>", str(value))


def _query_extension(clauses: list[Clause]) -> Json:
    result: dict[str, Json] = {}
    for clause in clauses:
        value = list(clause.value) if clause.operator == "in" else clause.value
        result.setdefault(clause.name, {})[clause.operator] = value
    return result

"""How to speak to a catalogue: one `Dialect` turns a `Query` into requests, and yields raw items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from geodes_datalab._http import Client
from geodes_datalab._types import Json
from geodes_datalab.errors import ServiceError
from geodes_datalab.stac.query.canonical import Query
from geodes_datalab.stac.query.conditions import Attributes

__all__ = ["Dialect", "Found", "dialect_of", "members"]


@dataclass(frozen=True)
class Found:
    """The answer to a search, as it arrives."""

    matched: int | None
    """How many items the server says there are; ``None`` where it does not tell."""
    pages: Iterator[list[Json]]
    """Raw items page by page, in order; pages that were not asked for yet are fetched on the way."""
    sorted: bool = True
    """Whether that is the order that was asked for: a catalogue may know none."""


class Dialect(Protocol):
    """A way to speak to a catalogue."""

    def attributes(self) -> Attributes | None:
        """Return the searchable properties with their types; ``None`` where unknown."""

    def knows(self, collection: str) -> bool:
        """Tell whether a collection certainly exists, with at most one small request."""

    def collections(self) -> list[Json]:
        """Return the raw collections of the catalogue."""

    def search(self, query: Query) -> Found:
        """Ask for the first page, and prepare the others."""


def dialect_of(client: Client) -> Dialect:
    """Return the dialect that the client's settings name."""
    if client.config.dialect == "stac":
        from geodes_datalab.stac.dialects.standard import Standard

        return Standard(client)
    if client.config.dialect == "opensearch":
        from geodes_datalab.stac.dialects.opensearch import OpenSearch

        return OpenSearch(client)
    if client.config.dialect == "static":
        from geodes_datalab.stac.dialects.static import Static

        return Static(client.config.stac_url)
    from geodes_datalab.stac.dialects.geodes import Geodes

    return Geodes(client)


def members(reply: Json, name: str) -> list[Json]:
    """Return the list that an answer holds under a name.

    Raises
    ------
    ServiceError
        It holds none.
    """
    members = reply.get(name)
    if not isinstance(members, list):
        raise ServiceError(
            f'the catalogue\'s answer has no "{name}"',
            "check GEODES_STAC_URL with geodes_datalab.status()",
        )
    return members

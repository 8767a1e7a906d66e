"""The catalogue behind: one page of a search at a time, by whichever way it numbers its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from threading import Lock

from geodes_datalab._http import Client
from geodes_datalab._types import Json
from geodes_datalab.config import Config
from geodes_datalab.errors import InvalidQuery
from geodes_datalab.services.opensearch.parameters import Asked
from geodes_datalab.stac.catalogue import collections
from geodes_datalab.stac.dialects import Dialect, dialect_of
from geodes_datalab.stac.dialects.geodes import Geodes
from geodes_datalab.stac.find import refuse_unknown
from geodes_datalab.stac.items.normalise import normalise
from geodes_datalab.stac.query.canonical import PAGE_SIZE, Query
from geodes_datalab.stac.query.conditions import Attributes
from geodes_datalab.stac.shipped import Collection, shipped

DEEPEST = 10_000
"""Items before the first one, at most, where pages have no numbers: all of them have to be fetched."""


@dataclass(frozen=True)
class Window:
    """A part of the result of a search."""

    matched: int | None
    """How many items there are in all, where told."""
    items: list[Json]


class Catalogue:
    """What the service asks; its methods may be called from several threads."""

    def __init__(self, config: Config) -> None:
        self._client = Client(config)
        self._lock = Lock()
        self._collections: Sequence[Collection] | None = None
        self._attributes: tuple[Attributes | None] | None = None

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def attributes(self) -> Attributes | None:
        """Return what it can be searched by, asked for once; None where it does not tell."""
        with self._lock:
            if self._attributes is None:
                self._attributes = (self._dialect().attributes(),)
            return self._attributes[0]

    def collections(self) -> Sequence[Collection]:
        """Return its collections, asked for once."""
        with self._lock:
            if self._collections is None:
                config = self._client.config
                self._collections = (
                    shipped() if config.dialect == "geodes" else collections(catalogue=config)
                )
            return self._collections

    def find(self, asked: Asked) -> Window:
        """Ask for a part of a result.

        Raises
        ------
        InvalidQuery, UnknownCollection
            It cannot be asked for that.
        AuthenticationError, RequestError, ServiceError, DataError
            It does not answer as it should.
        """
        dialect = self._dialect()
        refuse_unknown(asked.query.collections, dialect)
        if isinstance(dialect, Geodes):
            matched, found = _by_number(dialect, asked)
        else:
            matched, found = _one_after_another(dialect, asked)
        return Window(matched, [normalise(item, {}, None, []) for item in found])

    def _dialect(self) -> Dialect:
        return dialect_of(self._client)


def _by_number(dialect: Geodes, asked: Asked) -> tuple[int | None, list[Json]]:
    """Ask for the one or two pages that hold the part."""
    query = replace(asked.query, page_size=asked.count)
    number, rest = divmod(asked.begin, asked.count)
    matched, found = dialect.page(query, number + 1)
    if rest and len(found) == asked.count:
        found = found + dialect.page(query, number + 2)[1]
    return matched, found[rest : rest + asked.count]


def _one_after_another(dialect: Dialect, asked: Asked) -> tuple[int | None, list[Json]]:
    if asked.begin > DEEPEST:
        raise InvalidQuery(
            f"this catalogue cannot go beyond item {DEEPEST} of a result",
            "narrow the search by area, dates or collection",
        )
    query: Query = replace(
        asked.query, limit=asked.begin + asked.count, page_size=PAGE_SIZE if asked.begin else asked.count
    )  # fmt: skip
    found = dialect.search(query)
    items = chain.from_iterable(found.pages)
    return found.matched, list(islice(items, asked.begin, asked.begin + asked.count))

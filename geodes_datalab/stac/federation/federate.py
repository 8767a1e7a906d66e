"""One search in several catalogues at a time: each within its own deadline, and none hides what another has."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from geodes_datalab._http import Client
from geodes_datalab._types import Json
from geodes_datalab.errors import GeodesError, IncompleteResult, InvalidQuery, ServiceError
from geodes_datalab.stac.dialects import Found, dialect_of
from geodes_datalab.stac.federation.merge import SHARED, merged
from geodes_datalab.stac.federation.reflectance import explained
from geodes_datalab.stac.federation.report import Answer, Kind, Report, State, kind_of
from geodes_datalab.stac.federation.sources import Source, asked, source
from geodes_datalab.stac.items.normalise import normalise
from geodes_datalab.stac.items.sequence import Items
from geodes_datalab.stac.query.canonical import Query
from geodes_datalab.stac.query.matching import during, matches
from geodes_datalab.stac.query.order import in_order

Asking = Callable[[Any], Query]
"""Makes the query for a catalogue, given the properties that it can search by."""


class _Task:
    """One catalogue being asked, in a thread that nobody waits for beyond its deadline."""

    def __init__(self, one: Source, names: Sequence[str], query: Query) -> None:
        self.source = one
        self._query = replace(
            query, collections=tuple(names), page_size=min(one.page_size, query.page_size)
            if one.dialect == "geodes" else one.page_size,
        )  # fmt: skip
        self._found: list[Json] = []
        """What has come so far; items may still be added."""
        self._begun = time.monotonic()
        self._ending = threading.Lock()
        self._outcome: tuple[list[Json], Answer] | None = None
        self.thread: threading.Thread | None = None
        if names:
            self.thread = threading.Thread(target=self._run, daemon=True, name=f"geodes-{one.id}")
            self.thread.start()

    def outcome(self) -> tuple[list[Json], Answer]:
        """Wait until it has answered, or its time is over; return its items and how it went."""
        if self.thread is None:
            return [], Answer(self.source.id, "skipped")
        self.thread.join(max(0.0, self._begun + self.source.timeout - time.monotonic()))
        seconds = f"{self.source.timeout:g}"
        self._fail(  # unless it has ended: what comes later is nobody's
            ServiceError(
                f"{self.source.title} did not answer within {seconds} s",
                "ask again later, or without it",
            ),
            "timeout",
        )
        assert self._outcome is not None
        return self._outcome

    def _run(self) -> None:
        try:
            with Client(self.source.config()) as client:
                found, tried, notes = _found(client, self._query)
                for page in found.pages:
                    clean = (self._told(normalise(item, {}, None, [])) for item in page)
                    self._found += [
                        item for item in clean if not tried or _holds(item, self._query)
                    ]
                    if self._query.limit is not None and len(self._found) >= self._query.limit:
                        break
        except GeodesError as error:
            self._fail(error, kind_of(error))
        else:
            self._finish(None if tried else found.matched, notes)

    def _told(self, item: Json) -> Json:
        """Return an item that says what it is, and what its numbers mean, whatever its catalogue calls that."""
        theirs = str(item.get("collection") or "")
        result = explained(item, self.source.reflectance.get(theirs))
        return {
            **result,
            "properties": {**result["properties"], SHARED: self.source.shared(theirs)},
        }

    def _finish(self, expected: int | None, notes: tuple[str, ...]) -> None:
        items = _once(self._found)
        if twice := len(self._found) - len(items):
            notes += (f"{twice} items came more than once",)
        items = items[: self._query.limit]
        if len(items) < min(expected or 0, self._query.limit or expected or 0):
            told = f"{self.source.title} announced {expected} items and sent {len(items)}"
            self._end(
                items,
                "partial",
                matched=expected,
                notes=notes,
                error=ServiceError(told),
                kind="server",
            )
        else:
            self._end(items, "ok", matched=expected, notes=notes)

    def _fail(self, error: GeodesError, kind: Kind) -> None:
        items = _once(list(self._found))[: self._query.limit]
        self._end(items, "partial" if items else "failed", error=error, kind=kind)

    def _end(self, items: list[Json], state: State, **told: Any) -> None:
        """Keep how it went; only the first end counts."""
        seconds = time.monotonic() - self._begun
        with self._ending:
            if self._outcome is None:
                answer = Answer(self.source.id, state, returned=len(items), seconds=seconds, **told)
                self._outcome = items, answer


def _once(items: Sequence[Json]) -> list[Json]:
    return list({item["id"]: item for item in items}.values())


def federated(
    names: Sequence[str], sources: Sequence[str | Source], query: Query, *, strict: bool = False
) -> Items:
    """Search several catalogues side by side.

    Parameters
    ----------
    names
        Collections, by the names that sources share, or ``source:collection``.
    sources
        The catalogues, the preferred one first.
    query
        What is searched; its collections are left out of account.
    strict
        Whether a catalogue that fails is an error.

    Returns
    -------
    Items
        Each product once; ``report`` tells what each catalogue answered.

    Raises
    ------
    ServiceError
        None of them answered; or, with ``strict``, one did not.

    Warns
    -----
    IncompleteResult
        Some of them did not answer, or not wholly.
    """
    chosen = _distinct(sources)
    wanted = asked(names, chosen)
    for one in chosen:
        if wanted[one.id]:
            one.config()  # a dialect that is not spoken is told before anything is sent
    # no source's time goes by in importing these
    import geodes_datalab.stac.dialects.opensearch
    import geodes_datalab.stac.dialects.standard  # noqa: F401

    tasks = [_Task(one, wanted[one.id], query) for one in chosen]
    ends = [task.outcome() for task in tasks]
    report = Report(answer for _, answer in ends)
    _refuse(report, strict=strict)
    found = in_order(merged([(answer.source, items) for items, answer in ends]), query.sort)
    if report.failed:
        text = "; ".join(map(str, report.failed))
        warnings.warn(f"the result is not complete: {text}", IncompleteResult, stacklevel=4)
    return Items(
        found[: query.limit], query=replace(query, collections=tuple(names)), report=report
    )


def _distinct(given: Sequence[str | Source]) -> list[Source]:
    found = [source(one) for one in given]
    if not found:
        raise InvalidQuery("no catalogue is given", 'write sources=["geodes", "cdse"]')
    twice = {one.id for one in found if [other.id for other in found].count(one.id) > 1}
    if twice:
        raise InvalidQuery(f"{', '.join(sorted(twice))} is given twice", "name each catalogue once")
    return found


def _refuse(report: Report, *, strict: bool) -> None:
    """Refuse where nobody answered; an outage must not look like an empty catalogue."""
    told = [one for one in report if one.state != "skipped"]
    lost = [one for one in told if one.state == "failed"]
    if told and (len(lost) == len(told) or (strict and report.failed)):
        first = (lost or report.failed)[0]
        raise ServiceError(
            "the catalogues did not answer: " + "; ".join(map(str, report.failed)),
            first.error.hint if first.error else None,
        )


def _found(client: Client, query: Query) -> tuple[Found, bool, tuple[str, ...]]:
    """Ask a catalogue; what it cannot search by is left out, and must be tried on what comes."""
    dialect = dialect_of(client)
    try:
        return dialect.search(query), False, ()
    except InvalidQuery:
        plain = replace(query, clauses=(), cloud_cover=None, published=None, limit=None)
        if not list(_conditions(query)) or query.published:
            raise
        note = f"{', '.join(_conditions(query))} tried here: it cannot search by that"
        return dialect.search(plain), True, (note,)


def _conditions(query: Query) -> Iterator[str]:
    if query.cloud_cover:
        yield "eo:cloud_cover"
    if query.published:
        yield "published"
    yield from (clause.name for clause in query.clauses)


def _holds(item: Json, query: Query) -> bool:
    """Tell whether an item fulfils the conditions; a catalogue that was asked for them has seen to it."""
    properties = item["properties"]
    if query.cloud_cover:
        clouds = properties.get("eo:cloud_cover")
        if clouds is None or not query.cloud_cover[0] <= clouds <= query.cloud_cover[1]:
            return False
    if query.acquired and not during(properties, query.acquired):
        return False
    return all(matches(properties, clause) for clause in query.clauses)

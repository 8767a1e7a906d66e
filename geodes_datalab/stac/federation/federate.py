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
from geodes_datalab.stac.federation.merge import merged
from geodes_datalab.stac.federation.report import Answer, Report, kind_of
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
        self.items: list[Json] = []
        self.answer = Answer(one.id, "skipped")
        self._begun = time.monotonic()
        self._thread: threading.Thread | None = None
        if names:
            self._thread = threading.Thread(target=self._run, daemon=True, name=f"geodes-{one.id}")
            self._thread.start()

    def wait(self) -> None:
        """Wait until it has answered, or its time is over."""
        if self._thread is None:
            return
        self._thread.join(max(0.0, self._begun + self.source.timeout - time.monotonic()))
        if self._thread.is_alive():
            error = ServiceError(
                f"{self.source.title} did not answer within {self.source.timeout:g} s",
                "ask again later, or without it",
            )
            self.items = list(self.items)  # what comes later is nobody's
            state = "partial" if self.items else "failed"
            self._end(state, error=error, kind="timeout", returned=len(self.items))

    def _run(self) -> None:
        try:
            with Client(self.source.config()) as client:
                found, tried, notes = _found(client, self._query)
                for page in found.pages:
                    clean = (normalise(item, {}, None, []) for item in page)
                    self.items += [item for item in clean if not tried or _holds(item, self._query)]
                    if self._query.limit is not None and len(self.items) >= self._query.limit:
                        break
        except GeodesError as error:
            state = "partial" if self.items else "failed"
            self._end(state, error=error, kind=kind_of(error), returned=len(self.items))
            return
        unique = {item["id"]: item for item in self.items}
        twice = len(self.items) - len(unique)
        self.items = list(unique.values())[: self._query.limit]
        self._finish(None if tried else found.matched, notes, twice)

    def _finish(self, expected: int | None, notes: tuple[str, ...], twice: int) -> None:
        if twice:
            notes += (f"{twice} items came more than once",)
        wanted = min(expected or 0, self._query.limit or expected or 0)
        short = len(self.items) < wanted
        error = None
        if short:
            error = ServiceError(
                f"{self.source.title} announced {expected} items and sent {len(self.items)}"
            )
        self._end(
            "partial" if short else "ok", matched=expected, returned=len(self.items), notes=notes,
            error=error, kind="server" if short else "",
        )  # fmt: skip

    def _end(self, state: Any, **told: Any) -> None:
        seconds = time.monotonic() - self._begun
        self.answer = Answer(self.source.id, state, seconds=seconds, **told)


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
    import geodes_datalab.stac.dialects.standard  # noqa: F401 - no source's time goes by in importing it

    tasks = [_Task(one, wanted[one.id], query) for one in chosen]
    for task in tasks:
        task.wait()
    report = Report(task.answer for task in tasks)
    _refuse(report, strict=strict)
    found = in_order(merged([(task.source.id, list(task.items)) for task in tasks]), query.sort)
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

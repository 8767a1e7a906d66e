"""The verb `collections`: the shipped list, or a catalogue's own, searched by words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from os import PathLike
from typing import Any, overload

from geodes_datalab._display import table
from geodes_datalab._http import Client
from geodes_datalab._language import gettext, ngettext, translated
from geodes_datalab._types import Json
from geodes_datalab.config import Config
from geodes_datalab.errors import UnknownCollection, near
from geodes_datalab.stac.dialects import dialect_of
from geodes_datalab.stac.federation.sources import Source
from geodes_datalab.stac.items.wellformed import MISREAD, tell
from geodes_datalab.stac.settings import settings_of
from geodes_datalab.stac.shipped import Collection, shipped
from geodes_datalab.stac.words import Term, satellites, score, terms


class Collections(Sequence[Collection]):
    """Collections, best match first."""

    def __init__(
        self, found: Iterable[Collection], text: str | None = None, advice: str | None = None
    ) -> None:
        self._found = tuple(found)
        self._text = text
        self._advice = advice

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._found)

    @overload
    def __getitem__(self, index: int | str) -> Collection: ...
    @overload
    def __getitem__(self, index: slice) -> Collections: ...
    def __getitem__(self, index: int | str | slice) -> Collection | Collections:
        """Return a collection by position or id, or a slice."""
        if isinstance(index, slice):
            return Collections(self._found[index], self._text)
        if isinstance(index, str):
            for item in self._found:
                if item.id == index:
                    return item
            hint = near(index, self.ids) or "the ids are in .ids"
            raise UnknownCollection(f'there is no collection "{index}" here', hint)
        return self._found[index]

    @property
    def ids(self) -> list[str]:
        """Ids, in order."""
        return [item.id for item in self._found]

    def __repr__(self) -> str:
        """List ids and titles."""
        head = self._head()
        if self._advice:
            return f"{head}\n  {self._advice}"
        return head + "".join(f"\n  {item.id}: {item.title}" for item in self._found)

    def _repr_html_(self) -> str:
        if self._advice:
            return f"<div><b>{escape(self._head())}</b><br>{escape(self._advice)}</div>"
        rows = [
            (
                item.id,
                item.title,
                ", ".join(item.verbs) or "-",
                _sure(item),
                item.constellation,
                item.level,
                _span(item),
                _shortened(item.description),
            )
            for item in self._found
        ]
        columns = (
            gettext("id"), gettext("title"), gettext("read by"), gettext("how sure"),
            gettext("satellites"), gettext("level"), gettext("time"), gettext("description"),
        )  # fmt: skip
        return table(rows, columns, caption=self._head())

    def _head(self) -> str:
        if not self._text:
            return ngettext("{count} collection", "{count} collections", len(self))
        return ngettext(
            '{count} collection about "{text}"',
            '{count} collections about "{text}"',
            len(self),
            text=self._text,
        )


def collections(
    text: str | None = None, *, catalogue: str | PathLike[str] | Config | Source | None = None
) -> Collections:
    """List the collections, or those about something.

    Parameters
    ----------
    text
        Words to look for in ids, titles, keywords, satellites and descriptions; all must be found. English or
        French: ``"neige"`` finds what ``"snow"`` finds.
    catalogue
        By default the list that is shipped, without a request. ``"geodes"``, the address of a STAC
        API or of an OpenSearch description, one of `geodes_datalab.stac.sources`, a folder of published results
        or a `Config` ask that catalogue.

    Returns
    -------
    Collections
        Best match first; a table in notebooks. Where nothing is found, it says what to try.

    Raises
    ------
    ServiceError
        The catalogue, if one is asked, cannot be reached.

    Examples
    --------
    >>> collections("grace geoid").ids[0]
    'L2B_CNES_SAGSA_GFQ_GGH_SVD_10DAYS'
    >>> collections("neige").ids == collections("snow").ids
    True
    """
    result = shipped() if catalogue is None else _asked(settings_of(catalogue))
    if not text or not text.strip():
        return Collections(result)
    wanted = terms(text)
    names = satellites(result, wanted)
    ranked = [(fit, item) for item in result if (fit := score(item, wanted, names=names))]
    ranked.sort(key=lambda pair: (-pair[0], pair[1].id))
    if ranked:
        return Collections((item for _, item in ranked), text)
    return Collections((), text, _advice(text, wanted, result, asked=catalogue is not None))


def _advice(text: str, wanted: list[Term], known: Sequence[Collection], *, asked: bool) -> str:
    """Say what to try where nothing was found."""
    found = [any(score(item, [term]) for item in known) for term in wanted]
    if len(found) > 1 and all(found):
        return gettext("Each word is found, but all of them in no collection: use fewer words.")
    vocabulary = {word for item in known for word in (*item.keywords, *item.title.split())}
    suggestion = translated(near(text, sorted(vocabulary)))
    parts = [suggestion[0].upper() + suggestion[1:]] if suggestion else []
    if not asked:
        call = f'geodes_datalab.collections("{text}", catalogue="geodes")'
        parts.append(gettext("Ask the portal, which may have newer ones: {call}", call=call))
    parts.append(
        gettext(
            "Try what is measured ({examples}), or list all: {call}",
            examples=gettext("snow, water level, land cover"),
            call="geodes_datalab.collections()",
        )
    )
    return " ".join(f"{part}." if part[-1] not in "?!" else part for part in parts)


def _sure(one: Collection) -> str:
    """Return how sure it is that products are read, in the reader's language."""
    return {
        "confirmed": gettext("confirmed"),
        "documented": gettext("documented"),
        "provisional": gettext("provisional"),
    }.get(one.status, "-")


def _span(one: Collection) -> str | None:
    if not (one.start or one.end):
        return None
    return gettext("{start} to {end}", start=one.start or "?", end=one.end or "?")


def _asked(config: Config) -> list[Collection]:
    """Ask a catalogue; a collection that cannot be read is left out, and told."""
    result: list[Collection] = []
    doubts: list[str] = []
    with Client(config) as client:
        for place, raw in enumerate(dialect_of(client).collections()):
            try:
                result.append(_read(raw))
            except MISREAD:
                name = raw.get("id") if isinstance(raw, dict) else None
                doubts.append(f"collection {name or place + 1}")
    tell(doubts, stacklevel=3)
    return result


def _read(raw: Json) -> Collection:
    if not isinstance(raw["id"], str):
        raise TypeError(raw["id"])
    summaries = raw.get("summaries") or {}
    interval: Any = ((raw.get("extent") or {}).get("temporal") or {}).get("interval") or [
        [None, None]
    ]
    start, end = (str(item)[:10] if item else None for item in interval[0][:2])
    return Collection(
        id=raw["id"],
        title=raw.get("title") or raw["id"],
        description=" ".join((raw.get("description") or "").split()),
        keywords=tuple(raw.get("keywords") or ()),
        constellation=_joined(summaries.get("constellation")),
        instruments=tuple(summaries.get("instruments") or ()),
        level=_joined(summaries.get("processing:level")),
        start=start,
        end=end,
        license=raw.get("license"),
        items=summaries.get("total_items"),
    )


def _joined(value: Any) -> str | None:
    return ",".join(str(item) for item in value) if isinstance(value, list) else value


def _shortened(text: str) -> str:
    return text if len(text) <= 90 else text[:87].rsplit(" ", 1)[0] + " ..."

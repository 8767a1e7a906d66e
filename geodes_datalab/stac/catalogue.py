"""The verb `collections`: the shipped list, or a catalogue's own, searched by words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, overload

from geodes_datalab._display import table
from geodes_datalab._http import Client
from geodes_datalab._types import Json
from geodes_datalab.config import Config
from geodes_datalab.errors import UnknownCollection, near
from geodes_datalab.stac.dialects import dialect_of
from geodes_datalab.stac.items.wellformed import MISREAD, tell
from geodes_datalab.stac.settings import settings_of
from geodes_datalab.stac.shipped import Collection, shipped

_WEIGHTS = {
    "id": 6,
    "title": 5,
    "keywords": 4,
    "constellation": 3,
    "instruments": 3,
    "level": 2,
    "description": 1,
}


class Collections(Sequence[Collection]):
    """Collections, best match first."""

    def __init__(self, found: Iterable[Collection], text: str | None = None) -> None:
        self._found = tuple(found)
        self._text = text

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
        return head + "".join(f"\n  {item.id}: {item.title}" for item in self._found)

    def _repr_html_(self) -> str:
        rows = [
            (
                item.id,
                item.title,
                item.constellation,
                item.level,
                f"{item.start or '?'} to {item.end or '?'}" if item.start or item.end else None,
                "yes" if item.readable else "-",
                _shortened(item.description),
            )
            for item in self._found
        ]
        columns = ("id", "title", "satellites", "level", "time", "load", "description")
        return table(rows, columns, caption=self._head())

    def _head(self) -> str:
        about = f' about "{self._text}"' if self._text else ""
        return f"{len(self)} collections{about}"


def collections(text: str | None = None, *, catalogue: str | Config | None = None) -> Collections:
    """List the collections, or those about something.

    Parameters
    ----------
    text
        Words to look for in ids, titles, keywords, satellites and descriptions; all must be found.
    catalogue
        By default the list that is shipped, without a request. ``"geodes"``, the address of a STAC
        API or a `Config` ask that catalogue.

    Returns
    -------
    Collections
        Best match first; a table in notebooks.

    Raises
    ------
    ServiceError
        The catalogue, if one is asked, cannot be reached.

    Examples
    --------
    >>> collections("grace geoid").ids[0]
    'L2B_CNES_SAGSA_GFQ_GGH_SVD_10DAYS'
    """
    result = shipped() if catalogue is None else _asked(settings_of(catalogue))
    if not text or not text.strip():
        return Collections(result)
    words = [_squashed(word) for word in text.split()]
    ranked = [(score, item) for item in result if (score := _score(item, words))]
    ranked.sort(key=lambda pair: (-pair[0], pair[1].id))
    return Collections((item for _, item in ranked), text)


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


def _score(one: Collection, words: list[str]) -> int:
    """Return how well a collection fits, 0 where a word is missing."""
    total = 0
    for word in words:
        best = max(_WEIGHTS[name] * _fit(word, getattr(one, name)) for name in _WEIGHTS)
        if not best:
            return 0
        total += best
    return total


def _fit(word: str, value: Any) -> int:
    """Return 2 for a whole word, 1 for a part, 0 for nothing."""
    texts = value if isinstance(value, tuple) else (value or "",)
    whole = {_squashed(part) for text in texts for part in (text, *re.split(r"[\s_,;:().]+", text))}
    if word in whole:
        return 2
    return int(any(word in _squashed(text) for text in texts))


def _squashed(text: str) -> str:
    """Return a text without case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "", plain)


def _shortened(text: str) -> str:
    return text if len(text) <= 90 else text[:87].rsplit(" ", 1)[0] + " ..."

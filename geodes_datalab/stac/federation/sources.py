"""Catalogues that can be asked side by side: data (``data/sources.toml``), and addresses that a user gives."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from geodes_datalab._display import table
from geodes_datalab._language import gettext
from geodes_datalab.config import Config, load
from geodes_datalab.errors import InvalidQuery, UnknownCollection, near
from geodes_datalab.stac.federation.reflectance import Rule

SPOKEN = ("geodes", "stac", "opensearch")
"""Dialects that are spoken."""


@dataclass(frozen=True)
class Source:
    """A catalogue."""

    id: str
    """What `search` takes."""
    title: str
    url: str = ""
    """Of its STAC API, or of its OpenSearch description; empty for the portal that is configured."""
    dialect: str = "stac"
    """How it is spoken to."""
    page_size: int = 80
    """Items per request."""
    rate: float = 0.0
    """Requests a second, at most; 0 for no limit."""
    concurrency: int = 8
    """Requests at a time, at most."""
    timeout: float = 60.0
    """Seconds within which a search must be answered."""
    licence: str = ""
    search_key: str = "none"
    """What searching needs."""
    data: str = ""
    """What reading the files needs."""
    collections: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Name that all sources share -> theirs."""
    reflectance: Mapping[str, Rule] = field(default_factory=dict, hash=False)
    """Collection of theirs whose items leave out what their numbers mean -> what they mean."""

    def shared(self, theirs: str) -> str:
        """Return the name that all sources share for one of its collections; its own, where there is none.

        Examples
        --------
        >>> source("earth-search").shared("sentinel-2-c1-l2a")
        'sentinel-2-l2a'
        """
        return next((name for name, own in self.collections.items() if own == theirs), theirs)

    def config(self) -> Config:
        """Return the settings for asking it.

        Raises
        ------
        InvalidQuery
            Its dialect is not spoken yet.
        """
        if self.dialect not in SPOKEN:
            raise InvalidQuery(
                f"{self.title} speaks {self.dialect}, which is not spoken here yet",
                "leave it out of sources=",
            )
        if not self.url:
            return load(dialect="geodes")
        return load(
            stac_url=self.url, dialect=self.dialect, max_requests=self.concurrency, rate=self.rate
        )


class Sources(Sequence[Source]):
    """Catalogues, as a table in notebooks."""

    def __init__(self, found: Iterable[Source]) -> None:
        self._found = tuple(found)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._found)

    def __getitem__(self, index: int) -> Source:  # type: ignore[override]  # no slices are needed
        """Return one by its place."""
        return self._found[index]

    def __iter__(self) -> Iterator[Source]:
        """Iterate over them."""
        return iter(self._found)

    def __repr__(self) -> str:
        """List ids and titles."""
        return "\n".join(f"{one.id}: {one.title}" for one in self)

    def _repr_html_(self) -> str:
        headers = (
            gettext("id"), gettext("title"), gettext("collections"), gettext("searching needs"),
            gettext("reading files needs"), gettext("licence"),
        )  # fmt: skip
        rows = [
            (
                one.id,
                one.title,
                ", ".join(one.collections) or "-",
                one.search_key,
                one.data,
                one.licence,
            )
            for one in self
        ]
        return table(rows, headers, caption=gettext("catalogues that can be searched together"))


def sources() -> Sources:
    """List the catalogues that `geodes_datalab.search` can ask side by side, and what each holds.

    Examples
    --------
    >>> [one.id for one in sources()][:2]
    ['geodes', 'theia']
    """
    return Sources(_known().values())


@cache
def _known() -> Mapping[str, Source]:
    text = files("geodes_datalab.stac").joinpath("data/sources.toml").read_text("utf-8")
    return {name: _source(name, told) for name, told in tomllib.loads(text).items()}


def _source(name: str, told: Mapping[str, Any]) -> Source:
    rules = {one: Rule(**rule) for one, rule in told.get("reflectance", {}).items()}
    return Source(name, **{**told, "reflectance": rules})


def source(name: str | Source) -> Source:
    """Return a catalogue by its id, or of an address.

    Raises
    ------
    InvalidQuery
        There is none of that name.
    """
    if isinstance(name, Source):
        return name
    if name in _known():
        return _known()[name]
    if name.startswith(("https://", "http://")):
        url = name.rstrip("/")
        return Source(urlsplit(name).netloc or name, name, url, dialect=dialect_at(name))
    known = list(_known())
    raise InvalidQuery(
        f'there is no catalogue "{name}"',
        near(name, known) or f"give one of {', '.join(known)}, or the address of a STAC API",
    )


def dialect_at(url: str) -> str:
    """Tell how the catalogue at an address is spoken to, by how OpenSearch descriptions are called.

    Examples
    --------
    >>> dialect_at("https://a.example/opensearch/description.xml"), dialect_at("https://a.example/stac/v1")
    ('opensearch', 'stac')
    """
    known = next((one.dialect for one in _known().values() if one.url == url.rstrip("/")), None)
    path = urlsplit(url).path.lower().rstrip("/")
    last = path.rpartition("/")[2]
    described = last in ("osdd", "description", "opensearch") or last.endswith((".xml", ".osdd"))
    return known or ("opensearch" if described else "stac")


def asked(names: Sequence[str], among: Sequence[Source]) -> dict[str, tuple[str, ...]]:
    """Return which collections are asked for in each source; nothing for those that hold none.

    Parameters
    ----------
    names
        Names that sources share (``"sentinel-2-l2a"``), names of one (``"cdse:sentinel-2-l2a"``), or ids that
        are the same in a source.
    among
        The sources.

    Raises
    ------
    UnknownCollection
        No source knows one of the names.

    Examples
    --------
    >>> chosen = [source("geodes"), source("cdse")]
    >>> asked(["sentinel-2-l1c", "cdse:sentinel-1-grd"], chosen)
    {'geodes': ('PEPS_S2_L1C',), 'cdse': ('sentinel-2-l1c', 'sentinel-1-grd')}
    """
    result: dict[str, tuple[str, ...]] = {one.id: () for one in among}
    for name in names:
        own, colon, theirs = name.partition(":")
        if colon and own in result:
            result[own] += (theirs,)
            continue
        holders = [one for one in among if name in one.collections or not one.collections]
        holders = holders or [one for one in among if name in one.collections.values()]
        if not any(name in (*one.collections, *one.collections.values()) for one in holders):
            holders = [
                one for one in holders if one.id not in _known()
            ]  # addresses are taken at their word
        if not holders:
            raise _unknown(name, among)
        for one in holders:
            result[one.id] += (one.collections.get(name, name),)
    return result


def _unknown(name: str, among: Sequence[Source]) -> UnknownCollection:
    shared = sorted({entry for one in among for entry in one.collections})
    elsewhere = [one.id for one in sources() if name in one.collections]
    told = f'"{name}" is in {", ".join(elsewhere)}' if elsewhere else near(name, shared)
    ids = ", ".join(one.id for one in among)
    return UnknownCollection(
        f'none of {ids} is known to hold "{name}"',
        told
        or f"they share {', '.join(shared)}; write source:collection for a name of one of them",
    )

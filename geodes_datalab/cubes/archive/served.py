"""Files on servers for GDAL: what it reads of them comes by requests of our own, of one version."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from geodes_datalab import _http
from geodes_datalab.cubes.archive import members
from geodes_datalab.cubes.archive.archives import Archive
from geodes_datalab.cubes.archive.copies import Place, turn
from geodes_datalab.cubes.archive.directory import DEFLATED, Directory, read_directory
from geodes_datalab.cubes.archive.formats import refuse_misread
from geodes_datalab.cubes.archive.inflated import Inflated
from geodes_datalab.cubes.archive.mounted import mounted
from geodes_datalab.cubes.archive.pages import Pages
from geodes_datalab.cubes.archive.ranges import Bytes, WebFile
from geodes_datalab.cubes.archive.trouble import Changed, NoRanges
from geodes_datalab.cubes.archive.whole import Whole

T = TypeVar("T")

FRESH = 600.0
"""Seconds for which what was fetched of a file is kept. Whatever is fetched later is of the same version."""

MOST = 32
"""Files of which something is kept, at most."""


class _Known(NamedTuple):
    """What is kept of a file."""

    since: float
    pages: Pages


_Opening = Callable[[_http.Client, Place], tuple[Bytes, Directory | None]]

_known: OrderedDict[Place, _Known] = OrderedDict()
_guard = threading.Lock()


def through(client: _http.Client, place: Place, read: Callable[[str], T]) -> T:
    """Call a function with a path where GDAL finds a file of a server.

    Parameters
    ----------
    client
        Sends the requests.
    place
        Which file, or which member of an archive.
    read
        What is called. It is called again where the file has changed meanwhile, or where the server turns
        out to send whole files only.

    Raises
    ------
    Changed
        The file changes all the time.
    ArchiveError
        The archive has no such member, is broken, or packs it in a way that is not read here.
    ReadError
        It is an image that GDAL would read wrongly, or this GDAL reads nothing in this way.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    """
    opened = _ranged
    while True:
        try:
            return _through(client, place, read, opened)
        except NoRanges:
            opened = _whole  # of which all parts are at hand
        except Changed:
            if opened is not _ranged:
                raise
            opened = _anew


def pages_of(client: _http.Client, place: Place) -> Pages:
    """Return a file, or a member of an archive, of which parts are fetched as they are read.

    Parameters
    ----------
    client, place
        See `through`.

    Raises
    ------
    ArchiveError, ReadError, AuthenticationError, QuotaError, RequestError, ServiceError
        See `through`.
    """
    opened = _ranged
    while True:
        try:
            return _pages(client, place, opened)
        except NoRanges:
            opened = _whole
        except Changed:
            if opened is not _ranged:
                raise
            opened = _anew


def forget(place: Place, pages: Pages | None = None) -> None:
    """Drop what is kept of a file; only these pages, where they are given."""
    with _guard:
        known = _known.get(place)
        if known is not None and pages in {None, known.pages}:
            del _known[place]


def _through(client: _http.Client, place: Place, read: Callable[[str], T], opened: _Opening) -> T:
    pages = _pages(client, place, opened)
    with mounted(pages, place.member or place.url.partition("?")[0]) as mount:
        try:
            result = read(mount.path)
        except Exception:
            if mount.failure is None:
                raise
        if mount.failure is not None:  # GDAL may have told nothing of it
            forget(place, pages)
            raise mount.failure
    return result


def _pages(client: _http.Client, place: Place, opened: _Opening) -> Pages:
    with turn(("pages", place)):  # of several threads that want a file, one begins it
        with _guard:
            known = _known.get(place)
        if known is not None and time.monotonic() - known.since < FRESH:
            return known.pages
        file, directory = opened(client, place)
        pages = Pages(file if directory is None else _member(file, directory, place.member))
        refuse_misread(pages)
        with _guard:
            _known[place] = _Known(time.monotonic(), pages)
            while len(_known) > MOST:
                _known.popitem(last=False)
        return pages


def _ranged(client: _http.Client, place: Place) -> tuple[Bytes, Directory | None]:
    size = place.size or client.probe(place.url).size
    if not size:
        raise NoRanges
    if not place.member:
        return WebFile(client, place.url, size), None
    archive = Archive(client, place.url, size)
    return archive.file, archive.directory


def _anew(client: _http.Client, place: Place) -> tuple[Bytes, Directory | None]:
    """Open a file of which nothing holds that was known, perhaps not even its size."""
    if place.member and place.size:
        Archive(client, place.url, place.size).forget()
    return _ranged(client, Place(place.url, None, place.member))


def _whole(client: _http.Client, place: Place) -> tuple[Bytes, Directory | None]:
    file = Whole(client, place.url)
    return file, read_directory(file) if place.member else None


def _member(file: Bytes, directory: Directory, name: str) -> Bytes:
    entry = members.found(directory, name, hint="search again: the product may have been replaced")
    return (
        Inflated(file, entry)
        if entry.method == DEFLATED
        else members.stored(file, entry, ahead=0).file
    )

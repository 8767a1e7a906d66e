"""Images that are a file on a server by themselves: what is learnt of each is kept in memory."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from typing import NamedTuple

from geodes_datalab import _http
from geodes_datalab.cubes.archive.copies import Image, Look, Made, Place, turn, viewed
from geodes_datalab.cubes.archive.formats import FORMATS, format_of, letter
from geodes_datalab.cubes.archive.members import AHEAD
from geodes_datalab.cubes.archive.ranges import Kept, WebFile, part
from geodes_datalab.cubes.archive.tiff import Tiff
from geodes_datalab.cubes.archive.trouble import Changed, Unsuited
from geodes_datalab.errors import ArchiveError

_REMEMBERED = 1024


def plain(client: _http.Client, place: Place, look: Look | None) -> Made:
    """Copy an image that is a file on a server by itself.

    Raises
    ------
    Unsuited
        GDAL reads it with less work, or the server cannot send parts of it.
    Changed
        It changes all the time.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    """
    try:
        return _made(client, place, look)
    except Changed:  # since its header was read, perhaps long ago: all of it is fetched anew
        _headers.pop(place, None)
        return _made(client, place, look)


def _made(client: _http.Client, place: Place, look: Look | None) -> Made:
    with turn((place.url, place.size)):
        try:
            image = _image(client, place)
        except Changed:
            raise
        except (ArchiveError, Unsuited) as error:  # what is odd, GDAL may judge
            _remember(place, _LEFT)
            raise Unsuited(str(error)) from error
    try:
        return viewed(image, look)
    except ArchiveError as error:
        _headers.pop(place, None)
        raise Unsuited(str(error)) from error


class _Header(NamedTuple):
    """What was learnt of an image that is a file by itself."""

    size: int
    etag: str | None
    note: bytes


_LEFT = _Header(0, None, b"")
"""Stands for an image that is left to GDAL."""

_headers: OrderedDict[Place, _Header] = OrderedDict()
_guard = threading.Lock()


def _image(client: _http.Client, place: Place) -> Image:
    known = _headers.get(place)
    if known is _LEFT:
        raise Unsuited("it was left to GDAL before")
    if known is not None:
        web = WebFile(client, place.url, known.size, known.etag)
        return FORMATS[known.note[:1]](Kept(web), known.note[1:])
    web, head = _begun(client, place)
    image = format_of(head)(Kept(web, [(0, head)]))
    if isinstance(image, Tiff) and not image.simple:
        raise Unsuited("it is packed in a way that only GDAL unpacks")
    _remember(place, _Header(web.size, web.etag, letter(image) + image.note()))
    return image


def _begun(client: _http.Client, place: Place) -> tuple[WebFile, bytes]:
    """Return the file and its begin; of the size that the server tells, whatever the catalogue tells."""
    if place.size:
        web = WebFile(client, place.url, place.size)
        with contextlib.suppress(Changed):
            return web, part(web, 0, min(AHEAD, web.size))
    size = client.probe(place.url).size
    if not size:
        raise Unsuited("its server does not tell its size")
    web = WebFile(client, place.url, size)
    return web, part(web, 0, min(AHEAD, size))


def _remember(place: Place, header: _Header) -> None:
    with _guard:
        _headers[place] = header
        while len(_headers) > _REMEMBERED:
            _headers.popitem(last=False)

"""Files on servers: where they are, how GDAL comes to read them, and why one could not be read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from geodes_datalab import _http
from geodes_datalab.config import Config
from geodes_datalab.cubes.archive.copies import Place
from geodes_datalab.cubes.archive.mounted import PREFIX
from geodes_datalab.cubes.archive.served import through
from geodes_datalab.cubes.archive.trouble import Changed, Unsuited
from geodes_datalab.cubes.read import gdal
from geodes_datalab.cubes.share import credentials
from geodes_datalab.errors import ArchiveError, GeodesError, ReadError

T = TypeVar("T")

_MEMBER = re.compile(r"/vsizip/\{/vsicurl/(.+?)\}/(.+)")
_PLAIN = re.compile(r"/vsicurl/(.+)()")


def place(path: str, size: int | None) -> Place | None:
    """Return where a file is on a server; None where it is on no server.

    Parameters
    ----------
    path
        As GDAL understands it.
    size
        Bytes of the file or archive, where the catalogue tells.
    """
    result = _MEMBER.fullmatch(path) or _PLAIN.fullmatch(path)
    return None if result is None else Place(result[1], size, result[2])


def client() -> _http.Client:
    """Return the client of this process."""
    return _client(credentials.settings(), os.getpid())


@lru_cache(maxsize=4)
def _client(settings: Config, process: int) -> _http.Client:
    """Keep its connections (a forked process has its own)."""
    return _http.Client(settings)


def by_gdal(path: str, size: int | None, read: Callable[[str], T]) -> T:
    """Let GDAL read what it wants; of servers, by requests of our own.

    Parameters
    ----------
    path, size
        See `place`.
    read
        Called with a path that GDAL can open.

    Raises
    ------
    Changed
        The file changes all the time.
    GeodesError
        It is not there, or could not be fetched.
    """
    where = place(path, size)
    if where is None:
        return gdal.within(path, read)
    gdal.mute_rasterio()
    with gdal.environment(PREFIX):
        try:
            return through(client(), where, read)
        except Changed:
            raise
        except Unsuited as error:
            raise ReadError(f"its server does not let it be read: {error}", _DOWNLOAD) from error


def changing(error: Changed) -> ReadError:
    """Return the error for a file that changes while it is read."""
    return ReadError(
        f"its file changed on the server while it was read ({error})",
        "search and load again, when the server is done with it: old and new pixels are never mixed",
    )


def explained(path: str, what: str, failure: str) -> GeodesError:
    """Say why a file could not be read: ask its server, if it has one.

    Parameters
    ----------
    path
        As GDAL understands it.
    what
        What it is, for a sentence.
    failure
        GDAL's own words.
    """
    where = place(path, None)
    if where is not None:
        try:
            client().probe(where.url)
        except GeodesError as error:
            return error
    kind = ReadError if where is None or not where.member else ArchiveError
    return kind(f"{what} could not be read: {gdal.without_addresses(failure)}", _DOWNLOAD)


_DOWNLOAD = (
    "try again; if it fails again, download the product with geodes_datalab.download(), which checks its "
    "MD5, and pass that folder as archives="
)

"""What lies inside an archive, without fetching it: its directory, read by byte ranges.

Directories are kept in memory and in the cache folder by (address, size): a product's address ends
in its MD5, so what it names never changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

from geodes_datalab import _http
from geodes_datalab.errors import ArchiveError, ServiceError

TAIL = 64 * 1024
"""Bytes fetched first, from the end: they hold the whole directory of nearly all products."""

_known: dict[tuple[str, int], tuple[str, ...]] = {}


class NoRanges(Exception):
    """The server sends whole files only."""


def members_of_file(path: Path) -> tuple[str, ...]:
    """Return the names in a zip archive on disk.

    Raises
    ------
    ArchiveError
        It is no zip archive, or a broken one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise ArchiveError(
            f"{path} cannot be read as a zip archive: {error}",
            hint="delete it and download it again",
        ) from error


def members_of_url(client: _http.Client, url: str, size: int) -> tuple[str, ...]:
    """Return the names in a zip archive on a server.

    Parameters
    ----------
    client
        Sends the requests.
    url, size
        Address and bytes of the archive.

    Raises
    ------
    NoRanges
        The server cannot send parts of a file.
    ArchiveError
        It is no zip archive.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    """
    key = (url, size)
    if key not in _known:
        stored = _stored(client, key)
        found = stored if stored is not None else _fetched(client, url, size)
        _known[key] = found
        if stored is None:
            _store(client, key, found)
    return _known[key]


def _fetched(client: _http.Client, url: str, size: int) -> tuple[str, ...]:
    try:
        with RangeFile(client, url, size) as file, zipfile.ZipFile(file) as archive:
            return tuple(archive.namelist())
    except zipfile.BadZipFile as error:
        raise ArchiveError(
            f"{url} is no zip archive, or a broken one",
            hint="try again; if it stays so, report it to the portal's support",
        ) from error


class RangeFile(io.RawIOBase):
    """A file on a server, of which only the parts that are read are fetched."""

    def __init__(self, client: _http.Client, url: str, size: int) -> None:
        self._client, self._url, self._size = client, url, size
        self._position = 0
        self._start = max(0, size - TAIL)
        self._held = self._fetch(self._start, size)

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def readable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; nothing is fetched."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise OSError("seek before the beginning of the file")
        self._position = origin + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Read, fetching what is not held yet."""
        end = self._size if size is None or size < 0 else min(self._position + size, self._size)
        begin, self._position = self._position, max(end, self._position)
        if begin >= end:
            return b""
        if begin < self._start:
            return self._fetch(begin, end)
        return self._held[begin - self._start : end - self._start]

    def _fetch(self, begin: int, end: int) -> bytes:
        try:
            with self._client.stream(self._url, {"Range": f"bytes={begin}-{end - 1}"}) as response:
                if response.status_code != 206:
                    raise NoRanges
                return bytes(response.raw.read(end - begin, decode_content=False))
        except ServiceError as error:
            if error.status is not None and error.status >= 500:
                raise NoRanges from error  # some servers break on ranges instead of refusing them
            raise


def _file(client: _http.Client, key: tuple[str, int]) -> Path:
    digest = hashlib.sha256(f"{key[0]} {key[1]}".encode()).hexdigest()
    return Path(client.config.cache_dir) / "directories" / f"{digest}.json"


def _stored(client: _http.Client, key: tuple[str, int]) -> tuple[str, ...] | None:
    with contextlib.suppress(OSError, ValueError):
        names = json.loads(_file(client, key).read_text(encoding="utf-8"))
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(names)
    return None


def _store(client: _http.Client, key: tuple[str, int], names: tuple[str, ...]) -> None:
    """Keep a directory; a full disk is no reason not to load."""
    path = _file(client, key)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(names, stream)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)

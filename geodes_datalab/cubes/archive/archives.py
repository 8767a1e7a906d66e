"""Archives by address: their directories are read once and kept, in memory and on disk."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from geodes_datalab import _http
from geodes_datalab.cubes.archive.directory import Directory, parse, read_directory
from geodes_datalab.cubes.archive.ranges import FileBytes, WebFile
from geodes_datalab.cubes.archive.store import Store
from geodes_datalab.errors import ArchiveError

LIMIT = 128 * 2**20
"""Bytes of all directories and indices kept on disk."""

_IN_MEMORY = 256


class _Known(NamedTuple):
    """What is kept of an archive."""

    directory: Directory
    etag: str | None
    """Version that the directory is of."""


_lock = threading.Lock()
_turns = tuple(threading.Lock() for _ in range(64))
_known: OrderedDict[tuple[str, int], _Known] = OrderedDict()


class Archive:
    """A zip archive on a server, with its directory.

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
        It is no zip archive, or one that is broken or made to harm.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    """

    def __init__(self, client: _http.Client, url: str, size: int) -> None:
        self.url, self.size = url, size
        self._store = notes(client.config.cache_dir)
        self._key = f"directory {size} {url}"
        with _turn(url):  # of several threads that want a directory, one fetches it
            known = self._in_memory() or self._on_disk()
            self.file = WebFile(client, url, size, known.etag if known else None)
            if known is None:
                known = _Known(read_directory(self.file), self.file.etag)
                facts = json.dumps({"where": known.directory.where, "etag": known.etag})
                self._store.put(self._key, facts.encode() + b"\n" + known.directory.raw)
            self.directory = known.directory
            self._remember(known)

    def _in_memory(self) -> _Known | None:
        with _lock:
            return _known.get((self.url, self.size))

    def _remember(self, known: _Known) -> None:
        with _lock:
            _known[self.url, self.size] = known
            _known.move_to_end((self.url, self.size))
            while len(_known) > _IN_MEMORY:
                _known.popitem(last=False)

    def _on_disk(self) -> _Known | None:
        kept = self._store.get(self._key)
        if kept is None:
            return None
        with contextlib.suppress(ValueError, KeyError, TypeError, OverflowError, ArchiveError):
            told, _, raw = kept.partition(b"\n")
            facts = json.loads(told)
            return _Known(parse(raw, int(facts["where"])), facts["etag"])
        return None

    def forget(self) -> None:
        """Drop what is kept of the archive: it is another one now."""
        self._store.drop(self._key)
        with _lock:
            _known.pop((self.url, self.size), None)

    def note(self, member: str) -> bytes | None:
        """Return what was noted of a member of this version of the archive."""
        return self._store.get(self._note(member))

    def keep_note(self, member: str, data: bytes) -> None:
        """Note something of a member, which costs requests to learn."""
        self._store.put(self._note(member), data)

    def distrust(self, member: str) -> None:
        """Drop what is kept of the archive and of a member, which was found broken: look anew next time."""
        self._store.drop(self._note(member))
        self.forget()

    def _note(self, member: str) -> str:
        return f"member {self.size} {self.file.etag} {self.url} {member}"


def _turn(url: str) -> threading.Lock:
    """Return the lock for an archive; some share one."""
    return _turns[hash(url) % len(_turns)]


def members_of_url(client: _http.Client, url: str, size: int) -> tuple[str, ...]:
    """Return the names in a zip archive on a server; see `Archive`."""
    return tuple(Archive(client, url, size).directory.entries)


def members_of_file(path: Path) -> tuple[str, ...]:
    """Return the names in a zip archive on disk; see `directory_of_file`."""
    return tuple(directory_of_file(path).entries)


def directory_of_file(path: Path) -> Directory:
    """Return the directory of a zip archive on disk.

    Raises
    ------
    ArchiveError
        It is no zip archive, or one that is broken or made to harm.
    """
    try:
        state = path.stat()
        return _directory(path, state.st_ino, state.st_size, state.st_mtime_ns)
    except (OSError, ArchiveError) as error:
        why = error.message if isinstance(error, ArchiveError) else error
        raise ArchiveError(
            f"{path} cannot be read as a zip archive: {why}",
            hint="delete it and download it again",
        ) from error


@lru_cache(maxsize=64)
def _directory(path: Path, *_: int) -> Directory:
    """Read a directory, again when the file was changed."""
    return read_directory(FileBytes(path))


@lru_cache(maxsize=8)
def notes(cache_dir: str) -> Store:
    """Return the store of small things that cost requests to learn."""
    return Store(Path(cache_dir) / "archives-known", LIMIT)

"""A bounded folder of what can be fetched again, shared by threads, processes and machines.

Every entry is a file of its own: written aside and renamed, so it is whole or absent; held by a shared
``flock`` while it is read, so that no other process removes it meanwhile; removed in the order of last
use when all of them are larger than the limit. There is no database that could be locked or broken. What a
disk damaged is as if it were not there: small entries bear a checksum, large ones are made with one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import tempfile
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import IO

ABANDONED = 86_400.0
"""Seconds after which an unfinished file, or a lock, is taken for abandoned."""

_ENDING = re.compile(r"\.(?!lock$|part$)[A-Za-z0-9]{1,8}")

TRIES = 5
"""How often an entry is made that others remove before it can be held."""

_PIECE = 2**20

_sound: OrderedDict[tuple[object, ...], bool] = OrderedDict()
"""Large entries that this process has read, as they were then, and whether they had their checksum."""

_REMEMBERED = 4096


class Store:
    """Entries by key.

    Parameters
    ----------
    folder
        Where they lie; made when the first is written.
    limit
        Bytes of all entries. Between two looks at the folder each process may add a sixteenth.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._added = limit  # nothing is known yet: look at the first chance
        self._lock = Lock()

    def get(self, key: str) -> bytes | None:
        """Return a small entry, or None where there is none or it is damaged."""
        path = self._path(key)
        with contextlib.suppress(OSError):
            data = path.read_bytes()
            if len(data) >= 4 and _checksum(key, data[4:]) == data[:4]:
                _used(path)
                return data[4:]
        return None

    def put(self, key: str, data: bytes) -> None:
        """Keep a small entry; a full disk is no reason to fail."""
        checked = _checksum(key, data) + data
        with contextlib.suppress(OSError):
            self._write(self._path(key), lambda stream: stream.write(checked))

    def drop(self, key: str) -> None:
        """Remove an entry, if there is one."""
        with contextlib.suppress(OSError):
            self._path(key).unlink()

    @contextlib.contextmanager
    def holding(
        self,
        key: str,
        size: int,
        make: Callable[[IO[bytes]], object],
        *,
        crc: int | None = None,
        ending: str = "",
    ) -> Iterator[Path]:
        """Yield the path of a large entry, which stays until the end of the block.

        Parameters
        ----------
        key
            Its name.
        size
            Its bytes: an entry of another size is made anew.
        make
            Writes it, where there is none. Of several threads and processes that want the same, one
            writes, and the others wait.
        crc
            Its CRC-32, where known: an entry that has another one is made anew. Each process looks once,
            and again when a file was written to.
        ending
            How the path ends, for those who judge files by their names: GDAL takes a NetCDF-4 file for
            mere HDF5, without its georeference, unless it ends in ``.nc``.

        Raises
        ------
        OSError
            The folder cannot be written to.
        """
        path = self._path(key)
        if _ENDING.fullmatch(ending):
            path = path.with_suffix(ending)
        for _ in range(TRIES):
            with _held(path, fcntl.LOCK_SH) as stream:
                if stream is not None and _is_whole(stream, size, crc):
                    _used(path)
                    yield path
                    return
            self._make(path, size, make, crc)
        raise OSError(f"{path} does not stay, or does not get {size} bytes")

    def _make(
        self, path: Path, size: int, make: Callable[[IO[bytes]], object], crc: int | None
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock")
        while True:
            lock.touch()
            with _held(lock, fcntl.LOCK_EX) as mine:
                if mine is None:
                    continue
                with _held(path, fcntl.LOCK_SH) as there:  # another process may have made it
                    whole = there is not None and _is_whole(there, size, crc)
                if not whole:
                    self._write(path, make)
                lock.unlink(missing_ok=True)
                return

    def _write(self, path: Path, write: Callable[[IO[bytes]], object]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                write(stream)
                stream.flush()
                size = os.fstat(stream.fileno()).st_size
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._grown(size, keep=path)

    def _grown(self, size: int, keep: Path) -> None:
        """Count what was added; make room now and then."""
        with self._lock:
            self._added += size
            if self._added < self._limit // 16:
                return
            self._added = 0
        self._trim(keep)

    def _trim(self, keep: Path) -> None:
        """Remove what is abandoned, and what was used longest ago, as far as nobody holds it."""
        now, entries = time.time(), []
        with contextlib.suppress(OSError):
            for result in os.scandir(self._folder):
                with contextlib.suppress(OSError):
                    state = result.stat()
                    used = max(state.st_atime, state.st_mtime)
                    entries.append((used, state.st_size, Path(result.path)))
        total = sum(size for _, size, _ in entries)
        for used, size, path in sorted(entries):
            unfinished = path.suffix in {".part", ".lock"}
            if (now - used > ABANDONED) if unfinished else (total > self._limit and path != keep):
                total -= size if _removed(path) else 0

    def _path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()


def _checksum(key: str, data: bytes) -> bytes:
    """Return what stands in front of a small entry: it tells one that is damaged, or of another key."""
    return zlib.crc32(data, zlib.crc32(key.encode())).to_bytes(4, "big")


def _used(path: Path) -> None:
    """Note that an entry is used now; when it was written stays, by which changes are noticed."""
    with contextlib.suppress(OSError):  # it may be another user's
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))


def _is_whole(stream: IO[bytes], size: int, crc: int | None) -> bool:
    """Tell whether a large entry is what it was made as."""
    state = os.fstat(stream.fileno())
    if state.st_size != size:
        return False
    if crc is None:
        return True
    key = (state.st_dev, state.st_ino, size, state.st_mtime_ns, crc)
    if key not in _sound:
        result = 0
        while piece := stream.read(_PIECE):
            result = zlib.crc32(piece, result)
        _sound[key] = result == crc
        while len(_sound) > _REMEMBERED:
            _sound.popitem(last=False)
    return _sound[key]


@contextlib.contextmanager
def _held(path: Path, how: int) -> Iterator[IO[bytes] | None]:
    """Open and lock a file; yield None where there is none, or where it was removed meanwhile."""
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(path.open("rb"))
        except FileNotFoundError:
            yield None
            return
        fcntl.flock(stream, how)
        yield stream if _is_same(stream, path) else None


def _is_same(stream: IO[bytes], path: Path) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    return False


def _removed(path: Path) -> bool:
    """Remove a file that nobody holds; tell whether it is gone."""
    with contextlib.suppress(OSError), path.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
        return True
    return False

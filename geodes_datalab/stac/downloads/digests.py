"""MD5 digests of files, as catalogues tell them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_State = tuple[str, int, int, int]

_known: dict[_State, str] = {}
"""Digests of files, as they were when they were read."""


def digest(path: Path) -> str:
    """Return the MD5 digest of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def remembered(path: Path) -> str:
    """Return the MD5 digest of a file, which is read once in a session, and again when it was changed."""
    state = _state(path)
    if state not in _known:
        _known[state] = digest(path)
    return _known[state]


def touch(path: Path) -> None:
    """Give a file the time of now; what is remembered of it stays."""
    known = _known.get(_state(path))
    os.utime(path)
    if known is not None:
        _known[_state(path)] = known


def _state(path: Path) -> _State:
    result = path.stat()
    return str(path), result.st_ino, result.st_size, result.st_mtime_ns

"""Archives that had to be fetched whole: a bounded folder, which many processes may share.

A cube that is not computed yet refers to them by path. So one that was used lately stays, whatever the
folder's size; and one that is being read is held by a shared ``flock`` and stays as well. Each is compared
with its digest once in a session: that of the catalogue, or the one it had when it was fetched.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from geodes_datalab._types import Json
from geodes_datalab.cubes.archive.archives import directory_of_file, notes
from geodes_datalab.cubes.archive.members import check
from geodes_datalab.cubes.archive.ranges import FileBytes
from geodes_datalab.cubes.archive.store import Store
from geodes_datalab.errors import ArchiveError
from geodes_datalab.stac.downloads import digests

LIMIT = 64 * 2**30
"""Bytes of all archives, beyond which those used longest ago go."""

LATELY = 6 * 3600.0
"""Seconds after its last use during which an archive stays."""

_FOLDER = "archives"

_noted: dict[str, str] = {}
"""Digests that archives had when they were fetched: those of this session, should none be kept."""


def folder(cache_dir: str | Path) -> Path:
    """Return where they lie, each in a folder of its own."""
    return Path(cache_dir) / _FOLDER


@contextlib.contextmanager
def held(archive: Path, cache_dir: str | Path) -> Iterator[None]:
    """Keep an archive, if it is one of these, until the end of the block.

    Parameters
    ----------
    archive
        Where it lies.
    cache_dir
        The cache folder.
    """
    with contextlib.ExitStack() as stack:
        if archive.is_relative_to(folder(cache_dir).resolve()):
            with contextlib.suppress(OSError):  # who reads it will tell that it is not there
                stream = stack.enter_context(archive.open("rb"))
                fcntl.flock(stream, fcntl.LOCK_SH)
                used(archive)
        yield


def used(path: Path) -> None:
    """Note that an archive is used now."""
    with contextlib.suppress(OSError):
        digests.touch(path)


def intact(path: Path, asset: Json) -> bool:
    """Tell whether an archive is there as it was fetched; one that is, is used now.

    Its digest is compared once in a session, and again when something else has touched it. Where neither
    the catalogue tells one nor a note, the checksums of all its members are compared.

    Parameters
    ----------
    path
        Where it would lie.
    asset
        What the catalogue tells: size and digest, where it does.
    """
    size, md5 = asset.get("file:size"), asset.get("geodes:md5")
    with contextlib.suppress(OSError):
        if path.stat().st_size != size and size is not None:  # asked first: it may not be there
            return False
        known = md5 or _note(path)
        if known is None and not _sound(path):
            return False
        if known is None:
            keep_note(path)
        elif digests.remembered(path) != known:
            return False
        used(path)
        return True
    return False


def keep_note(path: Path) -> None:
    """Note the digest of an archive, by which damage is noticed later.

    Parameters
    ----------
    path
        Where it lies.
    """
    with contextlib.suppress(OSError):
        _noted[str(path)] = digests.remembered(path)
        _notes(path).put(_key(path), _noted[str(path)].encode())


def _note(path: Path) -> str | None:
    result = _notes(path).get(_key(path))
    return result.decode("ascii", "replace") if result else _noted.get(str(path))


def _notes(path: Path) -> Store:
    return notes(str(path.parents[2]))


def _key(path: Path) -> str:
    return f"fetched {path.parent.name}/{path.name}"


def _sound(path: Path) -> bool:
    """Tell whether all members of an archive have their checksums."""
    try:
        for entry in directory_of_file(path).entries.values():
            check(FileBytes(path), entry)
    except ArchiveError:
        return False
    return True


def make_room(cache_dir: str | Path, *, limit: int = LIMIT, lately: float = LATELY) -> None:
    """Remove what was used longest ago, while there is too much, and as far as nobody needs it.

    Parameters
    ----------
    cache_dir
        The cache folder.
    limit
        Bytes that may stay.
    lately
        Seconds during which what was used stays, whatever there is.
    """
    known = []
    with contextlib.suppress(OSError):
        for path in folder(cache_dir).glob("*/*"):
            with contextlib.suppress(OSError):
                state = path.stat()
                known.append((state.st_mtime, state.st_size, path))
    total = sum(size for _, size, _ in known)
    for _, size, path in sorted(known):
        if total <= limit:
            return
        total -= size if _removed(path, lately) else 0


def _removed(path: Path, lately: float) -> bool:
    """Remove a file that nobody reads or has used lately; tell whether it is gone."""
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - os.fstat(stream.fileno()).st_mtime < lately:
                return False
            path.unlink()
            with contextlib.suppress(OSError):  # something else lies there
                path.parent.rmdir()
    except FileNotFoundError:  # another process was faster
        return True
    except OSError:
        return False
    return True

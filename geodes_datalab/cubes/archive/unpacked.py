"""Members that must be whole before anything of them is read: unpacked into the cache, and checked."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from geodes_datalab.cubes.archive.directory import Entry
from geodes_datalab.cubes.archive.members import check, unpack
from geodes_datalab.cubes.archive.ranges import Bytes
from geodes_datalab.cubes.archive.store import Store
from geodes_datalab.cubes.archive.trouble import Unsuited

LIMIT = 8 * 2**30
"""Bytes of all unpacked members kept on disk."""

SPARE = 2**30
"""Bytes that stay free on the disk of the cache."""

_checked: set[str] = set()
"""Members that cannot be kept, and had their checksum."""


@contextlib.contextmanager
def in_cache(cache_dir: str | Path, file: Bytes, entry: Entry, archive: str) -> Iterator[Path]:
    """Unpack a member into the cache, unless it is there, and yield its path.

    Parameters
    ----------
    cache_dir
        The cache folder.
    file
        The archive.
    entry
        The member.
    archive
        Address and version of the archive.

    Raises
    ------
    Unsuited
        It cannot be kept, but has its checksum: GDAL unpacks as much as it needs.
    ArchiveError
        It is damaged, encrypted, or packed in a way that is not read.
    """
    key = f"{archive} {entry.crc} {entry.name}"
    why = f"{entry.name} is larger than what is kept on disk"
    with contextlib.ExitStack() as stack:
        path = None
        if entry.size <= LIMIT // 2:
            try:
                path = stack.enter_context(_kept(Path(cache_dir), file, entry, key))
            except OSError as error:
                why = f"the cache cannot be written: {error}"
        if path is None:
            if key not in _checked:
                check(file, entry)
                _checked.add(key)
            raise Unsuited(why)
        yield path


@contextlib.contextmanager
def _kept(folder: Path, file: Bytes, entry: Entry, key: str) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < entry.size + SPARE:
        raise OSError("the disk of the cache is nearly full")
    with store(str(folder)).holding(
        key,
        entry.size,
        lambda into: unpack(file, entry, into),
        crc=entry.crc,
        ending=Path(entry.name).suffix.lower(),
    ) as path:
        yield path


@lru_cache(maxsize=8)
def store(cache_dir: str) -> Store:
    """Return the store of unpacked members."""
    return Store(Path(cache_dir) / "members", LIMIT)

"""Members of archives on this machine, as paths where GDAL finds them as they are.

GDAL's own way into an archive compares no checksum unless it reads all of a member, and stumbles over
long comments. So directories are read here: what is stored is a stretch of the archive to GDAL, and what
is deflated is unpacked into the cache and checked.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from geodes_datalab.cubes.archive import fetched
from geodes_datalab.cubes.archive.archives import directory_of_file
from geodes_datalab.cubes.archive.directory import STORED, Entry
from geodes_datalab.cubes.archive.formats import format_of, refuse_misread
from geodes_datalab.cubes.archive.members import found, stored
from geodes_datalab.cubes.archive.ranges import FileBytes, Section, part
from geodes_datalab.cubes.archive.trouble import OtherKind, Unsuited, damaged
from geodes_datalab.cubes.archive.unpacked import in_cache
from geodes_datalab.errors import ArchiveError

CHECKED = 4 * 2**20
"""Bytes up to which stored members are checked: some milliseconds, once for each."""

_INSIDE = re.compile(r"\}/")
_PREFIX = "/vsizip/{/"


def split(path: str) -> tuple[Path, str] | None:
    """Return the archive on this machine that a GDAL path leads into, and the member.

    Examples
    --------
    >>> split("/vsizip/{/vsicurl/https://geodes.example/files/abc}/S2/B04.jp2") is None
    True
    """
    if not path.startswith(_PREFIX) or path.startswith(f"{_PREFIX}vsi"):
        return None
    begin = len(_PREFIX) - 1
    places = [(path[begin : item.start()], path[item.end() :]) for item in _INSIDE.finditer(path)]
    found = next((item for item in places if Path(item[0]).is_file()), None)
    return None if found is None else (Path(found[0]), found[1])


@contextlib.contextmanager
def lent_here(path: str, cache_dir: str | Path) -> Iterator[str]:
    """Yield the path where GDAL finds a file on this machine, or what was given if it is elsewhere.

    Parameters
    ----------
    path
        As GDAL understands it.
    cache_dir
        The cache folder.

    Raises
    ------
    ArchiveError
        The archive or the member is broken, encrypted, or packed in a way that is not read.
    ReadError
        It is an image that GDAL would read wrongly.
    """
    place = split(path)
    if place is None:
        if path.lower().endswith((".jp2", ".j2k")) and Path(path).is_file():
            refuse_misread(FileBytes(Path(path)))
        yield path
        return
    archive, member = place
    with fetched.held(archive, cache_dir), _from(archive, member, cache_dir) as inside:
        yield inside or path


@contextlib.contextmanager
def _from(archive: Path, member: str, cache_dir: str | Path) -> Iterator[str | None]:
    """Yield the path of a member; None where GDAL must find its own way."""
    hint = f"look into {archive}: it may have been replaced"
    entry = found(directory_of_file(archive), member, hint=hint)
    with contextlib.ExitStack() as stack:
        with _told(archive):
            inside = stack.enter_context(_lent(archive, entry, cache_dir))
        yield inside


@contextlib.contextmanager
def _told(archive: Path) -> Iterator[None]:
    """Say which archive is broken, and what to do about one that lies here."""
    try:
        yield
    except ArchiveError as error:
        raise ArchiveError(
            f"{archive}: {error.message}", hint="delete it and download it again"
        ) from error


@contextlib.contextmanager
def _lent(archive: Path, entry: Entry, cache_dir: str | Path) -> Iterator[str | None]:
    file = FileBytes(archive)
    if entry.method == STORED:
        inside = _in_place(archive, file, entry)
        if inside is not None:
            yield inside
            return
    with contextlib.ExitStack() as stack:
        inside = None
        with contextlib.suppress(Unsuited):
            version = f"{archive} {file.size} {entry.offset}"
            unpacked = stack.enter_context(in_cache(cache_dir, file, entry, version))
            refuse_misread(FileBytes(unpacked))
            inside = str(unpacked)
        yield inside


def _in_place(archive: Path, file: FileBytes, entry: Entry) -> str | None:
    """Return the path of a stored image as a part of its archive; None for what is of another kind."""
    member = stored(file, entry, ahead=0)
    with contextlib.suppress(OtherKind):
        format_of(part(member.file, 0, min(12, entry.size)))
        state = archive.stat()
        if entry.size <= CHECKED:
            _check(archive, entry, member.begins, state.st_ino, state.st_mtime_ns)
        refuse_misread(Section(file, member.begins, entry.size))
        return f"/vsisubfile/{member.begins}_{entry.size},{archive}"
    return None


@lru_cache(maxsize=4096)
def _check(archive: Path, entry: Entry, begins: int, *_: int) -> None:
    """Compare the checksum of a stored member, once in a session, and again when the file was changed."""
    data = part(FileBytes(archive), begins, begins + entry.size)
    if zlib.crc32(data) != entry.crc:
        raise damaged(entry.name)

"""From a member of an archive to something that GDAL opens: a copy with holes, or the member unpacked."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from geodes_datalab import _http
from geodes_datalab.cubes.archive.alone import plain
from geodes_datalab.cubes.archive.archives import Archive
from geodes_datalab.cubes.archive.copies import Image, Look, Made, Place, in_memory, turn, viewed
from geodes_datalab.cubes.archive.directory import DEFLATED, Entry
from geodes_datalab.cubes.archive.formats import FORMATS, format_of, letter
from geodes_datalab.cubes.archive.members import stored, unpack
from geodes_datalab.cubes.archive.ranges import part
from geodes_datalab.cubes.archive.store import Store
from geodes_datalab.cubes.archive.trouble import Changed, OtherKind, Unsuited

LIMIT = 8 * 2**30
"""Bytes of all unpacked members kept on disk."""

SPARE = 2**30
"""Bytes that stay free on the disk of the cache."""


@contextlib.contextmanager
def lent(client: _http.Client, place: Place, look: Look | None) -> Iterator[str]:
    """Yield a path that GDAL can open while the block lasts; `filled` tells where the pixels are.

    Parameters
    ----------
    client
        Sends the requests.
    place
        Which member.
    look
        Decides what will be read; where not given, the header only.

    Raises
    ------
    Unsuited
        It is to be read in another way.
    ArchiveError
        It is broken.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    """
    if not place.member:
        with in_memory(*plain(client, place, look)) as path:
            yield path
        return
    archive = _archive(client, place)
    entry = archive.directory.entries.get(place.member)
    if entry is None or entry.encrypted:
        raise Unsuited(f"{place.member} is not there, or encrypted")
    if entry.method != DEFLATED:
        try:
            made = _again(archive, client, place, entry, look)
        except OtherKind:  # NetCDF, HDF5: read from the cache like what is deflated
            pass
        else:
            with in_memory(*made) as path:
                yield path
            return
    if look is None:
        raise Unsuited("GDAL unpacks as much as it needs of a header; all of it is not needed")
    with _unpacked(client, archive, entry) as unpacked_path:
        yield str(unpacked_path)


def _archive(client: _http.Client, place: Place) -> Archive:
    if not place.size:
        raise Unsuited("the size of the archive is not known")
    return Archive(client, place.url, place.size)


def _again(
    archive: Archive, client: _http.Client, place: Place, entry: Entry, look: Look | None
) -> Made:  # fmt: skip
    """Make a copy; once more, where the archive turns out to be another one than it was."""
    try:
        return _copied(archive, entry, look)
    except Changed:
        archive.forget()
        archive = _archive(client, place)
        known = archive.directory.entries.get(place.member)
        if known is None:
            raise
        return _copied(archive, known, look)


def _copied(archive: Archive, entry: Entry, look: Look | None) -> Made:
    key = (archive.url, archive.size, archive.file.etag, entry.name)
    with turn(key):  # the header is fetched once, though many threads want it
        begins, image = _opened(archive, entry)
    before = image.note()
    made = viewed(image, look)
    after = image.note()
    if after != before:
        archive.keep_note(entry.name, _note(begins, image, after))
    return made


def _opened(archive: Archive, entry: Entry) -> tuple[int, Image]:
    note = archive.note(entry.name)
    if note is not None and note[8:9] in FORMATS:
        begins = int.from_bytes(note[:8], "big")
        file, _ = stored(archive.file, entry, begins=begins)
        return begins, FORMATS[note[8:9]](file, note[9:])
    file, begins = stored(archive.file, entry)
    image = format_of(part(file, 0, min(12, entry.size)))(file)
    archive.keep_note(entry.name, _note(begins, image, image.note()))
    return begins, image


def _note(begins: int, image: Image, note: bytes) -> bytes:
    return begins.to_bytes(8, "big") + letter(image) + note


@contextlib.contextmanager
def _unpacked(client: _http.Client, archive: Archive, entry: Entry) -> Iterator[Path]:
    """Unpack a member into the cache, unless it is there."""
    folder = Path(client.config.cache_dir)
    key = f"{archive.url} {archive.size} {archive.file.etag} {entry.crc} {entry.name}"
    if entry.size > LIMIT // 2:
        raise Unsuited(f"{entry.name} is larger than what is kept on disk")
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(folder).free < entry.size + SPARE:
                raise Unsuited("the disk of the cache is nearly full")
            path = stack.enter_context(
                unpacked(str(folder)).holding(
                    key,
                    entry.size,
                    lambda into: unpack(archive.file, entry, into),
                    ending=Path(entry.name).suffix.lower(),
                )
            )
        except Changed:
            archive.forget()
            raise
        except OSError as error:
            raise Unsuited(f"the cache cannot be written: {error}") from error
        yield path


@lru_cache(maxsize=8)
def unpacked(cache_dir: str) -> Store:
    """Return the store of unpacked members."""
    return Store(Path(cache_dir) / "members", LIMIT)

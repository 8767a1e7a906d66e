"""From a member of an archive to something that GDAL opens: a copy with holes, or the member unpacked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from geodes_datalab import _http
from geodes_datalab.cubes.archive.alone import plain
from geodes_datalab.cubes.archive.archives import Archive
from geodes_datalab.cubes.archive.copies import Image, Look, Made, Place, in_memory, turn, viewed
from geodes_datalab.cubes.archive.directory import DEFLATED, Entry
from geodes_datalab.cubes.archive.formats import FORMATS, format_of, letter
from geodes_datalab.cubes.archive.members import WHOLE, found, stored
from geodes_datalab.cubes.archive.ranges import part
from geodes_datalab.cubes.archive.trouble import Changed, OtherKind, Unsuited
from geodes_datalab.cubes.archive.unpacked import in_cache
from geodes_datalab.cubes.archive.witness import Witness
from geodes_datalab.errors import ArchiveError


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
        It is broken, encrypted, or packed in a way that is not read.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    """
    if not place.member:
        with in_memory(*plain(client, place, look)) as path:
            yield path
        return
    archive, entry = _found(client, place)
    if entry.method != DEFLATED:
        try:
            made = _again(archive, client, place, entry, look)
        except OtherKind:  # NetCDF, HDF5: read from the cache like what is deflated
            pass
        except ArchiveError:
            archive.distrust(entry.name)
            raise
        else:
            with in_memory(*made) as path:
                yield path
            return
    if look is None:
        raise Unsuited("GDAL unpacks as much as it needs of a header; all of it is not needed")
    with _unpacked(client, archive, entry) as unpacked_path:
        yield str(unpacked_path)


def _found(client: _http.Client, place: Place) -> tuple[Archive, Entry]:
    """Return an archive and a member; what is known of its directory may be old."""
    archive = _archive(client, place)
    if place.member not in archive.directory.entries:
        archive.forget()
        archive = _archive(client, place)
    hint = "search again: the product may have been replaced"
    return archive, found(archive.directory, place.member, hint=hint)


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
        begins, image, seen = _opened(archive, entry)
    before = image.note()
    made = viewed(image, look)
    seen.check()
    after = image.note()
    if after != before:
        archive.keep_note(entry.name, _note(begins, image, after))
    return made


def _opened(archive: Archive, entry: Entry) -> tuple[int, Image, Witness]:
    note = archive.note(entry.name) if entry.size > WHOLE else None
    if note is not None and note[8:9] in FORMATS:
        begins = int.from_bytes(note[:8], "big")
        file, _, seen = stored(archive.file, entry, begins=begins)
        image = FORMATS[note[8:9]](file, note[9:])
        seen.note(0, image.head)
        return begins, image, seen
    file, begins, seen = stored(archive.file, entry)
    image = format_of(part(file, 0, min(12, entry.size)))(file)
    archive.keep_note(entry.name, _note(begins, image, image.note()))
    return begins, image, seen


def _note(begins: int, image: Image, note: bytes) -> bytes:
    return begins.to_bytes(8, "big") + letter(image) + note


@contextlib.contextmanager
def _unpacked(client: _http.Client, archive: Archive, entry: Entry) -> Iterator[Path]:
    """Unpack a member into the cache, unless it is there."""
    version = f"{archive.url} {archive.size} {archive.file.etag}"
    with contextlib.ExitStack() as stack:
        try:
            path = stack.enter_context(
                in_cache(client.config.cache_dir, archive.file, entry, version)
            )
        except Changed:
            archive.forget()
            raise
        except ArchiveError:
            archive.distrust(entry.name)
            raise
        yield path

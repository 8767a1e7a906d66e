"""The directory of a zip archive, read from its end and believed only where it is consistent.

Archives come from servers; a broken or hostile one must give an `ArchiveError`, and cost no more than
the bounds stated here. What is refused though the format would allow it: archives in several parts or
behind other data, members that overlap, that share a name, or that lie about their size. A name that
begins with ``./`` is read without it, as all other readers do.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from geodes_datalab.cubes.archive.ranges import Bytes, Kept, Span, part
from geodes_datalab.cubes.archive.trouble import broken
from geodes_datalab.errors import ArchiveError

TAIL = 72 * 1024
"""Bytes fetched first, from the end. The longest comment fits (64 KiB), and so do most directories."""

LARGEST = 32 * 2**20
"""Bytes of a directory, at most; that of a Sentinel-2 product has 30 kB."""

MOST = 200_000
"""Members, at most."""

ENDS = 16
"""Records of an end that are looked at, at most: all but one stand in a comment."""

LONGEST_NAME = 4096
"""Bytes of a member's name, at most."""

STORED, DEFLATED = 0, 8
RATIO = 1032
"""No deflated stream becomes more than 1032 times longer; one that claims so is a bomb."""

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = 30
_ENCRYPTED = 0x2041  # encrypted, strongly encrypted, directory masked
_UTF8 = 0x800
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF


class Entry(NamedTuple):
    """A member as the directory describes it."""

    name: str
    """Without the ``./`` that some tools put in front of it."""
    method: int
    """How it is packed: ``STORED``, ``DEFLATED``, or something rarer."""
    crc: int
    """Of the unpacked bytes."""
    packed: int
    """Bytes in the archive."""
    size: int
    """Bytes when unpacked."""
    offset: int
    """Where its own header begins."""
    end: int
    """Where the next header begins, so where all of it has ended."""
    encrypted: bool


@dataclass(frozen=True)
class Directory:
    """What lies in an archive."""

    raw: bytes
    """The directory as it stands in the archive."""
    where: int
    """Where it begins."""
    entries: Mapping[str, Entry]
    """The members by name; folders are left out."""


class _End(NamedTuple):
    """What the end of an archive tells."""

    where: Span
    members: int


def read_directory(file: Bytes) -> Directory:
    """Read the directory of an archive: one request, or two where the directory is long.

    Raises
    ------
    ArchiveError
        It is no zip archive, or one that is broken or made to harm.
    """
    start = max(0, file.size - TAIL)
    tail = part(file, start, file.size)
    end = _end(Kept(file, [(start, tail)]), tail, start)
    rest = part(file, end.where.begin, start) if end.where.begin < start else b""
    kept = Kept(file, [(start - len(rest), rest + tail)])
    return parse(part(kept, *end.where), end.where.begin, end.members)


def parse(raw: bytes, where: int, count: int | None = None) -> Directory:
    """Read a directory that is at hand.

    Parameters
    ----------
    raw
        Its bytes.
    where
        Where it begins in the archive: no member reaches beyond.
    count
        How many members there must be, where known.

    Raises
    ------
    ArchiveError
        It is broken or made to harm.
    """
    entries = list(_entries(raw))
    if count is not None and len(entries) != count:
        raise broken(f"it has {len(entries)} members and claims {count}")
    names = {entry.name for entry in entries}
    if len(names) != len(entries):
        raise broken("two of its members have the same name")
    entries.sort(key=lambda entry: entry.offset)
    ends = [entry.offset for entry in entries[1:]] + [where] * bool(entries)
    placed = [_placed(entry, end) for entry, end in zip(entries, ends, strict=True)]
    files = {entry.name: entry for entry in placed if not entry.name.endswith("/")}
    return Directory(raw, where, MappingProxyType(files))


def _placed(entry: Entry, end: int) -> Entry:
    """Give an entry its end, if all of it fits before the next one."""
    if entry.offset + _LOCAL + entry.packed > end:
        raise broken(f"{entry.name!r} overlaps what follows it")
    return entry._replace(end=end)


def _end(file: Bytes, tail: bytes, start: int) -> _End:
    """Find the record that ends every archive; its comment reaches exactly to the end.

    The comment may hold what looks like such a record, and does not tell of this archive.
    """
    refused: list[ArchiveError] = []
    place = len(tail) - _END.size
    while place >= 0 and len(refused) < ENDS:
        place = tail.rfind(b"PK\5\6", 0, place + 4)
        if place < 0:
            break
        record = _END.unpack_from(tail, place)
        if place + _END.size + record[7] == len(tail):
            try:
                return _checked(file, record, start + place, tail[max(0, place - 20) : place])
            except ArchiveError as error:
                refused.append(error)
        place -= 1
    raise refused[0] if refused else broken("it is no zip archive, or its end is missing")


def _checked(file: Bytes, record: tuple[int, ...], place: int, before: bytes) -> _End:
    _, disk, first, here, count, size, offset, _ = record
    if before[:4] == b"PK\6\7" and len(before) == _LOCATOR.size:
        disk, first, here, count, size, offset, place = _large(file, before, place)
    if disk != 0 or first != 0 or here != count:
        raise broken("it is in several parts, which no product of the portal is")
    if count > MOST or size > LARGEST:
        raise broken(f"its directory is beyond measure ({count} members, {size} bytes)")
    if offset + size != place:
        moved = place - offset - size
        others = f", by {moved} bytes: other data may stand in front of it" if moved > 0 else ""
        raise broken(f"its directory does not lie where it should{others}")
    return _End(Span(offset, offset + size), count)


def _large(file: Bytes, locator: bytes, place: int) -> tuple[int, int, int, int, int, int, int]:
    """Read the record of archives beyond 4 GB or 65,535 members."""
    _, disk, where, disks = _LOCATOR.unpack(locator)
    place -= _LOCATOR.size
    if disk != 0 or disks > 1 or not 0 <= where <= place - _END64.size or place - where > TAIL:
        raise broken("the record of its size does not lie where it should")
    result = _END64.unpack(part(file, where, where + _END64.size))
    signature, length, _, _, number, first, here, count, size, offset = result
    if signature != b"PK\6\6" or where + 12 + length != place:
        raise broken("the record of its size is not one")
    return number, first, here, count, size, offset, where


def _entries(raw: bytes) -> Iterator[Entry]:
    place, result = 0, 0
    while place < len(raw):
        if place + _ENTRY.size > len(raw) or raw[place : place + 4] != b"PK\1\2":
            raise broken("its directory breaks off")
        fields = _ENTRY.unpack_from(raw, place)
        name_end = place + _ENTRY.size + fields[10]
        extra_end = name_end + fields[11]
        end = extra_end + fields[12]
        if end > len(raw):
            raise broken("its directory breaks off")
        result += 1
        if result > MOST:
            raise broken("it has members beyond measure")
        name = plain_name(raw[place + _ENTRY.size : name_end], fields[3])
        yield _entry(name, fields, raw[name_end:extra_end])
        place = end


def _entry(name: str, fields: tuple[int, ...], extra: bytes) -> Entry:
    flags, method, crc = fields[3], fields[4], fields[7]
    packed, size, disk, offset = fields[8], fields[9], fields[13], fields[16]
    size, packed, offset, disk = _extended(extra, (size, packed, offset, disk), name)
    if disk != 0:
        raise broken(f"{name!r} lies in another part")
    encrypted = bool(flags & _ENCRYPTED)
    if method == STORED and not encrypted and packed != size:
        raise broken(f"{name!r} is stored, in {packed} bytes for {size}")
    if method == DEFLATED and size > packed * RATIO:
        raise broken(f"{name!r} would become {size} bytes from {packed}")
    if name.endswith("/") and size:
        raise broken(f"{name!r} is a folder with content")
    return Entry(name, method, crc, packed, size, offset, 0, encrypted)


def _extended(extra: bytes, values: tuple[int, int, int, int], name: str) -> tuple[int, ...]:
    """Replace the numbers that did not fit by those of the zip64 field (size, packed, offset, disk)."""
    full = (_FULL32, _FULL32, _FULL32, _FULL16)
    wanted = [index for index in range(4) if values[index] == full[index]]
    if not wanted:
        return values
    field = _field(extra, 1)
    result, place = list(values), 0
    for index in wanted:
        width = 4 if index == 3 else 8
        number = field[place : place + width]
        if len(number) != width:
            raise broken(f"{name!r} does not tell its size")
        result[index] = int.from_bytes(number, "little")
        place += width
    return tuple(result)


def _field(extra: bytes, wanted: int) -> bytes:
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, place)
        if kind == wanted:
            return extra[place + 4 : place + 4 + length]
        place += 4 + length
    return b""


def plain_name(raw: bytes, flags: int) -> str:
    """Return a member's name, as a header tells it, without a ``./`` in front.

    Parameters
    ----------
    raw
        Its bytes.
    flags
        Those of the header, which tell the encoding.

    Raises
    ------
    ArchiveError
        It cannot be read, or leads elsewhere.

    Examples
    --------
    >>> plain_name(b"./A.SAFE/x.jp2", 0)
    'A.SAFE/x.jp2'
    """
    try:
        name = raw.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError as error:
        raise broken("a name in it cannot be read") from error
    if name == "./":  # the folder that was packed
        return name
    name = name.removeprefix("./")
    steps = name.rstrip("/").split("/")
    if (
        not name
        or len(raw) > LONGEST_NAME
        or "\0" in name
        or "\\" in name
        or name.startswith("/")
        or not {"", ".", ".."}.isdisjoint(steps)
    ):
        raise broken(f"it has a member of the name {name[:80]!r}")
    return name

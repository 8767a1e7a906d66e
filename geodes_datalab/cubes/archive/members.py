"""Members of an archive: where their bytes begin, and unpacking those that are deflated.

Of a member that was read whole, the checksum is compared. Of one that is stored and read in parts, that is
not possible: its checksum is of all of it.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, NamedTuple

from geodes_datalab.cubes.archive.directory import DEFLATED, STORED, Directory, Entry
from geodes_datalab.cubes.archive.ranges import GAP, Bytes, Kept, Section, Span, part
from geodes_datalab.cubes.archive.trouble import Unsuited, broken, damaged
from geodes_datalab.cubes.archive.witness import Witness
from geodes_datalab.errors import ArchiveError

AHEAD = 16 * 1024
"""Bytes of a member that come along with its own header: the header of most images."""

STEP = 4 * 2**20
"""Bytes of a deflated member that are fetched in one request."""

IN_FLIGHT = 6
"""Such requests at a time: with `STEP`, what bounds the memory."""

WHOLE = GAP
"""Bytes up to which a stored member is fetched whole: it takes no more requests, and can be checked."""

METHODS = {
    1: "shrunk", 6: "imploded", 9: "Deflate64", 12: "bzip2", 14: "LZMA", 20: "Zstandard", 93: "Zstandard",
    95: "XZ", 96: "JPEG", 97: "WavPack", 98: "PPMd", 99: "AES",
}  # fmt: skip
"""Ways of packing that are known by name, and not read."""

_HEADER = struct.Struct("<4s5H3L2H")
_SLACK = 96
_ENCRYPTED = 1


class Stored(NamedTuple):
    """A stored member."""

    file: Kept
    begins: int
    """Where its bytes begin in the archive."""
    seen: Witness
    """What was read of it."""


def found(directory: Directory, name: str, *, hint: str) -> Entry:
    """Return a member that can be read.

    Parameters
    ----------
    directory
        Of the archive.
    name
        Of the member.
    hint
        What to do where it is not there.

    Raises
    ------
    ArchiveError
        It is not there, encrypted, or packed in a way that is not read.
    """
    entry = directory.entries.get(name)
    if entry is None:
        raise ArchiveError(f"the archive has no member {name}", hint=hint)
    refuse_packing(entry)
    return entry


def refuse_packing(entry: Entry) -> None:
    """Refuse a member that is encrypted, or packed in a way that is not read.

    Parameters
    ----------
    entry
        The member.

    Raises
    ------
    ArchiveError
        It is neither stored nor deflated, or encrypted.
    """
    if entry.method in {STORED, DEFLATED} and not entry.encrypted:
        return
    name = METHODS.get(entry.method, "another method than stored and deflated")
    how = f"packed by {name} (method {entry.method})"
    if entry.encrypted:
        how = "encrypted" + (f" ({METHODS[99]})" if entry.method == 99 else "")
    raise ArchiveError(
        f"{entry.name} is {how}, which is not read",
        hint="download the archive with geodes_datalab.download(), unpack it with 7z or unzip, and read "
        "the file that comes out",
    )


def stored(file: Bytes, entry: Entry, *, begins: int | None = None, ahead: int = AHEAD) -> Stored:
    """Return a stored member as a file.

    Parameters
    ----------
    file
        The archive.
    entry
        The member.
    begins
        Where its bytes begin, where that is known from an earlier time: nothing is fetched then.
    ahead
        Bytes that are fetched at once; all of what is no longer than `WHOLE`.

    Raises
    ------
    Unsuited
        It is not stored but deflated.
    ArchiveError
        It is encrypted or packed otherwise, its own header contradicts the directory, or it is short and
        does not have its checksum.
    """
    refuse_packing(entry)
    if entry.method != STORED:
        raise Unsuited(f"{entry.name} is packed")
    if begins is not None:
        if not entry.offset < begins <= entry.end - entry.packed:
            raise broken(f"{entry.name!r} does not lie where it was")
        seen = Witness(Section(file, begins, entry.size), entry)
        return Stored(Kept(seen), begins, seen)
    short = entry.size <= WHOLE
    head = _head(file, entry, max(ahead, entry.size if short else 0))
    begin = data_begins(head, entry)
    held = head[begin : begin + entry.size]
    begins = entry.offset + begin
    seen = Witness(Section(file, begins, entry.size), entry)
    seen.note(0, held)
    found = Stored(Kept(seen, [(0, held)]), begins, seen)
    if short:
        part(found.file, 0, entry.size)  # whatever a long header of its own left out
        seen.check()
    return found


def data_begins(head: bytes, entry: Entry) -> int:
    """Return where a member's bytes begin, counted from its own header.

    Parameters
    ----------
    head
        Its own header, and what follows.
    entry
        What the directory tells of it.

    Raises
    ------
    ArchiveError
        The two contradict each other.
    """
    if len(head) < _HEADER.size or head[:4] != b"PK\3\4":
        raise broken(f"{entry.name!r} does not begin where the directory tells")
    fields = _HEADER.unpack_from(head)
    method, name_length, extra_length = fields[3], fields[9], fields[10]
    raw = head[_HEADER.size : _HEADER.size + name_length]
    name = raw.decode("utf-8" if fields[2] & 0x800 else "cp437", errors="replace")
    if method != entry.method or name.removeprefix("./") != entry.name:
        raise broken(f"{entry.name!r} is called {name[:80]!r} where it begins")
    if fields[2] & _ENCRYPTED and not entry.encrypted:
        raise broken(f"{entry.name!r} is encrypted where it begins, and not in the directory")
    begin = _HEADER.size + name_length + extra_length
    if entry.offset + begin + entry.packed > entry.end:
        raise broken(f"{entry.name!r} overlaps what follows it")
    return int(begin)


def check(file: Bytes, entry: Entry) -> None:
    """Unpack a member for its checksum alone; see `unpack`."""
    with Path(os.devnull).open("wb") as nowhere:
        unpack(file, entry, nowhere)


def unpack(file: Bytes, entry: Entry, into: IO[bytes]) -> None:
    """Write a member, stored or deflated, fetched in several requests at a time, in bounded memory.

    Raises
    ------
    ArchiveError
        It is packed in another way, or encrypted, or it is not what the directory tells: size, checksum.
    """
    refuse_packing(entry)
    size = crc = 0
    packed = _packed(file, entry)
    for data in packed if entry.method == STORED else _inflated(packed, entry):
        size += len(data)
        crc = zlib.crc32(data, crc)
        if size > entry.size:
            break
        into.write(data)
    if (size, crc) != (entry.size, entry.crc):
        raise damaged(entry.name)


def _inflated(packed: Iterator[bytes], entry: Entry) -> Iterator[bytes]:
    """Inflate step by step; a step never gives more than it was promised."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for data in packed:
            rest = data
            while rest and not stream.eof:
                yield stream.decompress(rest, STEP)
                rest = stream.unconsumed_tail
            if rest or stream.unused_data:
                break
        else:
            yield stream.flush()
    except zlib.error as error:
        raise broken(f"{entry.name!r} cannot be unpacked") from error
    if not stream.eof or stream.unused_data:
        raise broken(f"{entry.name!r} does not end where the directory tells")


def _packed(file: Bytes, entry: Entry) -> Iterator[bytes]:
    """Fetch a member's bytes in order, some steps ahead."""
    begin = entry.offset + data_begins(_head(file, entry, 0), entry)
    starts = iter(range(begin, begin + entry.packed, STEP))
    end = begin + entry.packed
    waiting: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="geodes-unpack") as pool:
        try:
            while True:
                while len(waiting) < IN_FLIGHT and (start := next(starts, None)) is not None:
                    span = Span(start, min(start + STEP, end))
                    waiting.append(pool.submit(lambda span: file.parts([span])[0], span))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            for item in waiting:
                item.cancel()


def _head(file: Bytes, entry: Entry, ahead: int) -> bytes:
    wanted = _HEADER.size + len(entry.name.encode()) + _SLACK + ahead
    return part(file, entry.offset, min(entry.offset + wanted, entry.end))

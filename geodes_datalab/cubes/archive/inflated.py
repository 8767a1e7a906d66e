"""Deflated members of archives, taken as files: unpacked as far as is read."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Sequence
from typing import Any

from geodes_datalab.cubes.archive.directory import Entry
from geodes_datalab.cubes.archive.members import data_begins
from geodes_datalab.cubes.archive.ranges import Bytes, Span, part
from geodes_datalab.cubes.archive.trouble import broken, damaged

STEP = 2**20
"""Packed bytes of one request."""

MARK = 8 * 2**20
"""Bytes between two places from which unpacking can go on: each takes some 50 kB of memory."""

_HEAD = 8192


class Inflated:
    """A deflated member; what is read far behind is unpacked again from the last mark before it.

    Its checksum is compared when all of it was unpacked, which reading its begin does not need.

    Parameters
    ----------
    file
        The archive.
    entry
        The member.
    """

    def __init__(self, file: Bytes, entry: Entry) -> None:
        self._file, self._entry = file, entry
        self.size = entry.size
        head = part(file, entry.offset, min(entry.offset + _HEAD, entry.end))
        self._begins = entry.offset + data_begins(head, entry)
        self._marks = [_Stream(0, 0, zlib.decompressobj(-zlib.MAX_WBITS))]
        self._at = self._marks[0].copy()
        self._checked = self._crc = 0
        self._turn = threading.Lock()

    def parts(self, spans: Sequence[Span]) -> list[bytes]:
        """Read; see `Bytes`."""
        with self._turn:
            return [self._read(span) for span in spans]

    def _read(self, span: Span) -> bytes:
        if span.begin < self._at.unpacked:
            self._at = [item for item in self._marks if item.unpacked <= span.begin][-1].copy()
        result = []
        while self._at.unpacked < span.end:
            before = self._at.unpacked
            data = self._more()
            result.append(data[max(0, span.begin - before) : max(0, span.end - before)])
        return b"".join(result)

    def _more(self) -> bytes:
        """Unpack the next bytes."""
        at, entry = self._at, self._entry
        begin = self._begins + at.packed
        end = min(begin + STEP, self._begins + entry.packed)
        packed = at.rest or part(self._file, begin, end)
        try:
            data = at.stream.decompress(packed, 4 * STEP)
        except zlib.error as error:
            raise broken(f"{entry.name!r} cannot be unpacked") from error
        at.rest = at.stream.unconsumed_tail
        at.packed += len(packed) - len(at.rest)
        at.unpacked += len(data)
        if at.unpacked > entry.size or (not data and (not packed or at.stream.eof)):
            raise broken(f"{entry.name!r} does not end where the directory tells")
        self._note(data)
        return bytes(data)

    def _note(self, data: bytes) -> None:
        """Compare the checksum at the end, and leave a mark now and then."""
        at, entry = self._at, self._entry
        if at.unpacked - len(data) != self._checked:
            return
        self._checked, self._crc = at.unpacked, zlib.crc32(data, self._crc)
        if self._checked == entry.size and self._crc != entry.crc:
            raise damaged(entry.name)
        if at.unpacked - self._marks[-1].unpacked >= MARK:
            self._marks.append(at.copy())


class _Stream:
    """Where unpacking is: bytes of the member, and of what it is packed into."""

    def __init__(self, unpacked: int, packed: int, stream: Any, rest: bytes = b"") -> None:
        self.unpacked, self.packed, self.stream, self.rest = unpacked, packed, stream, rest

    def copy(self) -> _Stream:
        return _Stream(self.unpacked, self.packed, self.stream.copy(), self.rest)

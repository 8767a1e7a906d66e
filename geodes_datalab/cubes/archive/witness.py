"""Whoever saw all of a member can tell whether it has its checksum."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from geodes_datalab.cubes.archive.directory import Entry
from geodes_datalab.cubes.archive.ranges import Bytes, Span
from geodes_datalab.cubes.archive.trouble import damaged

LITTLE = 64 * 1024
"""Bytes that are fetched for the sake of the checksum, where all others of a member were read."""


class Witness:
    """A stored member, of which what is read is remembered until its checksum was compared.

    Parameters
    ----------
    file
        The bytes of the member.
    entry
        What the directory tells of it.
    """

    def __init__(self, file: Bytes, entry: Entry) -> None:
        self._file, self._entry = file, entry
        self.size = file.size
        self._seen: list[tuple[int, bytes]] = []

    def parts(self, spans: Sequence[Span]) -> list[bytes]:
        """Read, and remember; see `Bytes`."""
        result = self._file.parts(spans)
        for span, data in zip(spans, result, strict=True):
            self.note(span.begin, data)
        return result

    def note(self, begin: int, data: bytes) -> None:
        """Remember bytes that are known from elsewhere."""
        if data:
            self._seen.append((begin, data))

    def check(self) -> None:
        """Compare the checksum, if all of the member was read, or all but a little.

        Raises
        ------
        ArchiveError
            It is damaged.
        """
        missing = self._missing()
        lacking = sum(span.length for span in missing)
        if lacking > min(LITTLE, self.size // 16):
            return
        if missing:
            self.parts(missing)
        crc, place = 0, 0
        for begin, data in sorted(self._seen, key=lambda one: one[0]):
            fresh = memoryview(data)[max(0, place - begin) :]
            crc = zlib.crc32(fresh, crc)
            place += len(fresh)
        if crc != self._entry.crc:
            name = self._entry.name
            raise damaged(name)

    def _missing(self) -> list[Span]:
        """Return what was not read yet."""
        gaps, place = [], 0
        for begin, data in sorted(self._seen, key=lambda one: one[0]):
            if begin > place:
                gaps.append(Span(place, begin))
            place = max(place, begin + len(data))
        return [*gaps, Span(place, self.size)] if place < self.size else gaps

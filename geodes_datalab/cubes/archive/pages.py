"""Files read as GDAL reads them, little by little: what is near comes along, and is kept for a while."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Sequence

from geodes_datalab.cubes.archive.ranges import Bytes, Span

PAGE = 32 * 1024
"""Bytes that are fetched and kept together."""

ROOM = 64
"""Pages of a file that are kept, at most."""

AHEAD = 32
"""Pages that are fetched at once where a file is read from one end to the other, at most."""

RECENT = 32 * 2**20
"""Bytes of blocks of all files that are kept: those at the edge of a chunk are needed for the next one too."""


class Recent:
    """What was fetched lately, up to some bytes.

    Parameters
    ----------
    room
        Bytes that are kept, at most.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: OrderedDict[tuple[int, Span], bytes] = OrderedDict()
        self._size = 0
        self._guard = threading.Lock()

    def find(self, key: tuple[int, Span]) -> bytes | None:
        """Return what is kept of a part of a file."""
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: tuple[int, Span], data: bytes) -> None:
        """Keep a part of a file; what was used longest ago goes."""
        with self._guard:
            if key not in self._kept:
                self._size += len(data)
            self._kept[key] = data
            while self._size > self._room:
                self._size -= len(self._kept.popitem(last=False)[1])


_recent = Recent(RECENT)
_numbers = itertools.count()


class Pages:
    """A file of which small parts are read, one after another.

    Parameters
    ----------
    file
        The file itself.
    """

    def __init__(self, file: Bytes) -> None:
        self._file = file
        self.size = file.size
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._guard = threading.Lock()
        self._next, self._ahead = 0, 1
        self._number = next(_numbers)

    def parts(self, spans: Sequence[Span]) -> list[bytes]:
        """Read by pages; see `Bytes`."""
        return [self.read(*span) for span in spans]

    def many(self, spans: Sequence[Span]) -> list[bytes]:
        """Return several parts at once: blocks, as they lie in the file."""
        result = {span: _recent.find((self._number, span)) for span in spans}
        missing = [span for span, data in result.items() if data is None]
        for span, data in zip(missing, self._file.parts(missing) if missing else (), strict=True):
            result[span] = data
            _recent.keep((self._number, span), data)
        return [result[span] or b"" for span in spans]

    def read(self, begin: int, end: int) -> bytes:
        """Return a part, as far as the file reaches."""
        end = min(end, self.size)
        if begin >= end:
            return b""
        if end - begin > AHEAD * PAGE:
            return self._file.parts([Span(begin, end)])[0]
        first, last = begin // PAGE, (end - 1) // PAGE
        pages = {number: self._find(number) for number in range(first, last + 1)}
        missing = [number for number, data in pages.items() if data is None]
        if missing:
            pages |= self._fetch(missing)
        data = b"".join(pages[number] or b"" for number in range(first, last + 1))
        return data[begin - first * PAGE : end - first * PAGE]

    def _find(self, number: int) -> bytes | None:
        with self._guard:
            if number in self._kept:
                self._kept.move_to_end(number)
            return self._kept.get(number)

    def _fetch(self, missing: list[int]) -> dict[int, bytes]:
        """Fetch pages; more and more at once, where they follow each other."""
        self._ahead = min(2 * self._ahead, AHEAD) if missing[0] == self._next else 1
        count = -(-self.size // PAGE)
        wanted = [*missing, *range(missing[-1] + 1, min(missing[-1] + self._ahead, count))]
        self._next = wanted[-1] + 1
        spans = [Span(item * PAGE, min((item + 1) * PAGE, self.size)) for item in wanted]
        fetched = dict(zip(wanted, self._file.parts(spans), strict=True))
        with self._guard:
            self._kept |= fetched
            while len(self._kept) > ROOM:
                self._kept.popitem(last=False)
        return fetched

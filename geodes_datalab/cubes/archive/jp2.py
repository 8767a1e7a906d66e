"""JPEG 2000: a copy with holes, in which only some tiles are, and of these only some packets."""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from geodes_datalab.cubes.archive import openjpeg
from geodes_datalab.cubes.archive.codestream import (
    EOC,
    LONGEST_HEAD,
    PLM,
    PLT,
    SOC,
    SOD,
    SOT,
    TLM,
    Header,
    PartHead,
    parse_header,
    part_head,
    read_header,
    segment_bytes,
)
from geodes_datalab.cubes.archive.packets import EMPTY, Piece, View, pieces
from geodes_datalab.cubes.archive.ranges import Bytes, Span
from geodes_datalab.cubes.archive.ranges import part as read
from geodes_datalab.cubes.archive.tileparts import Part, TileIndex
from geodes_datalab.cubes.archive.trouble import Unsuited, broken
from geodes_datalab.cubes.archive.window import Window
from geodes_datalab.errors import ArchiveError

FEW = 1536
"""Bytes of a tile in which its header is looked for, where less than all of it is wanted."""

WORTH = 512 * 1024
"""Bytes of a tile from which on it is worth a request to learn which of them are not wanted."""

ZEROS = bytes(64)
"""No coder is known to write this. Zeros stand where a disk or a transfer lost something: which pixels
are read then depends on what is decoded before, so GDAL decodes all of it."""

_SOT = struct.Struct(">2HHLBB")


class Jp2:
    """A JPEG 2000 image of which parts are read.

    Parameters
    ----------
    file
        Where it is.
    note
        What `note` returned at an earlier time.

    Raises
    ------
    ArchiveError
        It is broken.
    Unsuited
        It uses a rare part of the standard.
    """

    ending = ".jp2"

    def __init__(self, file: Bytes, note: bytes | None = None) -> None:
        self._file = file
        self.header, self._head, known = _noted(note, file) or (*read_header(file), [])
        if self.header.steps[0] != (1, 1):
            raise Unsuited("its pixels are not those of its grid")
        self._index = TileIndex(file, self.header, known)

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return self.header.image[2] - self.header.image[0]

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return self.header.image[3] - self.header.image[1]

    @property
    def head(self) -> bytes:
        """All up to the first tile, as it stands in the file."""
        return self._head

    def note(self) -> bytes:
        """Return what was learnt of the file, for another time."""
        facts = json.dumps({"parts": sorted(self._index.parts.values())})
        return facts.encode() + b"\n" + self._head

    def skeleton(self) -> bytes:
        """Return a file that has the image's header, and no pixels."""
        return self._file_of([_part_bytes(Part(0, 14, 0, 0, 1), [], b"")])

    def copy(self, window: Window, level: int = 0) -> Copy:
        """Return a file that has the pixels of a window, and holes elsewhere.

        Parameters
        ----------
        window
            Pixels at full resolution.
        level
            How often the image will be halved when it is read: finer details are left out.

        Raises
        ------
        ArchiveError
            The image is broken.
        AuthenticationError, QuotaError, RequestError, ServiceError
            The server refused or failed.
        """
        window = window.within(self.width, self.height)
        x0, y0 = self.header.image[:2]
        level = min(level, self.header.coding.levels)
        view = View(x0 + window.left, y0 + window.top, x0 + window.right, y0 + window.bottom, level)
        tiles = list(_touched(self.header, view))
        try:
            return Copy(self._copy(tiles, view))
        except ArchiveError:
            if not self.header.has(TLM):
                raise
            self._index.distrust()  # what it tells of its tiles may be wrong
            return Copy(self._copy(tiles, view))

    def _copy(self, tiles: Collection[int], view: View) -> bytes:
        ahead = self._ahead(view.level)
        result = self._index.find(tiles, ahead)
        needs = [need for tile in self._chosen(result, view, ahead) for need in tile]
        spans = [span for need in needs for span in need.spans()]
        data = iter(self._file.parts(self._ended(spans)))
        made = [(need.part, need.made(data)) for need in needs]
        return self._file_of([content for _, content in sorted(made)])

    def _ended(self, spans: list[Span]) -> list[Span]:
        """Add the marker that ends an image to what is all of its tiles: so it can be checked."""
        end = self.header.layout.end
        whole = sum(span.length for span in spans) == end - 2 - self.header.tiles_begin
        return [*spans, *[Span(end - 2, end)] * whole]

    def _ahead(self, level: int) -> int:
        """Return the bytes of a tile that are likely to be wanted; 0 for all of them."""
        layout = self.header.layout
        mean = (layout.end - self.header.tiles_begin) // self.header.tiles
        likely = (mean * 5 // 4 >> 2 * level) + FEW
        return likely if level and likely < mean else 0

    def _chosen(
        self, found: Mapping[int, Sequence[Part]], view: View, ahead: int
    ) -> Iterator[list[_Need]]:
        """Read the headers of tiles, or all of them; tell which bytes of each are needed."""
        first = {
            part: _first(self.header, part, view, ahead)
            for parts in found.values()
            for part in parts
        }
        fetched = self._file.parts(self._ended(list(first.values())))
        data = dict(zip(first, fetched, strict=False))
        for tile, parts in found.items():
            for part in parts:
                _check(data[part], part)
            heads = [part_head(data[part], part.length) for part in parts]
            known = [head for head in heads if head is not None]
            chosen = None
            if len(known) == len(parts):
                lengths = [part.length for part in parts]
                chosen = pieces(self.header, tile, known, lengths=lengths, view=view)
            if chosen is None:
                yield [_Need(part, None) for part in parts]
            else:
                yield [
                    _Need(*item)
                    for item in zip(parts, zip(known, chosen, strict=True), strict=True)
                ]

    def _file_of(self, parts: Sequence[bytes]) -> bytes:
        """Put a file together: the boxes as they were, the header, some tile-parts."""
        header, layout = self.header, self.header.layout
        segments = [
            segment_bytes(item) for item in header.segments if item.marker not in {TLM, PLM}
        ]
        code = b"".join([struct.pack(">H", SOC), *segments, *parts, struct.pack(">H", EOC)])
        if layout.box < 0:
            return code
        if len(code) + 8 >= 2**32:
            raise Unsuited("too much of the image is wanted at once")
        return b"".join(
            [self._head[: layout.box], struct.pack(">L4s", len(code) + 8, b"jp2c"), code, self._behind()]
        )  # fmt: skip

    def _behind(self) -> bytes:
        """Return the boxes that come after the image: they may hold its georeference."""
        end, size = self.header.layout.end, self._file.size
        if size - end > LONGEST_HEAD:
            raise Unsuited("there is much behind the image")
        return read(self._file, end, size) if size > end else b""


class Copy(NamedTuple):
    """What was fetched of an image."""

    data: bytes

    @property
    def facts(self) -> None:
        """Nothing: its header may lie in boxes of any kind."""
        return

    def file(self) -> bytes:
        """Return a file that has the pixels of a window, and holes elsewhere."""
        return self.data

    def pixels(
        self, window: Window, level: int = 0, out: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[Any] | None:
        """Decode a window without GDAL; see `pixels`. It is always a new array."""
        return pixels(self.data, window, level)


class _Need(NamedTuple):
    """What is needed of one tile-part: some packets, or where nothing is said, all of it."""

    part: Part
    some: tuple[PartHead, Piece] | None

    def spans(self) -> list[Span]:
        """Return where it lies in the file."""
        begin = self.part.begin
        if self.some is None:
            return [Span(begin, self.part.end)]
        return [Span(begin + item.begin, begin + item.end) for item in self.some[1].needed()]

    def made(self, data: Iterator[bytes]) -> bytes:
        """Take the bytes of the spans, and return the tile-part of the copy."""
        if self.some is None:
            return _with_length(next(data))
        head, piece = self.some
        pool = b"".join(next(data) for _ in piece.needed())
        if ZEROS in pool:
            raise Unsuited("a tile may be damaged")
        packets, place = [], 0
        for span, want in zip(piece.spans, piece.wanted, strict=True):
            packets.append(pool[place : place + span.length] if want else EMPTY)
            place += span.length if want else 0
            if span.length > 1 and packets[-1][0] < 0x80 and want:
                raise broken("a packet says that it is empty, and is not")  # as zeros would do
        segments = [segment_bytes(item) for item in head.segments if item.marker != PLT]
        return _part_bytes(self.part, segments, b"".join(packets))


def pixels(copy: bytes, window: Window, level: int = 0) -> npt.NDArray[np.uint8 | np.uint16] | None:
    """Decode a window of a copy, and no more than the window.

    Parameters
    ----------
    copy
        What `Jp2.copy` returned for this window, or one around it.
    window
        Pixels at full resolution.
    level
        How often they are halved: that of the copy.

    Returns
    -------
    numpy.ndarray or None
        What GDAL reads there (y, x), of its only band; None where GDAL must read it.
    """
    header = parse_header(copy, len(copy))
    x0, y0, x1, y1 = header.image
    inside = 0 <= window.left < window.right <= x1 and 0 <= window.top < window.bottom <= y1
    aligned = not (window.left | window.top) & ((1 << level) - 1) and level <= header.coding.levels
    if header.steps != ((1, 1),) or (x0, y0) != (0, 0) or not (inside and aligned):
        return None
    code = np.frombuffer(copy, np.uint8)[header.layout.begin : header.layout.end]
    return openjpeg.decode(code, window, set(_touched(header, View(*window, level))), level)


def _noted(note: bytes | None, file: Bytes) -> tuple[Header, bytes, list[Part]] | None:
    if note is None:
        return None
    with contextlib.suppress(ValueError, TypeError, KeyError, ArchiveError):
        facts, _, head = note.partition(b"\n")
        header = parse_header(head + struct.pack(">2H", SOT, 10), file.size)
        return header, head, [Part(*map(int, item)) for item in json.loads(facts)["parts"]]
    return None


def _touched(header: Header, view: View) -> Iterator[int]:
    """Yield the tiles that a view touches."""
    (left, top), (wide, high) = header.origin, header.tile
    for row in range((view.top - top) // high, (view.bottom - 1 - top) // high + 1):
        for column in range((view.left - left) // wide, (view.right - 1 - left) // wide + 1):
            yield row * header.columns + column


def _first(header: Header, part: Part, view: View, ahead: int) -> Span:
    """Return what to read of a tile-part at first: all, unless much of it may not be wanted."""
    left, top, right, bottom = header.box_of(part.tile)
    wide = min(right, view.right) - max(left, view.left)
    high = min(bottom, view.bottom) - max(top, view.top)
    share = wide * high / ((right - left) * (bottom - top)) / 4**view.level
    few = ahead or (FEW if part.length * (1 - share) > WORTH else part.length)
    return Span(part.begin, part.begin + min(part.length, few))


def _check(data: bytes, part: Part) -> None:
    """Refuse a tile-part that is another one than was looked for."""
    marker, _, tile, length, rank, _ = _SOT.unpack_from(data)
    if (marker, tile, rank) != (SOT, part.tile, part.rank) or length not in {part.length, 0}:
        raise broken("a tile of an image is not where it should be")


def _with_length(data: bytes) -> bytes:
    """Give a tile-part its length, which the last one of a file need not tell."""
    data = data.removesuffix(b"\xff\xd9")
    return data[:6] + struct.pack(">L", len(data)) + data[10:]


def _part_bytes(part: Part, segments: Sequence[bytes], packets: bytes) -> bytes:
    content = b"".join([*segments, struct.pack(">H", SOD), packets])
    ranks = (part.rank, part.ranks)
    return _SOT.pack(SOT, 10, part.tile, len(content) + 12, *ranks) + content

"""The headers of JPEG 2000: boxes, the main header of the codestream, and the headers of tile-parts.

What is read here is needed to find tiles and packets, no more; decoding is OpenJPEG's work.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from geodes_datalab.cubes.archive.ranges import Bytes, part
from geodes_datalab.cubes.archive.trouble import Unsuited, broken
from geodes_datalab.errors import ReadError

HEAD = 16 * 1024
"""Bytes in which the header is looked for at first."""

LONGEST_HEAD = 8 * 2**20
"""Bytes of a header, at most."""

SOC, SIZ, COD, COC, QCD = 0xFF4F, 0xFF51, 0xFF52, 0xFF53, 0xFF5C
TLM, PLM, PLT, PPM, PPT, POC = 0xFF55, 0xFF57, 0xFF58, 0xFF60, 0xFF61, 0xFF5F
SOT, SOD, EOC = 0xFF90, 0xFF93, 0xFFD9

_SIZ = struct.Struct(">H8LH")
_MOST_TILES = 65_535
_MOST_LEVELS = 32
_MOST_COMPONENTS = 64


class Segment(NamedTuple):
    """A marker with its parameters."""

    marker: int
    data: bytes


class Layout(NamedTuple):
    """Where the codestream lies in its file."""

    box: int
    """Where its box begins; -1 where there are no boxes."""
    begin: int
    end: int


@dataclass(frozen=True)
class Coding:
    """How tiles are coded (COD)."""

    progression: int
    """0 LRCP, 1 RLCP, 2 RPCL, 3 PCRL, 4 CPRL."""
    layers: int
    levels: int
    """Decompositions: there is one resolution more."""
    precincts: tuple[tuple[int, int], ...]
    """Binary logarithm of width and height, for each resolution from the coarsest."""
    sop: bool
    eph: bool


@dataclass(frozen=True)
class Header:
    """What the main header tells."""

    layout: Layout
    tiles_begin: int
    """Where the first tile-part begins."""
    segments: tuple[Segment, ...]
    image: tuple[int, int, int, int]
    """Left, top, right, bottom on the reference grid."""
    tile: tuple[int, int]
    origin: tuple[int, int]
    """Of the first tile."""
    steps: tuple[tuple[int, int], ...]
    """Of each component on the reference grid: 1 where it is not subsampled."""
    coding: Coding

    @property
    def columns(self) -> int:
        """Tiles in a row."""
        return -(-(self.image[2] - self.origin[0]) // self.tile[0])

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return -(-(self.image[3] - self.origin[1]) // self.tile[1])

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return self.columns * self.rows

    def has(self, *markers: int) -> bool:
        """Tell whether any of these markers stands in the main header."""
        return any(segment.marker in markers for segment in self.segments)

    def box_of(self, tile: int) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom of a tile on the reference grid."""
        row, column = divmod(tile, self.columns)
        left = self.origin[0] + column * self.tile[0]
        top = self.origin[1] + row * self.tile[1]
        x0, y0, x1, y1 = self.image
        right, bottom = left + self.tile[0], top + self.tile[1]
        return max(left, x0), max(top, y0), min(right, x1), min(bottom, y1)


class _TooShort(ValueError):
    """The header goes on beyond what was read."""


def read_header(file: Bytes) -> tuple[Header, bytes]:
    """Read the header of a JPEG 2000 file.

    Returns
    -------
    header
        What it tells.
    head
        The bytes it was read from, up to the first tile-part.

    Raises
    ------
    ArchiveError
        It is broken.
    Unsuited
        It uses a rare part of the standard.
    """
    wanted = HEAD
    while True:
        head = part(file, 0, min(wanted, file.size))
        try:
            header = parse_header(head, file.size)
        except _TooShort:
            if wanted >= min(LONGEST_HEAD, file.size):
                raise broken("the header of an image has no end") from None
            wanted *= 4
        else:
            return header, head[: header.tiles_begin]


def parse_header(head: bytes, size: int) -> Header:
    """Read a header that is at hand; ``size`` is that of the whole file."""
    layout = _layout(head, size)
    begin = layout.begin + 2
    segments: list[Segment] = []
    for marker, where, data in _segments(head, begin, layout.end):
        if marker == SOT:
            return _header(layout, where, segments)
        segments.append(Segment(marker, data))
    raise _TooShort


def _layout(head: bytes, size: int) -> Layout:
    if head[:4] == b"\xff\x4f\xff\x51":
        return Layout(-1, 0, size)
    place = 0
    while place + 16 <= len(head):
        length, kind = struct.unpack_from(">L4s", head, place)
        begin = place + 8
        if length == 1:
            length, begin = int.from_bytes(head[place + 8 : place + 16], "big"), place + 16
        end = place + length if length else size
        if end > size or end < begin or (place == 0 and kind != b"jP  "):
            raise broken("an image is no JPEG 2000, or its boxes do not fit in each other")
        if kind == b"jp2c":
            if head[begin : begin + 4] != b"\xff\x4f\xff\x51":
                raise _TooShort if begin + 4 > len(head) else broken("a codestream does not begin")
            return Layout(place, begin, end)
        place = end
    if place + 16 > size:
        raise broken("an image has no codestream")
    raise _TooShort


def _segments(data: bytes, place: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    """Walk over markers with parameters; yield SOT and SOD, after which other things come, and stop."""
    while True:
        marker = int.from_bytes(data[place : place + 2], "big")
        if marker in {SOT, SOD}:
            yield marker, place, b""
            return
        if place + 4 > len(data):
            raise _TooShort
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if not 0xFF50 <= marker <= 0xFF8F or length < 2 or place + 2 + length > end:
            raise broken("the header of an image is damaged")
        if place + 2 + length > len(data):
            raise _TooShort
        yield marker, place, data[place + 4 : place + 2 + length]
        place += 2 + length


def _header(layout: Layout, tiles_begin: int, segments: list[Segment]) -> Header:
    first = {segment.marker: segment.data for segment in reversed(segments)}
    if not segments or segments[0].marker != SIZ or COD not in first or QCD not in first:
        raise broken("the header of an image lacks what must be there")
    if PPM in first:
        raise Unsuited("packet headers are packed into the main header")
    siz = first[SIZ]
    if len(siz) < _SIZ.size + 3 or len(siz) != _SIZ.size + 3 * _SIZ.unpack_from(siz)[9]:
        raise broken("the size of an image is damaged")
    _, x1, y1, x0, y0, width, height, left, top, count = _SIZ.unpack_from(siz)
    if count > _MOST_COMPONENTS:
        raise Unsuited("an image has very many bands")
    parts = siz[_SIZ.size :]
    steps = tuple((parts[3 * index + 1], parts[3 * index + 2]) for index in range(count))
    sound = x0 < x1 < 2**31 and y0 < y1 < 2**31 and width and height
    if not sound or left > x0 or top > y0 or left + width <= x0 or top + height <= y0:
        raise broken("the size of an image is damaged")
    if any(0 in step for step in steps):
        raise broken("the size of an image is damaged")
    header = Header(layout, tiles_begin, tuple(segments), (x0, y0, x1, y1), (width, height),
                    (left, top), steps, _coding(first[COD]))  # fmt: skip
    if header.tiles > _MOST_TILES:
        raise broken(f"an image has {header.tiles} tiles")
    _refuse_offset(header)
    return header


def _refuse_offset(header: Header) -> None:
    """Refuse an image that begins elsewhere than its grid; GDAL takes blocks for tiles."""
    begin = header.image[:2]
    if begin != header.origin and header.tiles > 1:
        raise ReadError(
            "the first tiles of a JPEG 2000 begin before its image does (XTOsiz, YTOsiz differ from XOsiz, "
            "YOsiz): GDAL would mix up its pixels",
            hint="decode it with opj_decompress, and read what that writes",
        )
    if begin != (0, 0):
        raise Unsuited("an image does not begin where its grid does")


def _coding(cod: bytes) -> Coding:
    if len(cod) < 10:
        raise broken("the coding of an image is damaged")
    style, progression, layers, levels = cod[0], cod[1], int.from_bytes(cod[2:4], "big"), cod[5]
    if progression > 4 or not layers or levels > _MOST_LEVELS:
        raise broken("the coding of an image is damaged")
    sizes = cod[10 : 11 + levels] if style & 1 else b"\xff" * (levels + 1)
    if len(sizes) != levels + 1:
        raise broken("the coding of an image is damaged")
    precincts = tuple((size & 15, size >> 4) for size in sizes)
    return Coding(progression, layers, levels, precincts, bool(style & 2), bool(style & 4))


class PartHead(NamedTuple):
    """The header of a tile-part."""

    segments: tuple[Segment, ...]
    length: int
    """Bytes from the marker SOT to what follows the marker SOD."""


def part_head(data: bytes, length: int) -> PartHead | None:
    """Read the header of a tile-part, or return None where the data end before it does.

    Parameters
    ----------
    data
        Bytes from the marker SOT on.
    length
        Bytes of the whole tile-part.
    """
    result: list[Segment] = []
    try:
        for marker, where, content in _segments(data, 12, length):
            if marker == SOD:
                return PartHead(tuple(result), where + 2)
            if marker == SOT:
                break
            result.append(Segment(marker, content))
    except _TooShort:
        if len(data) < length:
            return None
    raise broken("the header of a tile is damaged")


def packet_lengths(segments: tuple[Segment, ...]) -> list[int]:
    """Return the lengths of packets that the markers PLT of one tile-part tell."""
    ordered = sorted(
        (item.data for item in segments if item.marker == PLT), key=lambda data: data[:1]
    )
    lengths: list[int] = []
    value = 0
    for data in ordered:
        for byte in data[1:]:
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                lengths.append(value)
                value = 0
            elif value >> 32:
                raise broken("the length of a packet is beyond measure")
    return lengths


def segment_bytes(segment: Segment) -> bytes:
    """Return a segment as it stands in a codestream."""
    return struct.pack(">2H", segment.marker, len(segment.data) + 2) + segment.data

"""Headers of a GeoTIFF: which images it has, and where their blocks lie."""

from __future__ import annotations

import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from geodes_datalab.cubes.archive.blocks import Layout
from geodes_datalab.cubes.archive.ranges import Bytes, Span, part
from geodes_datalab.cubes.archive.trouble import Unsuited, broken
from geodes_datalab.cubes.archive.window import Window

MOST_IMAGES, MOST_FIELDS = 64, 512
LARGEST_HEADER = 64 * 2**20
"""Bytes of all fields, at most."""

MOST_BLOCKS = 2**22
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
          16: 8, 17: 8, 18: 8}  # fmt: skip
_NUMBERS = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_KIND, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES = 254, 256, 257, 258, 259, 277
_PLANAR, _ROWS, _TILE_WIDTH, _TILE_HEIGHT = 284, 278, 322, 323
_STRIPS, _TILES = (273, 279), (324, 325)
_ELSEWHERE = frozenset({330, 34665, 34853, 40965, 513, 514, 519, 520, 521})
"""Fields that point to other places of the file; none of them matters to pixels."""

_NONE, _OLD_JPEG, _DEFLATE = 1, 6, (8, 32946)
_PHOTOMETRIC, _FILL_ORDER, _PREDICTOR, _FORMAT = 262, 266, 317, 339
_DTYPES = {(1, 8): "u1", (1, 16): "u2", (1, 32): "u4", (2, 8): "i1", (2, 16): "i2", (2, 32): "i4",
           (3, 32): "f4", (3, 64): "f8"}  # fmt: skip
_AS_THEY_ARE = (0, 1, 3)
"""Grey, either way round, and colours by number: GDAL gives the numbers that the file has."""

_NATIVE = "<" if sys.byteorder == "little" else ">"
REDUCED, MASK = 1, 4


class Field(NamedTuple):
    """A field of a header."""

    tag: int
    kind: int
    amount: int
    raw: bytes


@dataclass(frozen=True)
class Image:
    """One of the images in a file: the full one, an overview, or a mask."""

    fields: tuple[Field, ...]
    """All but those that tell where blocks lie."""
    offsets: Any
    counts: Any
    tags: tuple[int, int]
    """Those that tell where blocks lie."""
    width: int
    height: int
    block: tuple[int, int]
    planes: int
    role: int

    def wanted(self, window: Window) -> Any:
        """Return the numbers of the blocks that a window (in this image's pixels) touches."""
        wide, high = self.block
        columns, rows = -(-self.width // wide), -(-self.height // high)
        across = np.arange(window.left // wide, -(-window.right // wide))
        down = np.arange(window.top // high, -(-window.bottom // high))
        plane = np.arange(self.planes) * (columns * rows)
        return (plane[:, None, None] + (down * columns)[:, None] + across).ravel()

    def layout(self, order: str) -> Layout | None:
        """Return how pixels lie in blocks; None where it is not one of the simple ways."""
        by_tag = {field.tag: field for field in self.fields}

        def value(tag: int, default: int) -> int:
            return _value(by_tag, tag, order, default)

        several = self.planes > 1 or value(_SAMPLES, 1) > 1
        if several or order != _NATIVE or value(_FILL_ORDER, 1) != 1:
            return None
        dtype = _DTYPES.get((value(_FORMAT, 1), value(_BITS, 1)))
        packing, predictor = value(_COMPRESSION, _NONE), value(_PREDICTOR, 1)
        simple = (
            dtype is not None
            and value(_PHOTOMETRIC, -1) in _AS_THEY_ARE
            and (packing in _DEFLATE or (packing == _NONE and predictor == 1))
            and (predictor == 1 or (predictor == 2 and dtype[0] != "f"))
        )
        if not simple:
            return None
        size, deflated = (self.width, self.height), packing in _DEFLATE
        return Layout(
            np.dtype(dtype), size, self.block, self.tags == _TILES, deflated, predictor == 2
        )


def read_images(file: Bytes, size: int) -> tuple[str, list[Image]]:
    """Read all headers; ``size`` is that of the file that holds the blocks."""
    head = part(file, 0, min(16, file.size))
    order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
    version = struct.unpack_from(order + "H", head, 2)[0] if order and len(head) == 16 else 0
    if version not in {42, 43}:
        raise broken("an image is no GeoTIFF")
    big = version == 43
    place = struct.unpack_from(order + ("Q" if big else "L"), head, 8 if big else 4)[0]
    images: list[Image] = []
    seen: set[int] = set()
    budget = LARGEST_HEADER
    while place:
        if place in seen or len(images) >= MOST_IMAGES:
            raise broken("the headers of an image have no end")
        seen.add(place)
        fields, place = _fields(file, place, order, big=big)
        budget -= sum(len(field.raw) for field in fields)
        if budget < 0:
            raise broken("the header of an image is beyond measure")
        images.append(_image(fields, order, size))
    if not images:
        raise broken("an image has no header")
    return order, images


def _fields(file: Bytes, place: int, order: str, *, big: bool) -> tuple[list[Field], int]:
    """Read the fields of a header, and where the next one lies."""
    width, pointer, entry = (8, "Q", 20) if big else (2, "L", 12)
    step = 8 if big else 4
    if place + width > file.size:
        raise broken("the header of an image lies beyond its end")
    number = struct.unpack(order + ("Q" if big else "H"), part(file, place, place + width))[0]
    end = place + width + number * entry + step
    if not 0 < number <= MOST_FIELDS or end > file.size:
        raise broken("the header of an image is damaged")
    raw = part(file, place + width, end)
    result, spans = [], []
    for index in range(number):
        tag, kind, amount = struct.unpack_from(f"{order}HH{pointer}", raw, index * entry)
        inline = index * entry + 4 + step
        length = amount * _SIZES.get(kind, 0)
        if length > LARGEST_HEADER:
            raise broken("the header of an image is beyond measure")
        where = struct.unpack_from(order + pointer, raw, inline)[0]
        spans.append(None if length <= step else Span(where, where + length))
        result.append(Field(tag, kind, amount, raw[inline : inline + min(length, step)]))
    values = iter(file.parts([_inside(span, file) for span in spans if span is not None]))
    fields = [
        field if span is None else field._replace(raw=next(values))
        for field, span in zip(result, spans, strict=True)
    ]
    following = struct.unpack_from(order + pointer, raw, number * entry)[0]
    if any(item.kind not in _SIZES for item in fields):  # GDAL passes over some, stops at others
        raise Unsuited("an image has a field of an unknown kind")
    return fields, following


def _inside(span: Span, file: Bytes) -> Span:
    if span.end > file.size:
        raise broken("a field of an image lies beyond its end")
    return span


def _image(fields: Sequence[Field], order: str, size: int) -> Image:
    by_tag = {field.tag: field for field in fields}
    tags = _TILES if _TILES[0] in by_tag else _STRIPS
    if not {_WIDTH, _HEIGHT, *tags} <= set(by_tag) or _value(by_tag, _COMPRESSION, order, _NONE) == _OLD_JPEG:  # fmt: skip
        raise Unsuited("an image has no blocks, or those of another age")
    width, height = (_value(by_tag, tag, order, 0) for tag in (_WIDTH, _HEIGHT))
    if tags == _TILES:
        block = (_value(by_tag, _TILE_WIDTH, order, 0), _value(by_tag, _TILE_HEIGHT, order, 0))
    else:
        block = (width, min(_value(by_tag, _ROWS, order, height), height))
    if not (0 < width < 2**31 and 0 < height < 2**31 and min(block) > 0):
        raise broken("the size of an image is damaged")
    planar = _value(by_tag, _PLANAR, order, 1) == 2
    planes = _value(by_tag, _SAMPLES, order, 1) if planar else 1
    offsets, counts = (_array(by_tag[tag], order) for tag in tags)
    blocks = -(-width // block[0]) * -(-height // block[1]) * planes
    if not 0 < blocks <= MOST_BLOCKS or not len(offsets) == len(counts) == blocks:
        raise broken("an image does not have the blocks that its size asks for")
    if (blocks and int(offsets.max()) >= 2**62) or int(counts.max()) >= 2**62:
        raise broken("a block of an image lies beyond its end")
    if (offsets + counts > size).any():
        raise broken("a block of an image lies beyond its end")
    _refuse_short(by_tag, order, counts, block, tags)
    rest = tuple(item for item in fields if item.tag not in {*tags, *_ELSEWHERE})
    role = _value(by_tag, _KIND, order, 0)
    return Image(rest, offsets, counts, tags, width, height, block, planes, role)


def _refuse_short(
    fields: dict[int, Field], order: str, counts: Any, block: tuple[int, int], tags: tuple[int, int]
) -> None:  # fmt: skip
    """Leave it to GDAL what to make of blocks that are not compressed, and yet too short.

    GDAL reads on where they end, which in a copy are other bytes. The last strip may be short.
    """
    if _value(fields, _COMPRESSION, order, _NONE) != _NONE:
        return
    bits = _array(fields[_BITS], order) if _BITS in fields else np.ones(1, "i8")
    samples = 1 if _value(fields, _PLANAR, order, 1) == 2 else _value(fields, _SAMPLES, order, 1)
    full = -(-block[0] * int(bits.max(initial=1)) * samples // 8) * block[1]
    told = counts if tags == _TILES else counts[:-1]
    if ((told > 0) & (told < full)).any():
        raise Unsuited("a block of an image is shorter than its pixels")


def _value(fields: dict[int, Field], tag: int, order: str, default: int) -> int:
    if tag not in fields:
        return default
    values = _array(fields[tag], order)
    if len(values) != 1:
        raise broken("a field of an image has more than one value, or none")
    return int(values[0])


def _array(field: Field, order: str) -> Any:
    if field.kind not in _NUMBERS:
        raise broken("a field of an image is no number")
    result = np.frombuffer(field.raw, order + _NUMBERS[field.kind]).astype("i8")
    if len(result) != field.amount or (len(result) and result.min() < 0):
        raise broken("a field of an image is damaged")
    return result

"""GeoTIFF: a copy with holes, which has all of the header and only some of the blocks.

Blocks that are not wanted are said to lie beyond the end of the copy, so reading one is an error. What a
file says of blocks it never had (offset 0) is kept: they read as "no data".
"""

from __future__ import annotations

import struct
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from geodes_datalab.cubes.archive.blocks import decode
from geodes_datalab.cubes.archive.ranges import Bytes, Span, merged
from geodes_datalab.cubes.archive.tiffheader import MASK, REDUCED, Field, Image, read_images
from geodes_datalab.cubes.archive.trouble import Unsuited, broken
from geodes_datalab.cubes.archive.window import Window
from geodes_datalab.errors import ArchiveError

_HOLE = 2**48
"""Where blocks lie that are not in the copy."""

_LONG8 = 16


class Tiff:
    """A GeoTIFF of which parts are read.

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

    ending = ".tif"

    def __init__(self, file: Bytes, note: bytes | None = None) -> None:
        self._file = file
        self._order, self._images = read_images(_Memory(note) if note else file, file.size)
        self.width, self.height = self._images[0].width, self._images[0].height

    @property
    def simple(self) -> bool:
        """Whether its blocks can be unpacked without GDAL."""
        masked = any(item.role & MASK for item in self._images)
        return not masked and self._images[0].layout(self._order) is not None

    @property
    def head(self) -> bytes:
        """Nothing: headers are kept as they are understood, not as they stand in the file."""
        return b""

    def note(self) -> bytes:
        """Return what was learnt of the file, for another time."""
        return _written(self._order, self._images, [item.offsets for item in self._images])

    def skeleton(self) -> bytes:
        """Return a file that has the image's header, and no pixels."""
        return _written(self._order, self._images, [_holes(item) for item in self._images])

    def copy(self, window: Window, level: int = 0) -> Copy:
        """Fetch the blocks that hold a window.

        Parameters
        ----------
        window
            Pixels at full resolution.
        level
            Which overview will be read; 0 for the image itself.

        Raises
        ------
        ArchiveError
            The image is broken.
        AuthenticationError, QuotaError, RequestError, ServiceError
            The server refused or failed.
        """
        chosen = {index: self._blocks(index, window) for index in self._read(level)}
        spans = [
            Span(int(image.offsets[block]), int(image.offsets[block] + image.counts[block]))
            for index, blocks in chosen.items() for image in [self._images[index]] for block in blocks
        ]  # fmt: skip
        if sum(span.length for span in spans) > self._file.size:
            raise broken("blocks of an image overlap")
        pieces = merged(spans)
        return Copy(self._order, self._images, chosen, pieces, self._file.parts(pieces), level)

    def _read(self, level: int) -> list[int]:
        """Return which images are read at a level: one, and the masks of its size."""
        levels = [0] + [
            index for index, item in enumerate(self._images)
            if index and item.role & REDUCED and not item.role & MASK
        ]  # fmt: skip
        if level >= len(levels):
            raise Unsuited(f"there is no overview {level}")
        chosen = self._images[levels[level]]
        size = (chosen.width, chosen.height)
        masks = [
            index for index, item in enumerate(self._images)
            if item.role & MASK and (item.width, item.height) == size
        ]  # fmt: skip
        return [levels[level], *masks]

    def _blocks(self, index: int, window: Window) -> Any:
        """Return the blocks of an image that hold a window of the full one, and are in the file."""
        image = self._images[index]
        across, down = self.width / image.width, self.height / image.height
        scaled = Window(
            int(window.left / across) - 1, int(window.top / down) - 1,
            int(window.right / across) + 2, int(window.bottom / down) + 2,
        )  # fmt: skip
        exact = window if index == 0 or (across, down) == (1, 1) else scaled
        blocks = image.wanted(exact.within(image.width, image.height))
        return blocks[(image.offsets[blocks] > 0) & (image.counts[blocks] > 0)]


@dataclass(frozen=True)
class Copy:
    """What was fetched of a file: all headers, and some of the blocks."""

    order: str
    images: Sequence[Image]
    chosen: Mapping[int, Any]
    """Blocks by the number of their image; first that to be read, then its masks."""
    pieces: Sequence[Span]
    data: Sequence[bytes]
    """Of each piece."""
    level: int

    @property
    def facts(self) -> Hashable:
        """All fields of all headers, but those that tell where blocks lie."""
        return self.order, tuple((item.fields, item.tags, item.counts.size) for item in self.images)

    def file(self) -> bytes:
        """Return a file that has these blocks, and holes elsewhere."""
        offsets = [_holes(item) for item in self.images]
        lengths = np.array([piece.length for piece in self.pieces], "i8")
        places = len(_written(self.order, self.images, offsets)) + np.cumsum(lengths) - lengths
        for index, blocks in self.chosen.items():
            if len(blocks):
                where = self.images[index].offsets[blocks]
                piece = np.searchsorted(self._begins, where, "right") - 1
                offsets[index][blocks] = places[piece] + where - self._begins[piece]
        return b"".join([_written(self.order, self.images, offsets), *self.data])

    def pixels(
        self, window: Window, level: int = 0, out: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[Any] | None:
        """Unpack a window without GDAL, where that is simple.

        Parameters
        ----------
        window
            Pixels at full resolution, of those that were fetched.
        level
            Which overview: the one that was fetched.
        out
            Where to put the pixels, if it suits them.

        Returns
        -------
        numpy.ndarray or None
            What GDAL reads there (y, x), of its only band; None where GDAL must read it.
        """
        full, image = self.images[0], self.images[next(iter(self.chosen))]
        across, rest = divmod(full.width, image.width)
        even = not rest and full.width * image.height == full.height * image.width
        fits = even and window.within(full.width, full.height) == window
        if (
            level != self.level
            or len(self.chosen) > 1
            or not fits
            or any(item % across for item in window)
        ):
            return None
        scaled = Window(*(item // across for item in window))
        with suppress(ArchiveError):  # GDAL may see it another way
            layout = image.layout(self.order)
            return layout and decode(layout, scaled, partial(self._block, image), out)
        return None

    @cached_property
    def _begins(self) -> Any:
        """Where pieces begin."""
        return np.array([piece.begin for piece in self.pieces], "i8")

    def _block(self, image: Image, number: int) -> npt.NDArray[np.uint8] | None:
        begin, length = int(image.offsets[number]), int(image.counts[number])
        piece = int(np.searchsorted(self._begins, begin, "right")) - 1
        if not (begin and length) or piece < 0:
            return None
        at = begin - self.pieces[piece].begin
        return np.frombuffer(self.data[piece], np.uint8)[at : at + length]


class _Memory:
    """Bytes at hand, as a file."""

    def __init__(self, data: bytes) -> None:
        self._data, self.size = data, len(data)

    def parts(self, spans: Sequence[Span]) -> list[bytes]:
        return [self._data[begin:end] for begin, end in spans]


def _holes(image: Image) -> Any:
    """Return offsets beyond the end, but for blocks that the file never had."""
    return np.where((image.offsets > 0) & (image.counts > 0), _HOLE, 0)


def _written(order: str, images: Sequence[Image], offsets: Sequence[Any]) -> bytes:
    """Write the headers as those of a BigTIFF."""
    made = [b"II" if order == "<" else b"MM", struct.pack(order + "3HQ", 43, 8, 0, 16)]
    place = 16
    for index, (image, where) in enumerate(zip(images, offsets, strict=True)):
        last = index == len(images) - 1
        data = b"".join(_header(image, where, order, place, last=last))
        made.append(data)
        place += len(data)
    return b"".join(made)


def _header(image: Image, offsets: Any, order: str, place: int, *, last: bool) -> Iterator[bytes]:
    tables = [
        Field(tag, _LONG8, len(values), values.astype(order + "u8").tobytes())
        for tag, values in zip(image.tags, (offsets, image.counts), strict=True)
    ]
    fields = sorted([*image.fields, *tables], key=lambda field: field.tag)
    behind = place + 8 + 20 * len(fields) + 8
    yield struct.pack(order + "Q", len(fields))
    values = []
    for field in fields:
        yield struct.pack(order + "HHQ", field.tag, field.kind, field.amount)
        if len(field.raw) <= 8:
            yield field.raw.ljust(8, b"\0")
        else:
            yield struct.pack(order + "Q", behind)
            values.append(field.raw.ljust(-(-len(field.raw) // 8) * 8, b"\0"))
            behind += len(values[-1])
    yield struct.pack(order + "Q", 0 if last else behind)
    yield from values

"""Blocks of a GeoTIFF, unpacked straight into the pixels of a window.

GDAL does the same with twice the work: it takes the differences of all pixels of a block, and copies
them through its cache. Whatever is odd means that nothing is returned: GDAL then reads, and judges.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from geodes_datalab.cubes.archive import deflate
from geodes_datalab.cubes.archive.window import Window

LARGEST = 64 * 2**20
"""Bytes of a block's pixels, at most."""

Block = Callable[[int], npt.NDArray[np.uint8] | None]
"""Returns the bytes of a block, by its number; None where the file has none."""


class Layout(NamedTuple):
    """How the pixels of an image of one band lie in its blocks."""

    dtype: np.dtype[Any]
    size: tuple[int, int]
    """Columns and rows of the image."""
    block: tuple[int, int]
    """Columns and rows of a block."""
    tiled: bool
    """Whether blocks at the lower edge are whole ones."""
    deflated: bool
    differences: bool
    """Whether each pixel but the first of a row is told by its difference to the one before."""


def decode(
    layout: Layout, window: Window, block: Block, out: npt.NDArray[Any] | None = None
) -> npt.NDArray[Any] | None:
    """Unpack the blocks that a window touches.

    Parameters
    ----------
    layout
        How pixels lie in blocks.
    window
        Pixels of this image.
    block
        Where the bytes of blocks come from.
    out
        Where to put the pixels, if it has their shape and dtype.

    Returns
    -------
    numpy.ndarray or None
        Pixels (y, x), ``out`` or a new array; None where a block is missing or not as it should be.
    """
    wide, high = layout.block
    if wide * high * layout.dtype.itemsize > LARGEST:
        return None
    across = -(-layout.size[0] // wide)
    kind = np.dtype(f"u{layout.dtype.itemsize}") if layout.differences else layout.dtype
    shape = (window.bottom - window.top, window.right - window.left)
    if out is None or (out.shape, out.dtype) != (shape, layout.dtype):
        out = np.empty(shape, layout.dtype)
    made, scratch = out.view(kind), np.empty((high, wide), kind)
    with deflate.inflater() as inflate:
        unpack = inflate if layout.deflated else _copy
        for row in range(window.top // high, -(-window.bottom // high)):
            rows = high if layout.tiled else min(high, layout.size[1] - row * high)
            for column in range(window.left // wide, -(-window.right // wide)):
                data, origin = block(row * across + column), (column * wide, row * high)
                if data is None or not unpack(data, scratch[:rows]):
                    return None
                _paste(made, scratch, window, origin, differences=layout.differences)
    return out


def _copy(data: npt.NDArray[np.uint8], into: npt.NDArray[Any]) -> bool:
    if data.size < into.nbytes:
        return False
    into.reshape(-1).view(np.uint8)[:] = data[: into.nbytes]
    return True


def _paste(
    made: npt.NDArray[Any], block: npt.NDArray[Any], window: Window, origin: tuple[int, int],
    *, differences: bool,
) -> None:  # fmt: skip
    """Put those pixels of a block into a window which it has."""
    left, top = (max(0, item - begin) for item, begin in zip(window[:2], origin, strict=True))
    right = min(block.shape[1], window.right - origin[0])
    bottom = min(block.shape[0], window.bottom - origin[1])
    x, y = origin[0] + left - window.left, origin[1] + top - window.top
    target = made[y : y + bottom - top, x : x + right - left]
    rows = block[top:bottom]
    if not differences:
        target[:] = rows[:, left:right]
        return
    if left:
        rows[:, left] += np.add.reduce(rows[:, :left], axis=1, dtype=block.dtype)
    np.add.accumulate(rows[:, left:right], axis=1, dtype=block.dtype, out=target)

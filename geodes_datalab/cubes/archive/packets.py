"""Packets: which of them hold the pixels that are wanted, and a tile without the others.

A tile is a sequence of packets, one for each precinct (a part of a resolution), component and layer.
Where the file tells their lengths (PLT), those that are not wanted are neither fetched nor decoded: in
the copy each is replaced by an empty packet, which is one byte and perfectly valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from geodes_datalab.cubes.archive.codestream import COC, COD, POC, PPT, SOT, Header, PartHead
from geodes_datalab.cubes.archive.codestream import packet_lengths as lengths_of
from geodes_datalab.cubes.archive.ranges import Span

EMPTY = b"\0"
"""A packet without content."""

MARGIN = 16
"""Pixels, at each resolution, by which wavelets reach beyond a window: no filter reaches further."""

MOST = 300_000
"""Packets of a tile, at most."""


class View(NamedTuple):
    """What is wanted of an image, on its reference grid."""

    left: int
    top: int
    right: int
    bottom: int
    level: int
    """How often it is halved."""


@dataclass(frozen=True)
class Piece:
    """The packets of one tile-part."""

    spans: tuple[Span, ...]
    """Where each packet lies, counted from the beginning of the tile-part."""
    wanted: tuple[bool, ...]

    def needed(self) -> list[Span]:
        """Return where the wanted packets lie, those that follow each other as one."""
        joined: list[Span] = []
        for span, want in zip(self.spans, self.wanted, strict=True):
            if want and joined and joined[-1].end == span.begin:
                joined[-1] = Span(joined[-1].begin, span.end)
            elif want:
                joined.append(span)
        return [span for span in joined if span.length]


def pieces(header: Header, tile: int, heads: Sequence[PartHead], *, lengths: Sequence[int], view: View) -> list[Piece] | None:  # fmt: skip
    """Tell which packets of a tile are wanted.

    Parameters
    ----------
    header
        Of the image.
    tile
        Its number.
    heads, lengths
        Header and length of each of its parts, in order.
    view
        What is wanted.

    Returns
    -------
    list of Piece or None
        One for each part; None where the file does not tell enough, so that the whole tile is needed.
    """
    if header.coding.sop or header.coding.eph or header.has(POC, COC):
        return None
    if any(item.marker in {POC, COC, COD, PPT, SOT} for head in heads for item in head.segments):
        return None
    count = sum(len(lengths_of(head.segments)) for head in heads)
    wanted = _wanted(header, header.box_of(tile), view, count) if count <= MOST else None
    if wanted is None:
        return None
    result: list[Piece] = []
    for head, length in zip(heads, lengths, strict=True):
        told = lengths_of(head.segments)
        first = sum(len(piece.spans) for piece in result)
        if head.length + sum(told) != length or first + len(told) > len(wanted):
            return None
        ends = np.cumsum([head.length, *told]).tolist()
        spans = tuple(Span(begin, end) for begin, end in pairwise(ends))
        result.append(Piece(spans, tuple(wanted[first : first + len(told)])))
    return result if sum(len(piece.spans) for piece in result) == len(wanted) else None


@lru_cache(maxsize=256)
def _wanted(
    header: Header, box: tuple[int, int, int, int], view: View, count: int
) -> list[bool] | None:
    """Tell for each packet of a tile, in the order of the file, whether it is wanted.

    None where there are not as many as the file tells: so the work is bounded by the file's length.
    """
    layers, progression = header.coding.layers, header.coding.progression
    result: list[_Precinct] = []
    for component in range(len(header.steps)):
        for resolution in range(header.coding.levels + 1):
            left = count // layers - len(result)
            more = _precincts(header, box, view, component, resolution, most=left)
            if more is None:
                return None
            result += more
    if progression == 0:  # layer by layer
        result.sort(key=lambda one: (one.resolution, one.component, one.number))
        return [one.wanted for _ in range(layers) for one in result]
    if progression == 1:  # resolution by resolution, layer by layer
        result.sort(key=lambda one: (one.resolution, one.component, one.number))
        ordered = []
        for resolution in range(header.coding.levels + 1):
            here = [one.wanted for one in result if one.resolution == resolution]
            ordered += here * layers
        return ordered
    result.sort(key=_BY_PLACE[progression])
    return [one.wanted for one in result for _ in range(layers)]


class _Precinct(NamedTuple):
    """A part of a resolution of a component."""

    component: int
    resolution: int
    number: int
    x: int
    y: int
    """Where it begins on the reference grid, as far as it lies in the tile."""
    wanted: bool


_BY_PLACE = {
    2: lambda one: (one.resolution, one.y, one.x, one.component, one.number),
    3: lambda one: (one.y, one.x, one.component, one.resolution, one.number),
    4: lambda one: (one.component, one.y, one.x, one.resolution, one.number),
}


def _precincts(header: Header, box: tuple[int, int, int, int], view: View, component: int, resolution: int, *, most: int) -> list[_Precinct] | None:  # fmt: skip
    """Return the precincts of a resolution, row by row; None where there are too many."""
    down = header.coding.levels - resolution
    wide, high = header.coding.precincts[resolution]
    step_x, step_y = header.steps[component]
    scale_x, scale_y = step_x << down, step_y << down
    left, right = -(-box[0] // scale_x), -(-box[2] // scale_x)
    top, bottom = -(-box[1] // scale_y), -(-box[3] // scale_y)
    if left >= right or top >= bottom:
        return []
    columns = range(left >> wide, -(-right >> wide) if wide < 31 else 1)
    rows = range(top >> high, -(-bottom >> high) if high < 31 else 1)
    if len(columns) * len(rows) > most:
        return None
    # what is wanted of this resolution, with all that its filters may reach
    x0, x1 = view.left // scale_x - MARGIN, -(-view.right // scale_x) + MARGIN
    y0, y1 = view.top // scale_y - MARGIN, -(-view.bottom // scale_y) + MARGIN
    kept = down >= view.level
    return [
        _Precinct(
            component,
            resolution,
            index * len(columns) + position,
            max(box[0], (column << wide) * scale_x),
            max(box[1], (row << high) * scale_y),
            kept and (column << wide) < x1 and x0 < (column + 1) << wide
            and (row << high) < y1 and y0 < (row + 1) << high,
        )
        for index, row in enumerate(rows)
        for position, column in enumerate(columns)
    ]  # fmt: skip

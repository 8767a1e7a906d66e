"""Where the tiles of a JPEG 2000 lie: told by the file (TLM), or found by looking into it.

Most Sentinel-2 files tell nothing: decoders hop from tile to tile, a request each. But the marker that
begins a tile-part (SOT, ``FF90 000A``) cannot occur within coded data, so any piece of the file shows
where the next tile begins. Where a tile lies is guessed from its neighbours, the guess is read, and what
is seen there makes the next guess better.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

from geodes_datalab.cubes.archive.codestream import TLM, Header
from geodes_datalab.cubes.archive.ranges import Bytes, Span
from geodes_datalab.cubes.archive.trouble import Unsuited, broken

PROBES = 16
"""Places that are looked at in one round, at most."""

MANY = 4
"""Of so many tiles one is wanted: then all of them are walked through, from several places at once."""

LONGEST = 2 * 2**20
"""Bytes of one look for the beginning of a tile, at most."""

SMALL = 768 * 1024
"""Bytes of codestreams that are read as a whole rather than searched."""

MOST_ROUNDS = 512
"""Rounds of looking: an image that needs more is left to its decoder."""

_SOT = struct.Struct(">2HHLBB")
_FOLLOWING = frozenset({0x52, 0x53, 0x5C, 0x5D, 0x5E, 0x5F, 0x61, 0x58, 0x64, 0x93})


class Part(NamedTuple):
    """A tile-part."""

    begin: int
    """Where it begins in the file."""
    length: int
    tile: int
    rank: int
    """Which part of its tile it is."""
    ranks: int
    """How many parts the tile has; 0 where this one does not tell."""

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.begin + self.length


class TileIndex:
    """Finds tile-parts, and remembers those it saw.

    Parameters
    ----------
    file
        The image; keeps what was read of it.
    header
        Its header.
    known
        Tile-parts seen at an earlier time.
    """

    def __init__(self, file: Bytes, header: Header, known: Iterable[Part] = ()) -> None:
        self._file, self._header = file, header
        self._begin, self._end = header.tiles_begin, header.layout.end
        self.parts = {part.begin: part for part in known}
        self._whole = False
        if not self.parts and header.has(TLM):
            told = _told(header)
            self.parts = {part.begin: part for part in told}
            self._whole = bool(told)

    def find(self, tiles: Collection[int], ahead: int = 0) -> dict[int, list[Part]]:
        """Return the parts of each tile, in order.

        Parameters
        ----------
        tiles
            Their numbers.
        ahead
            Bytes of a tile that will be wanted: they are read along. 0 for all of it.

        Raises
        ------
        ArchiveError
            The image is broken.
        """
        if not self._whole and self._end - self._begin <= SMALL:
            self._look([Span(self._begin, self._end)])
        many = ahead and len(tiles) > max(PROBES, self._header.tiles // MANY)
        if not self._whole and (many or not self._in_order(tiles, ahead)):
            self._walk(ahead)
        result: dict[int, list[Part]] = {tile: [] for tile in tiles}
        for part in sorted(self.parts.values(), key=lambda part: (part.rank, part.begin)):
            if part.tile in result:
                result[part.tile].append(part)
        if not all(_complete(parts) for parts in result.values()):
            raise broken("an image lacks some of its tiles")
        return result

    def distrust(self) -> None:
        """Forget what the file told of itself: it was wrong."""
        self.parts, self._whole = {}, False
        self._look([Span(self._begin, min(self._begin + 64, self._end))])
        self._walk(0)

    def _in_order(self, tiles: Collection[int], ahead: int) -> bool:
        """Find tiles by guessing, as long as each is in one part and they stand in order."""
        stalled: set[int] = set()
        self._look([Span(self._begin, min(self._begin + 64, self._end))])
        for _ in range(MOST_ROUNDS):
            order = sorted(self.parts.values())
            if not _ordered(order):
                return False
            numbers = [part.tile for part in order]
            missing = sorted(set(tiles) - set(numbers))
            if not missing:
                return True
            gaps = _gaps(order, missing)
            spans = [span for gap in gaps for span in self._probes(gap, order, stalled, ahead)]
            before = set(self.parts)
            self._look(spans)
            new = sorted(set(self.parts) - before)
            stalled = {gap.after for gap in gaps if not _hit(gap, new, order, self._end)}
        return False

    def _probes(
        self, gap: _Gap, order: Sequence[Part], stalled: set[int], ahead: int
    ) -> list[Span]:
        """Return what to read to find the tiles of a gap."""
        low, high = order[gap.after], order[gap.after + 1] if gap.after + 1 < len(order) else None
        begin, end = low.end, high.begin if high else self._end
        last = high.tile if high else self._header.tiles
        if gap.after in stalled:
            return [Span(begin, min(begin + 64, end))]
        spans = []
        for tile, run in _targets(gap.missing, max(1, PROBES // gap.among)):
            before, after = (self._area(low.tile + 1, item) for item in (tile, tile + 1))
            every = self._area(low.tile + 1, last)
            guess, follows = (begin + (end - begin) * part // every for part in (before, after))
            mean = max(64, follows - guess)
            if tile == low.tile + 1:
                wanted = ahead or mean * min(run, 3) * 9 // 8
                spans.append(Span(begin, min(begin + max(64, wanted), end)))
            else:
                spans.append(
                    Span(max(begin, guess - mean // 3), min(guess + mean * 2 // 3 + 64, end))
                )
        return [span for span in spans if span.length > 0]

    def _area(self, first: int, last: int) -> int:
        """Return the pixels of tiles from one up to, and without, another; at least one."""
        return max(1, self._areas[last] - self._areas[first])

    @cached_property
    def _areas(self) -> list[int]:
        """The pixels before each tile: those at the edges are smaller, and take fewer bytes."""
        boxes = map(self._header.box_of, range(self._header.tiles))
        areas = ((right - left) * (bottom - top) for left, top, right, bottom in boxes)
        return list(accumulate(areas, initial=0))

    def _walk(self, ahead: int) -> None:
        """Find every tile-part, from several places at once."""
        step = max(64, ahead)
        mean = (self._end - self._begin) // max(PROBES, self._header.tiles)
        # as a rule, a tile begins within so much: and with it comes what is wanted of it
        chunk = min(LONGEST, max(64, mean * 17 // 16)) + ahead
        starts = self._starts(max(4, min(PROBES, self._header.tiles // MANY)))
        looks = [
            Span(self._begin, self._begin + step),
            *(Span(item, item + chunk) for item in starts),
        ]
        self._look([Span(begin, min(end, self._end)) for begin, end in looks])
        for _ in range(MOST_ROUNDS):
            holes = self._holes()
            if not holes:
                self._whole = True
                return
            before = len(self.parts)
            self._look([Span(begin, min(begin + step, end)) for begin, end in holes])
            if len(self.parts) == before:
                raise broken("the tiles of an image do not follow each other")
        raise Unsuited("an image is in very many parts")

    def _starts(self, probes: int) -> list[int]:
        """Return places with about as many tiles between them, were all parts of the image alike."""
        total, count = self._end - self._begin, self._header.tiles
        tiles = [count * index // probes for index in range(1, probes)]
        return [self._begin + total * self._area(0, tile) // self._area(0, count) for tile in tiles]

    def _holes(self) -> list[Span]:
        """Return the stretches, each of which begins with a tile-part that is not known."""
        holes, place = [], self._begin
        for part in sorted(self.parts.values()):
            if part.begin < place:  # something that only looked like a tile-part
                del self.parts[part.begin]
                continue
            if part.begin > place:
                holes.append(Span(place, part.begin))
            place = part.end
        if self._end - place > 2:
            holes.append(Span(place, self._end))
        return holes

    def _look(self, spans: Sequence[Span]) -> None:
        """Read, and note each tile-part that begins there."""
        for span, data in zip(spans, self._file.parts(spans), strict=True):
            for part in self._seen(data, span.begin):
                self.parts.setdefault(part.begin, part)

    def _seen(self, data: bytes, base: int) -> Iterable[Part]:
        place = data.find(b"\xff\x90\x00\x0a")
        while 0 <= place <= len(data) - 14:
            part = self._part(data, place, base + place)
            if part is not None:
                yield part
            place = data.find(b"\xff\x90\x00\x0a", place + 4)

    def _part(self, data: bytes, place: int, where: int) -> Part | None:
        """Read the marker of a tile-part; None where other data only look like one."""
        _, _, tile, length, index, count = _SOT.unpack_from(data, place)
        length = length or self._end - where
        sound = tile < self._header.tiles and 14 <= length <= self._end - where
        follows = data[place + 12] == 0xFF and data[place + 13] in _FOLLOWING
        if not sound or not follows or (count and index >= count):
            return None
        return Part(where, length, tile, index, count)


class _Gap(NamedTuple):
    """Tiles that are missing between two that are known."""

    after: int
    """Position of the one before among the known ones."""
    missing: list[int]
    among: int
    """How many gaps there are."""


def _gaps(order: Sequence[Part], missing: Sequence[int]) -> list[_Gap]:
    numbers = [part.tile for part in order]
    grouped: dict[int, list[int]] = {}
    for tile in missing:
        grouped.setdefault(bisect_left(numbers, tile) - 1, []).append(tile)
    return [_Gap(after, tiles, len(grouped)) for after, tiles in grouped.items()]


def _targets(missing: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Choose the tiles to look for, each with the number of missing ones that follow it directly."""
    runs: list[list[int]] = []
    for tile in missing:
        if runs and runs[-1][-1] == tile - 1:
            runs[-1].append(tile)
        else:
            runs.append([tile])
    if len(runs) >= most:
        chosen = runs[:: -(-len(runs) // most)]
    else:
        size = max(6, -(-len(missing) // most))
        chosen = [run[start : start + size] for run in runs for start in range(0, len(run), size)]
    return [(run[0], len(run)) for run in chosen]


def _hit(gap: _Gap, new: Sequence[int], order: Sequence[Part], end: int) -> bool:
    low = order[gap.after].begin
    high = order[gap.after + 1].begin if gap.after + 1 < len(order) else end
    return bisect_left(new, high) > bisect_left(new, low)


def _ordered(parts: Sequence[Part]) -> bool:
    """Tell whether each tile is in one part, and they stand in order of their numbers."""
    if not parts or any(part.ranks != 1 for part in parts) or parts[0].tile != 0:
        return False
    return all(
        before.tile < after.tile
        and (
            before.end == after.begin if after.tile == before.tile + 1 else before.end < after.begin
        )
        for before, after in pairwise(parts)
    )


def _complete(parts: Sequence[Part]) -> bool:
    told = max((part.ranks for part in parts), default=0)
    return [part.rank for part in parts] == list(range(told or len(parts))) and bool(parts)


def _told(header: Header) -> list[Part]:
    """Return what the markers TLM tell, or nothing where they cannot be right."""
    tables = sorted(item.data for item in header.segments if item.marker == TLM)
    begin = header.tiles_begin
    parts: list[Part] = []
    seen: dict[int, int] = {}
    for number, length in (pair for table in tables for pair in _table(table)):
        tile = len(parts) if number is None else number
        if length < 14 or begin + length > header.layout.end or tile >= header.tiles:
            return []
        index = seen[tile] = seen.get(tile, -1) + 1
        parts.append(Part(begin, length, tile, index, 0))
        begin += length
    return parts if header.layout.end - begin <= 2 else []


def _table(table: bytes) -> Iterable[tuple[int | None, int]]:
    if len(table) < 2:
        return
    wide, long = (table[1] >> 4) & 3, 4 if table[1] & 0x40 else 2
    if wide == 3:
        return
    for place in range(2, len(table) - wide - long + 1, wide + long):
        number = int.from_bytes(table[place : place + wide], "big") if wide else None
        yield number, int.from_bytes(table[place + wide : place + wide + long], "big")

"""Where tiles lie: how many looks it takes to find them."""

from __future__ import annotations

import struct

import pytest

from geodes_datalab.cubes.archive import tileparts
from geodes_datalab.cubes.archive.codestream import read_header
from geodes_datalab.cubes.archive.ranges import Kept
from geodes_datalab.cubes.archive.tileparts import PROBES, TileIndex

SIDE, TILE, COLUMNS = 1092, 100, 11


def alike() -> bytes:
    """Return an image of 121 tiles that take as many bytes as they have pixels; most are at no edge."""
    siz = struct.pack(">H8LH", 0, SIDE, SIDE, 0, 0, TILE, TILE, 0, 0, 1) + b"\7\1\1"
    cod, qcd = bytes([0, 0, 0, 1, 0, 0, 4, 4, 0, 1]), b"\x40\x40"
    image = b"\xff\x4f" + b"".join(
        struct.pack(">HH", marker, len(data) + 2) + data
        for marker, data in ((0xFF51, siz), (0xFF52, cod), (0xFF5C, qcd))
    )
    for tile in range(COLUMNS**2):
        row, column = divmod(tile, COLUMNS)
        length = min(TILE, SIDE - column * TILE) * min(TILE, SIDE - row * TILE)
        sot = struct.pack(">HHHLBB", 0xFF90, 10, tile, length, 0, 1)
        image += sot + b"\xff\x93" + bytes(length - 14)
    return image + b"\xff\xd9"


@pytest.fixture(autouse=True)
def search_in_small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tileparts, "SMALL", 0)


@pytest.mark.parametrize("tile", [1, 40, 83, 109, 120])
def test_where_tiles_are_alike_the_first_guess_finds_one(memory, tile: int) -> None:
    """Those at the edges are smaller, and take fewer bytes."""
    file = memory(alike())
    header, _ = read_header(file)
    before = file.requests
    assert list(TileIndex(Kept(file), header).find([tile])) == [tile]
    assert file.requests <= before + 2  # the first tile's beginning, and the guess


def test_all_tiles_are_walked_through_from_many_places_at_once(memory) -> None:
    file, rounds = memory(alike()), []
    header, _ = read_header(file)

    class Rounds:
        size = file.size

        def parts(self, spans):
            rounds.append(len(spans))
            return file.parts(spans)

    found = TileIndex(Rounds(), header).find(range(COLUMNS**2), 200)
    assert len(found) == COLUMNS**2
    assert len(rounds) <= COLUMNS**2 // PROBES + 2
    assert sum(rounds) <= COLUMNS**2
    assert (
        file.received < file.size // 5
    )  # a tile's length from each place, then its beginnings only

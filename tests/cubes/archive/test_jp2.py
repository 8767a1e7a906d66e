"""Copies with holes of JPEG 2000: GDAL reads in them what it reads in the whole file."""

from __future__ import annotations

import contextlib
import json
import random
import struct
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from products import Whole
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import from_origin

from geodes_datalab.cubes.archive import jp2, packets, tileparts
from geodes_datalab.cubes.archive.codestream import PLT, SOT, packet_lengths, part_head, read_header
from geodes_datalab.cubes.archive.jp2 import Jp2
from geodes_datalab.cubes.archive.packets import MARGIN
from geodes_datalab.cubes.archive.ranges import Kept
from geodes_datalab.cubes.archive.tileparts import Part, TileIndex
from geodes_datalab.cubes.archive.trouble import Unsuited
from geodes_datalab.cubes.archive.window import Window
from geodes_datalab.errors import ArchiveError

WIDTH, HEIGHT = 600, 530


class Kind(NamedTuple):
    """How an image is written; the defaults are Sentinel-2's, in small."""

    tile: int = 128
    precinct: int = 64
    progression: str = "LRCP"
    plt: str = "YES"
    tlm: str = "NO"
    resolutions: int = 5
    reversible: str = "YES"
    quality: str = "100"
    bands: int = 1
    dtype: str = "uint16"


SENTINEL = Kind()


def pixels(kind: Kind) -> np.ndarray:
    """Return noise on slopes, with an empty corner as at the edge of a swath."""
    chance = np.random.default_rng(0)
    base = np.add.outer(np.arange(HEIGHT) * 3, np.arange(WIDTH) * 2)
    found = (base + chance.integers(0, 300, (HEIGHT, WIDTH))) % (250 if kind.dtype == "uint8" else 9000)  # fmt: skip
    found[:270, :200] = 0
    return np.stack([found.astype(kind.dtype) // (band + 1) for band in range(kind.bands)])


@cache
def image(kind: Kind = SENTINEL) -> bytes:
    precincts = ",".join([f"{{{kind.precinct},{kind.precinct}}}"] * kind.resolutions)
    options = {
        "QUALITY": kind.quality, "REVERSIBLE": kind.reversible, "YCBCR420": "NO",
        "RESOLUTIONS": str(kind.resolutions), "PROGRESSION": kind.progression,
        "BLOCKXSIZE": str(kind.tile), "BLOCKYSIZE": str(kind.tile), "PRECINCTS": precincts,
        "CODEBLOCK_WIDTH": "32", "CODEBLOCK_HEIGHT": "32", "PLT": kind.plt, "TLM": kind.tlm,
        "PROFILE": "UNRESTRICTED", "GMLJP2": "YES", "GeoJP2": "NO", "NUM_THREADS": "1",
    }  # fmt: skip
    with MemoryFile() as memory, MemoryFile(ext=".jp2") as made:
        with memory.open(
            driver="GTiff", width=WIDTH, height=HEIGHT, count=kind.bands, dtype=kind.dtype,
            crs="EPSG:32631", transform=from_origin(300_000, 4_900_020, 10, 10),
        ) as target:  # fmt: skip
            target.write(pixels(kind))
        with memory.open() as source:
            copy(source, made.name, driver="JP2OpenJPEG", **options)
        return bytes(made.getbuffer())


@cache
def levels(kind: Kind) -> int:
    with MemoryFile(image(kind), ext=".jp2") as memory, memory.open() as file:
        return len(file.overviews(1))


def split(data: bytes, parts: int, *, together: bool) -> bytes:
    """Cut each tile into several tile-parts, which lie together, or all first parts first."""
    header, _ = read_header(Whole(data))
    place, pieces = header.tiles_begin, {}
    while data[place : place + 2] == b"\xff\x90":
        tile, length = struct.unpack_from(">HL", data, place + 4)
        own = part_head(data[place : place + length], length)
        lengths = packet_lengths(own.segments)
        ends = np.cumsum([own.length, *lengths])
        cuts = [ends[index * len(lengths) // parts] for index in range(parts)] + [length]
        for rank in range(parts):
            told = lengths[rank * len(lengths) // parts : (rank + 1) * len(lengths) // parts]
            body = data[place + cuts[rank] : place + cuts[rank + 1]]
            raw = b"".join(encoded(value) for value in told)
            table = struct.pack(">HHB", PLT, len(raw) + 3, 0) + raw + b"\xff\x93" + body
            sot = struct.pack(">HHHLBB", SOT, 10, tile, len(table) + 12, rank, parts)
            pieces[rank, tile] = sot + table
        place += length
    order = sorted(pieces) if not together else sorted(pieces, key=lambda pair: pair[::-1])
    return rebuilt(data, header, b"".join(pieces[one] for one in order))


def rebuilt(data: bytes, header, tiles: bytes, segments: bytes = b"") -> bytes:
    code = data[header.layout.begin : header.tiles_begin] + segments + tiles + b"\xff\xd9"
    return data[: header.layout.box] + struct.pack(">L4s", len(code) + 8, b"jp2c") + code


def encoded(value: int) -> bytes:
    found = bytes([value & 0x7F])
    while value := value >> 7:
        found = bytes([0x80 | value & 0x7F]) + found
    return found


def as_gdal_reads(data: bytes, window: Window, level: int):
    """Return pixels, shape, transform, CRS and overviews."""
    options = {"overview_level": level - 1} if level else {}
    with (
        rasterio.Env(GDAL_NUM_THREADS="1"),
        MemoryFile(data, ext=".jp2") as memory,
        memory.open(**options) as file,
    ):
        left, top = window.left >> level, window.top >> level
        right, bottom = (min(-(-end >> level), most) for end, most in ((window.right, file.width), (window.bottom, file.height)))  # fmt: skip
        read = file.read(window=((top, bottom), (left, right)))
        return read, file.shape, file.transform, file.crs, file.overviews(1), file.dtypes


def assert_same(data: bytes, window: Window, level: int, file=None) -> None:
    made = Jp2(Kept(file or Whole(data))).copy(window, level).file()
    wanted, got = as_gdal_reads(data, window, level), as_gdal_reads(made, window, level)
    np.testing.assert_array_equal(got[0], wanted[0])
    assert got[1:] == wanted[1:]


KINDS = {
    "Sentinel-2": Kind(),
    "one tile of many precincts": Kind(tile=1024, precinct=128),
    "tiles of 192 as at 60 m": Kind(tile=192),
    "tiles of odd size": Kind(tile=100, resolutions=3),
    "no PLT": Kind(plt="NO"),
    "TLM": Kind(tlm="YES"),
    "TLM, no PLT": Kind(tlm="YES", plt="NO"),
    "RLCP": Kind(progression="RLCP"),
    "RPCL": Kind(progression="RPCL"),
    "PCRL": Kind(progression="PCRL"),
    "CPRL": Kind(progression="CPRL"),
    "three layers": Kind(quality="10,30,100"),
    "three layers, RLCP": Kind(quality="10,30,100", progression="RLCP"),
    "three layers, PCRL": Kind(quality="10,30,100", progression="PCRL"),
    "lossy (9/7)": Kind(reversible="NO", quality="25"),
    "true colour": Kind(bands=3, dtype="uint8"),
    "true colour, RPCL": Kind(bands=3, dtype="uint8", progression="RPCL"),
    "no decomposition": Kind(resolutions=1),
}
windows = st.builds(
    lambda left, top, wide, high: Window(left, top, min(left + wide, WIDTH), min(top + high, HEIGHT)),
    st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.integers(1, 300), st.integers(1, 300),
)  # fmt: skip


@pytest.fixture(autouse=True)
def search_in_small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tileparts, "SMALL", 0)
    monkeypatch.setattr(jp2, "WORTH", 2_000)
    monkeypatch.setattr(jp2, "FEW", 300)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(window=windows, level=st.sampled_from([0, 0, 1, 2]))
def test_any_window_at_any_level(kind: str, window: Window, level: int) -> None:
    assert_same(image(KINDS[kind]), window, min(level, levels(KINDS[kind])))


@settings(max_examples=15)
@given(
    kind=st.fixed_dictionaries(
        {
            "tile": st.sampled_from([128, 200, 1024]),
            "precinct": st.sampled_from([64, 128, 256]),
            "progression": st.sampled_from(["LRCP", "RLCP", "RPCL", "PCRL", "CPRL"]),
            "plt": st.sampled_from(["YES", "NO"]),
            "tlm": st.sampled_from(["YES", "NO"]),
            "resolutions": st.integers(2, 6),
            "quality": st.sampled_from(["100", "20,100"]),
            "bands": st.sampled_from([1, 3]),
        }
    ).map(lambda told: Kind(**told)),
    data=st.data(),
)
def test_any_image(kind: Kind, data) -> None:
    """Over tile sizes, precincts, progressions, layers, levels and components."""
    for _ in range(2):
        assert_same(image(kind), data.draw(windows), data.draw(st.integers(0, levels(kind))))


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("parts", [2, 5])
@settings(max_examples=10)
@given(window=windows, level=st.integers(0, 2))
def test_tiles_in_several_parts(together: bool, parts: int, window: Window, level: int) -> None:
    assert_same(divided(parts, together), window, level)


@cache
def divided(parts: int, together: bool) -> bytes:
    data = split(image(), parts, together=together)
    everything = Window(0, 0, WIDTH, HEIGHT)
    np.testing.assert_array_equal(as_gdal_reads(data, everything, 0)[0], pixels(SENTINEL))
    return data


def test_pixels_are_those_that_were_written() -> None:
    """That the whole file is the judge is right only if it holds what was written."""
    everything = Window(0, 0, WIDTH, HEIGHT)
    np.testing.assert_array_equal(as_gdal_reads(image(), everything, 0)[0], pixels(SENTINEL))
    assert_same(image(), everything, 0)


def test_holes_are_errors_and_no_zeros() -> None:
    made = Jp2(Kept(Whole(image()))).copy(Window(300, 300, 310, 310)).file()
    with pytest.raises(rasterio.errors.RasterioIOError):
        as_gdal_reads(made, Window(0, 0, 5, 5), 0)
    with pytest.raises(rasterio.errors.RasterioIOError):
        as_gdal_reads(made, Window(300, 300, 600, 310), 0)


def test_without_a_margin_the_wavelets_would_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests above prove: they would see a packet too few."""
    window, data = Window(320, 320, 384, 384), image()
    packets._wanted.cache_clear()
    monkeypatch.setattr(packets, "MARGIN", -8)
    made = Jp2(Kept(Whole(data))).copy(window).file()
    packets._wanted.cache_clear()
    assert (as_gdal_reads(made, window, 0)[0] != as_gdal_reads(data, window, 0)[0]).any()
    assert MARGIN == 16


def test_less_is_read_than_is_there(memory) -> None:
    data = image(Kind(tile=64))
    for level, most in ((0, 0.2), (3, 0.4)):
        file = memory(data)
        made = Jp2(Kept(file)).copy(Window(400, 300, 440, 340) if not level else Window(0, 0, WIDTH, HEIGHT), level).file()  # fmt: skip
        assert len(made) < len(data) * most
    file = memory(image(Kind(tlm="YES")))
    Jp2(Kept(file)).copy(Window(600, 500, 620, 520)).file()
    assert file.requests <= 4


def test_what_was_learnt_saves_requests(memory) -> None:
    data, window = image(Kind(tile=64)), Window(500, 400, 510, 410)
    fresh = memory(data)
    first = Jp2(Kept(fresh))
    made = first.copy(window).file()
    file = memory(data)
    again = Jp2(Kept(file), first.note())
    assert again.copy(window).file() == made
    assert file.requests <= 3 < fresh.requests
    for damaged in (b"", b"{}\n", first.note()[:-20], json.dumps({"parts": 3}).encode() + b"\n" + b"x" * 99):  # fmt: skip
        assert Jp2(Kept(memory(data)), damaged).copy(window).file() == made


def test_the_header_can_be_opened_without_pixels(memory) -> None:
    file = memory(image())
    with MemoryFile(Jp2(Kept(file)).skeleton(), ext=".jp2") as made, made.open() as opened:
        assert opened.shape == (HEIGHT, WIDTH)
        assert opened.crs.to_epsg() == 32631
        assert opened.overviews(1) == [2, 4, 8]
        assert opened.transform == from_origin(300_000, 4_900_020, 10, 10)
    assert file.requests == 1


def test_a_tlm_that_lies_is_not_believed() -> None:
    data = image(Kind(tlm="YES"))
    place = data.index(b"\xff\x55") + 6
    size = 4 if data[place - 1] & 0x40 else 2
    wide = (data[place - 1] >> 4) & 3
    first, second = place + wide, place + 2 * wide + size
    lengths = [int.from_bytes(data[at : at + size], "big") for at in (first, second)]
    lied = bytearray(data)
    lied[first : first + size] = (lengths[0] + 20).to_bytes(size, "big")
    lied[second : second + size] = (lengths[1] - 20).to_bytes(size, "big")
    window = Window(260, 280, 500, 500)
    made = Jp2(Kept(Whole(bytes(lied)))).copy(window).file()
    np.testing.assert_array_equal(as_gdal_reads(made, window, 0)[0][0], pixels(SENTINEL)[0, 280:500, 260:500])  # fmt: skip


def test_a_last_tile_that_does_not_tell_its_length() -> None:
    data = bytearray(image())
    last = data.rindex(b"\xff\x90\x00\x0a")
    data[last + 6 : last + 10] = bytes(4)
    assert_same(bytes(data), Window(WIDTH - 90, HEIGHT - 70, WIDTH, HEIGHT), 0)


def test_boxes_behind_the_image_come_along() -> None:
    data = image()
    header, _ = read_header(Whole(data))
    box = data[header.layout.box :]
    moved = data[: header.layout.box].replace(b"", b"", 0)
    behind = moved + box + struct.pack(">L4s", 24, b"uuid") + bytes(16)
    assert Jp2(Kept(Whole(behind))).copy(Window(0, 0, 9, 9)).file().endswith(b"uuid" + bytes(16))
    assert_same(behind, Window(0, 0, 90, 90), 0)


def test_a_codestream_without_boxes() -> None:
    data = image()
    raw = data[read_header(Whole(data))[0].layout.begin :]
    made = Jp2(Kept(Whole(raw))).copy(Window(300, 300, 400, 400)).file()
    assert made[:4] == b"\xff\x4f\xff\x51"
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        got = as_gdal_reads(made, Window(300, 300, 400, 400), 0)[0]
    np.testing.assert_array_equal(got[0], pixels(SENTINEL)[0, 300:400, 300:400])


def test_packed_headers_are_left_to_gdal() -> None:
    data = image()
    header, _ = read_header(Whole(data))
    ppm = struct.pack(">HHB", 0xFF60, 7, 0) + bytes(4)
    packed = rebuilt(data, header, data[header.tiles_begin : -2], ppm)
    with pytest.raises(Unsuited):
        Jp2(Kept(Whole(packed)))


def test_markers_within_tables_do_not_mislead(memory) -> None:
    """Lengths of packets may look like the beginning of a tile."""
    data = image(Kind(tile=128))
    header, _ = read_header(Whole(data))
    lure = struct.pack(">HHHLBB", SOT, 10, 3, 5000, 0, 1) + b"\xff\x93"
    place, tiles = header.tiles_begin, b""
    while data[place : place + 2] == b"\xff\x90":
        length = int.from_bytes(data[place + 6 : place + 10], "big")
        comment = struct.pack(">HHH", 0xFF64, len(lure) + 4, 0) + lure
        tiles += data[place : place + 6] + struct.pack(">L", length + len(comment))
        tiles += data[place + 10 : place + 12] + comment + data[place + 12 : place + length]
        place += length
    lured = rebuilt(data, header, tiles)
    for window in (Window(0, 0, 300, 300), Window(500, 500, 600, 600), Window(130, 300, 140, 310)):
        assert_same(lured, window, 0)


@settings(max_examples=60)
@given(
    lengths=st.lists(st.one_of(st.just(14), st.integers(14, 60), st.integers(14, 20_000)), min_size=1, max_size=80),
    wanted=st.lists(st.integers(0, 79), min_size=1, max_size=6),
    ahead=st.sampled_from([0, 100]),
)  # fmt: skip
def test_tiles_of_any_length_are_found(memory, lengths, wanted, ahead: int) -> None:
    """Also where some are a thousand times longer than others, as at the edge of a swath."""
    columns = len(lengths)
    siz = struct.pack(">H8LH", 0, columns * 8, 8, 0, 0, 8, 8, 0, 0, 1) + b"\7\1\1"
    cod, qcd = bytes([0, 0, 0, 1, 0, 0, 4, 4, 0, 1]), b"\x40\x40"
    head = b"\xff\x4f" + b"".join(
        struct.pack(">HH", marker, len(data) + 2) + data
        for marker, data in ((0xFF51, siz), (0xFF52, cod), (0xFF5C, qcd))
    )
    chance = random.Random(1)
    parts, place, tiles = [], len(head), b""
    for tile, length in enumerate(lengths):
        body = bytes(chance.randrange(0x80) for _ in range(length - 14))
        tiles += struct.pack(">HHHLBB", SOT, 10, tile, length, 0, 1) + b"\xff\x93" + body
        parts.append(Part(place, length, tile, 0, 1))
        place += length
    file = memory(head + tiles + b"\xff\xd9")
    header, _ = read_header(file)
    tiles = {tile % columns for tile in wanted}
    found = TileIndex(Kept(file), header).find(tiles, ahead)
    assert found == {tile: [parts[tile]] for tile in tiles}


@settings(max_examples=300)
@given(
    damage=st.lists(st.tuples(st.integers(0, 2**20), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4),
    early=st.booleans(),
    window=windows,
    level=st.integers(0, 2),
)  # fmt: skip
def test_damage_gives_an_error_of_ours_or_a_copy(
    memory, *, damage, early: bool, window, level
) -> None:
    """Never another exception, and never more reading than the file is long, some times over."""
    hurt = bytearray(image())
    for place, value in damage:
        begin = place % (2500 if early else len(hurt))
        hurt[begin : begin + len(value)] = value
    file = memory(bytes(hurt[: len(image())]))
    with contextlib.suppress(ArchiveError, Unsuited):
        Jp2(Kept(file)).copy(window, level).file()
    assert file.received < 4 * len(hurt)

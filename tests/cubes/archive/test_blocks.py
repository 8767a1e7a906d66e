"""Blocks of a GeoTIFF unpacked without GDAL: its pixels, or nothing."""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
import rasterio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from products import Whole
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from geodes_datalab.cubes.archive import blocks, deflate
from geodes_datalab.cubes.archive.copies import Copied, decoded
from geodes_datalab.cubes.archive.ranges import Kept
from geodes_datalab.cubes.archive.tiff import Copy, Tiff
from geodes_datalab.cubes.archive.window import Window

WIDTH, HEIGHT = 360, 312  # halved three times without a rest
DEFLATED = {"compress": "deflate"}
TILES = {"tiled": True, "blockxsize": 64, "blockysize": 48}
SIMPLE = {
    "COG of GDAL": {"driver": "COG", "blocksize": 128, **DEFLATED, "predictor": 2},
    "signed": {"dtype": "int16", **TILES, **DEFLATED, "predictor": 2},
    "bytes": {"dtype": "uint8", **TILES, **DEFLATED, "predictor": 2},
    "long": {"dtype": "int32", **TILES, **DEFLATED, "predictor": 2},
    "floats": {"dtype": "float32", **TILES, **DEFLATED},
    "doubles": {"dtype": "float64", **TILES},
    "uncompressed strips": {"blockysize": 7},
    "deflated strips": {**DEFLATED, "blockysize": 50, "predictor": 2},
    "one strip": {**DEFLATED, "blockysize": HEIGHT},
    "BigTIFF": {**TILES, **DEFLATED, "bigtiff": "YES"},
    "black is white": {**TILES, **DEFLATED, "photometric": "miniswhite"},
}
OTHER = {
    "big-endian": {**TILES, **DEFLATED, "endianness": "big"},
    "zstd": {**TILES, "compress": "zstd"},
    "LZW": {**TILES, "compress": "lzw", "predictor": 2},
    "predictor of floats": {"dtype": "float32", **TILES, **DEFLATED, "predictor": 3},
    "two bands": {"count": 2, **TILES, **DEFLATED},
    "bands apart": {"count": 2, **TILES, **DEFLATED, "interleave": "band"},
    "twelve bits": {**TILES, **DEFLATED, "nbits": 12},
    "complex": {"dtype": "complex64", **TILES, **DEFLATED},
    "a mask": {**TILES, **DEFLATED, "masked": True},
}


@cache
def image(name: str, *, sparse: bool = False, east: int = 600_000) -> bytes:
    told = {"count": 1, "dtype": "uint16", "driver": "GTiff", **(SIMPLE | OTHER)[name]}
    masked = told.pop("masked", False)
    chance = np.random.default_rng(1)
    pixels = chance.integers(-(2**31), 2**31, (told["count"], HEIGHT, WIDTH)).astype(told["dtype"])
    if "nbits" in told:
        pixels &= 0xFFF
    if sparse:
        pixels[:, :100, :100] = 0
    with MemoryFile(ext=".tif") as memory, rasterio.Env(GDAL_TIFF_INTERNAL_MASK="YES"):
        with memory.open(
            width=WIDTH, height=HEIGHT, crs="EPSG:32631", nodata=0, sparse_ok=sparse,
            transform=from_origin(east, 4_900_020, 10, 10), **told,
        ) as target:  # fmt: skip
            target.write(pixels)
            if masked:
                target.write_mask(chance.random((HEIGHT, WIDTH)) > 0.5)
            if told["driver"] == "GTiff":
                target.build_overviews([2, 4, 8])
        return bytes(memory.getbuffer())


def fetched(data: bytes, window: Window, level: int = 0) -> Copy:
    return Tiff(Kept(Whole(data))).copy(window, level)


def as_gdal_reads(data: bytes, window: Window, level: int) -> np.ndarray:
    options = {"overview_level": level - 1} if level else {}
    left, top, right, bottom = (one >> level for one in window)
    with MemoryFile(data, ext=".tif") as memory, memory.open(**options) as file:
        return file.read(1, window=((top, bottom), (left, right)))


def scaled(level: int, left: int, top: int, wide: int, high: int) -> Window:
    """Return a window of whole pixels of a level."""
    columns, rows = WIDTH >> level, HEIGHT >> level
    left, top = left % columns, top % rows
    right, bottom = min(left + wide, columns), min(top + high, rows)
    return Window(left << level, top << level, right << level, bottom << level)


places = st.integers(0, 400), st.integers(0, 400), st.integers(1, 400), st.integers(1, 400)


@pytest.mark.parametrize("library", ["libdeflate", "zlib"])
@pytest.mark.parametrize("name", SIMPLE)
@settings(max_examples=15)
@given(level=st.integers(0, 3), left=places[0], top=places[1], wide=places[2], high=places[3])
@example(level=0, left=0, top=0, wide=WIDTH, high=HEIGHT)
def test_simple_layouts(library: str, name: str, *, level, left, top, wide, high) -> None:
    data = image(name)
    with MemoryFile(data, ext=".tif") as memory, memory.open() as file:
        level = min(level, len(file.overviews(1)))
    window = scaled(level, left, top, wide, high)
    with pytest.MonkeyPatch.context() as patch:
        if library == "zlib":
            patch.setattr(deflate, "_library", lambda: None)
        found = fetched(data, window, level).pixels(window, level)
    wanted = as_gdal_reads(data, window, level)
    assert found is not None
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", OTHER)
def test_other_layouts_are_left_to_gdal(name: str) -> None:
    window = Window(10, 20, 200, 200)
    tiff = Tiff(Kept(Whole(image(name))))
    assert tiff.copy(window).pixels(window) is None
    assert not tiff.simple


def test_the_library_that_comes_with_gdal_is_found() -> None:
    assert deflate._library() is not None


def test_blocks_that_the_file_never_had_are_left_to_gdal() -> None:
    data = image("BigTIFF", sparse=True)
    assert fetched(data, Window(0, 0, 90, 90)).pixels(Window(0, 0, 90, 90)) is None
    window = Window(150, 150, 300, 300)
    found = fetched(data, window).pixels(window)
    np.testing.assert_array_equal(found, as_gdal_reads(data, window, 0))


def test_a_window_that_was_not_fetched_gives_nothing() -> None:
    made = fetched(image("signed"), Window(0, 0, 60, 40))
    assert made.pixels(Window(0, 0, 60, 40)) is not None
    assert made.pixels(Window(200, 200, 260, 240)) is None
    assert made.pixels(Window(0, 0, 60, HEIGHT + 1)) is None
    assert made.pixels(Window(0, 0, 60, 40), 1) is None
    assert fetched(image("signed"), Window(0, 0, 60, 40), 1).pixels(Window(1, 0, 60, 40), 1) is None


def test_pixels_go_where_they_are_wanted() -> None:
    data, window = image("signed"), Window(30, 40, 230, 190)
    room = np.zeros((2, 150, 200), "int16")
    assert fetched(data, window).pixels(window, 0, room[1]) is not None
    np.testing.assert_array_equal(room[1], as_gdal_reads(data, window, 0))
    assert not room[0].any()
    for unfit in (np.zeros((150, 200), "uint16"), np.zeros((150, 201), "int16")):
        found = fetched(data, window).pixels(window, 0, unfit)
        np.testing.assert_array_equal(found, room[1])
        assert not unfit.any()


def test_huge_blocks_are_left_to_gdal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A header may claim blocks of any size: nothing is reserved for them."""
    window = Window(0, 0, 9, 9)
    assert fetched(image("one strip"), window).pixels(window) is not None
    monkeypatch.setattr(blocks, "LARGEST", WIDTH * HEIGHT * 2 - 1)
    assert fetched(image("one strip"), window).pixels(window) is None


@pytest.mark.parametrize("library", ["libdeflate", "zlib"])
@settings(max_examples=100)
@given(
    damage=st.lists(st.tuples(st.integers(0, 2**20), st.binary(min_size=1, max_size=6)), min_size=1, max_size=3),
    name=st.sampled_from(["COG of GDAL", "deflated strips", "BigTIFF"]),
)  # fmt: skip
def test_damaged_blocks_are_noticed(library: str, damage, name: str) -> None:
    data, window = image(name), Window(40, 60, 190, 200)
    made = fetched(data, window)
    hurt = [bytearray(piece) for piece in made.data]
    for place, value in damage:
        piece = hurt[place % len(hurt)]
        at = place % len(piece)
        piece[at : at + len(value)] = value[: len(piece) - at]
    broken = Copy(
        made.order, made.images, made.chosen, made.pieces, [bytes(one) for one in hurt], 0
    )
    with pytest.MonkeyPatch.context() as patch:
        if library == "zlib":
            patch.setattr(deflate, "_library", lambda: None)
        found = broken.pixels(window)
    if found is not None:  # what was hurt is of another block, or was hurt into the same
        np.testing.assert_array_equal(found, as_gdal_reads(data, window, 0))


@pytest.mark.parametrize("length", [999, 1001])
def test_streams_of_another_length_are_not_taken(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = np.frombuffer(zlib.compress(bytes(length)), np.uint8)
    with deflate.inflater() as inflate:
        assert not inflate(data, np.empty(1000, "u1"))
    monkeypatch.setattr(deflate, "_library", lambda: None)
    with deflate.inflater() as inflate:
        assert not inflate(data, np.empty(1000, "u1"))
        assert not inflate(data[:-1], np.empty(length, "u1"))
        assert inflate(data, np.empty(length, "u1"))


def test_many_threads_unpack_at_once() -> None:
    data = image("COG of GDAL")
    chosen = [Window(left, 100, left + 150, 250) for left in range(0, 200, 5)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: fetched(data, one).pixels(one), chosen))
    whole = as_gdal_reads(data, Window(0, 0, WIDTH, HEIGHT), 0)
    for window, got in zip(chosen, found, strict=True):
        np.testing.assert_array_equal(got, whole[100:250, window.left : window.right])


def test_headers_are_alike_where_only_blocks_differ() -> None:
    """What GDAL tells of one is then taken for the other: georeference, dtype, "no data"."""
    window = Window(0, 0, 9, 9)
    one, other = fetched(image("BigTIFF"), window), fetched(image("BigTIFF", sparse=True), window)
    assert not np.array_equal(one.images[0].offsets, other.images[0].offsets)
    assert one.facts == other.facts
    for name in ("signed", "black is white", "zstd"):
        assert fetched(image(name), window).facts != one.facts
    assert fetched(image("BigTIFF", east=600_010), window).facts != one.facts


def test_only_copies_are_unpacked() -> None:
    window = Window(10, 20, 30, 40)
    path = Copied("/vsimem/a.tif")
    path.copy, path.ending = fetched(image("signed"), window), ".tif"
    np.testing.assert_array_equal(decoded(path, window), as_gdal_reads(image("signed"), window, 0))
    assert decoded("/vsimem/a.tif", window) is None

"""Windows decoded without GDAL: its pixels, or nothing."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.io import MemoryFile

sys.path.insert(0, str(Path(__file__).parent))
from test_jp2 import (
    HEIGHT,
    KINDS,
    WIDTH,
    Kind,
    Whole,
    as_gdal_reads,
    divided,
    image,
    levels,
    windows,
)

from geodes_datalab.cubes.archive import jp2, openjpeg, tileparts
from geodes_datalab.cubes.archive.codestream import read_header
from geodes_datalab.cubes.archive.copies import Copied, decoded
from geodes_datalab.cubes.archive.jp2 import Jp2, pixels
from geodes_datalab.cubes.archive.ranges import Kept
from geodes_datalab.cubes.archive.window import Window

ONE_BAND = {name: kind for name, kind in KINDS.items() if kind.bands == 1}


@pytest.fixture(autouse=True)
def search_in_small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tileparts, "SMALL", 0)
    monkeypatch.setattr(jp2, "WORTH", 2_000)
    monkeypatch.setattr(jp2, "FEW", 300)


def copied(data: bytes, window: Window, level: int = 0) -> bytes:
    return Jp2(Kept(Whole(data))).copy(window, level).file()


def assert_same(data: bytes, window: Window, level: int) -> None:
    found = pixels(copied(data, window, level), window, level)
    wanted = as_gdal_reads(data, window, level)[0][0]
    assert found is not None
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def aligned(window: Window, level: int) -> Window:
    """Return the window grown to whole pixels of an overview."""
    left, top = (side >> level << level for side in window[:2])
    return Window(left, top, *window[2:])


def test_there_is_an_openjpeg() -> None:
    """Without one, everything else would be right, and slow."""
    assert openjpeg._library() is not None


@pytest.mark.parametrize("kind", ONE_BAND)
@settings(max_examples=12)
@given(window=windows, level=st.sampled_from([0, 0, 0, 1, 2]))
def test_any_window_at_any_level(kind: str, window: Window, level: int) -> None:
    level = min(level, levels(ONE_BAND[kind]))
    assert_same(image(ONE_BAND[kind]), aligned(window, level), level)


@settings(max_examples=20)
@given(
    kind=st.fixed_dictionaries(
        {
            "tile": st.sampled_from([100, 128, 200, 1024]),
            "precinct": st.sampled_from([64, 128, 256]),
            "progression": st.sampled_from(["LRCP", "RLCP", "RPCL", "PCRL", "CPRL"]),
            "plt": st.sampled_from(["YES", "NO"]),
            "tlm": st.sampled_from(["YES", "NO"]),
            "resolutions": st.integers(2, 6),
            "reversible": st.sampled_from(["YES", "NO"]),
            "quality": st.sampled_from(["100", "20,100"]),
            "dtype": st.sampled_from(["uint8", "uint16"]),
        }
    ).map(lambda told: Kind(**told)),
    data=st.data(),
)
def test_any_image(kind: Kind, data) -> None:
    for _ in range(2):
        level = data.draw(st.integers(0, levels(kind)))
        assert_same(image(kind), aligned(data.draw(windows), level), level)


@pytest.mark.parametrize("together", [True, False])
@settings(max_examples=10)
@given(window=windows)
def test_tiles_in_several_parts(together: bool, window: Window) -> None:
    assert_same(divided(3, together), window, 0)


def test_a_codestream_without_boxes() -> None:
    data = image()
    raw, window = data[read_header(Whole(data))[0].layout.begin :], Window(300, 300, 400, 410)
    wanted = as_gdal_reads(data, window, 0)[0][0]
    np.testing.assert_array_equal(pixels(copied(raw, window), window), wanted)


def test_a_tile_in_a_hole_is_not_decoded() -> None:
    """OpenJPEG itself would return zeros, and say that all went well."""
    made = copied(image(), Window(300, 300, 310, 310))
    assert pixels(made, Window(300, 300, 310, 310)) is not None
    for window in (Window(0, 0, 5, 5), Window(300, 300, 600, 310), Window(0, 0, WIDTH, HEIGHT)):
        assert pixels(made, window) is None


@pytest.mark.parametrize("window", [Window(-1, 0, 9, 9), Window(9, 9, 9, 20), Window(0, 0, WIDTH + 1, 9)])  # fmt: skip
def test_windows_that_are_none(window: Window) -> None:
    assert pixels(copied(image(), Window(0, 0, 99, 99)), window) is None


def test_overviews_begin_at_whole_pixels() -> None:
    window = Window(130, 128, 190, 200)
    assert pixels(copied(image(), window, 2), window, 2) is None
    assert pixels(copied(image(), window, 1), window, 9) is None


def test_several_bands_are_left_to_gdal() -> None:
    window = Window(0, 0, 50, 50)
    assert pixels(copied(image(KINDS["true colour"]), window), window) is None


def test_signed_pixels_are_left_to_gdal() -> None:
    kind, window = Kind(dtype="int16"), Window(300, 300, 400, 400)
    assert as_gdal_reads(image(kind), window, 0)[0].dtype == "int16"
    assert pixels(copied(image(kind), window), window) is None


def test_only_copies_are_decoded() -> None:
    window = Window(10, 20, 30, 40)
    path = Copied("/vsimem/a.jp2")
    path.copy, path.ending = Jp2(Kept(Whole(image()))).copy(window), ".jp2"
    np.testing.assert_array_equal(decoded(path, window), as_gdal_reads(image(), window, 0)[0][0])
    assert decoded("/vsimem/a.jp2", window) is None


def test_without_a_library_gdal_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(10, 20, 30, 40)
    monkeypatch.setattr(openjpeg, "_library", lambda: None)
    assert pixels(copied(image(), window), window) is None


def test_many_threads_decode_at_once() -> None:
    chosen = [Window(left, 300, left + 150, 420) for left in range(0, 440, 10)]
    copies = [copied(image(), window) for window in chosen]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(pixels, copies, chosen))
    whole = as_gdal_reads(image(), Window(0, 0, WIDTH, HEIGHT), 0)[0][0]
    for window, got in zip(chosen, found, strict=True):
        np.testing.assert_array_equal(got, whole[300:420, window.left : window.right])


@settings(max_examples=200)
@given(
    damage=st.lists(st.tuples(st.integers(0, 2**20), st.binary(min_size=1, max_size=6)), min_size=1, max_size=3),
    cut=st.one_of(st.just(0), st.integers(1, 2_000)),
    window=windows,
)  # fmt: skip
def test_damage_gives_what_gdal_gives_or_nothing(damage, cut: int, window: Window) -> None:
    """GDAL decodes more of each tile, so it may refuse what is right in the window."""
    made = copied(image(), window)
    begins = read_header(Whole(made))[0].tiles_begin
    hurt = bytearray(made)
    for place, value in damage:
        at = begins + place % (len(made) - begins)
        hurt[at : at + len(value)] = value
    hurt = hurt[: len(made) - min(cut, len(made) - begins)]
    found = openjpeg.decode(
        np.frombuffer(bytes(hurt), np.uint8)[read_header(Whole(made))[0].layout.begin :],
        window,
        set(jp2._touched(read_header(Whole(made))[0], jp2.View(*window, 0))),
    )
    if found is None:
        return
    try:
        with (
            rasterio.Env(GDAL_NUM_THREADS="1"),
            MemoryFile(bytes(hurt), ext=".jp2") as memory,
            memory.open() as file,
        ):
            rows, columns = (window.top, window.bottom), (window.left, window.right)
            wanted = file.read(1, window=(rows, columns))
    except rasterio.errors.RasterioError:
        return
    np.testing.assert_array_equal(found, wanted)

"""Copies with holes of GeoTIFF: GDAL reads in them what it reads in the whole file."""

from __future__ import annotations

import contextlib
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from geodes_datalab.cubes.archive.ranges import Kept
from geodes_datalab.cubes.archive.tiff import Tiff
from geodes_datalab.cubes.archive.trouble import Unsuited
from geodes_datalab.cubes.archive.window import Window
from geodes_datalab.errors import ArchiveError

WIDTH, HEIGHT = 500, 410


class Kind(NamedTuple):
    """How an image is written."""

    options: tuple[tuple[str, object], ...] = ()
    bands: int = 1
    dtype: str = "uint16"
    overviews: tuple[int, ...] = ()
    mask: bool = False
    driver: str = "GTiff"


@cache
def image(kind: Kind) -> bytes:
    chance = np.random.default_rng(0)
    with MemoryFile(ext=".tif") as memory, rasterio.Env(GDAL_TIFF_INTERNAL_MASK="YES"):
        with memory.open(
            driver=kind.driver, width=WIDTH, height=HEIGHT, count=kind.bands, dtype=kind.dtype,
            crs="EPSG:32631", transform=from_origin(600_000, 4_900_020, 10, 10), nodata=0,
            **dict(kind.options),
        ) as target:  # fmt: skip
            pixels = chance.integers(0, 250, (kind.bands, HEIGHT, WIDTH))
            pixels[:, :200, :150] = 0
            target.write(pixels.astype(kind.dtype))
            if kind.mask:
                target.write_mask(chance.random((HEIGHT, WIDTH)) > 0.5)
            target.update_tags(PROCESSING="made by a test")
            if kind.overviews:
                target.build_overviews(kind.overviews)
        return bytes(memory.getbuffer())


def tiled(**options: object) -> tuple[tuple[str, object], ...]:
    return tuple({"tiled": True, "blockxsize": 64, "blockysize": 48, **options}.items())


KINDS = {
    "Theia": Kind(tiled(compress="deflate")),
    "uncompressed strips": Kind(),
    "deflated strips": Kind((("compress", "deflate"), ("blockysize", 7))),
    "one strip": Kind((("blockysize", HEIGHT),)),
    "predictor, zstd": Kind(tiled(compress="zstd", predictor=2)),
    "LZW, big-endian": Kind(tiled(compress="lzw", endianness="big")),
    "BigTIFF": Kind(tiled(bigtiff="YES")),
    "BigTIFF, big-endian": Kind(tiled(bigtiff="YES", endianness="big")),
    "floats": Kind(tiled(compress="deflate", predictor=3), dtype="float32"),
    "three bands, by pixel": Kind(tiled(interleave="pixel"), 3),
    "three bands, by band": Kind(tiled(interleave="band", compress="deflate"), 3),
    "JPEG with tables": Kind(tiled(compress="jpeg", photometric="ycbcr", blockysize=64), 3, "uint8"),
    "overviews": Kind(tiled(compress="deflate"), overviews=(2, 4, 7)),
    "mask and overviews": Kind(tiled(compress="deflate"), overviews=(2, 4), mask=True),
    "COG": Kind((("blocksize", 128), ("compress", "deflate"), ("overview_count", 2)), driver="COG"),
    "blocks that it never had": Kind(tiled(compress="deflate", sparse_ok=True)),
}  # fmt: skip
windows = st.builds(
    lambda left, top, wide, high: Window(left, top, min(left + wide, WIDTH), min(top + high, HEIGHT)),
    st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.integers(1, 200), st.integers(1, 200),
)  # fmt: skip


def as_gdal_reads(data: bytes, window: Window, level: int):
    options = {"overview_level": level - 1} if level else {}
    with MemoryFile(data, ext=".tif") as memory, memory.open(**options) as file:
        across, down = WIDTH / file.width, HEIGHT / file.height
        left, top = int(window.left / across), int(window.top / down)
        right, bottom = min(int(window.right / across) + 1, file.width), min(int(window.bottom / down) + 1, file.height)  # fmt: skip
        if not level:
            left, top, right, bottom = window
        place = ((top, bottom), (left, right))
        facts = (file.shape, file.transform, file.crs, file.nodata, file.dtypes, file.tags(), file.overviews(1), file.block_shapes)  # fmt: skip
        return file.read(window=place), file.read_masks(1, window=place), facts


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(window=windows, level=st.integers(0, 3))
def test_any_window_at_any_level(memory, kind: str, window: Window, level: int) -> None:
    data = image(KINDS[kind])
    with MemoryFile(data, ext=".tif") as whole, whole.open() as file:
        chosen = min(level, len(file.overviews(1)))
    first = Tiff(Kept(memory(data)))
    made = first.copy(window, chosen).file()
    wanted, got = as_gdal_reads(data, window, chosen), as_gdal_reads(made, window, chosen)
    np.testing.assert_array_equal(got[0], wanted[0])
    np.testing.assert_array_equal(got[1], wanted[1])
    assert got[2] == wanted[2]
    assert Tiff(Kept(memory(data)), first.note()).copy(window, chosen).file() == made


@pytest.mark.parametrize(
    "kind", [name for name in KINDS if name not in {"one strip", "JPEG with tables"}]
)
def test_holes_are_errors_and_no_zeros(memory, kind: str) -> None:
    made = Tiff(Kept(memory(image(KINDS[kind])))).copy(Window(0, 0, 5, 5)).file()
    with pytest.raises(rasterio.errors.RasterioIOError):
        as_gdal_reads(made, Window(WIDTH - 5, HEIGHT - 5, WIDTH, HEIGHT), 0)


def test_less_is_read_than_is_there(memory) -> None:
    data = image(KINDS["COG"])
    file = memory(data)
    Tiff(Kept(file)).copy(Window(300, 300, 310, 310)).file()
    assert file.received < len(data) / 5
    file = memory(data)
    Tiff(Kept(file), Tiff(Kept(memory(data))).note()).copy(Window(300, 300, 310, 310)).file()
    assert file.requests == 1


def test_the_header_can_be_opened_without_pixels(memory) -> None:
    made = Tiff(Kept(memory(image(KINDS["overviews"])))).skeleton()
    with MemoryFile(made, ext=".tif") as whole, whole.open() as opened:
        assert opened.shape == (HEIGHT, WIDTH)
        assert opened.overviews(1) == [2, 4, 7]
        assert opened.nodata == 0


def test_an_overview_that_is_not_there_is_left_to_gdal(memory) -> None:
    with pytest.raises(Unsuited):
        Tiff(Kept(memory(image(KINDS["Theia"])))).copy(Window(0, 0, 9, 9), 1).file()


@settings(max_examples=400)
@given(
    kind=st.sampled_from(["Theia", "BigTIFF", "overviews"]),
    damage=st.lists(st.tuples(st.integers(0, 2**16), st.binary(min_size=1, max_size=6)), min_size=1, max_size=3),
    window=windows,
)  # fmt: skip
def test_damage_gives_an_error_of_ours_or_a_copy(memory, kind: str, damage, window) -> None:
    hurt = bytearray(image(KINDS[kind]))
    for place, value in damage:
        begin = place % 1500
        hurt[begin : begin + len(value)] = value
    with contextlib.suppress(ArchiveError, Unsuited):
        Tiff(Kept(memory(bytes(hurt)))).copy(window).file()

"""Damage: what is read is what GDAL reads of the whole damaged file, or an error; never other pixels.

Where the damage lies beyond what is read, the pixels may be the undamaged ones though GDAL, which
reads all headers, fails. What neither can notice (entropy-coded data have no checksum) is read alike.
"""

from __future__ import annotations

import random
import struct
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest
import rasterio
from products import Whole
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import from_origin

from geodes_datalab.cubes.archive import jp2, tileparts
from geodes_datalab.cubes.archive.codestream import part_head, read_header
from geodes_datalab.cubes.archive.jp2 import Jp2
from geodes_datalab.cubes.archive.ranges import Kept
from geodes_datalab.cubes.archive.tiff import Tiff
from geodes_datalab.cubes.archive.trouble import Unsuited
from geodes_datalab.cubes.archive.window import Window
from geodes_datalab.errors import ArchiveError, ReadError

pytestmark = pytest.mark.filterwarnings(
    "ignore::rasterio.errors.NotGeoreferencedWarning",  # some damage hits the georeference
    "ignore::pytest.PytestUnraisableExceptionWarning",  # GDAL quotes damaged text, not all of it UTF-8
)
WIDTH, HEIGHT = 300, 260
WINDOWS = [(Window(70, 70, 150, 140), 0), (Window(120, 120, 135, 135), 0), (Window(0, 0, WIDTH, HEIGHT), 1)]  # fmt: skip
TIMES = 20
"""Damages for each region of each image."""

JP2: dict[str, dict[str, str]] = {
    "as Sentinel-2": {},
    "TLM": {"TLM": "YES"},
    "no PLT": {"PLT": "NO"},
    "by position": {"PROGRESSION": "PCRL"},
}
TIFF: dict[str, dict[str, Any]] = {
    "deflated": {"compress": "deflate"},
    "differences": {"compress": "deflate", "predictor": 2},
    "bands apart": {"count": 3, "interleave": "band", "compress": "zstd"},
    "BigTIFF": {"bigtiff": "YES"},
    "big-endian": {"endianness": "big", "compress": "lzw"},
}


@pytest.fixture(autouse=True)
def search_in_small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tileparts, "SMALL", 0)
    monkeypatch.setattr(jp2, "WORTH", 2_000)
    monkeypatch.setattr(jp2, "FEW", 300)


def pixels() -> np.ndarray:
    slopes = np.add.outer(np.arange(HEIGHT) * 7, np.arange(WIDTH) * 3)
    return (slopes + np.random.default_rng(0).integers(1, 300, slopes.shape)).astype("uint16")


@cache
def image(ending: str, kind: str) -> bytes:
    told = (
        {} if ending == ".jp2" else {"tiled": True, "blockxsize": 64, "blockysize": 48} | TIFF[kind]
    )
    count = told.pop("count", 1)
    with MemoryFile(ext=".tif") as memory, MemoryFile(ext=".jp2") as made:
        with memory.open(
            driver="GTiff", width=WIDTH, height=HEIGHT, count=count, dtype="uint16", nodata=0,
            crs="EPSG:32631", transform=from_origin(300_000, 4_900_020, 10, 10), **told,
        ) as target:  # fmt: skip
            target.write(np.stack([pixels()] * count))
            if ending == ".tif":
                target.build_overviews([2])
        if ending == ".tif":
            return bytes(memory.getbuffer())
        options = {
            "QUALITY": "100", "REVERSIBLE": "YES", "YCBCR420": "NO", "RESOLUTIONS": "3", "PLT": "YES",
            "BLOCKXSIZE": "64", "BLOCKYSIZE": "64", "PRECINCTS": "{32,32},{32,32},{32,32}",
            "CODEBLOCK_WIDTH": "16", "CODEBLOCK_HEIGHT": "16", "PROFILE": "UNRESTRICTED",
            "GMLJP2": "YES", "GeoJP2": "NO",
        }  # fmt: skip
        with memory.open() as source:
            copy(source, made.name, driver="JP2OpenJPEG", **(options | JP2[kind]))
        return bytes(made.getbuffer())


def regions(data: bytes) -> dict[str, list[tuple[int, int]]]:
    """Tell where each kind of bytes of a JPEG 2000 lies."""
    header, _ = read_header(Whole(data))
    place = header.layout.begin + 2
    found: dict[str, list[tuple[int, int]]] = {"boxes": [(0, header.layout.begin)]}
    for one in header.segments:
        found[f"main header {one.marker:x}"] = [(place, place + 4 + len(one.data))]
        place += 4 + len(one.data)
    while data[place : place + 2] == b"\xff\x90":
        length = struct.unpack_from(">L", data, place + 6)[0]
        head = part_head(data[place : place + length], length)
        assert head is not None
        for name, begin, end in (("SOT", 0, 12), ("PLT", 12, head.length), ("data", head.length, length)):  # fmt: skip
            found.setdefault(name, []).append((place + begin, place + end))
        place += length
    return found


def as_gdal_reads(data: bytes, ending: str, window: Window, level: int) -> tuple[Any, ...] | None:
    """Return pixels, masks and place; None where GDAL fails."""
    options = {"overview_level": level - 1} if level else {}
    try:
        with (
            rasterio.Env(GDAL_NUM_THREADS="1"),
            MemoryFile(data, ext=ending) as memory,
            memory.open(**options) as file,
        ):
            box = tuple(value >> level for value in window)
            place = ((box[1], box[3]), (box[0], box[2]))
            facts = file.shape, file.transform, str(file.crs), str(file.nodata), file.dtypes
            bands = range(1, min(file.count, 3) + 1)  # damaged files claim thousands
            return file.read(list(bands), window=place), file.read_masks(1, window=place), facts
    except (RasterioError, ValueError):
        return None


def as_we_read(data: bytes, ending: str, window: Window, level: int) -> tuple[Any, ...] | str:
    """Return the same of a copy; or who answers in its place."""
    try:
        kind = Jp2 if ending == ".jp2" else Tiff
        read = as_gdal_reads(
            kind(Kept(Whole(data))).copy(window, level).file(), ending, window, level
        )
    except (ArchiveError, ReadError):
        return "error"
    except Unsuited:
        return "GDAL"
    if read is not None and (read[2][2] == "None" or not 1 < abs(read[2][1].determinant) < 1e9):
        return "error"  # `views.placed` refuses a lost georeference; rasterio 1.4 makes numbers up
    return "GDAL" if read is None else read


def without_gdal(data: bytes, window: Window, level: int) -> np.ndarray | None:
    """Return pixels that are unpacked by ourselves."""
    try:
        return Tiff(Kept(Whole(data))).copy(window, level).pixels(window, level)
    except (ArchiveError, Unsuited):
        return None


def same(one: tuple[Any, ...], other: tuple[Any, ...] | None) -> bool:
    return other is not None and one[2] == other[2] and all(
        np.array_equal(a, b) for a, b in zip(one[:2], other[:2], strict=True)
    )  # fmt: skip


def judged(data: bytes, hurt: bytes, ending: str, chance: random.Random) -> str:
    """Compare, and fail on other pixels."""
    window, level = chance.choice(WINDOWS)
    unpacked = without_gdal(hurt, window, level) if ending == ".tif" else None
    if unpacked is not None:
        theirs = as_gdal_reads(hurt, ending, window, level)
        plain = as_gdal_reads(data, ending, window, level)
        assert any(
            one is not None and np.array_equal(unpacked, one[0][0]) for one in (theirs, plain)
        )
    ours = as_we_read(hurt, ending, window, level)
    if isinstance(ours, str):
        return ours
    theirs = as_gdal_reads(hurt, ending, window, level)
    if same(ours, theirs):
        return "the same"
    assert same(ours, as_gdal_reads(data, ending, window, level)), f"{window} at {level}"
    return "undamaged"


def hurt_byte(data: bytes, spans: list[tuple[int, int]], chance: random.Random) -> bytes:
    begin, end = chance.choice(spans)
    place, hurt = chance.randrange(begin, end), bytearray(data)
    hurt[place] = chance.choice(
        (0, 255, chance.randrange(256), hurt[place] ^ 1 << chance.randrange(8))
    )
    return bytes(hurt)


@pytest.mark.parametrize("kind", JP2)
def test_a_byte_anywhere_in_a_jpeg_2000(kind: str) -> None:
    chance, data = random.Random(kind), image(".jp2", kind)
    for name, spans in regions(data).items():
        seen = Counter(
            judged(data, hurt_byte(data, spans, chance), ".jp2", chance) for _ in range(TIMES)
        )
        assert seen.total() == TIMES, name
        assert name != "SOT" or seen["error"], "a lost tile must be noticed"


@pytest.mark.parametrize("kind", TIFF)
def test_a_byte_anywhere_in_the_header_of_a_geotiff(kind: str) -> None:
    """Data are left out: of damaged ones GDAL gives what lay in its memory, each time another."""
    chance, data = random.Random(kind), image(".tif", kind)
    first = min(min(int(one) for one in each.offsets) for each in Tiff(Kept(Whole(data)))._images)
    behind = max(
        int((each.offsets + each.counts).max()) for each in Tiff(Kept(Whole(data)))._images
    )
    spans = [span for span in ((0, 200), (0, first), (behind, len(data))) if span[0] < span[1]]
    seen = Counter(
        judged(data, hurt_byte(data, spans, chance), ".tif", chance) for _ in range(6 * TIMES)
    )
    assert seen["error"]
    assert seen["the same"]


@pytest.mark.parametrize("ending", [".jp2", ".tif"])
def test_files_that_break_off_or_have_holes(ending: str) -> None:
    chance, data = random.Random(ending), image(ending, "as Sentinel-2" if ending == ".jp2" else "BigTIFF")  # fmt: skip
    seen: Counter[str] = Counter()
    for _ in range(TIMES):
        place = chance.randrange(50, len(data))
        for hurt in (
            data[:place],
            data[:place] + bytes(len(data) - place),
            (data[:place] + bytes(4096) + data[place + 4096 :])[: len(data)],
        ):
            seen[judged(data, hurt, ending, chance)] += 1
    assert seen["error"]
    assert seen["the same"]


def test_zeros_for_packets_are_noticed() -> None:
    """A packet of zeros says that it is empty: GDAL then takes the next byte for the next packet."""
    data, window = image(".jp2", "as Sentinel-2"), WINDOWS[0][0]
    tile = regions(data)["data"][6]  # row 1, column 1: the window lies in it
    hurt = data[: tile[0]] + bytes(tile[1] - tile[0]) + data[tile[1] :]
    assert as_we_read(hurt, ".jp2", window, 0) == "GDAL"
    header, _ = read_header(Whole(data))
    contradicting = bytearray(data)
    contradicting[tile[0]] &= 0x7F
    assert as_we_read(bytes(contradicting), ".jp2", window, 0) == "error"
    assert header.tiles == 25


def test_an_image_that_begins_within_a_tile_is_refused() -> None:
    data = image(".jp2", "as Sentinel-2")
    header, _ = read_header(Whole(data))
    place = header.layout.begin + 2 + 4 + 2 + 8  # of XOsiz
    hurt = data[:place] + struct.pack(">L", 48) + data[place + 4 :]
    with pytest.raises(ReadError, match="begin before its image does"):
        Jp2(Kept(Whole(hurt)))


def test_fields_of_unknown_kinds_are_left_to_gdal() -> None:
    """GDAL passes over some and stops at others; a copy without them would be another image."""
    data = bytearray(image(".tif", "BigTIFF"))
    place = data.index(struct.pack("<HHQ", 258, 3, 1)) + 2
    data[place : place + 2] = b"\x63\x63"
    with pytest.raises(Unsuited, match="unknown kind"):
        Tiff(Kept(Whole(bytes(data))))

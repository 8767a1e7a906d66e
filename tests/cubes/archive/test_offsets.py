"""JPEG 2000 that begin elsewhere than their grid or their tiles do: OpenJPEG's own pixels, or an error."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from odc.geo.geobox import GeoBox
from odc.loader import RasterLoadParams
from products import PLACE, Whole
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from geodes_datalab.cubes.archive import openjpeg
from geodes_datalab.cubes.archive.codestream import read_header
from geodes_datalab.cubes.read.pixels import Source, read_pixels
from geodes_datalab.errors import ReadError

WIDTH, HEIGHT = 300, 260
MEMBER = "P.SAFE/IMG/B04.jp2"
PARAMS = RasterLoadParams("uint16", fill_value=0)


@cache
def image(block: int) -> bytes:
    slopes = np.add.outer(np.arange(HEIGHT) * 7, np.arange(WIDTH) * 3)
    noise = np.random.default_rng(0).integers(1, 300, slopes.shape)
    with MemoryFile(ext=".tif") as memory, MemoryFile(ext=".jp2") as made:
        with memory.open(
            driver="GTiff", width=WIDTH, height=HEIGHT, count=1, dtype="uint16", crs="EPSG:32631", transform=PLACE
        ) as target:  # fmt: skip
            target.write((slopes + noise).astype("uint16"), 1)
        options = {
            "QUALITY": "100", "REVERSIBLE": "YES", "RESOLUTIONS": "3", "PROFILE": "UNRESTRICTED",
            "GMLJP2": "YES", "GeoJP2": "NO", "BLOCKXSIZE": str(block), "BLOCKYSIZE": str(block),
        }  # fmt: skip
        with memory.open() as source:
            copy(source, made.name, driver="JP2OpenJPEG", **options)
        return bytes(made.getbuffer())


def moved(data: bytes, image: tuple[int, int], tiles: tuple[int, int]) -> bytes:
    """Return an image that begins elsewhere on its grid, and its tiles too; another picture then."""
    place = read_header(Whole(data))[0].layout.begin + 2 + 4 + 2
    hurt = bytearray(data)
    struct.pack_into(">2L", hurt, place + 8, *image)
    struct.pack_into(">2L", hurt, place + 24, *tiles)
    return bytes(hurt)


WAYS = ["disk", "plain disk", "server", "plain server"]


def decoded(data: bytes, original: bytes, begin: tuple[int, int], tiles: int, level: int) -> np.ndarray:  # fmt: skip
    layout = read_header(Whole(original))[0].layout
    code = np.frombuffer(data, np.uint8)[layout.begin : layout.end]
    found = openjpeg.decode(code, (*begin, WIDTH, HEIGHT), set(range(tiles)), level)
    assert found is not None
    return found


def paths(data: bytes, folder: Path, depot) -> dict[str, tuple[str, int]]:
    """Put an image everywhere: return GDAL's paths, and how many bytes the files have."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(MEMBER, data)
    (folder / "P.zip").write_bytes(stream.getvalue())
    (folder / "P.jp2").write_bytes(data)
    size = len(stream.getvalue())
    return {
        "disk": (f"/vsizip/{{{folder / 'P.zip'}}}/{MEMBER}", size),
        "server": (f"/vsizip/{{/vsicurl/{depot.put('P.zip', stream.getvalue())}}}/{MEMBER}", size),
        "plain disk": (str(folder / "P.jp2"), len(data)),
        "plain server": (f"/vsicurl/{depot.put('P.jp2', data)}", len(data)),
    }


@pytest.fixture
def read(depot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., np.ndarray]:
    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path / "cache"))

    def one(data: bytes, way: str, grid: GeoBox, part: GeoBox) -> np.ndarray:
        path, size = paths(data, tmp_path, depot)[way]
        return np.asarray(read_pixels(Source("P", "B04", path, size), PARAMS, part, grid)[1])

    return one


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("block", "begin", "tiles", "number"),
    [
        (64, (64, 64), (64, 64), 16),
        (64, (40, 40), (40, 40), 20),
        (512, (16, 8), (0, 0), 1),
        (512, (20, 20), (12, 4), 1),
    ],
)
def test_windows_and_overviews_are_what_openjpeg_decodes(
    read, *, way: str, block: int, begin: tuple[int, int], tiles: tuple[int, int], number: int
) -> None:
    """Where GDAL's blocks are the tiles, or all of the image is one."""
    data = moved(image(block), begin, tiles)
    grid = GeoBox((HEIGHT - begin[1], WIDTH - begin[0]), PLACE, "EPSG:32631")
    truth = decoded(data, image(block), begin, number, 0)
    np.testing.assert_array_equal(read(data, way, grid, grid), truth)
    np.testing.assert_array_equal(read(data, way, grid, grid[30:90, 50:120]), truth[30:90, 50:120])
    half = grid.zoom_out(2)
    truth = decoded(data, image(block), begin, number, 1)
    np.testing.assert_array_equal(read(data, way, grid, half), truth)
    np.testing.assert_array_equal(read(data, way, grid, half[10:40, 20:60]), truth[10:40, 20:60])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("view", ["window", "overview", "warped"])
def test_tiles_that_begin_before_the_image_are_refused(read, way: str, view: str) -> None:
    """GDAL would read other pixels, and say nothing."""
    data = moved(image(64), (62, 0), (0, 0))
    grid = GeoBox((HEIGHT, WIDTH - 62), PLACE, "EPSG:32631")
    window = grid[30:90, 50:120]
    views = {
        "window": window,
        "overview": grid.zoom_out(2),
        "warped": window.translate_pix(0.3, 0.4),
    }
    with pytest.raises(ReadError, match="XOsiz") as caught:
        read(data, way, grid, views[view])
    assert "opj_decompress" in str(caught.value.hint)


def test_gdal_still_reads_such_an_image_wrongly() -> None:
    """Should it be right some day, they need not be refused."""
    data = moved(image(64), (63, 0), (0, 0))
    truth = decoded(data, image(64), (63, 0), 25, 0)
    with MemoryFile(data, ext=".jp2") as memory, memory.open() as file:
        assert (file.read(1) != truth).any()

"""Files on servers as GDAL sees them: by requests of ours, little by little, of one version."""

from __future__ import annotations

import random
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from products import PLACE
from rasterio.io import MemoryFile

from geodes_datalab.cubes.archive import inflated, pages, served, whole
from geodes_datalab.cubes.archive.accounting import counted
from geodes_datalab.cubes.archive.copies import Place
from geodes_datalab.cubes.archive.directory import read_directory
from geodes_datalab.cubes.archive.inflated import Inflated
from geodes_datalab.cubes.archive.mounted import mounted
from geodes_datalab.cubes.archive.pages import PAGE, Pages
from geodes_datalab.cubes.archive.ranges import Span, part
from geodes_datalab.errors import ArchiveError, ReadError, ServiceError

DATA = random.Random(1).randbytes(50_000) + b"geodes" * 60_000 + random.Random(2).randbytes(90_000)
SIDE = 500


@pytest.fixture(scope="module")
def image() -> tuple[bytes, np.ndarray]:
    pixels = np.random.default_rng(0).integers(0, 9999, (SIDE, SIDE)).astype("uint16")
    with MemoryFile(ext=".tif") as memory:
        with memory.open(driver="GTiff", width=SIDE, height=SIDE, count=1, dtype="uint16", tiled=True,
                         blockxsize=128, blockysize=128, crs="EPSG:32631", transform=PLACE) as file:  # fmt: skip
            file.write(pixels, 1)
        return bytes(memory.getbuffer()), pixels


def opened(path: str) -> np.ndarray:
    with rasterio.open(path, sharing=False) as file:
        found: np.ndarray = file.read(1)
    return found


def packed(data: bytes) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.bin", data)
    return stream.getvalue()


spans = st.lists(
    st.tuples(st.integers(0, len(DATA)), st.integers(0, 60_000)).map(
        lambda pair: Span(pair[0], min(sum(pair), len(DATA)))
    ),
    max_size=8,
)


@given(wanted=spans)
def test_unpacked_members_are_files(memory: Any, wanted: list[Span]) -> None:
    """In any order, also backwards."""
    archive = memory(packed(DATA))
    entry = read_directory(archive).entries["a.bin"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inflated, "STEP", 10_000)
        patch.setattr(inflated, "MARK", 50_000)
        file = Inflated(archive, entry)
        assert file.parts(wanted) == [DATA[begin:end] for begin, end in wanted]


def test_the_begin_of_a_member_costs_the_begin(memory: Any) -> None:
    archive = memory(packed(random.Random(3).randbytes(5 * 2**20)))
    entry = read_directory(archive).entries["a.bin"]
    before = archive.received
    part(Inflated(archive, entry), 0, 100)
    assert archive.received - before < 1.1 * 2**20


@pytest.mark.parametrize("how", ["checksum", "stream", "size"])
def test_a_damaged_member_is_not_read_to_its_end(memory: Any, how: str) -> None:
    archive = memory(packed(DATA))
    entry = read_directory(archive).entries["a.bin"]
    if how == "checksum":
        entry = entry._replace(crc=zlib.crc32(DATA[1:]))
    elif how == "size":
        entry = entry._replace(size=len(DATA) - 1)
    else:
        archive.data = archive.data[:9_000] + b"\xff" * 900 + archive.data[9_900:]
    file = Inflated(archive, entry)
    with pytest.raises(ArchiveError):
        part(file, 0, file.size)


@given(wanted=spans)
def test_pages_are_the_file(memory: Any, wanted: list[Span]) -> None:
    inner = memory(DATA)
    file = Pages(inner)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "ROOM", 3)
        assert [file.read(*span) for span in wanted] == [DATA[begin:end] for begin, end in wanted]
        assert file.read(len(DATA) - 5, len(DATA) + 100) == DATA[-5:]
        assert file.read(len(DATA) + 5, len(DATA) + 100) == b""


def test_blocks_are_fetched_once_and_kept_within_bounds(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_recent", pages.Recent(100_000))
    inner, other = memory(DATA), memory(DATA[::-1])
    file, beside = Pages(inner), Pages(other)
    row = [Span(begin, begin + 20_000) for begin in range(0, 80_000, 20_000)]
    for wanted in (row[:2], row[:3], row):
        assert file.many(wanted) == [DATA[begin:end] for begin, end in wanted]
    assert inner.received == 80_000
    assert beside.many(row) == [DATA[::-1][begin:end] for begin, end in row]
    assert file.many(row) == [DATA[begin:end] for begin, end in row]
    assert inner.received == 140_000  # the other file took the room of three


def test_pages_come_in_few_requests(memory: Any) -> None:
    inner = memory(DATA)
    file = Pages(inner)
    for begin in range(0, len(DATA), 1000):
        file.read(begin, begin + 1000)
    assert inner.received == len(DATA)
    count = -(-len(DATA) // PAGE)
    seen = inner.requests
    assert seen <= count
    file.read(100, 200)
    assert inner.requests == seen


def test_gdal_reads_what_is_mounted(memory: Any, image: tuple[bytes, np.ndarray]) -> None:
    """Many files at a time, in many threads."""
    data, pixels = image

    def read(number: int) -> bool:
        with mounted(Pages(memory(data)), f"a file {number}.tif") as mount:
            return np.array_equal(opened(mount.path), pixels) and mount.failure is None

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(32)))


def test_what_goes_wrong_is_kept(image: tuple[bytes, np.ndarray], memory: Any) -> None:
    data, _ = image

    class Failing:
        size = len(data)

        def parts(self, spans: Any) -> list[bytes]:
            if any(span.end > 100_000 for span in spans):
                raise ServiceError("the server is gone")
            found: list[bytes] = memory(data).parts(spans)
            return found

    with mounted(Pages(Failing()), "a.tif") as mount:
        with pytest.raises(rasterio.errors.RasterioError):
            opened(mount.path)
        assert isinstance(mount.failure, ServiceError)
    with pytest.raises(rasterio.errors.RasterioError):
        opened(mount.path)  # it is there no more


def test_a_read_by_gdal_says_what_the_server_said(depot: Any, client: Any, image: Any) -> None:
    data, pixels = image
    place = Place(depot.put("a.tif", data), len(data), "")
    assert np.array_equal(served.through(client, place, opened), pixels)
    served.forget(place)
    depot.fault = lambda *_: (503, {}, b"")
    with pytest.raises(ServiceError, match="503"):
        served.through(client, place, opened)
    depot.fault = None
    with counted() as tally:
        assert np.array_equal(served.through(client, place, opened), pixels)
    assert tally.requests < 12
    with counted() as tally:
        assert np.array_equal(served.through(client, place, opened), pixels)
    assert tally.requests < 9  # its header is known


def test_a_silent_failure_is_one(depot: Any, client: Any, image: Any) -> None:
    """Also where GDAL, or who calls it, makes nothing of it."""
    data, _ = image
    depot.fault = lambda *_: (503, {}, b"")

    def careless(path: str) -> str:
        try:
            opened(path)
        except rasterio.errors.RasterioError:
            return "all is well"
        return "it was read"

    with pytest.raises(ServiceError, match="503"):
        served.through(client, Place(depot.put("a.tif", data), len(data), ""), careless)


def test_a_file_that_changes_is_read_anew(depot: Any, client: Any, image: Any) -> None:
    data, pixels = image
    place = Place(depot.put("a.tif", data, '"1"'), len(data), "")
    served.through(client, place, lambda path: rasterio.open(path).close())
    depot.put("a.tif", data + b"more", '"2"')
    assert np.array_equal(served.through(client, place, opened), pixels)


def test_the_catalogue_need_not_know_the_size(depot: Any, client: Any, image: Any) -> None:
    data, pixels = image
    for told in (None, len(data) + 7):
        place = Place(depot.put("a.tif", data), told, "")
        assert np.array_equal(served.through(client, place, opened), pixels)


def only_whole(begin: int, end: int, data: bytes) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, data


def test_whole_files_are_fetched_once(depot: Any, client: Any, image: Any) -> None:
    data, pixels = image
    depot.fault = only_whole
    place = Place(depot.put("a.tif", data), len(data), "")
    for _ in range(3):
        assert np.array_equal(served.through(client, place, opened), pixels)
    assert len(depot.spans) <= 3


def test_whole_files_have_their_limit(
    depot: Any, client: Any, image: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "LARGEST", 1000)
    depot.fault = only_whole
    with pytest.raises(ReadError, match="sends whole files only"):
        served.through(client, Place(depot.put("a.tif", image[0]), None, ""), opened)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("fault", [None, only_whole])
def test_members_are_read(
    depot: Any, client: Any, pack: Callable[..., bytes], image: Any, *, method: int, fault: Any
) -> None:
    data = pack({"x/a.tif": image[0], "b": b"b"}, method=method)
    depot.fault = fault
    place = Place(depot.put("P.zip", data), len(data), "x/a.tif")
    assert np.array_equal(served.through(client, place, opened), image[1])
    with pytest.raises(ArchiveError, match="has no member c"):
        served.through(client, place.__class__(place.url, place.size, "c"), opened)


def test_other_packings_are_named(depot: Any, client: Any, pack: Callable[..., bytes]) -> None:
    data = pack({"a.tif": b"abc"}, method=zipfile.ZIP_BZIP2)
    with pytest.raises(ArchiveError, match=r"a\.tif is packed by bzip2"):
        served.through(client, Place(depot.put("P.zip", data), len(data), "a.tif"), opened)


def test_a_process_that_read_so_ends(tmp_path: Any, image: Any) -> None:
    """GDAL outlives Python's functions by a moment."""
    (tmp_path / "a.tif").write_bytes(image[0])
    script = (
        "import sys, rasterio\n"
        "from pathlib import Path\n"
        "from geodes_datalab.cubes.archive.mounted import mounted\n"
        "from geodes_datalab.cubes.archive.pages import Pages\n"
        "from geodes_datalab.cubes.archive.ranges import FileBytes\n"
        "context = mounted(Pages(FileBytes(Path(sys.argv[1]))), 'a.tif')\n"
        "file = rasterio.open(context.__enter__().path)\n"
        "print(file.read(1).shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.tif")], capture_output=True, text=True)  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"({SIDE}, {SIDE})\n")

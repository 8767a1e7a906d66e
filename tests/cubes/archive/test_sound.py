"""Damage to an archive, wherever it hits, read from a server and from the disk: right pixels, or an error.

Images are small, so that they are read whole: of the windows of a large stored member, nobody can tell.
"""

from __future__ import annotations

import io
import os
import random
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odc.geo.geobox import GeoBox
from odc.loader import RasterLoadParams
from products import PLACE, UNREAD
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from geodes_datalab.cubes.archive import archives, members, store, unpacked
from geodes_datalab.cubes.archive.directory import TAIL, read_directory
from geodes_datalab.cubes.archive.jp2 import Jp2
from geodes_datalab.cubes.archive.members import stored
from geodes_datalab.cubes.archive.tiff import Tiff
from geodes_datalab.cubes.archive.window import Window
from geodes_datalab.cubes.read.pixels import Source, read_header, read_pixels
from geodes_datalab.errors import ArchiveError, GeodesError

WIDTH, HEIGHT = 96, 80
GRID = GeoBox((HEIGHT, WIDTH), PLACE, "EPSG:32631")
MEMBER = "P.SAFE/IMG/B04.jp2"
KINDS = ["stored jp2", "stored tif", "deflated tif", "deflated jp2", "descriptor", "zip64"]
WAYS = ["server", "disk"]
REGIONS = ["local header", "name", "data", "behind the data", "directory", "end"]
TIMES = 4
"""Damages to each region of each kind, read each way."""

pytestmark = pytest.mark.filterwarnings(
    "ignore::rasterio.errors.NotGeoreferencedWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


class Appended(io.RawIOBase):
    """A stream without places: zipfile writes a descriptor behind each member of it."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


@cache
def truth() -> np.ndarray:
    slopes = np.add.outer(np.arange(HEIGHT) * 7, np.arange(WIDTH) * 3)
    return (slopes + np.random.default_rng(0).integers(1, 300, slopes.shape)).astype("uint16")


@cache
def image(ending: str) -> bytes:
    with MemoryFile(ext=".tif") as memory, MemoryFile(ext=".jp2") as made:
        with memory.open(
            driver="GTiff", width=WIDTH, height=HEIGHT, count=1, dtype="uint16", crs="EPSG:32631", transform=PLACE
        ) as target:  # fmt: skip
            target.write(truth(), 1)
        if ending == "tif":
            return bytes(memory.getbuffer())
        with memory.open() as source:
            copy(
                source,
                made.name,
                driver="JP2OpenJPEG",
                QUALITY="100",
                REVERSIBLE="YES",
                RESOLUTIONS="3",
            )
        return bytes(made.getbuffer())


@cache
def packed(kind: str, name: str = MEMBER, comment: bytes = b"") -> bytes:
    data = image("jp2" if "jp2" in kind else "tif")
    method = zipfile.ZIP_STORED if "stored" in kind else zipfile.ZIP_DEFLATED
    stream = Appended() if kind == "descriptor" else io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("P.SAFE/a.xml", b"<a/>" * 20)
        with archive.open(zipped_info(name, method), "w", force_zip64=kind == "zip64") as member:
            member.write(data)
        archive.writestr("P.SAFE/b.xml", b"<b/>" * 20)
        archive.comment = comment
    return bytes(stream.data) if isinstance(stream, Appended) else stream.getvalue()


def zipped_info(name: str, method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = method
    return info


def places(data: bytes, region: str) -> range:
    """Return where a region of an archive lies."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry, after = archive.infolist()[1:3]
        directory = archive.start_dir
    begin = entry.header_offset
    content = begin + 30 + int.from_bytes(data[begin + 26 : begin + 28], "little")
    content += int.from_bytes(data[begin + 28 : begin + 30], "little")
    close = content + entry.compress_size
    return {
        "local header": range(begin, begin + 30),
        "name": range(begin + 30, content),
        "data": range(content, close),
        "behind the data": range(close, after.header_offset)
        or range(after.header_offset, directory),
        "directory": range(directory, len(data) - 22),
        "end": range(len(data) - 22, len(data)),
    }[region]


@pytest.fixture
def read(depot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Return a function that reads a member of an archive, and knows nothing of earlier ones."""
    for name, value in (("CACHE_DIR", tmp_path / "cache"), ("BACKOFF", "0.01"), ("RETRIES", "0")):
        monkeypatch.setenv(f"GEODES_{name}", str(value))
    asked = 0

    def one(data: bytes, way: str, *, header: bool = False, again: bool = False) -> Any:
        nonlocal asked
        asked += not again
        place = tmp_path / f"{asked}.zip"
        if way == "disk":
            place.write_bytes(data)
            path = f"/vsizip/{{{place}}}/{MEMBER}"
        else:
            path = f"/vsizip/{{/vsicurl/{depot.put(place.name, data)}}}/{MEMBER}"
        source = Source("P", "B04", path, len(data))
        if header:
            return read_header(source)
        return read_pixels(source, RasterLoadParams("uint16", fill_value=0), GRID, GRID)[1]

    return one


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_damage_anywhere_gives_right_pixels_or_an_error(read, kind: str, way: str) -> None:
    data, chance, seen = packed(kind), random.Random(f"{kind} {way}"), Counter()
    np.testing.assert_array_equal(read(data, way), truth())
    for region in REGIONS:
        where = places(data, region)
        for number in range(TIMES):
            hurt = bytearray(data)
            hurt[chance.choice(where)] ^= 1 << chance.randrange(8)
            cut = data[: chance.choice(where)]
            for damaged in (bytes(hurt), cut) if number == 0 else (bytes(hurt),):
                try:
                    pixels = read(damaged, way)
                except GeodesError as error:
                    seen["error" if error.hint else "an error that helps nobody"] += 1
                else:
                    np.testing.assert_array_equal(pixels, truth(), err_msg=region)
                    seen["right"] += 1
    assert set(seen) == {"error", "right"}
    assert seen["error"] >= 2 * TIMES


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("kind", ["stored jp2", "stored tif"])
def test_a_bit_of_a_long_member_that_is_read_whole_is_noticed(
    memory, monkeypatch: pytest.MonkeyPatch, *, kind: str, known: bool
) -> None:
    """Also where its header was read before; a JPEG 2000 takes no request more."""
    monkeypatch.setattr(members, "WHOLE", 0)
    data = packed(kind)
    place = places(data, "data")[-3000]
    hurt = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    make, whole = (Jp2 if "jp2" in kind else Tiff), Window(0, 0, WIDTH, HEIGHT)
    for held, sound in ((data, True), (hurt, False)):
        file = memory(held)
        entry = read_directory(file).entries[MEMBER]
        member, begins, seen = stored(file, entry, ahead=100)
        image = make(member)
        note = image.note()
        if known:
            member, _, seen = stored(file, entry, begins=begins)
            image = make(member, note)
            seen.note(0, image.head)
        image.copy(Window(0, 0, 9, 9))
        if "tif" in kind:
            seen.check()  # of a part, nothing is known
        image.copy(whole)
        before = file.requests
        if sound:
            seen.check()
        else:
            with pytest.raises(ArchiveError, match="checksum"):
                seen.check()
        assert file.requests - before <= ("tif" in kind)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize(("method", "says"), UNREAD)
def test_methods_that_are_not_read_are_named(
    read, *, way: str, header: bool, method: int, says: str
) -> None:
    data = bytearray(packed("deflated tif"))
    data[places(bytes(data), "local header")[8]] = method
    data[bytes(data).index(MEMBER.encode(), places(bytes(data), "directory")[0]) - 46 + 10] = method
    with pytest.raises(ArchiveError, match=says) as caught:
        read(bytes(data), way, header=header)
    assert "7z" in str(caught.value.hint)


@pytest.mark.parametrize("way", WAYS)
def test_an_encrypted_member_is_named(read, way: str) -> None:
    data = bytearray(packed("deflated tif"))
    data[places(bytes(data), "local header")[6]] |= 1
    data[bytes(data).index(MEMBER.encode(), places(bytes(data), "directory")[0]) - 46 + 8] |= 1
    with pytest.raises(ArchiveError, match="encrypted"):
        read(bytes(data), way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["stored jp2", "deflated tif"])
def test_a_name_that_begins_with_here(read, kind: str, way: str) -> None:
    data = packed(kind, f"./{MEMBER}")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert f"./{MEMBER}" in archive.namelist()
    np.testing.assert_array_equal(read(data, way), truth())


@pytest.mark.parametrize("name", ["../B04.jp2", "./../B04.jp2", "a/./B04.jp2", "././B04.jp2", "./"])
def test_other_steps_in_names_are_refused(memory, name: str) -> None:
    data = packed("stored tif", name)
    if name == "./":
        with pytest.raises(ArchiveError, match="folder with content"):
            read_directory(memory(data))
    else:
        with pytest.raises(ArchiveError, match="member of the name"):
            read_directory(memory(data))


def test_one_member_under_two_spellings_is_refused(memory) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("./", b"")
        archive.writestr("./a", b"1")
    assert list(read_directory(memory(stream.getvalue())).entries) == ["a"]
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("a", b"2")
    with pytest.raises(ArchiveError, match="same name"):
        read_directory(memory(stream.getvalue()))


ODD = b"PK\5\6" + bytes(16) + b"PK\1\2PK\3\4PK\6\7PK\6\6"


def comment(length: int) -> bytes:
    """Return a comment that is full of signatures, and ends with an archive's end of its own."""
    end = b"PK\5\6" + bytes(18)
    return ((ODD * (length // len(ODD) + 1))[: max(0, length - len(end))] + end)[-length:]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["stored jp2", "deflated tif"])
def test_the_longest_comment_full_of_signatures(read, kind: str, way: str) -> None:
    np.testing.assert_array_equal(read(packed(kind, MEMBER, comment(65_535)), way), truth())


@pytest.mark.parametrize("more", [-1, 0, 1, 21, 22, 23])
def test_comments_in_archives_of_about_the_size_that_is_read_first(memory, more: int) -> None:
    for length in (65_535, 30, 4):
        content = bytes(TAIL - length + more - 22 - 46 - 30 - 2)
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("a", content)
            archive.comment = comment(length)
        data = stream.getvalue()
        assert len(data) == TAIL + more
        assert list(read_directory(memory(data)).entries) == ["a"]


def test_other_data_in_front_is_told(memory, read) -> None:
    data = b"#!/bin/sh\nexit\n" + packed("stored tif")
    with pytest.raises(ArchiveError, match="by 15 bytes: other data may stand in front"):
        read_directory(memory(data))
    with pytest.raises(ArchiveError, match="other data may stand in front"):
        read(data, "disk")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("session", ["the same", "another"])
def test_a_member_in_the_cache_that_was_damaged_since_is_unpacked_anew(
    read, tmp_path: Path, way: str, session: str
) -> None:
    """In the same session by who wrote to it; in another, also where a disk lost a bit."""
    data = packed("deflated tif")
    np.testing.assert_array_equal(read(data, way), truth())
    (path,) = (tmp_path / "cache" / "members").iterdir()
    state, hurt = path.stat(), bytearray(path.read_bytes())
    hurt[len(hurt) // 2] ^= 1
    path.write_bytes(hurt)
    if session == "another":
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
        store._sound.clear()
    np.testing.assert_array_equal(read(data, way, again=True), truth())
    assert zlib.crc32(path.read_bytes()) == zlib.crc32(image("tif"))


@pytest.mark.parametrize("kind", ["stored jp2", "stored tif", "deflated tif"])
def test_notes_that_were_damaged_are_not_believed(read, tmp_path: Path, kind: str) -> None:
    """Of directories and of members: as if there were none."""
    data, chance = packed(kind), random.Random(kind)
    read(data, "server")
    for damage in range(6):
        for path in (tmp_path / "cache" / "archives-known").iterdir():
            hurt = bytearray(path.read_bytes())
            if damage == 0:
                hurt.clear()
            elif damage < 3:
                del hurt[chance.randrange(len(hurt)) :]
            else:
                hurt[chance.randrange(len(hurt))] ^= 1 << chance.randrange(8)
            path.write_bytes(hurt)
        archives._known.clear()
        np.testing.assert_array_equal(read(data, "server", again=True), truth())


def test_notes_of_another_key_are_not_believed(read, tmp_path: Path) -> None:
    for kind in ("stored jp2", "deflated tif"):
        read(packed(kind), "server")
    known = sorted((tmp_path / "cache" / "archives-known").iterdir())
    contents = [path.read_bytes() for path in known]
    for path, other in zip(known, contents[1:] + contents[:1], strict=True):
        path.write_bytes(other)
    archives._known.clear()
    np.testing.assert_array_equal(read(packed("deflated tif"), "server", again=True), truth())


@pytest.mark.parametrize("way", WAYS)
def test_what_cannot_be_kept_is_checked_all_the_same(
    read, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache's disk is full: GDAL unpacks what it needs, but nothing of what is damaged."""
    monkeypatch.setattr(unpacked, "SPARE", 2**62)
    data = packed("deflated tif")
    if way == "disk":
        np.testing.assert_array_equal(read(data, way), truth())
    hurt = bytearray(data)
    hurt[places(data, "data")[-100]] ^= 1
    with pytest.raises(ArchiveError, match=r"checksum|unpacked|end where"):
        read(bytes(hurt), way)

"""Directories of zip archives: all that zipfile reads is read the same, all that lies is refused."""

from __future__ import annotations

import contextlib
import io
import itertools
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodes_datalab.cubes.archive import directory
from geodes_datalab.cubes.archive.directory import read_directory
from geodes_datalab.errors import ArchiveError

SMALL = {
    "P.SAFE/a.xml": b"<a/>" * 50,
    "P.SAFE/IMG/T31_B04.jp2": bytes(range(256)) * 40,
    "empty": b"",
}


def judged(data: bytes) -> dict[str, tuple[int, int, int, int, int]]:
    """Return what Python's own module reads."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            one.filename: (one.compress_type, one.CRC, one.compress_size, one.file_size, one.header_offset)
            for one in archive.infolist() if not one.is_dir()
        }  # fmt: skip


def ours(file) -> dict[str, tuple[int, int, int, int, int]]:
    entries = read_directory(file).entries
    return {name: (one.method, one.crc, one.packed, one.size, one.offset) for name, one in entries.items()}  # fmt: skip


class Unseekable(io.RawIOBase):
    """A stream that zipfile can only append to: it writes data descriptors behind members."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.data += data
        return len(data)


@pytest.mark.parametrize("comment", [b"", b"made by hand", b"PK\5\6" * 9, b"x" * 65_535])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_as_zipfile_reads_it(memory, pack, method: int, comment: bytes) -> None:
    data = pack(SMALL, method=method, comment=comment)
    file = memory(data)
    assert ours(file) == judged(pack(SMALL, method=method))  # zipfile itself trips over "PK" in it
    assert file.requests == 1


def test_data_descriptors(memory) -> None:
    stream = Unseekable()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in SMALL.items():
            archive.writestr(name, content)
    data = bytes(stream.data)
    assert b"PK\7\10" in data
    assert ours(memory(data)) == judged(data)


def test_zip64_numbers_and_names_in_other_alphabets(memory) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        with archive.open("größe/été.bin", "w", force_zip64=True) as member:
            member.write(b"abc" * 1000)
        archive.mkdir("folder")
    data = stream.getvalue()
    assert ours(memory(data)) == judged(data)
    assert list(read_directory(memory(data)).entries) == ["größe/été.bin"]


class Sparse:
    """A file of which only the end is written out."""

    def __init__(self, size: int, tail: bytes) -> None:
        self.size, self._tail = size, tail

    def parts(self, spans):
        start = self.size - len(self._tail)
        found = []
        for begin, end in spans:
            zeros = max(0, min(end, start) - begin)
            found.append(bytes(zeros) + self._tail[max(0, begin - start) : max(0, end - start)])
        return found


def test_an_archive_of_six_gigabytes() -> None:
    packed, offset = 5 * 2**30, 100
    extra = struct.pack("<2H2Q", 1, 16, packed, packed)
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 0, 0, 0, 7, 0xFFFFFFFF, 0xFFFFFFFF, 5, len(extra), 0, 0, 0, 0, offset
    ) + b"a.jp2" + extra  # fmt: skip
    where = offset + 30 + 5 + packed + 2**30
    big = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(entry), where)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, where + len(entry), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), 0xFFFFFFFF, 0)
    tail = entry + big + locator + end
    found = read_directory(Sparse(where + len(tail), tail)).entries["a.jp2"]
    assert (found.size, found.offset, found.end) == (packed, offset, where)


def test_70000_members(memory, pack) -> None:
    data = pack({f"{number}": b"" for number in range(70_000)})
    file = memory(data)
    assert ours(file) == judged(data)
    assert file.requests == 2


def first(data: bytes) -> int:
    return data.index(b"PK\1\2")


def patched(data: bytes, place: int, value: bytes) -> bytes:
    return data[:place] + value + data[place + len(value) :]


LIES = {
    "not a zip": lambda data: b"<html>" * 1000,
    "empty": lambda data: b"",
    "no end": lambda data: data[:-5],
    "behind other data": lambda data: b"#!/bin/sh\n" + data,
    "something after it": lambda data: data + b"x",
    "a member too many": lambda data: patched(data, len(data) - 12, b"\4\0"),
    "several disks": lambda data: patched(data, len(data) - 18, b"\1\0"),
    "a name that climbs": lambda data: data.replace(b"P.SAFE/a.xml", b"../../a.xml1"),
    "an absolute name": lambda data: data.replace(b"P.SAFE/a.xml", b"/etc/passwdd"),
    "a name with a zero": lambda data: data.replace(b"P.SAFE/a.xml", b"P.SAFE/a.\0ml"),
    "a name of Windows": lambda data: data.replace(b"P.SAFE/a.xml", b"P.SAFE\\a.xml"),
    "one name twice": lambda data: twice(),
    "a stored member that grows": lambda data: patched(data, first(data) + 24, b"\xff\xff\0\0"),
    "a member beyond the end": lambda data: patched(data, first(data) + 20, b"\xff\xff\xff\x7f" * 2),
    "members that overlap": lambda data: patched(data, second(data) + 42, b"\1\0\0\0"),
    "a zip64 member without numbers": lambda data: patched(data, first(data) + 20, b"\xff" * 8),
    "a directory elsewhere": lambda data: patched(data, len(data) - 6, b"\0\0\0\0"),
}  # fmt: skip


def second(data: bytes) -> int:
    return data.index(b"PK\1\2", first(data) + 4)


def twice() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    return stream.getvalue()


@pytest.mark.parametrize("lie", LIES)
def test_lies_are_refused(memory, pack, lie: str) -> None:
    data = LIES[lie](pack(SMALL))
    with pytest.raises(ArchiveError, match="the archive is broken"):
        read_directory(memory(data))


def test_a_bomb_is_refused(memory, pack) -> None:
    data = pack({"bomb": b"\0" * 200_000}, method=zipfile.ZIP_DEFLATED)
    place = first(data) + 24
    with pytest.raises(ArchiveError, match="would become"):
        read_directory(memory(patched(data, place, (2**31).to_bytes(4, "little"))))


def test_a_directory_beyond_measure_is_not_fetched(
    memory, monkeypatch: pytest.MonkeyPatch, pack
) -> None:
    monkeypatch.setattr(directory, "LARGEST", 100)
    file = memory(pack(SMALL))
    with pytest.raises(ArchiveError, match="beyond measure"):
        read_directory(file)
    assert file.requests == 1


@settings(max_examples=400)
@given(
    damage=st.lists(
        st.tuples(st.integers(0, 2**16), st.binary(min_size=1, max_size=8)), max_size=4
    ),
    cut=st.integers(0, 60),
)
def test_any_damage_gives_an_error_or_a_sound_directory(memory, pack, damage, cut: int) -> None:
    data = pack(SMALL, method=zipfile.ZIP_DEFLATED, comment=b"c" * 10)
    for place, value in damage:
        data = patched(data, place % len(data), value)
    data = data[: len(data) - cut]
    try:
        found = read_directory(memory(data)).entries
    except ArchiveError:
        return
    spans = sorted((one.offset, one.offset + one.packed) for one in found.values())
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))
    assert all(0 <= begin <= end <= len(data) for begin, end in spans)


@settings(max_examples=300)
@given(data=st.binary(max_size=400))
def test_any_bytes_at_all(memory, data: bytes) -> None:
    with contextlib.suppress(ArchiveError):
        read_directory(memory(data))

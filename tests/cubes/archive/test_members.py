"""Members: where their bytes begin, and unpacking the deflated ones."""

from __future__ import annotations

import io
import random
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from products import UNREAD

from geodes_datalab.cubes.archive import members
from geodes_datalab.cubes.archive.directory import read_directory
from geodes_datalab.cubes.archive.members import stored, unpack
from geodes_datalab.cubes.archive.ranges import part
from geodes_datalab.cubes.archive.trouble import Unsuited
from geodes_datalab.errors import ArchiveError

NOISE = random.Random(2).randbytes(50_000)
SMALL = {"a.xml": b"<a/>" * 5000, "b.jp2": NOISE, "nothing": b""}


def unpacked(file, name: str) -> bytes:
    into = io.BytesIO()
    unpack(file, read_directory(file).entries[name], into)
    return into.getvalue()


def test_stored_members_come_with_their_beginning(memory, pack) -> None:
    file = memory(pack(SMALL))
    entries = read_directory(file).entries
    for name, data in SMALL.items():
        before = file.requests
        member = stored(file, entries[name], ahead=1000).file
        assert part(member, 0, min(1000, len(data))) == data[:1000]
        assert file.requests == before + 1
        assert part(member, 0, len(data)) == data
    known = stored(file, entries["b.jp2"], begins=entries["b.jp2"].offset + 30 + 5).file
    assert part(known, 10, 20) == NOISE[10:20]


@pytest.mark.parametrize("step", [1 << 22, 1000, 1])
def test_deflated_members_are_unpacked(
    memory, pack, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "STEP", step)
    content = {name: data[:3000] for name, data in SMALL.items()}
    file = memory(pack(content, method=zipfile.ZIP_DEFLATED))
    for name, data in content.items():
        assert unpacked(file, name) == data


def test_a_long_extra_field_in_a_members_own_header(memory) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        info = zipfile.ZipInfo("a")
        info.extra = struct.pack("<2H", 0x9999, 3000) + bytes(3000)
        archive.writestr(info, NOISE)
    file = memory(stream.getvalue())
    member = stored(file, read_directory(file).entries["a"], ahead=10).file
    assert part(member, 5, 50) == NOISE[5:50]


def damaged(data: bytes, place: int, value: bytes) -> bytes:
    return data[:place] + value + data[place + len(value) :]


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (0, b"XX", "does not begin"),
        (8, b"\1\0", "is called"),
        (30, b"z", "is called"),
        (28, b"\xff\xff", "overlaps"),
    ],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_headers_that_contradict_the_directory(memory, pack, *, method: int, place: int, value: bytes, says: str) -> None:  # fmt: skip
    file = memory(damaged(pack(SMALL, method=method), place, value))
    entry = read_directory(file).entries["a.xml"]
    with pytest.raises(ArchiveError, match=says):
        unpack(file, entry, io.BytesIO()) if method else stored(file, entry)


@pytest.mark.parametrize(("method", "says"), UNREAD)
def test_other_ways_of_packing_are_named(memory, pack, method: int, says: str) -> None:
    data = pack(SMALL, method=zipfile.ZIP_DEFLATED)
    file = memory(data)
    entry = read_directory(file).entries["b.jp2"]._replace(method=method)
    for read in (lambda: stored(file, entry), lambda: unpack(file, entry, io.BytesIO())):
        with pytest.raises(ArchiveError, match=says) as caught:
            read()
        assert "7z" in str(caught.value.hint)


def test_encrypted_members_are_named(memory, pack) -> None:
    file = memory(pack(SMALL))
    entry = read_directory(file).entries["b.jp2"]._replace(encrypted=True)
    with pytest.raises(ArchiveError, match="encrypted"):
        stored(file, entry)
    with pytest.raises(ArchiveError, match="encrypted"):
        unpack(file, entry, io.BytesIO())


def test_what_is_deflated_is_not_read_in_place(memory, pack) -> None:
    file = memory(pack(SMALL, method=zipfile.ZIP_DEFLATED))
    with pytest.raises(Unsuited, match="packed"):
        stored(file, read_directory(file).entries["b.jp2"])


@settings(max_examples=150)
@given(place=st.integers(0, 49_000), value=st.binary(min_size=1, max_size=4))
def test_damage_in_a_deflated_member_is_found(memory, pack, place: int, value: bytes) -> None:
    whole = pack({"a": NOISE}, method=zipfile.ZIP_DEFLATED)
    hurt = damaged(whole, 31 + place, value)
    file = memory(hurt)
    if hurt == whole:
        assert unpacked(file, "a") == NOISE
    else:
        with pytest.raises(ArchiveError):
            unpacked(file, "a")


def test_a_member_that_is_longer_than_told_stops_early(memory, pack) -> None:
    """What is written stays within what the directory told."""
    data = pack({"a": b"\0" * 10_000_000}, method=zipfile.ZIP_DEFLATED)
    place = data.index(b"PK\1\2") + 24
    file = memory(damaged(data, place, (1000).to_bytes(4, "little")))
    into = io.BytesIO()
    with pytest.raises(ArchiveError, match="checksum"):
        unpack(file, read_directory(file).entries["a"], into)
    assert into.tell() <= 1000

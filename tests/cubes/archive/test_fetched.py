"""Archives fetched whole: bounded, and never taken from under who reads or will read them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from select import select

import numpy as np
import pytest
import rasterio
from support.file_server import serving
from support.waiting import minutes

from geodes_datalab import _http
from geodes_datalab.config import load
from geodes_datalab.cubes.archive import archives, fetched
from geodes_datalab.cubes.plan import locate
from geodes_datalab.cubes.read import pixels as reading
from geodes_datalab.errors import ServerQuirk
from geodes_datalab.stac.downloads import digests

SIZE = 1000
HOLDER = """
import sys
from pathlib import Path
from geodes_datalab.cubes.archive import fetched
with fetched.held(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def shelf(tmp_path: Path) -> list[Path]:
    """Return archives, from that used longest ago."""
    made = []
    for number in range(5):
        path = fetched.folder(tmp_path) / f"md5-{number}" / "P.zip"
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(SIZE))
        aged(path, 10_000 - number)
        made.append(path)
    return made


def aged(path: Path, seconds: float) -> None:
    when = time.time() - seconds
    os.utime(path, (when, when))


def test_what_was_used_longest_ago_goes(shelf: list[Path], tmp_path: Path) -> None:
    fetched.make_room(tmp_path, limit=2 * SIZE, lately=3600)
    assert [path.exists() for path in shelf] == [False, False, False, True, True]
    assert not shelf[0].parent.exists()
    fetched.make_room(tmp_path, limit=2 * SIZE, lately=3600)
    assert shelf[3].exists()


def test_what_was_used_lately_stays(shelf: list[Path], tmp_path: Path) -> None:
    """A cube that is not computed yet refers to it."""
    fetched.used(shelf[0])
    fetched.make_room(tmp_path, limit=0, lately=3600)
    assert [path.exists() for path in shelf] == [True, False, False, False, False]


def test_what_another_process_reads_stays(shelf: list[Path], tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(shelf[0]), str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert select([other.stdout], [], [], minutes(2))[0]
        assert other.stdout.readline() == "held\n"
        aged(shelf[0], 20_000)
        fetched.make_room(tmp_path, limit=0, lately=3600)
        assert [path.exists() for path in shelf] == [True, False, False, False, False]
        other.communicate("\n", timeout=minutes(2))
    aged(shelf[0], 20_000)
    fetched.make_room(tmp_path, limit=0, lately=3600)
    assert not shelf[0].exists()


def test_many_processes_make_room_at_once(shelf: list[Path], tmp_path: Path) -> None:
    code = "import sys; from geodes_datalab.cubes.archive import fetched; fetched.make_room(sys.argv[1], limit=2500, lately=3600)"
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(4)]
    assert [one.wait(minutes(5)) for one in running] == [0] * 4
    assert shelf[4].exists()
    assert not shelf[0].exists()


def test_reading_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path))
    path = fetched.folder(tmp_path) / "md5" / "P.zip"
    path.parent.mkdir(parents=True)
    with rasterio.MemoryFile(ext=".tif") as memory:
        with memory.open(driver="GTiff", width=4, height=3, count=1, dtype="uint8", crs="EPSG:32631",
                         transform=rasterio.Affine(10, 0, 0, 0, -10, 0)) as target:  # fmt: skip
            target.write(np.ones((1, 3, 4), "uint8"))
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.tif", bytes(memory.getbuffer()))
    aged(path, 10_000)

    def read(inside: str) -> tuple[int, int]:
        fetched.make_room(tmp_path, limit=0, lately=0)  # another process would be told the same
        with rasterio.open(inside) as file:
            return file.shape

    source = reading.Source("P", "B04", f"/vsizip/{{{path}}}/a.tif")
    assert reading._guarded(source, read) == (3, 4)
    assert time.time() - path.stat().st_mtime < 1000
    fetched.make_room(tmp_path, limit=0, lately=0)
    assert not path.exists()


def test_other_files_are_not_touched(tmp_path: Path) -> None:
    """The user's own folder of downloads is no cache."""
    own = tmp_path / "own" / "P.zip"
    own.parent.mkdir()
    own.write_bytes(b"")
    aged(own, 10_000)
    before = own.stat().st_mtime
    with fetched.held(own, tmp_path / "cache"):
        pass
    assert own.stat().st_mtime == before
    fetched.make_room(tmp_path / "none", limit=0, lately=0)


def a_zip(path: Path, method: int = zipfile.ZIP_STORED) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.bin", bytes(range(256)) * 40)


def hurt(path: Path) -> None:
    """Flip a bit as a disk does: the size and the time stay."""
    state, data = path.stat(), bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def another_session() -> None:
    digests._known.clear()
    fetched._noted.clear()
    archives._directory.cache_clear()


@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize("told", ["size", "nothing", "md5"])
def test_one_that_was_damaged_since_is_not_intact(
    tmp_path: Path, told: str, *, noted: bool
) -> None:
    """By the digest that is told or was noted; else by the checksums of what is in it."""
    path = fetched.folder(tmp_path) / "md5" / "P.zip"
    a_zip(path)
    size, md5 = path.stat().st_size, digests.digest(path)
    asset = {"size": {"file:size": size}, "nothing": {}, "md5": {"geodes:md5": md5}}[told]
    if noted:
        fetched.keep_note(path)
    another_session()
    assert fetched.intact(path, asset)
    assert fetched.intact(path, asset)
    another_session()
    hurt(path)
    assert not fetched.intact(path, asset)
    if told != "md5":
        for note in (tmp_path / "archives-known").iterdir():
            note.write_bytes(note.read_bytes()[:-1])
        another_session()
        assert not fetched.intact(path, asset)


def test_one_that_was_damaged_since_is_fetched_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the catalogue tells its size alone, and by a size nothing would be noticed."""
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    a_zip(tmp_path / "own.zip")
    content = (tmp_path / "own.zip").read_bytes()
    with serving() as server:
        server.files["/P.zip"], server.ranges = content, False
        asset = {"href": f"{server.url}/P.zip", "title": "P.zip", "type": "application/zip",
                 "file:size": len(content)}  # fmt: skip
        with _http.Client(load(cache_dir=tmp_path / "cache", dialect="stac")) as client:
            with pytest.warns(ServerQuirk, match="whole archives"):
                first = locate.Finder(client).locate(asset, "*.bin")
            (path,) = fetched.folder(tmp_path / "cache").glob("*/P.zip")
            assert str(path.resolve()) in first
            hurt(path)
            asked = len(server.asked)
            another_session()
            with pytest.warns(ServerQuirk, match="whole archives"):
                assert locate.Finder(client).locate(asset, "*.bin") == first
            assert len(server.asked) > asked
            assert path.read_bytes() == content
            asked = len(server.asked)
            another_session()
            assert locate.Finder(client).locate(asset, "*.bin") == first
            assert len(server.asked) == asked

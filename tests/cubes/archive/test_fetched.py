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
from support.waiting import minutes

from geodes_datalab.cubes import reading
from geodes_datalab.cubes.archive import fetched

SIZE = 1000
HOLDER = """
import sys
from geodes_datalab.cubes.archive import fetched
with fetched.held(sys.argv[1], sys.argv[2]):
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
    command = [sys.executable, "-c", HOLDER, f"/vsizip/{{{shelf[0]}}}/a.tif", str(tmp_path)]
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
    for path in (
        f"/vsizip/{{{own}}}/a.tif",
        str(own),
        "/vsizip/{/vsicurl/https://a.example/b}/a.tif",
    ):
        with fetched.held(path, tmp_path / "cache"):
            pass
    assert own.stat().st_mtime == before
    fetched.make_room(tmp_path / "none", limit=0, lately=0)

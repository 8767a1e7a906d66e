"""Downloads that are killed, cut, or find another version: run again, they end with the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from support.file_server import Server, long_ago, serving
from support.waiting import eventually, minutes

import geodes_datalab as gd
from geodes_datalab.errors import ServiceError
from geodes_datalab.stac.downloads import marks

OLD = random.Random(1).randbytes(400_000)
NEW = random.Random(2).randbytes(400_000)  # of the same length: nothing but its bytes tells
TOLD = ("all", "size", "nothing")

SCRIPT = """
import json, os, signal, sys
import geodes_datalab as gd
from geodes_datalab.stac.downloads import job
from geodes_datalab.stac.downloads import marks
from geodes_datalab.stac.downloads import transfer
transfer.CHUNK = 10_000
at, phase = int(sys.argv[2]), sys.argv[3]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if phase == "written":
    seen = job.Watch.at
    def watched(self, path, position):
        if position >= at:
            die()
        seen(self, path, position)
    job.Watch.at = watched
elif phase == "begun":  # the lock is held, and nothing is written
    transfer._fetch = die
elif phase == "emptied":  # the old bytes are gone, and the new version is not noted
    os.truncate = lambda path, size, cut=os.truncate: (cut(path, size), die())
elif phase == "noted":  # the new version is noted, and no byte is written
    marks.write = lambda path, note, write=marks.write: (write(path, note), die())
elif phase == "received":  # all is there, and not looked at
    transfer._fault = die
elif phase == "verified":  # ... and it has not got its name
    type(job.Path()).replace = die
elif phase == "renamed":
    rename = type(job.Path()).replace
    type(job.Path()).replace = lambda path, target: (rename(path, target), die())
print(*gd.download(json.loads(sys.stdin.readline()), sys.argv[1], assets="data"))
"""
PHASES = ("begun", "emptied", "noted", "received", "verified", "renamed")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving() as found:
        found.files["/B04.tif"] = OLD
        monkeypatch.setenv("GEODES_PORTAL", found.url)
        monkeypatch.setenv("GEODES_BACKOFF", "0")
        yield found


def described(server: Server, told: str, content: bytes = OLD) -> dict[str, Any]:
    facts: dict[str, Any] = {"href": f"{server.url}/B04.tif", "roles": ["data"]}
    if told != "nothing":
        facts["file:size"] = len(content)
    if told == "all":
        facts["geodes:md5"] = hashlib.md5(content).hexdigest()
    return {"type": "Feature", "id": "one", "properties": {}, "assets": {"data": facts}}


def started(item: dict[str, Any], folder: Path, at: int = 0, phase: str = "never") -> Any:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), str(at), phase],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps(item) + "\n")
    process.stdin.flush()
    return process


def kill_at(item: dict[str, Any], folder: Path, at: int, phase: str) -> None:
    process = started(item, folder, at, phase)
    process.communicate(timeout=minutes(2))
    assert process.returncode == -signal.SIGKILL


def again(item: dict[str, Any], folder: Path) -> str:
    """Run the same line again, and name what is left then: that file, and nothing half done."""
    (path,) = gd.download(item, folder, assets="data")
    assert [one for one in folder.rglob("*") if one.is_file()] == [path]
    assert path == folder / "B04.tif"
    return named(path.read_bytes())


def named(content: bytes) -> str:
    """Name bytes: pytest takes minutes to show how long ones differ."""
    known = {OLD: "old", NEW: "new"}
    return known.get(content) or f"{len(content)} other bytes, beginning with {content[:20]!r}"


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("manner", ["tags", "dates", "plain", "no-ranges"])
def test_kill_at_any_byte(server: Server, tmp_path: Path, told: str, manner: str) -> None:
    server.tags, server.ranges = manner == "tags", manner != "no-ranges"
    server.dates = long_ago() if manner == "dates" else None
    item = described(server, told)
    dice = random.Random(f"{told} {manner}")
    for run in range(2):
        folder = tmp_path / str(run)
        at = dice.randrange(1, len(OLD))
        kill_at(item, folder, at, "written")
        left = (folder / "B04.tif.part").read_bytes()
        assert OLD.startswith(left)
        server.asked.clear()
        assert again(item, folder) == "old"
        proved = told == "all" or manner in ("tags", "dates")
        if left and proved:
            assert server.asked[0]["range"] == f"bytes={len(left)}-"
        else:  # nothing would prove that the bytes are of one version
            assert "range" not in server.asked[0]


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("phase", PHASES)
def test_kill_in_any_phase(server: Server, tmp_path: Path, told: str, phase: str) -> None:
    server.tags = True
    item = described(server, told)
    kill_at(item, tmp_path, 0, phase)
    assert again(item, tmp_path) == "old"


@pytest.mark.parametrize("told", ["size", "nothing"])
@pytest.mark.parametrize("phase", ["written", "emptied", "noted", "received", "verified"])
def test_a_second_kill_while_a_new_version_comes(
    server: Server, tmp_path: Path, told: str, phase: str
) -> None:
    server.tags = True
    item = described(server, told)
    kill_at(item, tmp_path, 200_000, "written")
    server.files["/B04.tif"] = NEW
    kill_at(item, tmp_path, 50_000, phase)
    assert again(item, tmp_path) == "new"


@pytest.mark.parametrize("told", ["size", "nothing"])
@pytest.mark.parametrize("manner", ["tags", "weak", "dates", "just-now", "plain"])
@pytest.mark.parametrize("conditions", [True, False], ids=["if-range", "no-if-range"])
@pytest.mark.parametrize("noted", [True, False], ids=["noted", "not-noted"])
def test_an_old_part_never_becomes_a_mixture(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    told: str,
    manner: str,
    conditions: bool,
    noted: bool,
) -> None:
    """The file is changed after the process was killed, or the connection cut for good."""
    server.tags, server.weak = manner in ("tags", "weak"), manner == "weak"
    server.dates = {"dates": long_ago(), "just-now": formatdate(usegmt=True)}.get(manner)
    if manner == "just-now":  # however slow the machine: the server answers in that second
        now = server.dates
        monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda *_: now)
    server.conditions = conditions
    item = described(server, told)
    server.cut = lambda number: 150_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEODES_RETRIES", "0")
        if not noted:
            patch.setattr(marks, "_MOST", 0)
        with pytest.raises(ServiceError):
            gd.download(item, tmp_path, assets="data")
    assert (tmp_path / "B04.tif.part").stat().st_size > 100_000
    server.files["/B04.tif"] = NEW
    if manner == "dates":
        server.dates = formatdate(1_650_000_000, usegmt=True)
    server.cut = lambda number: None
    assert again(item, tmp_path) == "new"


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("manner", ["tags", "plain"])
@pytest.mark.parametrize("conditions", [True, False], ids=["if-range", "no-if-range"])
def test_a_change_between_two_tries_of_one_run(
    server: Server, tmp_path: Path, told: str, manner: str, conditions: bool
) -> None:
    server.tags, server.conditions = manner == "tags", conditions
    item = described(server, told, NEW)

    def change(number: int) -> int | None:  # what is sent was read before
        server.files["/B04.tif"] = NEW
        return None if number else 150_000

    server.cut = change
    assert again(item, tmp_path) == "new"


@pytest.mark.parametrize("told", ["size", "nothing"])
def test_a_part_of_unknown_origin_is_not_believed(
    server: Server, tmp_path: Path, told: str
) -> None:
    server.tags = True
    (tmp_path / "B04.tif.part").write_bytes(NEW[:100_000])
    assert again(described(server, told), tmp_path) == "old"
    (tmp_path / "B04.tif").unlink()
    (tmp_path / "B04.tif.part").write_bytes(NEW)  # as long as it should be
    assert again(described(server, told), tmp_path) == "old"


@pytest.mark.parametrize("told", TOLD)
def test_parts_that_are_shorter_than_asked(server: Server, tmp_path: Path, told: str) -> None:
    """A server that never sends more than a tenth at a time owes the rest; each part is progress."""
    server.tags, server.most = True, 30_000
    server.cut = lambda number: None if number else 100_000
    assert again(described(server, told), tmp_path) == "old"
    assert len(server.asked) > 10


@pytest.mark.parametrize("told", TOLD)
def test_an_end_that_is_a_cut_is_noticed(server: Server, tmp_path: Path, told: str) -> None:
    """Without a length, a connection that breaks looks like the end of the file."""
    server.length, server.tags = False, True
    server.cut = lambda number: None if number else 150_000
    assert again(described(server, told), tmp_path) == "old"


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("breaks", [0, 1])
def test_files_packed_for_the_way_are_kept_unpacked(
    server: Server, tmp_path: Path, told: str, breaks: int
) -> None:
    server.packed, server.tags = True, True
    server.cut = lambda number: 100_000 if number < breaks else None
    assert again(described(server, told), tmp_path) == "old"


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("length", [True, False])
def test_files_that_are_packed_by_themselves_stay_so(
    server: Server, tmp_path: Path, told: str, length: bool
) -> None:
    """Servers that take the ending of a name for a packing on the way."""
    packed = gzip.compress(b"table" * 100, mtime=0)
    item = described(server, told, packed)
    item["assets"]["data"]["href"] = f"{server.url}/table.csv.gz"
    server.files["/table.csv.gz"] = b"table" * 100
    server.packed, server.length = True, length
    (path,) = gd.download(item, tmp_path, assets="data")
    assert path.read_bytes() == packed


@pytest.mark.parametrize("told", TOLD)
def test_two_processes_at_once_of_which_one_is_killed(
    server: Server, tmp_path: Path, told: str
) -> None:
    server.tags = True
    item = described(server, told)
    first = started(item, tmp_path, 200_000, "written")
    others = [started(item, tmp_path) for _ in range(2)]
    paths = {process.communicate(timeout=minutes(2))[0].strip() for process in others}
    first.communicate(timeout=minutes(2))
    assert first.returncode in (-signal.SIGKILL, 0)  # one of the others may have fetched it
    assert paths == {str(tmp_path / "B04.tif")}
    assert again(item, tmp_path) == "old"


@pytest.mark.parametrize("told", ["size", "nothing"])
def test_two_processes_of_two_files_of_one_name(server: Server, tmp_path: Path, told: str) -> None:
    """Both find the name free; whoever comes second goes elsewhere."""
    halves = [described(server, told), described(server, told, NEW)]
    halves[1]["id"] = "two"
    halves[1]["assets"]["data"]["href"] = f"{server.url}/2/B04.tif"
    server.files["/2/B04.tif"] = NEW
    gate = threading.Event()
    server.pause = lambda sent: gate.wait(minutes(1)) and None
    first = started(halves[0], tmp_path)
    eventually(lambda: bool(server.asked), "the first is on its way")
    second = started(halves[1], tmp_path)
    # patience: the second has chosen its name by then
    threading.Timer(3.0, gate.set).start()
    paths = [Path(one.communicate(timeout=minutes(2))[0].strip()) for one in (first, second)]
    assert [named(path.read_bytes()) for path in paths] == ["old", "new"]
    assert paths == [tmp_path / "B04.tif", tmp_path / "two" / "B04.tif"]

"""How full a home is: real files, real volumes, a real user server."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.waiting import eventually, minutes
from user_server import server

from geodes_datalab.hub import load
from geodes_datalab.hub.steps.homes import size
from geodes_datalab.hub.steps.homes import variable as told_variable
from geodes_datalab.hub.steps.singleuser import LAB, environment
from geodes_datalab.server.home_usage import TOLD, VARIABLE
from geodes_datalab.server.home_usage.look import HomeLook, Told, mounted_alone
from geodes_datalab.server.home_usage.measure import Pace, measure
from geodes_datalab.server.start.rescue import LINK
from geodes_datalab.server.start.rescue import VARIABLE as RESCUE

QUICK = Pace(share=1.0)
NAMESPACE = (
    ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--mount"]
)
PROBE = [*NAMESPACE, "mount", "-t", "tmpfs", "none", tempfile.gettempdir()]
MOUNTS = shutil.which("unshare") and not subprocess.run(PROBE, capture_output=True).returncode
needs_mounts = pytest.mark.skipif(
    not MOUNTS,
    reason="nothing can be mounted here: unshare (Debian: util-linux) and mount must work",
)


def du(folder: Path) -> int:
    """What the system's own program says."""
    done = subprocess.run(
        ["du", "--summarize", "--block-size=1", "--one-file-system", str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout.split()[0])


def filled(folder: Path) -> Path:
    """A home with all that disturbs counting: links of both kinds, holes, a FIFO, odd names."""
    (folder / "deep/er/and/deeper").mkdir(parents=True)
    (folder / "deep/er/data.bin").write_bytes(os.urandom(300_000))
    os.link(folder / "deep/er/data.bin", folder / "again.bin")
    (folder / "away").symlink_to("/usr")
    (folder / "round").symlink_to(folder)
    (folder / "broken").symlink_to("nowhere")
    with (folder / "hole").open("wb") as file:
        file.truncate(10**9)
    os.mkfifo(folder / "fifo")
    (folder / os.fsdecode(b"caf\xe9 \n")).write_text("x")
    return folder


def test_a_home_is_measured_as_du_does(tmp_path: Path) -> None:
    home = filled(tmp_path)
    found = measure(home, QUICK)
    assert found.bytes == du(home)
    assert found.complete
    listed = subprocess.run(["find", str(home), "-printf", "%i\\n"], capture_output=True, text=True)
    assert found.files == len(set(listed.stdout.split()))
    assert found.bytes < 10**9, "a hole takes no space"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    files=st.dictionaries(
        st.lists(st.sampled_from(["a", "b", "ü"]), min_size=1, max_size=4).map("/".join),
        st.integers(0, 20_000),
        max_size=12,
    )
)
def test_any_tree_is_measured_as_du_does(files: dict[str, int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        for path, length in files.items():
            place = Path(name, path)
            if not place.exists() and all(not parent.is_file() for parent in place.parents):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(b"x" * length)
        assert measure(Path(name), QUICK).bytes == du(Path(name))


def test_a_link_in_the_place_of_a_home_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to("/usr/bin")
    found = measure(tmp_path / "home", QUICK)
    assert (found.bytes, found.files, found.complete) == (0, 0, False)


def test_a_folder_swapped_for_a_link_meanwhile_is_not_followed(tmp_path: Path) -> None:
    """Between the listing of a folder and the visit of those in it there is time for an exchange."""
    home, other = tmp_path / "home", tmp_path / "other"
    (home / "sub/inner").mkdir(parents=True)
    (other / "inner").mkdir(parents=True)
    (other / "inner/large").write_bytes(os.urandom(500_000))
    (home / "sub/inner/small").write_bytes(b"x")

    class Swap(threading.Event):
        done = False

        def wait(self, timeout: float | None = None) -> bool:  # the pause of the measurement
            if not self.done and (home / "sub").exists():
                self.done = True
                (home / "sub").rename(tmp_path / "kept")
                (home / "sub").symlink_to(other)
            return False

    found = measure(home, Pace(share=0.5, batch=2), Swap())
    assert found.bytes < 500_000
    assert not found.complete


def test_a_part_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    path = tmp_path
    for _ in range(60):  # longer than a path may be
        path = path / ("x" * 100)
    opened = os.open(tmp_path, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("x" * 100, dir_fd=opened)
        below = os.open("x" * 100, os.O_RDONLY, dir_fd=opened)
        os.close(opened)
        opened = below
    os.close(opened)
    try:
        assert not measure(tmp_path, QUICK).complete
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / ("x" * 100))], check=True)


def test_measuring_sleeps_most_of_the_time_and_ends(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / str(number)).touch()

    class Clock(threading.Event):
        """Counts pauses instead of sleeping."""

        def __init__(self) -> None:
            super().__init__()
            self.pauses: list[float] = []
            self.slept = 0.0

        def wait(self, timeout: float | None = None) -> bool:
            self.pauses.append(timeout or 0)
            before = time.monotonic()
            ended = super().wait(0.002)  # patience: a pause that is counted, no limit
            self.slept += time.monotonic() - before
            return ended

    clock = Clock()
    found = measure(tmp_path, Pace(share=0.1, batch=10), clock)
    assert len(clock.pauses) == 20
    assert found.complete
    work = found.seconds - clock.slept
    assert sum(clock.pauses) == pytest.approx(9 * work, rel=0.5), "nine parts of ten are rest"
    bounded = measure(tmp_path, Pace(share=0.1, batch=10, seconds=minutes(0)), Clock())
    assert not bounded.complete
    assert bounded.files <= 12
    clock.set()
    assert measure(tmp_path, Pace(batch=10), clock).files <= 12, "it ends when it is asked to"


def test_a_shared_volume_is_measured_once_in_the_background(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    home = filled(tmp_path / "home")
    slow = HomeLook(home, Told(own=True, limit=10**6), Pace(share=0.001, batch=1))
    first = slow.tell()
    assert (first["used"], first["measuring"]) == (None, True), "nobody waits for it"
    look = HomeLook(home, Told(own=True, limit=10**6, minutes=60), QUICK)
    look.tell()
    assert look.wait(minutes(1))
    told = look.tell()
    assert told["used"] == du(home), "a folder of a large disk is no volume of one's own"
    assert told["limit"] == 10**6
    assert told["complete"] is True
    (home / "more").write_bytes(os.urandom(100_000))
    assert look.tell(anew=True)["used"] == told["used"], "measured a moment ago"
    assert look.tell()["measuring"] is False
    assert datetime.fromisoformat(told["measured"]).tzinfo is not None


@pytest.mark.parametrize(
    ("limit", "level"), [(None, "ok"), (10**9, "ok"), (330_000, "high"), (1000, "full")]
)
def test_the_level_follows_the_limit(tmp_path: Path, limit: int | None, level: str) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/data").write_bytes(os.urandom(300_000))
    look = HomeLook(tmp_path / "home", Told(limit=limit), QUICK)
    look.tell()
    look.wait(minutes(1))
    assert look.tell()["level"] == level


ASK = """
import json, pathlib, sys
from geodes_datalab.server.home_usage.look import HomeLook, Told
home = pathlib.Path(sys.argv[1])
(home / "data").write_bytes(b"x" * int(sys.argv[2]))
print(json.dumps(HomeLook(home, Told(own=True, limit=int(sys.argv[3]))).tell()))
"""


@needs_mounts
@pytest.mark.parametrize(
    ("promised", "inodes", "level", "files"),
    [
        (16 << 20, 0, "ok", None),
        (1 << 20, 0, "ok", None),  # enlarged since: it is the whole file system
        (16 << 20, 3, "full", 3),
    ],
    ids=["as-promised", "enlarged", "files"],
)
def test_a_volume_of_ones_own_is_asked(
    tmp_path: Path, promised: int, inodes: int, level: str, files: int | None
) -> None:
    """A tmpfs stands for the claim: a file system of a size, with its root mounted."""
    home = tmp_path / "home"
    home.mkdir()
    options = f"size=16m,nr_inodes={inodes}" if inodes else "size=16m"
    before = f'mount -t tmpfs -o {options} none {home}; if [ {inodes} = 3 ]; then touch {home}/a; fi; exec "$@"'
    done = subprocess.run(
        [
            *NAMESPACE,
            "sh",
            "-ec",
            before,
            "sh",
            sys.executable,
            "-c",
            ASK,
            str(home),
            str(2 << 20),
            str(promised),
        ],
        capture_output=True,
        text=True,
        timeout=minutes(2),
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["files"], told["files_limit"]) == (files, files)
    assert told["level"] == level
    assert (told["used"], told["limit"]) == (2 << 20, 16 << 20)
    assert told["measuring"] is False


def test_only_a_disk_of_ones_own_counts_as_one(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    line = "36 35 98:0 {} {} rw,noatime master:1 - {} /dev/x rw\n"
    for root, kind, alone in (
        ("/", "ext4", True),
        ("/pvc-1", "ext4", False),  # a folder of the node's disk
        ("/", "nfs4", False),
        ("/", "fuse.s3fs", False),
    ):
        table.write_text(line.format(root, r"/home/a\040b", kind))
        assert mounted_alone(Path("/home/a b"), table) is alone, (root, kind)
    table.write_text(line.format("/", "/h", "ext4") + line.format("/x", "/h", "ext4"))
    assert not mounted_alone(Path("/h"), table), "the later mount is what one sees"
    assert not mounted_alone(Path("/h"), tmp_path / "nowhere")


def test_in_rescue_mode_the_true_home_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "true").mkdir()
    (tmp_path / "true/data").write_bytes(os.urandom(700_000))
    (tmp_path / "rescue").mkdir()
    (tmp_path / "rescue" / LINK).symlink_to(tmp_path / "true")
    look = HomeLook.from_environment({"HOME": str(tmp_path / "rescue"), RESCUE: "full"})
    look.tell()
    look.wait(minutes(1))
    assert look.tell()["used"] == du(tmp_path / "true")


def test_a_home_that_is_gone_is_told(tmp_path: Path) -> None:
    told = HomeLook(tmp_path / "gone").tell()
    assert told["level"] == "unknown"
    assert told["error"] == os.strerror(errno.ENOENT)


@pytest.mark.parametrize("text", ["", "no", "[]", '{"limit": "x"}', '{"minutes": null}'])
def test_what_the_hub_told_may_be_unreadable(text: str) -> None:
    assert Told.read(text) == Told()


def test_a_user_server_tells_and_asking_is_no_use_of_it(tmp_path: Path) -> None:
    with server(tmp_path, **{VARIABLE: '{"limit": 50000000000}'}) as ask:

        def measured() -> Any:
            told = ask("GET", "/geodes-datalab/home")
            return told if told["used"] is not None else None

        told = eventually(measured, "the home is measured").value
        assert told["used"] == pytest.approx(du(tmp_path), rel=0.2)
        assert told["limit"] == 50_000_000_000
        before = ask("GET", "/api/status?no_track_activity=1")["last_activity"]
        for method in ("GET", "POST"):
            ask(method, "/geodes-datalab/home")
        assert ask("GET", "/api/status?no_track_activity=1")["last_activity"] == before
        stranger = ask.raw("GET", "/geodes-datalab/home", headers={"Authorization": ""})
        assert stranger.status_code == 403


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    with server(tmp_path, **{VARIABLE: "off"}) as ask:
        assert ask.raw("GET", "/geodes-datalab/home").status_code == 404


def test_the_lab_is_given_the_module() -> None:
    module = (LAB / "data/labextensions/geodes-datalab/static/home.js").read_text()
    assert f'"{TOLD}"' in module
    assert "no_track_activity=1" in module
    extensions = json.loads((LAB / "jupyter_server_config.d/geodes_datalab.json").read_text())
    assert extensions["ServerApp"]["jpserver_extensions"]["geodes_datalab.server.home_usage"]


@pytest.mark.parametrize(
    ("home", "usage", "own", "limit"),
    [
        ({}, {}, True, 10 << 30),
        ({"capacity": "2.5G"}, {}, True, 2_500_000_000),
        ({"type": "static", "static": {"pvc_name": "homes"}}, {}, False, None),
        ({"type": "static", "static": {"pvc_name": "homes"}}, {"quota": "20Gi"}, False, 20 << 30),
        ({"type": "none", "none": {"size_limit": "512Mi"}}, {}, False, 512 << 20),
    ],
    ids=["claims", "size", "shared", "quota", "none"],
)
def test_servers_are_told_what_was_promised(
    pods: dict[str, Any], home: Any, usage: Any, own: bool, limit: int | None
) -> None:
    pods["singleuser"]["storage"] = home
    pods["homes"] = {"usage": {"every_minutes": 30, **usage}}
    told = json.loads(environment(load(pods))[VARIABLE])
    assert told == {"own": own, "limit": limit, "minutes": 30}


def test_local_servers_are_told_too(values: dict[str, Any]) -> None:
    assert json.loads(told_variable(load(values)))["own"] is False
    values["homes"] = {"usage": {"enabled": False}}
    assert environment(load(values))[VARIABLE] == "off"


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("1", 1),
        ("1k", 1000),
        ("1Ki", 1024),
        ("0.5Mi", 1 << 19),
        ("3E", 3 * 10**18),
        ("2Pi", 2 << 50),
        ("1500m", 2),
    ],
)
def test_quantities(text: str, bytes_: int) -> None:
    assert size(text) == bytes_

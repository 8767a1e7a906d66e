from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from support.waiting import minutes

from geodes_datalab.hub import pids


@pytest.fixture
def sleeper() -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def test_a_process_is_known_by_number_and_start(sleeper: subprocess.Popen[bytes]) -> None:
    mark = pids.started(sleeper.pid)
    assert pids.runs(sleeper.pid, mark)
    assert not pids.runs(os.getpid(), mark)
    assert not pids.runs(sleeper.pid, "")


def test_a_stranger_is_never_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    """A recycled number: the process runs, but it is not the one that was meant."""
    assert not pids.send(sleeper.pid, "another-boot/1", signal.SIGKILL)
    assert sleeper.poll() is None
    assert pids.send(sleeper.pid, pids.started(sleeper.pid), signal.SIGKILL)
    assert sleeper.wait(timeout=minutes(1)) == -signal.SIGKILL


def test_a_zombie_does_not_run(sleeper: subprocess.Popen[bytes]) -> None:
    mark = pids.started(sleeper.pid)
    os.kill(sleeper.pid, signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet collected
    assert not pids.runs(sleeper.pid, mark)


def test_nobody_has_number_zero() -> None:
    assert pids.started(0) == ""
    assert not pids.send(0, "", signal.SIGTERM)


def test_marks_without_proc(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other systems than Linux ask psutil."""
    monkeypatch.setattr(pids, "_boot_id", lambda: "")
    mark = pids.started(sleeper.pid)
    assert pids.runs(sleeper.pid, mark)
    sleeper.kill()
    sleeper.wait()
    assert not pids.runs(sleeper.pid, mark)

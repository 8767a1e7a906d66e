"""Tiers side by side: each under its own overseer, which ends what is its own and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from gate import alone
from support.waiting import eventually, minutes

ROOT = Path(__file__).parents[2]
# Two lanes as the gate runs them, and its way to stop: a stand-in for `make` is all that is not real.
LANES = """
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from gate import alone
alone.heed_interrupts()
def run(name):
    return alone.run(["sh", "-c", Path(name).read_text()], seconds=300, variables={}, log=Path(name + ".log"))
try:
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(run, name) for name in ("a", "b")]
        print([end.result().left for end in ends])
except (KeyboardInterrupt, alone.Stopped):
    print("stopped")
"""


@pytest.fixture(autouse=True)
def gate_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / ".ci"))


@pytest.fixture
def lanes(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "a").write_text("(setsid sleep 601 &); sleep 0.2\n")
    (tmp_path / "b").write_text(
        "trap 'touch tidied; exit 1' INT; touch began; while ! [ -e go ]; do sleep 0.1; done; "
        "(setsid sleep 602 &); sleep 0.2\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", LANES], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_exit_code_output_and_variables(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    ended = alone.run(
        ["sh", "-c", "echo $COLOUR; echo wrong >&2; exit 7"],
        seconds=minutes(1),
        variables={"COLOUR": "blue"},
        log=log,
    )
    assert (ended.code, ended.cut_off, ended.left) == (7, False, ())
    assert log.read_text() == "blue\nwrong\n"
    assert "| blue\n" in capfd.readouterr().out


def test_half_a_line_is_kept_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The dots of a long row of tests must not look like a hang."""
    log, go = tmp_path / "log", tmp_path / "go"
    command = ["sh", "-c", f"printf ...; until [ -e {go} ]; do sleep 0.1; done; printf 'é\\377'"]
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(alone.run, command, seconds=minutes(1), variables={}, log=log)
        eventually(lambda: log.read_text() == "...", "the dots")
        go.touch()
        ended.result()
    assert capfd.readouterr().out.endswith("| ...é\ufffd\n")


def test_what_is_past_its_time_is_stopped(tmp_path: Path) -> None:
    ended = alone.run(
        ["sleep", "600"],
        seconds=0.5,  # patience: the limit is what is tested
        variables={},
        log=tmp_path / "log",
    )
    assert ended.cut_off


def test_a_lane_leaves_the_other_alone(lanes: subprocess.Popen[str], tmp_path: Path) -> None:
    """What the first leaves behind is ended while the second still runs."""
    log = tmp_path / "a.log"
    eventually((tmp_path / "began").exists, "the second lane")
    eventually(lambda: log.exists() and not named("601"), "the end of the first")
    (tmp_path / "go").touch()
    out, _ = lanes.communicate(timeout=minutes(2))
    assert out.splitlines()[-1] == "[('sleep',), ('sleep',)]"


def test_ctrl_c_stops_both_lanes_and_lets_them_tidy_up(
    lanes: subprocess.Popen[str], tmp_path: Path
) -> None:
    eventually((tmp_path / "began").exists, "the second lane")
    os.kill(lanes.pid, signal.SIGINT)
    out, _ = lanes.communicate(timeout=minutes(2))
    assert out.splitlines()[-1] == "stopped"
    assert (tmp_path / "tidied").exists()
    assert not named("601")


def named(argument: str) -> list[int]:
    """Return the processes of this name that were started here: their parents are gone."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] == ["sleep", argument]
    ]

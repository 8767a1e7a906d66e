"""A tier is stopped as by Ctrl-C, and nothing that it started outlives it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.waiting import minutes

ROOT = Path(__file__).parents[2]
PLAY = """
import json, sys
from gate import processes
processes.adopt()
ended = processes.run(sys.argv[2:], seconds=float(sys.argv[1]), variables={"COLOUR": "blue"}, tidy=60)
print(json.dumps([ended.code, ended.cut_off, ended.left]))
"""
# A daemon that gave up its session, its environment and its parent, and writes its number.
DAEMON = "env -i setsid sh -c 'echo $$ >>{file}; exec {program}' & "


def play(seconds: float, *command: str) -> tuple[int, bool, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PLAY, str(seconds), *command],
        env={"PYTHONPATH": str(ROOT / ".ci"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(json.loads(done.stdout.splitlines()[-1]))  # type: ignore[return-value]


def ended(file: Path) -> bool:
    numbers = [int(line) for line in file.read_text().split()]
    return bool(numbers) and not any(map(psutil.pid_exists, numbers))


def test_the_exit_code_and_the_variables() -> None:
    assert play(minutes(5), "sh", "-c", '[ "$COLOUR" = blue ] && exit 7') == (7, False, [])


def test_a_command_past_its_time_may_tidy_up(tmp_path: Path) -> None:
    program = (
        "trap 'kill $!; sleep 0.5; touch \"$0/tidied\"; exit 3' INT\n"
        'touch "$0/began"; sleep 600 & wait\n'
    )
    code, cut_off, left = play(5, "sh", "-c", program, str(tmp_path))
    assert (tmp_path / "began").exists()
    assert (tmp_path / "tidied").exists(), "SIGINT, and time to follow it"
    assert cut_off
    assert code == 3
    assert left == []


def test_orphans_that_end_meanwhile_are_gone(tmp_path: Path) -> None:
    """Tests ask whether what they stopped is gone: nobody but the adopter can reap it."""
    file = tmp_path / "numbers"
    start = DAEMON.format(file=file, program="sleep 0.1")
    wait = f"while ! [ -s {file} ]; do sleep 0.1; done"
    gone = f"while kill -0 $(cat {file}) 2>/dev/null; do sleep 0.1; done"
    assert play(minutes(5), "sh", "-c", f"({start}); {wait}; {gone}; exit 7") == (7, False, [])


@pytest.mark.parametrize(
    "program", ["sleep 600", 'sh -c "trap : TERM; while :; do sleep 1; done"'], ids=["mild", "deaf"]
)
def test_what_a_command_leaves_is_ended_and_told(program: str, tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    start = DAEMON.format(file=file, program=program)
    wait = f"while ! [ -s {file} ]; do sleep 0.1; done"
    code, cut_off, left = play(minutes(5), "sh", "-c", f"({start}); {wait}")
    assert (code, cut_off) == (0, False)
    assert set(left) <= {"sleep", "sh", "setsid"}
    assert left
    assert ended(file)

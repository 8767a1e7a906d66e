"""A class that logs in at the same moment, by the published script (tests/benchmarks)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.waiting import minutes
from trials import Release, people
from trials.tables import ARTIFACTS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(5400)]

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "class_of_users.py"


@pytest.fixture
def classroom(release: Release) -> Iterator[Release]:
    """Small clusters, so that twenty of them fit into the memory of one test machine."""
    memory = {"gateway.backend.scheduler.memoryGiB": 0.25, "gateway.sizes.small.memoryGiB": 0.3}
    with release.changed(memory):
        yield release


def test_everybody_gets_lab_and_cluster(classroom: Release, tmp_path: Path) -> None:
    """Five by default, as many as CLASS_SIZE says (`make bench-class`: 20)."""
    size = int(os.environ.get("CLASS_SIZE", "5"))
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text(classroom.secret("auth.password"), "utf-8")
    figures = ARTIFACTS / f"class-of-{size}.json"
    ARTIFACTS.mkdir(exist_ok=True)
    command = [
        sys.executable, str(SCRIPT), classroom.url, f"--users={size}", f"--password-file={password}",
        '--options={"profile": "small"}', f"--json={figures}", f"--timeout={minutes(20):.0f}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=minutes(55))
    print(f"\n{done.stdout}{done.stderr}")
    assert done.returncode == 0
    seconds = json.loads(figures.read_text("utf-8"))["seconds"]
    assert [seconds[step]["reached"] for step in ("lab", "cluster", "result")] == [size] * 3
    classroom.until(lambda: not classroom.pods("dask-worker"), "end of the class's clusters")


def test_a_full_hub_queues_with_a_clear_message(release: Release) -> None:
    """With one spawn at a time, the second of two is told to wait, and gets its turn."""
    with release.changed({"hub.concurrentSpawnLimit": 1}):
        first, second = release.visitor("queue-a"), release.visitor("queue-b")
        assert first.start({"profile": "small"}).status_code in (201, 202)
        answer = second.start({"profile": "small"})
        assert answer.status_code == 429
        assert "try again" in answer.text.lower()
        assert int(answer.headers["Retry-After"]) > 0
        release.until(first.server_answers, "the first server", within=15)
        release.until(lambda: second.start({"profile": "small"}).ok, "a turn", within=15)
        release.until(second.server_answers, "the second server", within=15)
        people.leave(first)
        people.leave(second)

#!/usr/bin/env python3
"""A class of users who log in at the same moment: how long until everybody works?

Runs against any JupyterHub whose users log in by a form (one password for all), or for whom you
have API tokens. Each user logs in, starts a server, and waits for JupyterLab. When all are there,
each opens a Dask Gateway cluster at the same moment, waits for its workers and computes on them.
Servers and clusters that this script started are stopped at its end.

    python tests/benchmarks/class_of_users.py http://datalab.example/ --users 20 \\
        --password-file password.txt --json class.json
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by itself, from anywhere
from support.visitor import Failure, Visitor

CLUSTER = """
import time, warnings
warnings.simplefilter("ignore")
from dask_gateway import Gateway
began = time.monotonic()
gateway = Gateway()
cluster = gateway.new_cluster(shutdown_on_close=True)
client = cluster.get_client()
cluster.scale({workers})
client.wait_for_workers({workers}, timeout={timeout})
there = time.monotonic() - began
assert client.submit(sum, range(1000)).result(timeout={timeout}) == 499500
print("RESULT", there, time.monotonic() - began)
"""
CLOSE = "client.close(); cluster.shutdown(); gateway.close()"


@dataclass
class Student:
    """One user, and the seconds that each step took."""

    name: str
    log_in: float | None = None
    lab: float | None = None
    """From the first request to JupyterLab."""
    cluster: float | None = None
    """From asking for a cluster to all workers."""
    result: float | None = None
    """From asking for a cluster to the first result."""
    messages: list[str] = field(default_factory=list)
    """What the hub told meanwhile: queue, limits, failures."""


@dataclass(frozen=True)
class Lesson:
    """What the class does."""

    url: str
    secrets: dict[str, str]
    """Token or password by user name."""
    by_token: bool
    options: dict[str, Any]
    workers: int
    timeout: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the class; return 0 when everybody got everything."""
    asked = _parser().parse_args(arguments)
    secrets = _secrets(asked)
    lesson = Lesson(
        asked.url.rstrip("/") + "/", secrets, asked.tokens is not None,
        json.loads(asked.options), asked.workers, asked.timeout,
    )  # fmt: skip
    students = run(lesson, lambda text: print(text, file=sys.stderr, flush=True))
    print(table(students))
    if asked.json:
        asked.json.write_text(json.dumps(summary(students), indent=2) + "\n", "utf-8")
    return 0 if all(_whole(student, lesson) for student in students) else 1


def run(lesson: Lesson, report: Callable[[str], None]) -> list[Student]:
    """Let everybody log in at once, then open clusters at once, then leave."""
    students = [Student(name) for name in lesson.secrets]
    visitors = {student.name: Visitor(lesson.url, student.name) for student in students}
    gather = threading.Barrier(len(students))

    def attend(student: Student) -> None:
        visitor = visitors[student.name]
        try:
            gather.wait()
            _told(student, lambda: _arrive(student, visitor, lesson))
            report(f"{student.name}: Lab after {_seconds(student.lab)}")
            gather.wait(timeout=2 * lesson.timeout)  # everybody has given up by then
            if student.lab is not None and lesson.workers:
                _told(student, lambda: _compute(student, visitor, lesson))
                report(f"{student.name}: cluster after {_seconds(student.cluster)}")
        finally:
            _told(student, lambda: _leave(visitor))

    with ThreadPoolExecutor(len(students)) as pool:
        list(pool.map(attend, students))
    return students


def _arrive(student: Student, visitor: Visitor, lesson: Lesson) -> None:
    began = time.monotonic()
    secret = lesson.secrets[student.name]
    visitor.use_token(secret) if lesson.by_token else visitor.log_in(secret)
    student.log_in = time.monotonic() - began
    _ask(student, visitor, lesson, began + lesson.timeout)
    while not visitor.server_answers():
        if time.monotonic() - began > lesson.timeout:
            raise Failure(f"no JupyterLab after {lesson.timeout:.0f} s")
        if not visitor.server_pending() and not visitor.server_answers():
            _say(student, str(visitor.progress()[-1].get("message")))
            _ask(student, visitor, lesson, began + lesson.timeout)
        time.sleep(0.25)  # patience: a program of its own, whose limit is --timeout
    student.lab = time.monotonic() - began


def _ask(student: Student, visitor: Visitor, lesson: Lesson, deadline: float) -> None:
    """Ask for a server; where the hub says that it is busy, wait as long as it says."""
    while True:
        answer = visitor.start(lesson.options)
        if answer.status_code != 429:
            break
        _say(student, f"429: {_message(answer)}")
        pause = float(answer.headers.get("Retry-After", 5))
        if time.monotonic() + pause > deadline:
            raise Failure("the hub's queue did not get shorter")
        time.sleep(pause)  # patience: as long as the hub asks for
    if answer.status_code not in (201, 202) and "already running" not in answer.text:
        raise Failure(f"{answer.status_code}: {_message(answer)}")


def _compute(student: Student, visitor: Visitor, lesson: Lesson) -> None:
    kernel = visitor.kernel()
    code = CLUSTER.format(workers=lesson.workers, timeout=lesson.timeout)
    said = kernel.run(code, timeout=lesson.timeout)
    there, result = said.split("RESULT", 1)[1].split()[:2]
    student.cluster, student.result = float(there), float(result)
    kernel.run(CLOSE)


def _leave(visitor: Visitor) -> None:
    try:
        visitor.stop()
    finally:
        visitor.session.close()


def _told(student: Student, step: Callable[[], None]) -> None:
    """Run a step; what goes wrong is a result of this measurement, not its end."""
    try:
        step()
    except (Failure, requests.RequestException, threading.BrokenBarrierError) as error:
        _say(student, f"{type(error).__name__}: {error}".strip()[-500:])


def _say(student: Student, message: str) -> None:
    if message not in student.messages:
        student.messages.append(message)


def _message(answer: requests.Response) -> str:
    try:
        return str(answer.json().get("message", answer.text))[:300]
    except ValueError:
        return answer.text[:300]


def _whole(student: Student, lesson: Lesson) -> bool:
    return student.lab is not None and (student.result is not None or not lesson.workers)


def summary(students: Sequence[Student]) -> dict[str, Any]:
    """Return quantiles of each step, and every user's figures."""
    steps = ("log_in", "lab", "cluster", "result")
    return {
        "users": len(students),
        "seconds": {step: quantiles([getattr(one, step) for one in students]) for step in steps},
        "students": [asdict(student) for student in students],
    }


def quantiles(values: Sequence[float | None]) -> dict[str, float | int]:
    """Return count, median, 95th percentile (nearest rank) and maximum of what was reached."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return {"reached": 0}
    rank = {name: known[math.ceil(part * len(known)) - 1] for name, part in _RANKS.items()}
    return {"reached": len(known), **{name: round(value, 2) for name, value in rank.items()}}


_RANKS = {"p50": 0.50, "p95": 0.95, "max": 1.0}
_TITLES = {
    "log_in": "logged in",
    "lab": "from log-in to JupyterLab",
    "cluster": "cluster with its workers",
    "result": "cluster and first result",
}


def table(students: Sequence[Student]) -> str:
    """Return the quantiles as a Markdown table, and below it what the hub told."""
    found = summary(students)["seconds"]
    lines = [
        f"| {len(students)} users at once | reached | p50 | p95 | slowest |",
        "|---|---|---|---|---|",
    ]
    for step, title in _TITLES.items():
        one = found[step]
        cells = [_seconds(one.get(name)) for name in _RANKS]
        lines.append(f"| {title} | {one['reached']} | {' | '.join(cells)} |")
    told = [f"{student.name}: {said}" for student in students for said in student.messages]
    return "\n".join([*lines, *(["", *told] if told else [])])


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _secrets(asked: argparse.Namespace) -> dict[str, str]:
    if asked.tokens:
        pairs = [line.split() for line in asked.tokens.read_text("utf-8").splitlines() if line]
        return dict(pairs[: asked.users])
    password = asked.password_file.read_text("utf-8").strip()
    width = len(str(asked.users))
    return {f"{asked.prefix}{n:0{width}}": password for n in range(1, asked.users + 1)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", help="public address of the hub")
    parser.add_argument("--users", type=int, default=20, help="how many (20)")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--password-file", type=Path, help="file with the password of all users")
    who.add_argument("--tokens", type=Path, help="file with lines 'name token' (API tokens)")
    parser.add_argument("--prefix", default="student", help="of user names, numbered (student)")
    parser.add_argument(
        "--options", default="{}", metavar="JSON", help='of the server: {"profile": "small"}'
    )
    parser.add_argument("--workers", type=int, default=2, help="per cluster; 0: no clusters (2)")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for each step (600)")
    parser.add_argument("--json", type=Path, help="write all figures there")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""What a person left running counts as use: a real Jupyter Server, real terminals, their pages closed.

Most cases wait for a server to come to rest. They are looked at side by side, each with a server that is lent to
it alone: so each also sees that what runs beside other servers does not keep its own alive.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import TypeAlias

import psutil
import pytest
from support.side_by_side import Case, Outcome, begun, cases
from support.terminal import begun as terminal
from support.terminal import ended, page
from support.waiting import eventually, throughout
from test_activity import Application, advances, last, run
from user_server import TOKEN, UserServer, with_terminals

from geodes_datalab.server.activity import processes
from geodes_datalab.server.activity.watch import Watch

pytestmark = pytest.mark.timeout(900)  # the first test waits for its case, and that for a server

SERVERS = 6
"""More of them wait no longer; each costs two seconds of a processor."""
WRITES = "while :; do date >>{out}; sleep 1; done"
"""As in the report: something that writes each second."""


@dataclass(frozen=True)
class User:
    """A person with a server, and a folder that no other case sees."""

    ask: UserServer
    home: Path
    folder: Path

    @property
    def out(self) -> Path:
        """Where jobs write."""
        return self.folder / "out"

    @property
    def pid(self) -> Path:
        """Where a job writes its number."""
        return self.folder / "pid"

    def types(self, text: str) -> str:
        """Open a terminal, type a line, wait until the shell has read it, and close the page."""
        name = terminal(self.ask.url, TOKEN)
        with page(self.ask.url, TOKEN, name) as each:
            each.typed(f"echo re''ady; {text}\r", until="ready")
        return name

    def ends(self, name: str) -> None:
        """Close a terminal, and with it what runs in it."""
        ended(self.ask.url, TOKEN, name)

    def runs(self) -> None:
        """See that a job runs that writes its number."""
        eventually(lambda: self.pid.exists() and self.pid.read_text().strip(), "the job runs")

    def stops(self) -> None:
        """End the job."""
        os.kill(int(self.pid.read_text()), signal.SIGKILL)
        self.pid.unlink()

    def clears(self) -> None:
        """End what is left: kernels, terminals, and what their ends leave running."""
        for kernel in self.ask("GET", "/api/kernels"):
            self.ask.raw("DELETE", f"/api/kernels/{kernel['id']}")
        for each in self.ask("GET", "/api/terminals"):
            self.ends(each["name"])
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("JUPYTER_SERVER_URL", "").startswith(f"{self.ask.url}/"):
                    process.kill()
        with suppress(OSError, ValueError):  # what cleared its environment, and was not seen to end
            self.stops()


Lend: TypeAlias = Callable[[], AbstractContextManager[User]]


@pytest.fixture(scope="module")
def lend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lend]:
    """Return a way to borrow a server, which is at rest before and has to come to rest after."""
    free: SimpleQueue[Path] = SimpleQueue()
    for _ in range(SERVERS):
        free.put(tmp_path_factory.mktemp("home"))
    asks: dict[Path, UserServer] = {}
    with ExitStack() as running:

        @contextmanager
        def borrowed() -> Iterator[User]:
            home = free.get()
            try:
                if home not in asks:
                    asks[home] = running.enter_context(with_terminals(home, "/bin/sh"))
                    rests(asks[home])
                user = User(asks[home], home, tmp_path_factory.mktemp("case"))
                try:
                    yield user
                finally:
                    user.clears()
                    rests(user.ask)
            finally:
                free.put(home)

        yield borrowed


@pytest.fixture(scope="module")
def outcome(request: pytest.FixtureRequest, lend: Lend) -> Iterator[Outcome]:
    """Return a way to wait for the outcome of a case. One server stays for those that have none."""

    def run(case: Case) -> None:
        with lend() as user:
            case(user)

    with begun(request, run, SERVERS - 1) as outcome:
        yield outcome


@pytest.fixture
def user(outcome: Outcome, lend: Lend) -> Iterator[User]:
    """Return a person with a server, while the cases run."""
    with lend() as user:
        yield user


def rests(ask: UserServer) -> None:
    """See that the server comes to rest, on a machine on which looks may be late."""

    def quiet() -> bool:
        before = last(ask)
        same = lambda: last(ask) == before  # noqa: E731
        throughout(same, "nobody uses it", seconds=6, every=1)
        return True

    eventually(quiet, "the server comes to rest", within=5)


def begin(kernel: str, code: str, home: Path) -> None:
    """Send code to a kernel, which may take its time to start."""

    def sent() -> bool:
        run(kernel, code, home)
        return True

    eventually(sent, "the kernel takes code", within=5, again_on=(RuntimeError,))


CELL = """
import subprocess, pathlib
job = subprocess.Popen(["sh", "-c", "while :; do date >>{out}; sleep 1; done"], start_new_session=True)
pathlib.Path({pid!r}).write_text(str(job.pid))
"""


def test_a_job_of_a_notebook_keeps_its_server_alive(user: User) -> None:
    kernel = user.ask("POST", "/api/kernels", json={"name": "python3"})["id"]
    begin(kernel, CELL.format(out=user.out, pid=str(user.pid)), user.home)
    user.runs()
    advances(user.ask)
    user.stops()
    rests(user.ask)


def test_a_cluster_in_a_notebook_that_does_nothing_is_no_use(user: User) -> None:
    ready = user.folder / "ready"
    kernel = user.ask("POST", "/api/kernels", json={"name": "python3"})["id"]
    code = (
        "import pathlib\nfrom distributed import LocalCluster\n"
        "cluster = LocalCluster(n_workers=2, host='127.0.0.1', dashboard_address=':0')\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
    )
    begin(kernel, code, user.home)
    eventually(ready.exists, "the cluster is there", within=5)
    rests(user.ask)


def test_other_servers_processes_are_not_counted(user: User) -> None:
    """In local mode the servers of all people run under one account."""
    user.types("echo $$ >" + f"{user.pid}; exec sleep 600")
    user.runs()
    assert not processes.Processes("another-server").working(1)


def without_end(job: str, user: User) -> None:
    """Each of its children is a new process; it is one job for all that."""
    home = user.folder / "limited"
    home.mkdir()
    with with_terminals(home, "/bin/sh", GEODES_DATALAB_BUSY_HOURS=f"{20 / 3600}") as ask:
        limited = User(ask, home, home)
        limited.types(job.format(out=limited.out))
        advances(ask)
        rests(ask)
        size = limited.out.stat().st_size
        eventually(lambda: limited.out.stat().st_size > size, "the job runs on")


@cases(without_end, [WRITES])
def test_what_never_ends_in_a_terminal_stops_counting(outcome: Outcome, case: Case) -> None:
    outcome(case)


FOREGROUND = {
    "writes": WRITES,
    "waits": "sleep 600",
    "pipes": "sleep 600 | cat",
    "builtin": "while :; do echo . >>{out}; done",
    "replaced": "exec sh -c 'while :; do date >>{out}; sleep 1; done'",
    "background": "sh -c 'while :; do date >>{out}; sleep 1; done' &",
    "waits-behind": "sleep 600 &",
    "bare": "env -i sleep 600",
    "titled": "{python} {title} {out}",
}

TITLED = """
import ctypes, pathlib, sys, time
fields = pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()
first, end = int(fields[45]), int(fields[48])
ctypes.memset(first, 0, end - first)
while True:
    time.sleep(0.5)
    pathlib.Path(sys.argv[1]).open("a").write("x")
"""
"""A program that writes its title over arguments and environment, as Ray's and PostgreSQL's do."""


def in_foreground(job: str, user: User) -> None:
    title = user.folder / "title.py"
    title.write_text(TITLED)
    user.types(FOREGROUND[job].format(out=user.out, title=title, python=sys.executable))
    advances(user.ask)


@cases(in_foreground, FOREGROUND)
def test_a_job_in_a_terminal_keeps_its_server_alive(outcome: Outcome, case: Case) -> None:
    outcome(case)


DETACHED = {
    "nohup": "nohup sh -c 'echo $$ >{pid}; " + WRITES + "' >/dev/null 2>&1 &",
    "session": "setsid sh -c 'echo $$ >{pid}; " + WRITES + "' &",
    "computes": "setsid sh -c 'echo $$ >{pid}; while :; do :; done' &",
    "named": "setsid {screening} {pid} &",
    "bare": "nohup env -i sh -c 'echo $$ >{pid}; " + WRITES + "' >/dev/null 2>&1 &",
}


def detached(job: str, user: User) -> None:
    script = user.folder / "screening"  # its name begins as that of a multiplexer, and is none
    script.write_text(f"#!/bin/sh\necho $$ >$1\n{WRITES.format(out=user.out)}\n")
    script.chmod(0o700)
    name = user.types(DETACHED[job].format(out=user.out, pid=user.pid, screening=script))
    user.runs()
    if job == "bare":  # its terminal is what tells whose it is: looks come twice a second
        advances(user.ask)
    user.ends(name)
    advances(user.ask)
    user.stops()
    rests(user.ask)


@cases(detached, DETACHED)
def test_a_job_outlives_its_terminal(outcome: Outcome, case: Case) -> None:
    outcome(case)


def waiting(text: str, user: User) -> None:
    user.types(text)
    rests(user.ask)


@cases(waiting, ["true", "sleep 600 & kill -STOP $!", "exec sh", "sh -i"])
def test_a_shell_that_waits_for_its_person_is_no_use(outcome: Outcome, case: Case) -> None:
    outcome(case)


def multiplexed(program: str, user: User) -> None:
    tmux = f"{program} -S {user.folder / 'socket'}"
    name = user.types(f"{tmux} new-session -d sleep 600")
    advances(user.ask)
    user.ends(name)
    advances(user.ask)
    user.types(f"{tmux} kill-server; {tmux} new-session -d")
    rests(user.ask)


@pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")
@cases(multiplexed, ["tmux"])
def test_a_multiplexer_is_what_runs_in_it(outcome: Outcome, case: Case) -> None:
    outcome(case)


def test_a_pause_shorter_than_the_cullers_patience_starts_no_new_job() -> None:
    """Else a job that works now and then would have no end; after a longer one it is another."""
    watch = Watch(
        Application(), {"GEODES_DATALAB_BUSY_HOURS": "1", "GEODES_DATALAB_CULL_MINUTES": "20"}
    )
    start, job = datetime.now(UTC), [f"{processes.SESSION}7"]
    at = {0: True, 19: True, 38: True, 57: True, 76: False, 95: False, 116: True}
    for minute, counts in at.items():
        now = start + timedelta(minutes=minute)
        assert watch._counts(job, now) is counts, minute
        assert watch._counts([], now + timedelta(minutes=10)) is False


def test_one_look_that_fails_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from geodes_datalab.server.activity import clusters

    async def fails(environ: object) -> list[str]:
        raise OSError("the gateway is away")

    monkeypatch.setattr(clusters, "computing", fails)
    app = Application()
    app.states = {"a": "busy"}
    asyncio.run(Watch(app, {}).look())
    assert app.web_app.settings["last_activity_times"]


def test_without_proc_a_program_in_the_foreground_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on a Mac."""
    ptyprocess = pytest.importorskip("ptyprocess")
    shell = ptyprocess.PtyProcess.spawn(["/bin/sh", "-i"])
    try:
        manager = SimpleNamespace(terminals={"1": SimpleNamespace(ptyproc=shell)})
        settings = {"terminal_manager": manager}
        monkeypatch.setattr(processes, "_PROC", tmp_path)
        assert not processes.visible()
        assert not processes.in_terminals(settings)
        shell.write(b"sleep 600\n")
        name = f"{processes.SESSION}{shell.pid}"
        eventually(lambda: processes.in_terminals(settings) == {name}, "it is seen")
    finally:
        shell.terminate(force=True)
    assert not processes.in_terminals({})

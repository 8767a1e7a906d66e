"""What a person left running counts as use: a real Jupyter Server, real terminals, their pages closed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from support.waiting import eventually, minutes, throughout
from test_activity import Application, advances, last, run
from user_server import UserServer, server

from geodes_datalab.server.activity import processes
from geodes_datalab.server.activity.watch import Watch

WRITES = "while :; do date >>{out}; sleep 1; done"
"""As in the report: something that writes each second."""


@pytest.fixture
def ends() -> Iterator[Any]:
    """Return a way to name a file with the number of a process that ends with the test."""
    files: list[Path] = []
    yield files.append
    for file in files:
        with suppress(OSError, ValueError):
            os.kill(int(file.read_text()), signal.SIGKILL)


def type_in(ask: UserServer, text: str) -> str:
    """Open a terminal, type a line, wait until the shell has read it, and close the page."""
    name = str(ask("POST", "/api/terminals")["name"])
    asyncio.run(_typed(ask, name, text))
    return name


async def _typed(ask: UserServer, name: str, text: str) -> None:
    from tornado.httpclient import HTTPRequest
    from tornado.websocket import websocket_connect

    address = f"{ask.url.replace('http', 'ws', 1)}/terminals/websocket/{name}"
    connection = await websocket_connect(
        HTTPRequest(address, headers={"Authorization": "token secret"})
    )
    seen = ""
    async with asyncio.timeout(minutes(2)):
        await connection.write_message(json.dumps(["stdin", f"echo re''ady; {text}\r"]))
        while "ready" not in seen:
            message = json.loads(await connection.read_message() or "[]")
            seen += message[1] if message[:1] == ["stdout"] else ""
        connection.close()
        while await connection.read_message() is not None:
            pass


def ended(ask: UserServer, name: str) -> None:
    """Close a terminal, and with it what runs in it."""
    ask.raw("DELETE", f"/api/terminals/{name}")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the server."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[UserServer]:
    """Run a server with terminals whose shell is the one that every machine has."""
    with server(home, keep=["jupyter_server_terminals"], SHELL="/bin/sh") as ask:
        yield ask


@pytest.fixture
def user(running: UserServer) -> Iterator[UserServer]:
    """Return the server, at rest before and without terminals or kernels after."""
    rests(running)
    yield running
    for kernel in running("GET", "/api/kernels"):
        running.raw("DELETE", f"/api/kernels/{kernel['id']}")
    for terminal in running("GET", "/api/terminals"):
        ended(running, terminal["name"])
    sweep(running)


def sweep(user: UserServer) -> None:
    """End what a terminal's end leaves running."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("JUPYTER_SERVER_URL", "").startswith(user.url):
                process.kill()


def rests(ask: UserServer) -> None:
    """See that the server comes to rest, on a machine on which looks may be late."""

    def quiet() -> bool:
        before = last(ask)
        throughout(lambda: last(ask) == before, "nobody uses it", seconds=6)
        return True

    eventually(quiet, "the server comes to rest", within=5)


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


@pytest.mark.parametrize("job", FOREGROUND)
def test_a_job_in_a_terminal_keeps_its_server_alive(
    user: UserServer, tmp_path: Path, job: str
) -> None:
    (tmp_path / "title.py").write_text(TITLED)
    places = {"out": tmp_path / "out", "title": tmp_path / "title.py", "python": sys.executable}
    name = type_in(user, FOREGROUND[job].format(**places))
    advances(user)
    ended(user, name)  # that the server then rests is seen before the next job


DETACHED = {
    "nohup": "nohup sh -c 'echo $$ >{pid}; " + WRITES + "' >/dev/null 2>&1 &",
    "session": "setsid sh -c 'echo $$ >{pid}; " + WRITES + "' &",
    "computes": "setsid sh -c 'echo $$ >{pid}; while :; do :; done' &",
    "named": "setsid {screening} {pid} &",
    "bare": "nohup env -i sh -c 'echo $$ >{pid}; " + WRITES + "' >/dev/null 2>&1 &",
}


@pytest.mark.parametrize("job", DETACHED)
def test_a_job_outlives_its_terminal(user: UserServer, tmp_path: Path, ends: Any, job: str) -> None:
    pid = tmp_path / "pid"
    ends(pid)
    script = tmp_path / "screening"  # its name begins as that of a multiplexer, and is none
    script.write_text(f"#!/bin/sh\necho $$ >$1\n{WRITES.format(out=tmp_path / 'out')}\n")
    script.chmod(0o700)
    text = DETACHED[job].format(out=tmp_path / "out", pid=pid, screening=script)
    name = type_in(user, text)
    eventually(lambda: pid.exists() and pid.read_text().strip(), "the job runs")
    if job == "bare":  # its terminal is what tells whose it is: looks come twice a second
        advances(user)
    ended(user, name)
    advances(user)
    os.kill(int(pid.read_text()), signal.SIGKILL)
    rests(user)


@pytest.mark.parametrize("text", ["true", "sleep 600 & kill -STOP $!", "exec sh", "sh -i"])
def test_a_shell_that_waits_for_its_person_is_no_use(user: UserServer, text: str) -> None:
    name = type_in(user, text)
    rests(user)
    ended(user, name)


@pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")
def test_a_multiplexer_is_what_runs_in_it(user: UserServer, tmp_path: Path) -> None:
    tmux = f"tmux -S {tmp_path / 'socket'}"
    name = type_in(user, f"{tmux} new-session -d sleep 600")
    advances(user)
    ended(user, name)
    advances(user)
    last = type_in(user, f"{tmux} kill-server; {tmux} new-session -d")
    rests(user)
    ended(user, last)


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


def test_a_job_of_a_notebook_keeps_its_server_alive(
    user: UserServer, home: Path, tmp_path: Path, ends: Any
) -> None:
    pid = tmp_path / "pid"
    ends(pid)
    kernel = user("POST", "/api/kernels", json={"name": "python3"})["id"]
    begin(kernel, CELL.format(out=tmp_path / "out", pid=str(pid)), home)
    eventually(lambda: pid.exists() and pid.read_text().strip(), "the job runs")
    advances(user)
    os.kill(int(pid.read_text()), signal.SIGKILL)
    rests(user)


def test_a_cluster_in_a_notebook_that_does_nothing_is_no_use(
    user: UserServer, home: Path, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    kernel = user("POST", "/api/kernels", json={"name": "python3"})["id"]
    code = (
        "import pathlib\nfrom distributed import LocalCluster\n"
        "cluster = LocalCluster(n_workers=2, host='127.0.0.1', dashboard_address=':0')\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
    )
    begin(kernel, code, home)
    eventually(ready.exists, "the cluster is there", within=5)
    rests(user)


def test_what_never_ends_in_a_terminal_stops_counting(tmp_path: Path) -> None:
    """Each of its children is a new process; it is one job for all that."""
    environment = {"GEODES_DATALAB_BUSY_HOURS": f"{20 / 3600}", "SHELL": "/bin/sh"}
    with server(tmp_path, keep=["jupyter_server_terminals"], **environment) as ask:
        type_in(ask, WRITES.format(out=tmp_path / "out"))
        advances(ask)
        rests(ask)
        size = (tmp_path / "out").stat().st_size
        grown = lambda: (tmp_path / "out").stat().st_size > size  # noqa: E731
        eventually(grown, "the job runs on")


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

    async def fails(environ: Any) -> list[str]:
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


def test_other_servers_processes_are_not_counted(user: UserServer) -> None:
    """In local mode the servers of all people run under one account."""
    name = type_in(user, "sleep 600")
    eventually(lambda: _sleepers(user), "it sleeps")
    assert not processes.Processes("another-server").working(1)
    ended(user, name)


def _sleepers(user: UserServer) -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "600"]]

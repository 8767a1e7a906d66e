"""A start that cannot succeed is given up within bounds, says which part it was, and leaves nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from support.datalab import Datalab
from support.ports import free_ports
from support.waiting import eventually, minutes

from geodes_datalab.errors import LocalModeError
from geodes_datalab.local import family, ports, supervisor
from geodes_datalab.local import runtime as run
from geodes_datalab.local.child import Part, tail
from geodes_datalab.local.layout import Layout, layout
from geodes_datalab.local.supervisor import Supervisor, describe_run

SILENT = "import time; time.sleep(600)"
DEAF = """
import socket, sys, time
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
kept = []
while True:
    kept.append(listening.accept())
"""
"""Lets everybody in, and says nothing."""
MOROSE = DEAF.replace("listening.accept()", "listening.accept()[0].recv(99)")
"""Hangs up on everybody."""


def part(place: Layout, code: str, **options: object) -> Part:
    (port,) = free_ports(1)
    environment = {family.VARIABLE: place.instance}
    health = f"http://127.0.0.1:{port}/"
    return Part(
        "web", "the web part", (sys.executable, "-c", code, str(port)), environment,
        **{"health": health, "patience": 0.5, "grace": 1.0, **options},
    )  # fmt: skip


def start(place: Layout, one: Part, routes: tuple[str, ...] = ()) -> LocalModeError:
    """Start a part that never gets ready; return what is said in the end."""
    runtime = describe_run("http://x/", "none", "none")
    keeper = Supervisor(place, runtime, [one], say=lambda _: None, routes=routes)

    async def bounded() -> None:
        async with asyncio.timeout(minutes(0.5)):
            await keeper.run(lambda: pytest.fail("it became ready"))

    with pytest.raises(LocalModeError) as told:
        asyncio.run(bounded())
    return told.value


@pytest.mark.parametrize("code", [SILENT, DEAF, MOROSE], ids=["silent", "deaf", "morose"])
def test_a_part_that_never_answers_is_given_up(
    place: Layout, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geodes_datalab.local.supervisor.answers", quick_answers())
    monkeypatch.setattr(supervisor, "WINDOW", 0.4)  # shorter than a silent start, as it really is
    told = start(place, part(place, code))
    assert "the web part did not answer within" in told.message
    assert str(place.log("web")) in str(told)
    assert not family.members(place.instance)
    assert run.read(place) is None


def test_a_route_that_never_answers_is_given_up(
    place: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that lets everybody in counts as ready; what lies behind it is never reached."""
    monkeypatch.setattr(supervisor, "ROUTE_PATIENCE", 0.5, raising=False)
    proxy = part(place, DEAF)
    port = proxy.command[-1]
    told = start(
        place, replace(proxy, health=f"tcp://127.0.0.1:{port}", patience=minutes(1)),
        (f"http://127.0.0.1:{port}/behind",),
    )  # fmt: skip
    assert "the web part" in told.message
    assert f"http://127.0.0.1:{port}/behind" in told.message
    assert str(place.log("web")) in str(told)
    assert not family.members(place.instance)


def quick_answers() -> Callable[[str], object]:
    from geodes_datalab.local.health import answers

    return lambda url: answers(url, 0.2)


# The real command, a part of which is made to hang

HOOK = """
import os, sys, time
line = " ".join(sys.orig_argv)
if "dask_gateway_server" in line and " proxy" not in line and os.path.exists({flag!r}):
    if {deaf!r}:
        exec({code!r})
    time.sleep(600)
if "geodes_datalab.cli" in line:
    from dataclasses import replace
    from geodes_datalab.local import plan, supervisor, up
    up.LONGEST_START = {longest!r}
    supervisor.WINDOW = 1.0  # shorter than a silent start, as it really is
    real = plan.parts
    def parts(*given):
        return [replace(one, patience={silence!r} if one.name == "gateway" else one.patience)
                for one in real(*given)]
    if os.path.exists({flag!r}):
        plan.parts = parts
"""


class Hanging:
    """A datalab whose gateway hangs while a file is there."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.flag, self.state = folder, folder / "hang", folder / "state"
        self.flag.touch()
        # ten ports in a row, which a second start takes again
        self.port = next(
            first for first in range(21000, 31000, 10)
            if all(ports.is_free(first + n) for n in range(10))
        )  # fmt: skip
        self.environment = {
            **os.environ, "XDG_CACHE_HOME": str(cache.parent), "PYTHONPATH": str(folder),
        }  # fmt: skip

    def hook(self, *, deaf: bool = False, silence: float = 1.0, longest: float = 600.0) -> None:
        code = DEAF.replace("int(sys.argv[1])", str(ports.block(self.port).gateway))
        text = HOOK.format(
            flag=str(self.flag), deaf=deaf, code=code, silence=silence, longest=longest
        )
        (self.folder / "sitecustomize.py").write_text(text)

    def up(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "geodes_datalab.cli", "up", "--background",
                   f"--port={self.port}", f"--state-dir={self.state}"]  # fmt: skip
        return subprocess.Popen(
            command, env=self.environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def assert_nothing_is_left(self) -> None:
        place = layout(self.state)
        assert not family.members(place.instance)
        assert not self.processes()
        assert run.read(place) is None
        with run.locked(place.lock) as free:
            assert free, "the lock is held"
        assert [self.port + n for n in range(10) if not ports.is_free(self.port + n)] == []

    def processes(self) -> list[psutil.Process]:
        found = psutil.process_iter(["cmdline"])
        return [one for one in found if str(self.state) in " ".join(one.info["cmdline"] or ())]


@pytest.fixture
def hanging(tmp_path: Path, shared_cache: Path) -> Iterator[Hanging]:
    made = Hanging(tmp_path, shared_cache)
    try:
        yield made
    finally:
        for one in made.processes():
            one.kill()
        family.end(layout(made.state).instance, grace=1.0)


@pytest.mark.parametrize("deaf", [False, True], ids=["silent", "deaf"])
def test_a_start_in_the_background_gives_up_a_part_that_hangs(hanging: Hanging, deaf: bool) -> None:
    hanging.hook(deaf=deaf)
    started = hanging.up()
    said = started.communicate(timeout=minutes(3))[0]
    assert started.returncode == 1, said
    assert "Dask Gateway did not answer within" in said
    assert str(hanging.state / "logs" / "gateway.log") in said
    hanging.assert_nothing_is_left()
    if deaf:
        return
    hanging.flag.unlink()
    again = hanging.up()
    said = again.communicate(timeout=minutes(5))[0]
    assert again.returncode == 0, said
    Datalab(hanging.state, {}, hanging.environment).command("down")
    hanging.assert_nothing_is_left()


@pytest.mark.parametrize("stopped", [False, True], ids=["slow", "stopped"])
def test_a_start_that_takes_too_long_is_ended(hanging: Hanging, stopped: bool) -> None:
    """Also one whose supervisor itself does nothing any more."""
    hanging.hook(silence=minutes(9), longest=minutes(0.2))
    started = hanging.up()
    if stopped:
        begun = hanging_run(hanging, "starting", "gateway")
        os.kill(begun.pid, signal.SIGSTOP)
    said = started.communicate(timeout=minutes(4))[0]
    assert started.returncode == 1, said
    assert "Dask Gateway" in said
    assert str(hanging.state / "logs" / "gateway.log") in said
    hanging.assert_nothing_is_left()


def hanging_run(hanging: Hanging, state: str, name: str) -> run.Runtime:
    """Return the run once a part of it is in a state."""
    found: list[run.Runtime] = []

    def seen() -> bool:
        runtime = run.read(layout(hanging.state))
        found[:] = [runtime] if runtime else []
        return runtime is not None and any(
            (one.name, one.state) == (name, state) for one in runtime.parts
        )

    log = layout(hanging.state).log("supervisor")
    eventually(seen, f"{name} is {state}", within=30, scene=lambda: tail(log, 9))
    return found[0]


def test_ctrl_c_while_waiting_ends_the_start(hanging: Hanging) -> None:
    hanging.hook(silence=minutes(9))
    started = hanging.up()
    hanging_run(hanging, "starting", "gateway")
    began = time.monotonic()
    os.killpg(started.pid, signal.SIGINT)
    said = started.communicate(timeout=minutes(3))[0]
    assert started.returncode != 0, said
    assert "Traceback" not in said
    assert time.monotonic() - began < minutes(1)
    hanging.assert_nothing_is_left()

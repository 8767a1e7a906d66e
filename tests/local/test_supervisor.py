"""The supervisor with small parts: real processes that answer, end, or go deaf when told to."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.ports import free_ports
from support.waiting import aeventually, eventually, minutes, throughout

from geodes_datalab.errors import LocalModeError, StorageError
from geodes_datalab.hub import pids
from geodes_datalab.local import family, supervisor
from geodes_datalab.local import runtime as run
from geodes_datalab.local.child import Child, Part, tail
from geodes_datalab.local.layout import Layout
from geodes_datalab.local.supervisor import Supervisor, describe_run

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""
"""Touches a file when it no longer listens to SIGTERM."""


def part(place: Layout, name: str, code: str, *arguments: str, **options: object) -> Part:
    command = (sys.executable, "-c", code, *arguments)
    environment = {family.VARIABLE: place.instance}
    return Part(name, f"part {name}", command, environment, **options)  # type: ignore[arg-type]


def web_part(place: Layout, name: str = "web", **options: object) -> Part:
    (port,) = free_ports(1)
    health = f"http://127.0.0.1:{port}/"
    return part(place, name, SERVER, str(port), health=health, **options)


class Conductor:
    """Runs a supervisor; lets a script act on it from another thread."""

    def __init__(self, place: Layout, parts: list[Part]) -> None:
        self.place, self.said = place, list[str]()
        self.runtime = describe_run("http://x/", "none", "none")
        self.supervisor = Supervisor(place, self.runtime, parts, say=self.said.append)

    def play(self, script: Callable[[], None]) -> None:
        """Run until the script is over, then stop as Ctrl-C does."""

        async def both() -> None:
            loop = asyncio.get_running_loop()
            ready = asyncio.Event()
            running = asyncio.create_task(self.supervisor.run(ready.set))
            await asyncio.wait(
                {running, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
            if not running.done():
                try:
                    await loop.run_in_executor(None, script)
                finally:
                    os.kill(os.getpid(), signal.SIGINT)
            await running

        asyncio.run(both())

    def state(self, name: str) -> run.PartState:
        runtime = run.read(self.place)
        assert runtime is not None
        return next(state for state in runtime.parts if state.name == name)

    def pid(self, name: str) -> int:
        return self.state(name).pid


def test_parts_come_up_in_order_and_go_down_again(place: Layout) -> None:
    first = web_part(place, "first")
    conductor = Conductor(place, [web_part(place, "second", after=("first",)), first])
    seen: list[str] = []

    def script() -> None:
        assert run.read(place).state == "ready"  # type: ignore[union-attr]
        seen.extend(conductor.said)
        assert len(family.members(place.instance)) == 2

    conductor.play(script)
    assert [line.split(" is ")[0] for line in seen] == ["part first", "part second"]
    assert not family.members(place.instance)
    assert run.read(place) is None


def test_a_part_that_was_killed_is_told_and_started_again(place: Layout) -> None:
    conductor = Conductor(place, [web_part(place)])

    def script() -> None:
        old = conductor.pid("web")
        os.kill(old, signal.SIGKILL)
        eventually(lambda: conductor.pid("web") not in (0, old), "new process")
        eventually(lambda: conductor.state("web").state == "ready", "readiness")
        assert conductor.state("web").restarts == 1

    conductor.play(script)
    assert "part web was ended by SIGKILL; starting it again in 0.2 s" in conductor.said
    assert any(line.startswith("part web is ready again") for line in conductor.said)


def test_a_deaf_part_is_restarted(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOOK", 0.1)
    monkeypatch.setattr(supervisor, "DEAF", 2)
    deaf = part(
        place,
        "web",
        SERVER.replace(".serve_forever()", ".handle_request(); import time; time.sleep(600)"),
        str(free_ports(1)[0]),
        grace=2.0,
    )
    health = f"http://127.0.0.1:{deaf.command[-1]}/"
    deaf = Part(**{**vars(deaf), "health": health})
    conductor = Conductor(place, [deaf])

    def script() -> None:
        old = conductor.pid("web")
        monkeypatch.setattr("geodes_datalab.local.supervisor.answers", quick_answers())
        eventually(lambda: conductor.state("web").restarts > 0, "restart")
        assert not psutil.pid_exists(old) or conductor.pid("web") != old

    conductor.play(script)
    assert "part web runs but does not answer any more" in conductor.said


def quick_answers() -> Callable[[str], object]:
    from geodes_datalab.local.health import answers

    return lambda url: answers(url, 0.2)


def test_a_part_that_never_starts_ends_everything_with_its_last_words(place: Layout) -> None:
    broken = part(place, "broken", "print('the disk is made of cheese'); raise SystemExit(3)")
    conductor = Conductor(place, [web_part(place), broken, web_part(place, "x", after=("broken",))])
    with pytest.raises(LocalModeError) as caught:
        conductor.play(lambda: pytest.fail("it became ready"))
    message = str(caught.value)
    assert "part broken ended (exit code 3) 5 times" in message
    assert "the disk is made of cheese" in message
    assert str(place.log("broken")) in message
    assert not family.members(place.instance)


def test_a_part_that_fails_later_is_given_up_and_the_rest_goes_on(place: Layout) -> None:
    flag = place.root / "flag"
    code = f"import os; os.path.exists({str(flag)!r}) and os._exit(1)\n{SERVER}"
    port = str(free_ports(1)[0])
    health = f"http://127.0.0.1:{port}/"
    frail = part(place, "frail", code, port, health=health)
    conductor = Conductor(place, [web_part(place), frail])

    def script() -> None:
        flag.touch()
        os.kill(conductor.pid("frail"), signal.SIGKILL)
        eventually(lambda: conductor.state("frail").state == "failed", "giving up", within=5)
        assert run.read(place).state == "degraded"  # type: ignore[union-attr]
        assert conductor.state("web").state == "ready"

    conductor.play(script)
    assert any("Everything else goes on." in line for line in conductor.said)


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_disk_that_is_full_at_the_start_is_told(
    place: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not waited for in silence, with parts that nobody keeps."""
    monkeypatch.setattr(run, "write", full)
    conductor = Conductor(place, [web_part(place)])
    with pytest.raises(StorageError, match="No space left on device"):
        conductor.play(lambda: pytest.fail("it became ready"))
    assert not family.members(place.instance)


def test_a_disk_that_is_full_later_ends_nothing(
    place: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    conductor = Conductor(place, [web_part(place)])

    def script() -> None:
        pid = conductor.pid("web")
        monkeypatch.setattr(run, "write", full)
        os.kill(pid, signal.SIGKILL)
        again = lambda: any(line.startswith("part web is ready again") for line in conductor.said)  # noqa: E731
        eventually(again, "it runs again", within=5)

    conductor.play(script)
    assert "everything is stopped" in conductor.said
    assert any("cannot be written: No space left" in line for line in conductor.said)
    assert not family.members(place.instance)


def test_stopping_kills_what_does_not_listen(place: Layout) -> None:
    ready = place.root / "ready"
    deaf = part(place, "deaf", STUBBORN, str(ready), grace=0.3)
    child = Child(deaf, place.log("deaf"), place.root)

    async def is_deaf() -> bool:
        return ready.exists()

    async def play() -> int:
        await child.start()
        await aeventually(is_deaf, "a child that ignores SIGTERM", scene=lambda: tail(child.log, 9))
        await child.stop()
        return await child.wait()

    assert asyncio.run(play()) == -signal.SIGKILL


@pytest.fixture
def victim(place: Layout) -> Iterator[subprocess.Popen[bytes]]:
    """Run a supervisor in a process of its own, with a part and a runaway grandchild."""
    ready = place.root / "ready"
    code = f"""
import asyncio, sys
from geodes_datalab.local.child import Part
from geodes_datalab.local.layout import layout
from geodes_datalab.local.supervisor import Supervisor, describe_run
place = layout({str(place.root)!r})
runaway = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', *sys.argv[1:]], " \\
          "start_new_session=True); time.sleep(600)"
command = (sys.executable, "-c", runaway, {STUBBORN!r}, {str(ready)!r})
part = Part("p", "p", command, {{"{family.VARIABLE}": place.instance}})
supervisor = Supervisor(place, describe_run("u", "c", "g"), [part], say=print)
asyncio.run(supervisor.run(lambda: None))
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        eventually(ready.exists, "part and grandchild")
        assert len(family.members(place.instance)) == 2
        yield process
    finally:
        process.kill()
        process.wait()
        family.end(place.instance, grace=1)


def test_nothing_outlives_a_supervisor_that_is_killed(
    place: Layout, victim: subprocess.Popen[bytes]
) -> None:
    """Not even a process in its own session that ignores SIGTERM."""
    assert place.runtime.exists()
    victim.kill()
    victim.wait()
    eventually(lambda: not family.members(place.instance), "end of everything")
    eventually(lambda: not place.runtime.exists(), "tidying")


def test_sigterm_stops_everything(place: Layout, victim: subprocess.Popen[bytes]) -> None:
    victim.terminate()
    assert victim.wait(timeout=minutes(3)) == 0
    assert not family.members(place.instance)


def test_stale_runtime_files_count_as_nothing(place: Layout) -> None:
    """A recycled number: a process runs under it, but it is not the supervisor."""
    runtime = run.Runtime(os.getpid(), "another-boot/1", "ready", "u", "c", "g")
    run.write(place, runtime)
    assert run.read(place) is None
    place.runtime.write_text("{")
    assert run.read(place) is None
    run.write(place, run.Runtime(os.getpid(), pids.started(os.getpid()), "ready", "u", "c", "g"))
    assert run.read(place) is not None


def test_only_one_holds_the_lock(place: Layout) -> None:
    with run.locked(place.lock) as first, run.locked(place.lock) as second:
        assert first
        assert not second
    with run.locked(place.lock) as third:
        assert third


def test_logs_are_put_aside_when_large(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geodes_datalab.local.child.LARGEST_LOG", 10)
    log = place.log("x")
    log.write_text("old words\n" * 10)
    child = Child(part(place, "x", "print('new words')"), log, place.root)

    async def play() -> None:
        await child.start()
        await child.wait()

    asyncio.run(play())
    assert log.with_name("x.log.1").read_text().startswith("old words")
    assert tail(log, 1) == "new words"
    assert tail(Path("/nowhere"), 3) == ""


def test_family_leaves_strangers_alone(place: Layout) -> None:
    environment = {**os.environ, family.VARIABLE: f"{place.instance}-of-somebody-else"}
    stranger = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], env=environment
    )
    try:
        assert family.end(place.instance, grace=0.5) == 0
        throughout(lambda: stranger.poll() is None, "the stranger lives", seconds=0.1)
    finally:
        stranger.kill()
        stranger.wait()

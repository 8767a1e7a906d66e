"""One asyncio process that keeps the parts running, and ends them all.

Each part has a task that starts it, waits until it answers, watches it, and starts it again after
a pause that doubles. See docs/decisions for why this is our own.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from geodes_datalab.errors import GeodesError, LocalModeError, StorageError
from geodes_datalab.hub import pids
from geodes_datalab.local import family, guard
from geodes_datalab.local import runtime as run
from geodes_datalab.local.child import Child, Part
from geodes_datalab.local.health import answers, until_answers
from geodes_datalab.local.layout import Layout

LOOK = 3.0
"""Seconds between two looks at a part that works."""

SETTLED = 1.0
"""Seconds after which a part that only has to run counts as ready."""

DEAF = 20
"""Looks without an answer after which a part that runs is restarted."""

TRIES = 5
"""Ends within `WINDOW` seconds after which a part is given up."""

SILENCES = 2
"""Starts without an answer, one after the other, after which a part is given up."""

ROUTE_PATIENCE = 180.0
"""Seconds that an address behind a proxy may take to answer, once all parts do."""

WINDOW = 120.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0

Say = Callable[[str], None]


class Supervisor:
    """Keeps parts running until it is told to stop.

    Parameters
    ----------
    layout
        State folder; the caller holds its lock.
    runtime
        Description of this run, kept up to date in its file.
    parts
        What to run; the order of stopping is this order.
    say
        Told what happens, one line at a time.
    routes
        Addresses behind proxies that must answer before the whole counts as ready.
    """

    def __init__(
        self,
        layout: Layout,
        runtime: run.Runtime,
        parts: list[Part],
        *,
        say: Say,
        routes: tuple[str, ...] = (),
    ) -> None:
        self._layout, self._runtime, self._say = layout, runtime, say
        self._routes = routes
        self._children = {p.name: Child(p, layout.log(p.name), layout.root) for p in parts}
        self._states = {p.name: run.PartState(p.name, p.title, url=p.health) for p in parts}
        runtime.parts = list(self._states.values())
        self._ready = {part.name: asyncio.Event() for part in parts}
        self._stop = asyncio.Event()
        self._failure: GeodesError | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Run until a signal comes or nothing can be done any more.

        Parameters
        ----------
        on_ready
            Called once, when every part answers.

        Raises
        ------
        LocalModeError
            A part could not be started in the first place; everything is stopped again.
        StorageError
            The disk was full by then.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        self._start_guard()
        tasks = [asyncio.create_task(self._keep(child)) for child in self._children.values()]
        try:
            if await self._all_ready():
                self._set_state("ready")
                on_ready()
                await self._stop.wait()
        finally:
            await self._shut_down(tasks)
        if self._failure is not None:
            raise self._failure

    async def _all_ready(self) -> bool:
        """Wait until every part is ready; False if told to stop before."""
        ready = asyncio.create_task(self._until_all_ready())
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait({ready, stop}, return_when=asyncio.FIRST_COMPLETED)
        for task in (ready, stop):
            task.cancel()
        await asyncio.gather(ready, stop, return_exceptions=True)
        return not self._stop.is_set()

    async def _until_all_ready(self) -> None:
        for event in self._ready.values():
            await event.wait()
        for route in self._routes:
            try:
                async with asyncio.timeout(ROUTE_PATIENCE):
                    await until_answers(route)
            except TimeoutError:
                self._give_up(*self._behind(route))
                await self._stop.wait()

    def _behind(self, route: str) -> tuple[Child, str]:
        """Return the proxy that an address goes through, and what is to be said of it."""
        at = urlsplit(route).netloc
        children = list(self._children.values())
        through = [item for item in children if urlsplit(item.part.health).netloc == at]
        said = f"lets nobody through to {route}: no answer within {ROUTE_PATIENCE:.0f} s"
        return (through or children)[0], said

    # One part

    async def _keep(self, child: Child) -> None:
        """Keep a part running; where even its log cannot be made, end the start."""
        try:
            with self._layout.used():
                await self._go_on(child)
        except StorageError as error:
            self._failure = error
            self._stop.set()

    async def _go_on(self, child: Child) -> None:
        """Start a part, and start it again whenever it ends."""
        ends: list[float] = []
        silences = 0
        for name in child.part.after:
            await self._ready[name].wait()
        while True:
            began = time.monotonic()
            await child.start()
            self._note(child, "starting")
            code, silent = await self._watch(child, began)
            now = time.monotonic()
            ends = [end for end in ends if now - end < WINDOW] + [now]
            silences = silences + 1 if silent else 0
            if silences >= SILENCES:
                within = f"within {child.part.patience:.0f} s"
                self._give_up(child, f"did not answer {within}, {SILENCES} times")
                return
            if len(ends) >= TRIES:
                self._give_up(child, f"{_ended(code)} {TRIES} times within {WINDOW:.0f} s")
                return
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (len(ends) - 1))
            self._states[child.part.name].restarts += 1
            self._note(child, "restarting")
            self._say(f"{child.part.title} {_ended(code)}; starting it again in {pause:.1f} s")
            await asyncio.sleep(pause)

    async def _watch(self, child: Child, began: float) -> tuple[int, bool]:
        """Return the exit code once the part has ended, and whether it was because it never answered."""
        ended = asyncio.create_task(child.wait())
        try:
            ready = await self._until_ready(child, ended)
            silent = not ready and not ended.done()
            if ready:
                self._on_part_ready(child, time.monotonic() - began)
                await self._until_deaf(child, ended)
            if not ended.done():
                await child.stop()
            code = await ended
            child.kill()  # what is left in its session; user servers and workers have their own
            return code, silent
        finally:
            ended.cancel()

    async def _until_ready(self, child: Child, ended: asyncio.Task[int]) -> bool:
        if not child.part.health:
            await asyncio.wait({ended}, timeout=SETTLED)
            return not ended.done()
        deadline = time.monotonic() + child.part.patience
        while not ended.done() and time.monotonic() < deadline:
            if await answers(child.part.health):
                return not ended.done()
            await asyncio.wait({ended}, timeout=0.1)
        if not ended.done():
            self._say(f"{child.part.title} did not answer within {child.part.patience:.0f} s")
        return False

    async def _until_deaf(self, child: Child, ended: asyncio.Task[int]) -> None:
        deaf = 0
        while deaf < DEAF:
            done, _ = await asyncio.wait({ended}, timeout=LOOK)
            if done:
                return
            if child.part.health:
                deaf = 0 if await answers(child.part.health) else deaf + 1
        self._say(f"{child.part.title} runs but does not answer any more")

    def _on_part_ready(self, child: Child, seconds: float) -> None:
        name = child.part.name
        again = self._ready[name].is_set()
        self._ready[name].set()
        self._note(child, "ready")
        self._say(f"{child.part.title} is ready{' again' if again else ''} ({seconds:.1f} s)")

    def _give_up(self, child: Child, why: str) -> None:
        self._note(child, "failed")
        error = LocalModeError(
            f"{child.part.title} {why}; its last words:\n{child.tail()}",
            hint=f"read {child.log}; geodes-datalab doctor may know why",
        )
        if self._runtime.state == "starting":
            self._failure = error
            self._stop.set()
        else:
            self._set_state("degraded")
            self._say(f"{error}\nEverything else goes on.")

    # All parts

    def _note(self, child: Child, state: str) -> None:
        part = self._states[child.part.name]
        part.state, part.pid, part.mark, part.since = state, child.pid, child.mark, child.since
        self._write()

    def _set_state(self, state: str) -> None:
        self._runtime.state = state
        self._write()

    def _write(self) -> None:
        """Write what runs; once everything does, a full disk is no reason to end it."""
        try:
            run.write(self._layout, self._runtime)
        except OSError as error:
            if self._runtime.state == "starting":
                raise
            self._say(f"{self._layout.runtime} cannot be written: {error.strerror}")

    def _on_signal(self) -> None:
        if self._stop.is_set():  # the second time: at once
            for child in self._children.values():
                child.kill()
        self._stop.set()

    def _start_guard(self) -> None:
        environment = {k: v for k, v in os.environ.items() if k != family.VARIABLE}
        self._guard = subprocess.Popen(
            [sys.executable, "-m", guard.__name__, self._layout.instance],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
            cwd="/",
        )

    async def _shut_down(self, tasks: list[asyncio.Task[None]]) -> None:
        """Stop everything: parts in their order, user servers after the first of them."""
        self._set_state("stopping")
        self._say("stopping")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        children = list(self._children.values())
        for child in children[:1]:
            await child.stop()
        ours = [child.pid for child in children if child.pid]
        await asyncio.to_thread(family.end, self._layout.instance, without=ours)
        await asyncio.gather(*(child.stop() for child in children[1:]))
        await asyncio.to_thread(family.end, self._layout.instance, grace=2.0)
        run.clear(self._layout)
        self._dismiss_guard()
        self._say("everything is stopped")

    def _dismiss_guard(self) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(BrokenPipeError):
                self._guard.stdin.write(guard.FAREWELL)
                self._guard.stdin.close()
            self._guard.wait(timeout=10)


def describe_run(url: str, catalogue: str, gateway: str) -> run.Runtime:
    """Return the description of a run that this process supervises."""
    pid = os.getpid()
    return run.Runtime(pid, pids.started(pid), "starting", url, catalogue, gateway)


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended (exit code {code})"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"

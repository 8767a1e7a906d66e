"""Patience, in one place: how tests wait for what others do, and how long at most.

Limits are minutes, counted for a slow machine: a wait that succeeds ends at once, so a generous limit costs
nothing but in a failure. The environment variable ``TESTS_PATIENCE`` multiplies every one of them.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
Text = str | Callable[[], str]
Errors = tuple[type[BaseException], ...]

PASSING: Errors = (OSError, AssertionError, LookupError, ValueError)
"""What a check may raise as long as its scene is not yet there: refused connections (those of `requests`
are OSErrors), an answer without the field or the list without the entry, half a document. An error that
does not pass is told as well, at the end of the wait."""
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0


class Hopeless(Exception):
    """Raised by a check: it will never be so; the wait is over."""


@dataclass(frozen=True)
class Waited(Generic[T]):
    """How a wait ended."""

    value: T
    """What the check returned."""
    seconds: float
    """The time it took, for tables."""


def patience() -> float:
    """Return the factor on every limit: ``TESTS_PATIENCE``, 1 where it is not set."""
    return float(os.environ.get("TESTS_PATIENCE") or 1)


def minutes(count: float) -> float:
    """Return a limit in seconds, for what waits by itself: a subprocess, a request, a browser.

    Parameters
    ----------
    count
        Minutes.
    """
    return count * 60 * patience()


def eventually(
    check: Callable[[], T],
    what: Text,
    *,
    within: float = 2,
    again_on: Errors = (),
    scene: Callable[[], str] | None = None,
) -> Waited[T]:
    """Wait until a check returns something true.

    Parameters
    ----------
    check
        Asked again and again, with growing pauses.
    what
        What is waited for, in the words of the failure.
    within
        Minutes.
    again_on
        Errors that mean "not yet", beyond `PASSING`.
    scene
        Describes what is to be seen, for the failure: a log's end, the state of pods.

    Raises
    ------
    AssertionError
        It did not become true in time; says what the check returned or raised last, and the scene.
    """
    wait = _Wait(what, within, (*PASSING, *again_on), scene)
    for pause in wait.pauses():
        value = None
        with wait.looking():
            wait.last = value = check()
        if value:
            return Waited(value, wait.seconds)
        time.sleep(pause)  # patience: of all tests, between two looks
    raise wait.failure()


async def aeventually(
    check: Callable[[], Awaitable[T]],
    what: Text,
    *,
    within: float = 2,
    again_on: Errors = (),
    scene: Callable[[], str] | None = None,
) -> Waited[T]:
    """Wait as `eventually` does, for an asynchronous check."""
    wait = _Wait(what, within, (*PASSING, *again_on), scene)
    for pause in wait.pauses():
        value = None
        with wait.looking():
            wait.last = value = await check()
        if value:
            return Waited(value, wait.seconds)
        await asyncio.sleep(pause)  # patience: of all tests, between two looks
    raise wait.failure()


def throughout(
    check: Callable[[], object], what: Text, *, seconds: float, every: float = 0.1
) -> None:
    """Watch that something stays so: what must not happen is looked for, not slept through.

    Parameters
    ----------
    check
        Must return something true at every look, the first and the last included.
    what
        What must stay so, in the words of the failure.
    seconds
        As long as this. It is no limit, and patience does not change it: whoever gives it knows how soon
        the wrong thing would happen.
    every
        Seconds between two looks: more, where looks cost and what happened is still to be seen later.

    Raises
    ------
    AssertionError
        It was not so at a look.
    """
    began = time.monotonic()
    while True:
        passed = time.monotonic() - began
        seen = check()
        assert seen, f"{_text(what)}: no longer after {passed:.1f} s ({seen!r})"
        if passed >= seconds:
            return
        time.sleep(min(every, seconds))  # patience: of all tests, while something stays so


class _Wait:
    """The state of a wait."""

    def __init__(
        self, what: Text, within: float, again_on: Errors, scene: Callable[[], str] | None
    ) -> None:
        self.what, self.limit, self.again_on, self.scene = what, minutes(within), again_on, scene
        self.began = time.monotonic()
        self.last: object = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def pauses(self) -> Iterator[float]:
        """Yield the pause after each look; the last look comes when the time is over."""
        pause = FIRST_PAUSE
        while (left := self.limit - self.seconds) > 0:
            yield min(pause, left)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        yield 0

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Keep what a look raised, if it may still come true."""
        try:
            yield
        except self.again_on as error:
            self.last = error
        except Hopeless as error:
            raise self.failure(f"hopeless: {error}") from error

    def failure(self, why: str = "") -> AssertionError:
        last = self.last
        seen = f"{type(last).__name__}: {last}" if isinstance(last, BaseException) else repr(last)
        told = why or f"not within {self.seconds:.0f} s"
        lines = [f"{_text(self.what)}: {told}", f"last seen: {seen}"]
        if self.scene:
            lines.append(self._scene())
        return AssertionError("\n".join(lines))

    def _scene(self) -> str:
        assert self.scene is not None
        try:
            return self.scene()
        except Exception as error:  # noqa: BLE001 - the failure itself must be told whatever the scene does
            return f"(the scene cannot be described: {error!r})"


def _text(what: Text) -> str:
    return what if isinstance(what, str) else what()

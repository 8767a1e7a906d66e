"""Questions to an extension that a process aside answers, so that the server need not load it.

What the Lab asks when it opens is asked of each server, whether or not anybody ever uses the extension. The
process is there for some seconds; what the extension imports goes away with it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado import web

REST = 3.0
"""Seconds without a question after which the process ends: the Lab asks all that it asks at once."""


class Aside:
    """A process that answers for an extension; it is started by a question, and ends when none is left.

    Parameters
    ----------
    module
        The extension.
    base
        Beginning of the server's addresses.
    """

    def __init__(self, module: str, base: str) -> None:
        self._command = [sys.executable, "-m", "geodes_datalab.server.late.answer", module, base]
        self._starting = asyncio.Lock()
        self._process: Process | None = None
        self._numbers = count()
        self._asked: dict[int, asyncio.Future[dict[str, Any] | None]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._ending: asyncio.TimerHandle | None = None

    async def answer(self, path: str) -> dict[str, Any] | None:
        """Return status and body that the extension answers with; None where the process failed.

        Parameters
        ----------
        path
            What is asked, with its query.
        """
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        told: asyncio.Future[dict[str, Any] | None] = loop.create_future()
        self._asked[number] = told
        if self._ending is not None:
            self._ending.cancel()
        try:
            async with self._starting:
                process = self._process = self._process or await self._started()
            assert process.stdin is not None
            process.stdin.write(f"{number} {path}\n".encode())
            return await told
        except OSError:
            return None
        finally:
            self._asked.pop(number, None)
            if not self._asked:
                self._ending = loop.call_later(REST, self._end)

    async def _started(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, limit=2**26
        )
        self._reading = asyncio.create_task(self._read(process))
        return process

    async def _read(self, process: Process) -> None:
        """Hand answers to those who asked; when the process has ended, whoever waits is told nothing."""
        assert process.stdout is not None
        while line := await process.stdout.readline():
            told = json.loads(line)
            asked = self._asked.get(told["number"])
            if asked is not None and not asked.done():
                asked.set_result(told)
        await process.wait()
        if self._process is process:
            self._process = None
            for asked in self._asked.values():
                if not asked.done():
                    asked.set_result(None)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()


class Passed(APIHandler):
    """Passes a question on to the process aside; where that fails, the extension is loaded after all."""

    def initialize(self, aside: Aside, load: Callable[[], None]) -> None:
        """Take what answers, and what loads the extension."""
        self._aside, self._load = aside, load

    @web.authenticated
    async def get(self) -> None:
        """Answer as the extension would."""
        told = await self._aside.answer(self.request.uri)
        if told is None:
            self.log.warning("%s is asked of the extension itself", self.request.path)
            self._load()
            self.redirect(self.request.uri, status=307)
            return
        self.set_status(told["status"])
        self.finish(told["body"])

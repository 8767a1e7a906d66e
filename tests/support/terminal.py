"""A terminal of a Jupyter Server, driven by its websocket as the Lab's page does.

Needs tornado alone: it also runs inside the images.
"""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from support.waiting import minutes

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x07]*\x07|\r")


class Terminal:
    """An open terminal."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Any) -> None:
        self._loop = loop
        self._connection = connection
        self._count = 0

    def run(self, command: str) -> str:
        """Type a command and return what it printed, when it has ended."""
        self._count += 1
        begin, end = f"<{self._count}:", f":{self._count}>"
        # Quotes keep the marks out of the line that the terminal echoes.
        line = f"echo '<''{self._count}:'; {command}; echo ':''{self._count}>'\r"
        seen = self.typed(line, until=end)
        return seen.split(begin)[-1].split(end)[0].strip()

    def typed(self, keys: str, *, until: str) -> str:
        """Type keys and return what is shown, up to a text that must come."""
        return self._loop.run_until_complete(self._typed(keys, until))

    async def _typed(self, keys: str, until: str) -> str:
        seen = ""
        await _sent(self._connection, ["stdin", keys])
        try:
            async with asyncio.timeout(minutes(5)):
                while until not in seen:
                    message = json.loads(await self._connection.read_message() or "[]")
                    text = message[1] if message[:1] == ["stdout"] else ""
                    seen = ESCAPES.sub("", seen + text)
        except TimeoutError:
            raise AssertionError(f"{until!r} is not in: {seen}") from None
        return seen


@contextmanager
def opened(url: str, headers: Mapping[str, str]) -> Iterator[Terminal]:
    """Open a terminal of a server at an address, and end it."""
    name = begun(url, headers)
    try:
        with page(url, headers, name) as terminal:
            yield terminal
    finally:
        ended(url, headers, name)


def begun(url: str, headers: Mapping[str, str]) -> str:
    """Begin a terminal, which runs without a page too, and return its name."""
    return str(json.loads(_asked("POST", f"{url}/api/terminals", headers))["name"])


def ended(url: str, headers: Mapping[str, str], name: str) -> None:
    """End a terminal, and with it what runs in it."""
    _asked("DELETE", f"{url}/api/terminals/{name}", headers)


@contextmanager
def page(url: str, headers: Mapping[str, str], name: str) -> Iterator[Terminal]:
    """Open the page of a terminal, and close it: what runs in the terminal goes on."""
    address = f"{url.replace('http', 'ws', 1)}/terminals/websocket/{name}"
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(_connected(address, headers))
    try:
        # Wide lines, so that none is broken.
        loop.run_until_complete(_sent(connection, ["set_size", 50, 400, 50, 400]))
        yield Terminal(loop, connection)
    finally:
        loop.run_until_complete(_closed(connection))
        loop.close()


async def _connected(address: str, headers: Mapping[str, str]) -> Any:
    from tornado.httpclient import HTTPRequest
    from tornado.websocket import websocket_connect

    return await websocket_connect(HTTPRequest(address, headers=dict(headers)))


async def _sent(connection: Any, message: list[Any]) -> None:
    await connection.write_message(json.dumps(message))


async def _closed(connection: Any) -> None:
    connection.close()
    while await connection.read_message() is not None:
        pass


def _asked(method: str, url: str, headers: Mapping[str, str]) -> bytes:
    request = urllib.request.Request(url, method=method, headers=dict(headers))
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        request, timeout=minutes(2)
    ) as answer:
        return bytes(answer.read())

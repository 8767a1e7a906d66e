"""A real web proxy on loopback that writes down what it is asked: tunnels, and plain http.

Names of hosts lead where a test says, so that addresses can look as they do on a closed site.
"""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote, urlsplit

from support.waiting import minutes


@dataclass
class Asked:
    """One request of a client to the proxy."""

    method: str
    target: str
    """``host:port`` of a tunnel, or a whole address."""
    credentials: str = ""
    """``name:password`` as sent."""


@dataclass
class WebProxy:
    """A forward proxy; a context manager.

    Parameters
    ----------
    leads
        Host name (or ``host:port``) to the port of loopback where it really is.
    credentials
        ``name:password`` that it demands; empty: none.
    """

    leads: dict[str, int] = field(default_factory=dict)
    credentials: str = ""
    host: str = "127.0.0.1"
    """Where it listens."""
    asked: list[Asked] = field(default_factory=list)
    told: Callable[[str, str, str], None] = lambda *_: None
    """Called with each request as well: method, target, credentials."""
    port: int = 0
    """Where it listens; 0: a free one."""

    @property
    def url(self) -> str:
        """Its address, with what it demands."""
        name, _, password = self.credentials.partition(":")
        before = f"{quote(name, safe='')}:{quote(password, safe='')}@" if name else ""
        return f"http://{before}{self.host}:{self.port}"

    def targets(self) -> list[str]:
        """Return what it was asked for, in order."""
        return [one.target for one in self.asked]

    def environment(self, no_proxy: str = "") -> dict[str, str]:
        """Return the variables that send programs through it."""
        found = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), self.url)
        return {**found, "NO_PROXY": no_proxy, "no_proxy": no_proxy}

    def __enter__(self) -> Self:
        """Serve from a thread of its own."""
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        if not started.wait(minutes(1)):
            raise TimeoutError("the proxy did not start")
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(minutes(1))

    def _run(self, started: threading.Event) -> None:
        try:
            self._loop.run_until_complete(self._serve(started))
        finally:
            self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        self._stopping = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._begun, self.host, self.port)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stopping.wait()
        for _ in range(20):  # a server that closes forgets what it has accepted just now
            await asyncio.sleep(0.005)  # patience: some turns of the loop
        server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _begun(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._serve_one(reader, writer)
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()
            self._open.discard(task)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, target, version = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        told = {name.lower(): value for name, value in headers.items()}
        sent = told.get("proxy-authorization", "").removeprefix("Basic ")
        who = base64.b64decode(sent).decode()
        self.asked.append(Asked(method, target, who))
        self.told(method, target, who)
        if self.credentials and who != self.credentials:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nConnection: close\r\n")
            writer.write(b'Proxy-Authenticate: Basic realm="site"\r\nContent-Length: 0\r\n\r\n')
            await writer.drain()
            return
        tunnel = method == "CONNECT"
        place = target if tunnel else urlsplit(target).netloc
        host, _, port = place.partition(":")
        there = self.leads.get(place) or self.leads.get(host) or int(port or 80)
        ahead, behind = await asyncio.open_connection("127.0.0.1", there)
        if tunnel:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            parts = urlsplit(target)
            path = parts._replace(scheme="", netloc="").geturl() or "/"
            kept = [line for line in lines if not line.lower().startswith("proxy-")]
            behind.write("\r\n".join([f"{method} {path} {version}", *kept, "", ""]).encode())
        try:
            await asyncio.gather(_pass(reader, behind), _pass(ahead, writer))
        finally:
            behind.close()
            with suppress(OSError):
                await behind.wait_closed()


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass on what comes, to its end."""
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    with suppress(OSError):
        sink.write_eof()

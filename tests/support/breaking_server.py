"""A server whose answers break off in the middle, in every way that a network knows."""

from __future__ import annotations

import gzip
import json
import os
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from support.running import running
from support.waiting import minutes

GOOD = json.dumps({"ok": "x" * 500}).encode()
"""What is sent where nothing breaks."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Break the first answers, by the path: ``/<fault>/<how many>``."""
        server: Any = self.server
        fault, _, times = self.path.lstrip("/").partition("/")
        server.seen[self.path] += 1
        if server.seen[self.path] <= int(times or 10**6):
            self.close_connection = True
            FAULTS[fault](self)
            return
        self.begin(f"Content-Length: {len(GOOD)}")
        self.wfile.write(GOOD)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def begin(self, *headers: str) -> None:
        lines = ("HTTP/1.1 200 OK", "Content-Type: application/geo+json", *headers, "", "")
        self.wfile.write("\r\n".join(lines).encode())

    def half(self) -> None:
        """Send the headers and half of the body, and wait until the headers were read."""
        self.begin(f"Content-Length: {len(GOOD)}")
        self.wfile.write(GOOD[: len(GOOD) // 2])
        self.server.go.wait(minutes(1))  # type: ignore[attr-defined]

    def log_message(self, *_: Any) -> None:
        pass


def _reset(handler: _Handler) -> None:
    handler.half()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(handler.connection.detach())


def _stalled(handler: _Handler) -> None:
    handler.half()
    handler.server.over.wait(minutes(1))  # type: ignore[attr-defined]


def _bad_chunk(handler: _Handler) -> None:
    handler.begin("Transfer-Encoding: chunked")
    handler.wfile.write(b"10\r\n" + GOOD[:16] + b"\r\nno number\r\n")


def _cut_chunk(handler: _Handler) -> None:
    handler.begin("Transfer-Encoding: chunked")
    handler.wfile.write(b"ff\r\n" + GOOD[:16])


def _no_gzip(handler: _Handler) -> None:
    handler.begin("Content-Encoding: gzip", f"Content-Length: {len(GOOD)}")
    handler.wfile.write(GOOD)


def _damaged_gzip(handler: _Handler) -> None:
    packed = bytearray(gzip.compress(os.urandom(500), mtime=0))
    packed[-8:] = bytes(8)  # another checksum and length than those of the content
    handler.begin("Content-Encoding: gzip", f"Content-Length: {len(packed)}")
    handler.wfile.write(packed)


def _cut_gzip(handler: _Handler) -> None:
    packed = gzip.compress(GOOD, mtime=0)[:-12]
    handler.begin("Content-Encoding: gzip", f"Content-Length: {len(packed)}")
    handler.wfile.write(packed)


def _no_length(handler: _Handler) -> None:
    handler.begin("Connection: close")
    handler.wfile.write(GOOD[:200])


def _long_header(handler: _Handler) -> None:
    handler.begin("X-Long: " + "x" * 70_000, "Content-Length: 0")


def _many_headers(handler: _Handler) -> None:
    handler.begin(*(f"X-{number}: y" for number in range(200)), "Content-Length: 0")


def _no_http(handler: _Handler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


IN_THE_BODY: Mapping[str, Callable[[_Handler], None]] = {
    "reset": _reset,
    "cut": _Handler.half,
    "stalled": _stalled,
    "bad-chunk": _bad_chunk,
    "cut-chunk": _cut_chunk,
    "no-gzip": _no_gzip,
    "damaged-gzip": _damaged_gzip,
}
"""Faults after the headers that everyone who reads on meets."""

UNSEEN: Mapping[str, Callable[[_Handler], None]] = {"cut-gzip": _cut_gzip, "no-length": _no_length}
"""Faults after the headers that only the content tells."""

BEFORE: Mapping[str, Callable[[_Handler], None]] = {
    "long-header": _long_header,
    "many-headers": _many_headers,
    "no-http": _no_http,
    "closed": lambda handler: None,
}
"""Faults before the body."""

FAULTS = {**IN_THE_BODY, **UNSEEN, **BEFORE}


@contextmanager
def breaking() -> Iterator[Any]:
    """Serve until the end of the block; ``go`` lets answers break that wait for it."""
    facts: dict[str, Any] = {
        "seen": Counter[str](),
        "go": threading.Event(),
        "over": threading.Event(),
    }
    with running(_Handler, **facts) as server:
        try:
            yield server
        finally:
            server.go.set()
            server.over.set()

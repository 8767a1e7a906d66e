"""A server of files whose manners can be chosen: ranges, versions, breaks, packing."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from support.running import running


class Server:
    """What it serves, how, and what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, bytes] = {}
        """By path."""
        self.ranges = True
        """Whether parts are sent."""
        self.conditions = True
        """Whether ``If-Range`` is honoured."""
        self.tags = False
        """Whether a version is told by ``ETag``: strong, or weak with ``weak``."""
        self.weak = False
        self.dates: str | None = None
        """``Last-Modified``, where told."""
        self.length = True
        """Whether ``Content-Length`` is told; else the end of the connection is the end."""
        self.most: int | None = None
        """Bytes of a part, at most."""
        self.packed = False
        """Whether files are sent packed, although nobody asked for it."""
        self.asked: list[dict[str, str]] = []
        """Headers of the requests for files, by small names."""
        self.cut: Callable[[int], int | None] = lambda _: None
        """After how many bytes the nth answer breaks off."""
        self.pause: Callable[[int], None] = lambda _: None
        """Called after each piece, with the bytes sent so far."""

    def content(self, href: str) -> bytes:
        return self.files[urlsplit(href).path]

    def tag(self, content: bytes) -> str:
        return ("W/" if self.weak else "") + f'"{hashlib.sha1(content).hexdigest()}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    state: Server

    def do_POST(self) -> None:
        """Say of all products that nothing is known of tapes."""
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"products": []}'
        self.answer(200, body, {"Content-Type": "application/json"}, None)

    def do_GET(self) -> None:
        state = self.state
        content = state.content(self.path)
        asked = {name.lower(): value for name, value in self.headers.items()}
        number = len(state.asked)
        state.asked.append(asked)
        told: dict[str, str] = {"ETag": state.tag(content)} if state.tags else {}
        if state.dates:
            told["Last-Modified"] = state.dates
        known = (state.tag(content), state.dates)
        fits = not state.conditions or asked.get("if-range", known[0]) in known
        if "range" in asked and state.ranges and fits:
            self.part(asked["range"], content, told, number)
            return
        if state.packed:
            content, told = gzip.compress(content, mtime=0), told | {"Content-Encoding": "gzip"}
        self.answer(200, content, told, state.cut(number))

    def part(self, span: str, content: bytes, told: dict[str, str], number: int) -> None:
        first, _, last = span.removeprefix("bytes=").partition("-")
        begin, size = int(first), len(content)
        end = min(int(last) + 1 if last else size, begin + (self.state.most or size), size)
        if begin >= size:
            self.answer(416, b"", {"Content-Range": f"bytes */{size}"}, None)
            return
        told["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
        self.answer(206, content[begin:end], told, self.state.cut(number))

    def answer(self, status: int, body: bytes, told: dict[str, str], cut: int | None) -> None:
        self.send_response(status)
        for name, value in told.items():
            self.send_header(name, value)
        if self.state.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        body = body[:cut]
        with suppress(OSError):
            for begin in range(0, len(body), 10_000):
                self.wfile.write(body[begin : begin + 10_000])
                self.wfile.flush()
                self.state.pause(begin + 10_000)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    """Serve until the end of the block."""
    state = Server()
    handler = type("Handler", (_Handler,), {"state": state})
    with running(handler) as server:
        state.url = server.url
        yield state


def long_ago() -> str:
    """A date for ``Last-Modified`` that is settled."""
    return formatdate(1_600_000_000, usegmt=True)

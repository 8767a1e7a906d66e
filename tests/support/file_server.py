"""A server of files whose manners can be chosen: ranges, versions, breaks, packing."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


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
        import hashlib

        return ("W/" if self.weak else "") + f'"{hashlib.sha1(content).hexdigest()}"'


@contextmanager
def serving() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b'{"products": []}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            content = state.content(self.path)
            asked = {name.lower(): value for name, value in self.headers.items()}
            number = len(state.asked)
            state.asked.append(asked)
            known = (state.tag(content), state.dates)
            fits = not state.conditions or asked.get("if-range", known[0]) in known
            told: dict[str, str] = {"ETag": known[0]} if state.tags else {}
            if state.dates:
                told["Last-Modified"] = state.dates
            if "range" in asked and state.ranges and fits:
                begin = int(asked["range"].removeprefix("bytes=").partition("-")[0])
                last = asked["range"].partition("-")[2]
                end = int(last) + 1 if last else len(content)
                end = min(end, begin + (state.most or len(content)), len(content))
                if begin >= len(content):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                    self.end_headers()
                    return
                told["Content-Range"] = f"bytes {begin}-{end - 1}/{len(content)}"
                self.answer(206, content[begin:end], told, state.cut(number))
            else:
                if state.packed:
                    content, told = gzip.compress(content), told | {"Content-Encoding": "gzip"}
                self.answer(200, content, told, state.cut(number))

        def answer(self, status: int, body: bytes, told: dict[str, str], cut: int | None) -> None:
            self.send_response(status)
            for name, value in told.items():
                self.send_header(name, value)
            if state.length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            body = body[:cut]
            with suppress(OSError):
                for begin in range(0, len(body), 10_000):
                    self.wfile.write(body[begin : begin + 10_000])
                    self.wfile.flush()
                    state.pause(begin)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def long_ago() -> str:
    """A date for ``Last-Modified`` that is settled."""
    return formatdate(1_600_000_000, usegmt=True)

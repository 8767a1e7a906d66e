"""A server of files that misbehaves as it is told to, and keeps every header that it is sent."""

from __future__ import annotations

import gzip
import hashlib
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal, NamedTuple

from support.running import running

ALWAYS = 10**9


@dataclass(frozen=True)
class Manner:
    """What a server does that it should not, or need not."""

    ranges: Literal["sent", "ignored", "as whole", "elsewhere", "no place", "several"] = "sent"
    """What it makes of a range: a whole file, a part that it calls whole, a part of another place, one of which it
    does not tell the place, one in a multipart body."""
    status: int = 0
    """What it answers instead of a file, ``times`` times; ``only_ranges`` are answered so."""
    times: int = 0
    only_ranges: bool = False
    retry_after: str = ""
    most: int = ALWAYS
    """Bytes of a part, at most."""
    cuts: int = 0
    """How many answers break off, after half of their body, or of ``cut_after`` bytes."""
    cut_after: int = ALWAYS
    abrupt: bool = False
    """Whether they do so by a reset of the connection, not by its end."""
    length: Literal["told", "chunked", "till closed"] = "told"
    """How the end of a body is told."""
    head: int = 0
    """What it answers to HEAD."""
    packed: bool = False
    """Whether it sends files packed by gzip, although nobody asked for it."""
    version: Literal["", "tag", "weak tag", "date"] = "tag"
    """How it tells one version of a file from another."""
    changes: int = ALWAYS
    """How many answers are of the first version of a file; what follows is of the second."""
    forth_and_back: bool = False
    """Whether it changes at each answer from then on."""
    pause: float = 0.0
    """Seconds between two pieces of a body."""
    hangs: Literal["", "before", "within"] = ""
    """Whether it falls silent, before its answer or within."""
    away: bool = False
    """Whether it hands files over to another host, by an address that is signed."""


class Served(NamedTuple):
    """A server's manner, and what may be said of it where no pixels come."""

    manner: Manner
    words: str = ""
    """One of them stands in the error; where there are none, pixels must come."""
    longer: int = 0
    """Bytes by which the second version of a file is longer."""


BEHAVIOURS: dict[str, Served] = {
    "as it should be": Served(Manner()),
    "Range ignored": Served(Manner(ranges="ignored")),
    "200 for a range": Served(Manner(ranges="as whole")),
    "no Content-Range": Served(Manner(ranges="no place")),
    "multipart": Served(Manner(ranges="several")),
    "wrong Content-Range": Served(Manner(ranges="elsewhere"), "Content-Range"),
    "shorter 206": Served(Manner(most=20_000)),
    "cut once": Served(Manner(cuts=1)),
    "cut once at once": Served(Manner(cuts=1, cut_after=0)),
    "cut often": Served(Manner(cuts=ALWAYS, cut_after=20_000)),
    "cut in half always": Served(Manner(cuts=ALWAYS), "broke off"),
    "reset once": Served(Manner(cuts=1, abrupt=True)),
    "reset always": Served(Manner(cuts=ALWAYS, cut_after=0, abrupt=True), "broke off|broken off"),
    "cut always": Served(Manner(cuts=ALWAYS, cut_after=0), "broke off|broken off"),
    "chunked": Served(Manner(length="chunked")),
    "chunked, cut once": Served(Manner(length="chunked", cuts=1)),
    "until it closes": Served(Manner(length="till closed")),
    "HEAD 403": Served(Manner(head=403)),
    "HEAD 404": Served(Manner(head=404)),
    "HEAD 405": Served(Manner(head=405)),
    "gzip on the wire": Served(Manner(packed=True)),
    "signed elsewhere": Served(Manner(away=True)),
    "changes, tag": Served(Manner(changes=2), "changed"),
    "changes, weak tag": Served(Manner(changes=2, version="weak tag"), "changed"),
    "changes, date": Served(Manner(changes=2, version="date"), "changed"),
    "changes, size": Served(Manner(changes=2, version=""), "changed|bytes instead of", 1),
    "changes always": Served(Manner(changes=1, forth_and_back=True), "changed"),
    "slow": Served(Manner(pause=0.001)),
    "silent": Served(Manner(hangs="before"), "did not answer in time"),
    "silent within": Served(Manner(hangs="within"), "did not go on with its answer in time"),
    "429 once": Served(Manner(status=429, times=1, retry_after="0")),
    "429 always": Served(Manner(status=429, times=ALWAYS, retry_after="0"), "429"),
    "429 for long": Served(Manner(status=429, times=ALWAYS, retry_after="3600"), "429"),
    "500 once": Served(Manner(status=500, times=1)),
    "500 always": Served(Manner(status=500, times=ALWAYS), "500"),
    "500 for ranges": Served(Manner(status=500, times=ALWAYS, only_ranges=True)),
}  # fmt: skip
"""Manners of servers that were met, or may be."""


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class State:
    """What a server serves, and what it was asked."""

    files: dict[str, tuple[bytes, bytes]]
    """The two versions of each file."""
    manner: Manner
    store: str = ""
    """Address of the host that it hands files over to."""
    signed: bool = False
    """Whether it serves signed addresses only."""
    signature: str = "signature=s1gned"
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: int = 0
    failed: int = 0
    cut: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def takes(self, name: str, most: int) -> bool:
        """Count something that happens so many times, and tell whether it still does."""
        with self.lock:
            count = getattr(self, name)
            setattr(self, name, count + 1)
            return bool(count < most)

    def content(self, path: str) -> bytes:
        """Return the version of a file that is in place."""
        with self.lock:
            number, first = self.answers, self.manner.changes
            self.answers += 1
        changed = number >= first and not (self.manner.forth_and_back and (number - first) % 2)
        return self.files[path][changed]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: State

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        if self.state.manner.head:
            self._note()
            self._empty(self.state.manner.head)
            return
        self.do_GET()

    def do_GET(self) -> None:
        state, manner = self.state, self.state.manner
        self._note()
        path, _, query = self.path.lstrip("/").partition("?")
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if manner.hangs == "before":
            state.over.wait()
            self.close_connection = True
        elif manner.status and (asked or not manner.only_ranges) and state.takes("failed", manner.times):  # fmt: skip
            self._empty(manner.status, **({"Retry-After": manner.retry_after} if manner.retry_after else {}))  # fmt: skip
        elif path not in state.files:
            self._empty(404)
        elif manner.away:
            self._empty(302, Location=f"{state.store}/{path}?{state.signature}")
        elif state.signed and query != state.signature:
            self._empty(403)
        else:
            self._serve(state.content(path), asked)

    def do_POST(self) -> None:
        """Say of all products, in good manner, that nothing is known of tapes."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._note()
        body = b'{"products": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _serve(self, data: bytes, asked: re.Match[str] | None) -> None:
        manner, told = self.state.manner, self._versions(data)
        if asked is None or manner.ranges == "ignored":
            self._send(200, data, told)
            return
        begin, size = int(asked[1]), len(data)
        end = min(int(asked[2]) + 1 if asked[2] else size, begin + manner.most, size)
        if begin >= end:
            self._empty(416, **{"Content-Range": f"bytes */{size}"})
            return
        if manner.ranges == "elsewhere":
            begin, end = (begin + 7, end + 7) if end + 7 <= size else (begin - 7, end - 7)
        part, place = data[begin:end], f"bytes {begin}-{end - 1}/{size}"
        if manner.ranges == "several":
            part = f"--x\r\nContent-Range: {place}\r\n\r\n".encode() + part + b"\r\n--x--\r\n"
            told["Content-Type"] = "multipart/byteranges; boundary=x"
        elif manner.ranges != "no place":
            told["Content-Range"] = place
        self._send(200 if manner.ranges == "as whole" else 206, part, told)

    def _versions(self, data: bytes) -> dict[str, str]:
        number = int.from_bytes(hashlib.sha256(data).digest()[:4], "big")
        tag = f'"{number}"'
        return {
            "": dict[str, str](), "tag": {"ETag": tag}, "weak tag": {"ETag": f"W/{tag}"},
            "date": {"Last-Modified": formatdate(number // 4, usegmt=True)},
        }[self.state.manner.version]  # fmt: skip

    def _send(self, status: int, body: bytes, told: dict[str, str]) -> None:
        state, manner = self.state, self.state.manner
        if manner.packed:
            body, told = gzip.compress(body, mtime=0), told | {"Content-Encoding": "gzip"}
        told |= {"told": {"Content-Length": str(len(body))}, "chunked": {"Transfer-Encoding": "chunked"}, "till closed": {"Connection": "close"}}[manner.length]  # fmt: skip
        self.send_response(status)
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = state.takes("cut", manner.cuts)
        after = len(body) // 2 if manner.cut_after == ALWAYS else manner.cut_after
        left = min(after, len(body)) if cut or manner.hangs else len(body)
        with suppress(OSError):
            self._write(body[:left], last=left == len(body))
        if manner.hangs:
            state.over.wait()
        if cut and left < len(body):
            self._reset()
        elif manner.length == "till closed" or manner.hangs:
            self.close_connection = True

    def _write(self, body: bytes, *, last: bool) -> None:
        step = max(1, len(body) // 4) if self.state.manner.pause else len(body) or 1
        chunked = self.state.manner.length == "chunked"
        for begin in range(0, len(body), step):
            piece = body[begin : begin + step]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            self.state.over.wait(self.state.manner.pause)
        if chunked and last:
            self.wfile.write(b"0\r\n\r\n")

    def _reset(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            if self.state.manner.abrupt:
                at_once = struct.pack("ii", 1, 0)  # what is not sent yet is dropped
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
                self.connection.close()
            else:
                self.connection.shutdown(socket.SHUT_RDWR)

    def _empty(self, status: int, **told: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": "0"} | told).items():
            self.send_header(name, value)
        self.end_headers()

    def _note(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.state.asked.append(Asked(self.command, self.path, headers))


@contextmanager
def misbehaving(
    manner: Manner, files: dict[str, tuple[bytes, bytes]]
) -> Iterator[tuple[State, State]]:
    """Serve files, of which there are two versions, until the end of the block.

    The second server serves them where the first hands them over.
    """
    store = State(files, Manner(), signed=True)
    state = State(files, manner)
    with _running(store), _running(state):
        state.store = store.url
        yield state, store


@contextmanager
def _running(state: State) -> Iterator[None]:
    with running(type("Handler", (_Handler,), {"state": state})) as server:
        state.url = server.url
        try:
            yield
        finally:
            state.over.set()

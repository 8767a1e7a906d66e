"""Archives in memory, and a server of them that counts, and that can misbehave."""

from __future__ import annotations

import io
import re
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from support.waiting import minutes

from geodes_datalab.cubes.archive.ranges import Span


class Memory:
    """Bytes at hand, read as a file; counts what is read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)
        self.requests = self.received = 0

    def parts(self, spans: Sequence[Span]) -> list[bytes]:
        self.requests += len(spans)
        self.received += sum(span.length for span in spans)
        return [self.data[span.begin : span.end] for span in spans]


def zipped(
    members: dict[str, bytes], *, method: int = zipfile.ZIP_STORED, comment: bytes = b""
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.comment = comment
    return stream.getvalue()


class Depot(ThreadingHTTPServer):
    """Files on a server that honours ranges, unless told how to fail."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.files: dict[str, bytes] = {}
        self.versions: dict[str, str] = {}
        self.fault: Callable[[int, int, bytes], tuple[int, dict[str, str], bytes]] | None = None
        self.spans: list[tuple[int, int]] = []
        self.most_at_once = self._at_once = 0
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def put(self, name: str, data: bytes, version: str | None = None) -> str:
        self.files[name] = data
        if version:
            self.versions[name] = version
        return f"{self.url}/{name}"

    def enter(self, step: int) -> None:
        with self.lock:
            self._at_once += step
            self.most_at_once = max(self.most_at_once, self._at_once)

    @property
    def received(self) -> int:
        return sum(end - begin for begin, end in self.spans)


class _Visit(BaseHTTPRequestHandler):
    server: Depot
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        depot, name = self.server, self.path.lstrip("/")
        data = depot.files[name]
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        begin, end = (int(asked[1]), int(asked[2]) + 1) if asked else (0, len(data))
        depot.enter(1)
        try:
            depot.spans.append((begin, end))
            headers = {"Content-Range": f"bytes {begin}-{end - 1}/{len(data)}"} if asked else {}
            status, body = 206 if asked else 200, data[begin:end]
            if depot.fault:
                status, headers, body = depot.fault(begin, end, data)
            if name in depot.versions:
                headers["ETag"] = depot.versions[name]
            self.send_response(status)
            for key, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)
        finally:
            depot.enter(-1)


@pytest.fixture
def depot() -> Iterator[Depot]:
    running = Depot()
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def client() -> Iterator[Any]:
    from geodes_datalab import _http
    from geodes_datalab.config import load

    with _http.Client(load(backoff=0.001, retries=2, timeout=minutes(1))) as running:
        yield running


@pytest.fixture
def memory() -> type[Memory]:
    return Memory


@pytest.fixture
def pack() -> Callable[..., bytes]:
    return zipped

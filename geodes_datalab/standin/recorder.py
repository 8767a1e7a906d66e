"""What the stand-in received, for tests: every request, with secrets told apart but never kept."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

KEPT = 20_000
SECRET_HEADERS = frozenset({"x-api-key", "authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True)
class Received:
    """One request and the status it got."""

    method: str
    path: str
    query: str
    """Query string, undecoded."""
    headers: dict[str, str]
    """Lower-case names; secret ones hold only ``<present>``."""
    body: Any
    """Decoded JSON, text when it is none, or None."""
    key: str
    """``absent``, ``valid`` or ``wrong``."""
    status: int
    """Answered status; 0 when the connection was cut before one was sent."""


@dataclass
class RequestLog:
    """The last requests in order of their answers."""

    _entries: deque[Received] = field(default_factory=lambda: deque(maxlen=KEPT), repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, entry: Received) -> None:
        """Append one request."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._entries.clear()

    def to(self, part: str) -> list[Received]:
        """Return the requests whose path contains `part`."""
        return [entry for entry in self if part in entry.path]

    def __iter__(self) -> Iterator[Received]:
        """Iterate over a copy of the log."""
        with self._lock:
            return iter(list(self._entries))

    def __len__(self) -> int:
        """Return how many requests are kept."""
        return len(self._entries)

    def __getitem__(self, index: int) -> Received:
        """Return one request; -1 is the last."""
        return self._entries[index]


def redact(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers as text with the values of secret ones replaced."""
    result = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    return {
        name: "<present>" if name in SECRET_HEADERS else value for name, value in result.items()
    }


def decode(body: bytes) -> Any:
    """Return a request body as JSON, else as text, else None."""
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")

"""How many requests and bytes reading took, told to whoever counts.

Requests are sent by several threads on behalf of one reader, so a tally counts all that its process
receives while it runs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What came over the network."""

    requests: int = 0
    """Answers received."""
    received: int = 0
    """Bytes of their bodies."""
    whole: dict[str, int] = field(default_factory=dict)
    """Size of each file of which a part was read, by address."""

    @property
    def size(self) -> int:
        """Bytes of all files of which a part was read."""
        return sum(self.whole.values())

    def __str__(self) -> str:
        """Return the tally as a sentence's part."""
        return (
            f"{self.received / 1e6:.1f} MB of {self.size / 1e6:.1f} MB in {self.requests} requests"
        )


_lock = threading.Lock()
_tallies: list[Tally] = []


@contextmanager
def counted() -> Iterator[Tally]:
    """Count what is received until the end of the block.

    Examples
    --------
    >>> with counted() as tally:
    ...     note("https://geodes.example/files/abc", 524_360_000, 3_100_000)
    >>> str(tally)
    '3.1 MB of 524.4 MB in 1 requests'
    """
    tally = Tally()
    with _lock:
        _tallies.append(tally)
    try:
        yield tally
    finally:
        with _lock:
            _tallies[:] = [item for item in _tallies if item is not tally]


def note(url: str, size: int, received: int) -> None:
    """Tell of an answer.

    Parameters
    ----------
    url, size
        The file, and its size in bytes.
    received
        Bytes of the answer.
    """
    with _lock:
        for tally in _tallies:
            tally.requests += 1
            tally.received += received
            tally.whole[url] = size

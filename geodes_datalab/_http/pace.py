"""No more requests a second to a server than it bears, whichever threads and clients send them."""

from __future__ import annotations

import threading
import time

_lock = threading.Lock()
_next: dict[str, float] = {}
"""Server -> when the next request may be sent."""


def wait(server: str, rate: float) -> None:
    """Wait for the turn of a request.

    Parameters
    ----------
    server
        Whom it asks.
    rate
        Requests a second, at most; 0 for no limit.
    """
    if rate <= 0:
        return
    with _lock:
        now = time.monotonic()
        turn = max(now, _next.get(server, 0.0))
        _next[server] = turn + 1 / rate
    time.sleep(turn - now)

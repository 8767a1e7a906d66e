"""Ports for the servers of tests, in many processes at once."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from functools import cache
from itertools import chain, cycle


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on; no two calls of a process return the same.

    They lie below those that the system takes for outgoing connections, and processes whose numbers are
    neighbours begin far apart.

    Parameters
    ----------
    count
        How many.
    """
    found: list[int] = []
    for _ in range(12000):
        port = next(_numbers())
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no free ports")


@cache
def _numbers() -> Iterator[int]:
    first = 20000 + os.getpid() * 37 % 12000
    return cycle(chain(range(first, 32000), range(20000, first)))

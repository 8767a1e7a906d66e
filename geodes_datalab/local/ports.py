"""Ports of local mode: a block that can be foreseen, or free ones."""

from __future__ import annotations

import random
import socket
from dataclasses import asdict, dataclass

from geodes_datalab.errors import LocalModeError

HOST = "127.0.0.1"
_BELOW_EPHEMERAL = range(20000, 32000)  # systems take outgoing ports from 32768 on


@dataclass(frozen=True)
class Ports:
    """One port per listener; only ``public`` matters to people."""

    public: int
    """What browsers open (default 8000)."""
    proxy_api: int
    gateway: int
    gateway_http: int
    gateway_scheduler: int
    catalogue: int
    hub: int
    hpda: int
    hpda_http: int
    hpda_scheduler: int


def block(first: int) -> Ports:
    """Return the block that starts at the public port (8000: up to 8009)."""
    return Ports(*range(first, first + len(Ports.__dataclass_fields__)))


def choose(wanted: str) -> Ports:
    """Choose ports and check that they are free.

    Parameters
    ----------
    wanted
        The public port, whose block is used, or ``"auto"``.

    Raises
    ------
    LocalModeError
        A port is taken; the message names the process that holds it, where it can be seen.
    """
    if wanted == "auto":
        return _free()
    if not wanted.isdecimal() or not 1024 <= int(wanted) <= 65500:
        raise LocalModeError(
            f"{wanted!r} is no port that can be used", hint='use 1024 to 65500, or "auto"'
        )
    ports = block(int(wanted))
    taken = [port for port in asdict(ports).values() if not is_free(port)]
    if taken:
        raise LocalModeError(
            "these ports are taken: " + ", ".join(f"{p} ({holder(p)})" for p in taken),
            hint="stop what holds them, choose another block with --port 9000, or use --port auto",
        )
    return ports


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except OSError:
            return False
        return True


def holder(port: int) -> str:
    """Describe the process that listens on a port, as far as this account may see it."""
    import psutil

    for process in psutil.process_iter(["pid", "name"]):
        try:
            listening = [c for c in process.net_connections("tcp") if c.status == "LISTEN"]
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
        if any(connection.laddr.port == port for connection in listening):
            return f"process {process.info['pid']}, {process.info['name']}"
    return "held by another account's process"


def _free() -> Ports:
    count = len(Ports.__dataclass_fields__)
    candidates = random.SystemRandom().sample(_BELOW_EPHEMERAL, 200)
    free = [port for port in candidates if is_free(port)][:count]
    if len(free) < count:
        raise LocalModeError("no free ports were found", hint="choose a block with --port 9000")
    return Ports(*free)

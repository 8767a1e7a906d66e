"""Keeps a client process off the network: only loopback addresses can be reached."""

from __future__ import annotations

import socket


def only_loopback() -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if isinstance(address, tuple) and host not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"blocked: this test may not reach {host}")
        connect(self, address)

    socket.socket.connect = guarded

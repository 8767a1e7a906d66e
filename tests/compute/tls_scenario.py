"""Play python/cpython#148594 with the standard library alone, in a process of its own.

Usage: ``python tls_scenario.py CERTIFICATE KEY [guard]`` with a certificate for localhost. Prints what a
read from a healthy connection ends in after another connection was reset, and whether the guard is in.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import sys
import threading


def main(certificate: str, key: str, guard: str = "") -> None:
    active = False
    if guard:
        from geodes_datalab.compute import tls

        active = tls.install()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cafile=certificate)
    healthy, far = connection(server, client)
    before = read(healthy)
    reset_another(server, client)
    after = [read(healthy), read(healthy)]
    far.sendall(b"still here")
    healthy.setblocking(True)
    said = {"before": before, "after": after, "guard": active, "then": read(healthy)}
    print(json.dumps(said | {"python": sys.version.split()[0], "openssl": ssl.OPENSSL_VERSION}))


def connection(
    server: ssl.SSLContext, client: ssl.SSLContext
) -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
    """Return the client's end, not blocking, and the server's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted: list[ssl.SSLSocket] = []

        def accept() -> None:
            raw, _ = listener.accept()
            accepted.append(server.wrap_socket(raw, server_side=True))

        thread = threading.Thread(target=accept)
        thread.start()
        raw = socket.create_connection(listener.getsockname())
        near = client.wrap_socket(raw, server_hostname="localhost")
        thread.join()
    accepted[0].sendall(b"hello")  # and the session tickets with it
    assert near.recv(10) == b"hello"
    near.setblocking(False)
    return near, accepted[0]


def reset_another(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """Write on a connection whose other end went away without a word."""
    dying, far = connection(server, client)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()
    with contextlib.suppress(OSError):
        dying.send(b"x")


def read(connection: ssl.SSLSocket) -> str:
    try:
        return connection.recv(100).decode()
    except OSError as error:
        return type(error).__name__


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A server of a test, on a thread, until the end of a block."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def running(
    handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None, **facts: Any
) -> Iterator[Any]:
    """Serve on a free port of the loopback.

    Parameters
    ----------
    handler
        Answers.
    tls
        Certificate, where it speaks TLS.
    **facts
        Attributes of the server, which the handler finds as ``self.server``.

    Yields
    ------
    ThreadingHTTPServer
        With its address as ``url``.
    """
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    vars(server).update(facts)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

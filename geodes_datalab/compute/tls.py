"""Guard against python/cpython#148594, which breaks healthy TLS connections of Dask.

CPython raises ``OSError`` for a system error that OpenSSL reports, but leaves the error in OpenSSL's
queue of the thread. Since OpenSSL 3.4 the next read of *any other* TLS connection of that thread finds
the stale error and fails with it. Dask runs all its connections in one thread, so one worker that goes
away breaks the scheduler's connection to the client. Debian 13's own Python is affected.

The guard empties the queue whenever a call of `ssl.SSLSocket` ends in an error. It goes in only
where the defect shows in this very process. Dask loads it by
``DASK_DISTRIBUTED__{CLIENT,WORKER,NANNY}__PRELOAD=["geodes_datalab.compute.tls"]``, schedulers of a Dask
Gateway by ``scheduler_cmd = ["dask", "scheduler", "--preload", "geodes_datalab.compute.tls"]`` (the
gateway's own ``--preload`` overrides the setting); `open_cluster` sees to the rest. Only the standard
library is imported, and only when a function is called.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

FIRST_AFFECTED_OPENSSL = (3, 4)
"""Older versions of OpenSSL do not look at the stale error (measured: 3.0 no, 3.5 yes)."""

GUARDED = ("read", "write", "send", "do_handshake", "unwrap")
"""Methods of `ssl.SSLSocket` through which all others reach OpenSSL."""

_MARK = "_geodes_datalab_guard"


def install() -> bool:
    """Put the guard in where the defect shows; calling it again changes nothing.

    Returns
    -------
    bool
        Whether the guard is active in this process.
    """
    if active():
        return True
    if not defect_present():
        return False
    clear = _find_clear()
    if clear is None:
        return False
    _patch(clear)
    return True


def active() -> bool:
    """Tell whether the guard is in place in this process."""
    import ssl

    return hasattr(ssl.SSLSocket.read, _MARK)


def remove() -> None:
    """Take the guard out again."""
    import ssl

    for name in GUARDED:
        inner = getattr(getattr(ssl.SSLSocket, name), _MARK, None)
        if inner is not None:
            setattr(ssl.SSLSocket, name, inner)


@functools.cache
def defect_present() -> bool:
    """Find out whether this process's Python and OpenSSL have the defect.

    The version of OpenSSL rules it out, or two connections over loopback show it (about 5 ms, once per
    process). Where they cannot be made, the defect is assumed: the guard does no harm.
    """
    import ssl

    if ssl.OPENSSL_VERSION_INFO[:2] < FIRST_AFFECTED_OPENSSL:
        return False
    try:
        return _healthy_connection_breaks(lambda: None)
    except OSError:
        return True


def dask_setup(server: object) -> None:
    """Install the guard; Dask calls this when a client, scheduler, worker or nanny has started."""
    install()


def _patch(clear: Callable[[], object]) -> None:
    import ssl

    for name in GUARDED:
        setattr(ssl.SSLSocket, name, _guarded(getattr(ssl.SSLSocket, name), clear))


def _guarded(inner: Callable[..., Any], clear: Callable[[], object]) -> Callable[..., Any]:
    import ssl

    @functools.wraps(inner)
    def call(self: ssl.SSLSocket, *args: Any, **kwargs: Any) -> Any:
        try:
            return inner(self, *args, **kwargs)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):  # nothing went wrong
            raise
        except OSError:
            clear()
            raise

    setattr(call, _MARK, inner)
    return call


def _find_clear() -> Callable[[], object] | None:
    """Return the first way to empty the queue that is proved to cure the defect here."""
    for clear in _ways_to_clear():
        try:
            if not _healthy_connection_breaks(clear):
                return clear
        except OSError:  # nothing can be proved without a loopback: take the most direct way
            return clear
    return None


def _ways_to_clear() -> Iterator[Callable[[], object]]:
    """Yield ``ERR_clear_error`` of the libcrypto behind `ssl`, then a way without ctypes."""
    import ctypes

    for library in (getattr(sys.modules["_ssl"], "__file__", None), None):
        try:
            yield ctypes.CDLL(library).ERR_clear_error
        except (OSError, AttributeError):  # linked statically, or with hidden symbols
            continue
    yield _clear_by_refusal


def _clear_by_refusal() -> None:
    """Empty the queue by a call that OpenSSL refuses: CPython clears it after reporting the refusal."""
    import ssl
    from contextlib import suppress

    with suppress(ssl.SSLError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers("no-such-cipher")


def _healthy_connection_breaks(clear: Callable[[], object]) -> bool:
    """Reset one TLS connection, call ``clear``, and tell whether another one still reads.

    Raises
    ------
    OSError
        No such pair of connections can be made here.
    """
    healthy, dying = _connected(), _connected()
    try:
        _reset(dying[1])
        try:
            dying[0].send(b"x")
        except OSError:
            clear()
        return _reads_fail(healthy[0])
    finally:
        for end in (*healthy, *dying):
            end.close()
        _clear_by_refusal()


def _reads_fail(connection: ssl.SSLSocket) -> bool:
    import ssl

    try:
        connection.recv(1)
    except ssl.SSLWantReadError:
        return False
    except OSError:
        return True
    return False


def _reset(connection: ssl.SSLSocket) -> None:
    """Close so that the peer's next write fails with ECONNRESET (no SIGPIPE is raised for that)."""
    import socket
    import struct

    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _connected() -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
    """Return both ends of a TLS connection over loopback, without certificates, not blocking."""
    import socket
    import ssl

    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname(), timeout=5)
        far, _ = listener.accept()
    ends = []
    for raw, side in ((near, ssl.PROTOCOL_TLS_CLIENT), (far, ssl.PROTOCOL_TLS_SERVER)):
        raw.setblocking(False)
        ends.append(
            _anonymous(side).wrap_socket(
                raw, server_side=side == ssl.PROTOCOL_TLS_SERVER, do_handshake_on_connect=False
            )
        )
    _shake_hands(ends)
    return ends[0], ends[1]


def _anonymous(side: ssl._SSLMethod) -> ssl.SSLContext:
    """Make a context that needs no certificate; it never carries data of anybody."""
    import ssl

    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


def _shake_hands(ends: list[ssl.SSLSocket]) -> None:
    import select
    import ssl

    left = list(ends)
    for _ in range(50):
        for end in list(left):
            try:
                end.do_handshake()
                left.remove(end)
            except ssl.SSLWantReadError:
                continue
        if not left:
            return
        select.select(left, [], [], 0.1)
    raise OSError("no TLS handshake over loopback")

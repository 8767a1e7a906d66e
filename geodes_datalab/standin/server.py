"""Running the stand-in: in a thread for tests, or in the foreground for a command line."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.standin.accounts import new_key
from geodes_datalab.standin.app import DEFAULT_QUOTA, create_app
from geodes_datalab.standin.catalogue import Catalogue
from geodes_datalab.standin.faults import Faults
from geodes_datalab.standin.portal import Portal, Settings
from geodes_datalab.standin.profiles import Profile
from geodes_datalab.standin.recorder import RequestLog

START_TIMEOUT = 30.0


@dataclass(frozen=True)
class StandIn:
    """A running stand-in GEODES."""

    url: str
    """Portal root, without a slash at the end."""
    app: Starlette
    """The ASGI app."""
    api_key: str = field(repr=False)
    """A valid key, random for each server."""

    @property
    def stac_url(self) -> str:
        """Root of the STAC API."""
        return f"{self.url}/api/stac"

    @property
    def portal(self) -> Portal:
        """The state behind the app: accounts, settings, tape."""
        state: Portal = self.app.state.portal
        return state

    @property
    def requests(self) -> RequestLog:
        """What was received."""
        return self.portal.requests

    @property
    def faults(self) -> Faults:
        """Switches faults on and off."""
        return self.portal.faults

    @property
    def settings(self) -> Settings:
        """Answers to wrong keys, used-up quotas, ranges and tapes; may be changed while it runs."""
        return self.portal.settings

    def set_quota(self, products: int) -> None:
        """Change the hourly quota of `api_key`."""
        self.portal.accounts.set_quota(self.api_key, products)


class Server(uvicorn.Server):
    """A server that leaves no connection behind, whatever its clients are doing."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down, then drop who does not read, and who was just being let in."""
        await super().shutdown(sockets)
        for _ in range(5):
            for connection in list(self.server_state.connections):
                if connection.transport is not None:
                    connection.transport.abort()
            await asyncio.sleep(0.005)


@contextmanager
def serve(
    catalogue: Catalogue | None = None,
    *,
    profile: str | Profile = "legacy",
    api_key: str | None = None,
    quota: int = DEFAULT_QUOTA,
    settings: Settings | None = None,
    latency: float | None = None,
    faults: Faults | None = None,
    cache: Path | str | None = None,
    port: int = 0,
) -> Iterator[StandIn]:
    """Run a stand-in on 127.0.0.1 in a thread until the block ends.

    Parameters
    ----------
    catalogue
        What to serve; the sample products when None.
    profile
        ``legacy``, ``fixed`` or ``nextgen``.
    api_key
        The valid key; a random one when None.
    quota
        Products that the key may download per hour.
    settings, latency, faults
        As for `create_app`.
    cache
        Folder of the packed samples, used when `catalogue` is None.
    port
        Port to listen on; 0 takes a free one.

    Yields
    ------
    StandIn
        The running server.
    """
    key = api_key or new_key()
    app = create_app(
        catalogue if catalogue is not None else Catalogue.samples(cache),
        profile=profile, api_keys=[key], quota=quota, settings=settings, latency=latency,
        faults=faults,
    )  # fmt: skip
    listening = bind("127.0.0.1", port)
    server = Server(configuration(app))
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="stand-in-geodes", daemon=True
    )
    thread.start()
    try:
        _wait(server, thread)
        yield StandIn(f"http://127.0.0.1:{listening.getsockname()[1]}", app, key)
    finally:
        server.should_exit = True
        thread.join(START_TIMEOUT)
        listening.close()


def configuration(app: Starlette) -> uvicorn.Config:
    """Return settings of a quiet server without WebSockets."""
    return uvicorn.Config(
        app, log_config=None, access_log=False, ws="none", lifespan="off",
        timeout_graceful_shutdown=1, log_level="critical", server_header=False,
    )  # fmt: skip


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises
    ------
    ConfigurationError
        When the address is taken or not allowed.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"the stand-in GEODES cannot listen on {host}:{port}: {error.strerror}",
            hint="choose another port, or 0 for any free one",
        ) from error
    listening.listen(128)
    listening.setblocking(False)
    return listening


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    give_up = time.monotonic() + START_TIMEOUT
    while not server.started:
        if not thread.is_alive() or time.monotonic() > give_up:
            raise RuntimeError("the stand-in GEODES did not start")
        time.sleep(0.005)

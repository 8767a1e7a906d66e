"""Running the service in the foreground."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

import uvicorn

from geodes_datalab.config import Config
from geodes_datalab.errors import ConfigurationError
from geodes_datalab.services.opensearch.app import create_app


def serve(
    config: Config, *, host: str, port: int, public_url: str, on_ready: Callable[[str], None]
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Parameters
    ----------
    config
        The catalogue that is asked.
    host, port
        Where to listen; port 0 takes a free one.
    public_url
        Where callers reach it, if elsewhere.
    on_ready
        Is told the address of the description.

    Raises
    ------
    ConfigurationError
        The address is taken, or not one of this machine.
    """
    app = create_app(config, public_url=public_url)
    with _bound(host, port) as listening:
        name = f"[{host}]" if ":" in host else host
        address = public_url.rstrip("/") or f"http://{name}:{listening.getsockname()[1]}"
        on_ready(f"{address}/opensearch/description.xml")
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", access_log=False, ws="none", server_header=False)
        )  # fmt: skip
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after a clean stop
            server.run(sockets=[listening])


def _bound(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        raise ConfigurationError(
            f"the service cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}",
            hint="choose another --port, or 0 for any free one",
        ) from error
    return listening

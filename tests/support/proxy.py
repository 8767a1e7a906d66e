"""A real configurable-http-proxy, and a hub with running servers in name only, to watch it."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
from types import SimpleNamespace
from typing import Any, Self

from support.ports import free_ports
from support.waiting import Hopeless, eventually, minutes


class PublicProxy:
    """A configurable-http-proxy on free ports of loopback; a context manager."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(16)
        self.port, self._api_port = free_ports(2)
        self.api_url = f"http://127.0.0.1:{self._api_port}"
        """Where it takes orders."""

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """End it."""
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it takes orders."""
        from geodes_datalab.local import node

        self._process = subprocess.Popen(
            [
                *node.proxy_command(node.find(), say=lambda _: None),
                *("--ip=127.0.0.1", f"--port={self.port}"),
                *("--api-ip=127.0.0.1", f"--api-port={self._api_port}", "--log-level=error"),
            ],
            env={**os.environ, "CONFIGPROXY_AUTH_TOKEN": self.token},
        )
        eventually(self._answers, "configurable-http-proxy takes orders", within=5)

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise Hopeless(f"it ended with {self._process.returncode}")
        socket.create_connection(("127.0.0.1", self._api_port), timeout=minutes(1)).close()
        return True

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(minutes(2))

    def replace(self) -> None:
        """End it, and start another one, which knows no routes."""
        self.kill()
        self.start()


class HubStandIn:
    """What JupyterHub's proxy class wants of a hub: its route, and users with running servers.

    Parameters
    ----------
    count
        How many users there are.
    """

    def __init__(self, count: int) -> None:
        self.hub = SimpleNamespace(routespec="/", host="http://127.0.0.1:9")
        self._service_map: dict[str, Any] = {}
        self.users = {number: _user(number) for number in range(count)}

    @staticmethod
    def target(number: int) -> str:
        """Return where a user's server is."""
        return f"http://10.0.{number // 250}.{number % 250}:8888"


def _user(number: int) -> SimpleNamespace:
    name = f"user-{number}"
    spawner = SimpleNamespace(
        ready=True,
        pending=None,
        proxy_spec=f"/user/{name}/",
        server=SimpleNamespace(host=HubStandIn.target(number)),
    )
    return SimpleNamespace(name=name, spawners={"": spawner})

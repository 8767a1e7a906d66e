"""A real Dask Gateway: its server, its Go proxy, schedulers and workers as processes on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from support.ports import free_ports
from support.waiting import Hopeless, eventually, minutes

SETTINGS = """
c.DaskGateway.address = "127.0.0.1:{api}"
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.SimpleAuthenticator"
c.Proxy.address = "127.0.0.1:{http}"
c.Proxy.tcp_address = "127.0.0.1:{tcp}"
c.Proxy.prefix = "{prefix}"
c.ClusterConfig.scheduler_cmd = [{python!r}, "-m", "dask", "scheduler"]
c.ClusterConfig.worker_cmd = [{python!r}, "-m", "dask", "worker"]
c.DBBackendBase.cluster_start_timeout = c.DBBackendBase.worker_start_timeout = {patience}
"""
"""What each of them has; users sign in by name."""


@dataclass(frozen=True)
class DaskGateway:
    """Where a running one is found."""

    address: str
    """As clients reach it, with its path."""
    proxy_address: str
    """For Dask's own traffic."""


@contextmanager
def serve(folder: Path, settings: str, *, prefix: str = "") -> Iterator[DaskGateway]:
    """Run a gateway, and yield it when it answers.

    Parameters
    ----------
    folder
        For its files.
    settings
        Python that comes after `SETTINGS`; ``c`` is the configuration.
    prefix
        Path before all of its addresses.
    """
    api, http, tcp = free_ports(3)
    common = SETTINGS.format(
        api=api, http=http, tcp=tcp, prefix=prefix, python=sys.executable, patience=minutes(5)
    )
    config, log = folder / "config.py", folder / "log"
    config.write_text(common + settings)
    command = [sys.executable, "-m", "dask_gateway_server", "--config", str(config)]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    address = f"http://127.0.0.1:{http}{prefix}"
    try:
        _wait(f"{address}/api/health", process, log)
        yield DaskGateway(address, f"gateway://127.0.0.1:{tcp}")
    finally:
        process.terminate()
        process.wait(minutes(2))


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    def answers() -> bool:
        if process.poll() is not None:
            raise Hopeless(f"it ended with {process.returncode}")
        return requests.get(address, timeout=minutes(1)).ok

    eventually(answers, "Dask Gateway answers", within=5, scene=log.read_text)

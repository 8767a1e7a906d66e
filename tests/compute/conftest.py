"""A real Dask Gateway: its server, its Go proxy, schedulers and workers as processes on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dask_gateway  # noqa: F401 - first, or a test's own setting would drop its defaults
import pytest

SETTINGS = """
from dask_gateway_server.options import Float, Integer, Mapping, Options, Select

def handler(options, user):
    return {{
        "worker_cores": options.worker_cores,
        "worker_memory": "%fG" % options.worker_memory,
        "environment": options.environment,
        "cluster_max_workers": options.most,
        **({{"scheduler_cmd": ["false"]}} if options.broken == "scheduler" else {{}}),
        **({{"worker_cmd": ["sleep", "60", "#"]}} if options.broken == "worker" else {{}}),
    }}

c.DaskGateway.address = "127.0.0.1:{api}"
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.SimpleAuthenticator"
c.Proxy.address = "127.0.0.1:{http}"
c.Proxy.tcp_address = "127.0.0.1:{tcp}"
c.Proxy.prefix = "/services/dask-gateway"
c.Backend.cluster_options = Options(
    Integer("worker_cores", default=1, min=1, max=2),
    Float("worker_memory", default=0.5, min=0.25, max=2),
    Mapping("environment", {{}}),
    Integer("most", default=2),
    Select("broken", ["no", "scheduler", "worker"], default="no"),
    handler=handler,
)
c.UnsafeLocalBackend.cluster_status_period = 0.3
c.ClusterConfig.adaptive_period = 0.5
c.ClusterConfig.scheduler_memory = "512 M"
c.ClusterConfig.scheduler_cmd = [{python!r}, "-m", "dask", "scheduler", "--preload", "geodes_datalab.compute.tls"]
c.ClusterConfig.worker_cmd = [{python!r}, "-m", "dask", "worker"]
c.ClusterConfig.environment = {{"DASK_DISTRIBUTED__WORKER__PRELOAD": '["geodes_datalab.compute.tls"]'}}
"""


@dataclass(frozen=True)
class RunningGateway:
    """What a user server behind the hub would be told of its gateway."""

    http: int
    tcp: int

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DASK_GATEWAY__ADDRESS": f"http://localhost:{self.http}/services/dask-gateway",
            "DASK_GATEWAY__PROXY_ADDRESS": f"gateway://127.0.0.1:{self.tcp}",
            "DASK_GATEWAY__AUTH__TYPE": "basic",
            "DASK_GATEWAY__AUTH__KWARGS": '{"username": "ada"}',
        }

    def running(self) -> list[str]:
        """Return the names of the clusters that the gateway still runs."""
        from dask_gateway import Gateway

        with Gateway() as gateway:
            return [report.name for report in gateway.list_clusters()]


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="session")
def gateway_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("gateway")
    api, http, tcp = free_ports(3)
    config = folder / "config.py"
    config.write_text(SETTINGS.format(api=api, http=http, tcp=tcp, python=sys.executable))
    environment = {**os.environ, "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "dask_gateway_server", "--config", str(config)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_for(process, http, folder / "log")
            yield RunningGateway(http, tcp)
        finally:
            process.terminate()
            process.wait(30)


def wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    import requests

    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            address = f"http://127.0.0.1:{port}/services/dask-gateway/api/health"
            if requests.get(address, timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture
def gateway(
    gateway_server: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningGateway]:
    """Point this process's Dask at the gateway; afterwards no cluster may be left on it."""
    import dask

    for name, value in gateway_server.environment.items():
        monkeypatch.setenv(name, value)
    dask.config.refresh()
    yield gateway_server
    assert gateway_server.running() == []
    monkeypatch.undo()
    dask.config.refresh()

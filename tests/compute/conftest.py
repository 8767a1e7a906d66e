"""A real Dask Gateway, in which clusters may be told to fail or to wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import dask_gateway  # noqa: F401 - first, or a test's own setting would drop its defaults
import pytest
from support.dask_gateway import DaskGateway, serve

from geodes_datalab.compute import finalizers

SETTINGS = """
from dask_gateway_server.options import Float, Integer, Mapping, Options, Select

def handler(options, user):
    return {
        "worker_cores": options.worker_cores,
        "worker_memory": "%fG" % options.worker_memory,
        "environment": options.environment,
        "cluster_max_workers": options.most,
        "idle_timeout": options.idle,
        **({"scheduler_cmd": ["false"]} if options.broken == "scheduler" else {}),
        **({"scheduler_cmd": ["sh", "-c", "exec sleep 600"]} if options.broken == "queue" else {}),
        **({"worker_cmd": ["sh", "-c", "exec sleep 600"]} if options.broken == "worker" else {}),
    }

c.Backend.cluster_options = Options(
    Integer("worker_cores", default=1, min=1, max=2),
    Float("worker_memory", default=0.5, min=0.25, max=2),
    Mapping("environment", {}),
    Integer("most", default=2),
    Float("idle", default=0),
    Select("broken", ["no", "scheduler", "worker", "queue"], default="no"),
    handler=handler,
)
c.UnsafeLocalBackend.cluster_status_period = 0.3
c.ClusterConfig.adaptive_period = 0.5
c.ClusterConfig.scheduler_memory = "512 M"
for module in ("tls", "idleness"):
    c.ClusterConfig.scheduler_cmd = [*c.ClusterConfig.scheduler_cmd, "--preload", f"geodes_datalab.compute.{module}"]
c.ClusterConfig.environment = {"DASK_DISTRIBUTED__WORKER__PRELOAD": '["geodes_datalab.compute.tls"]'}
"""


@dataclass(frozen=True)
class RunningGateway:
    """What a user server behind the hub would be told of its gateway."""

    server: DaskGateway

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DASK_GATEWAY__ADDRESS": self.server.address.replace("127.0.0.1", "localhost"),
            "DASK_GATEWAY__PROXY_ADDRESS": self.server.proxy_address,
            "DASK_GATEWAY__AUTH__TYPE": "basic",
            "DASK_GATEWAY__AUTH__KWARGS": '{"username": "ada"}',
        }

    def running(self) -> list[str]:
        """Return the names of the clusters that the gateway still runs."""
        from dask_gateway import Gateway

        with Gateway() as gateway:
            return [report.name for report in gateway.list_clusters()]


@pytest.fixture(scope="session")
def gateway_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    finalizers.install()  # as every user server does: else a dropped Gateway is an error of any test
    folder = tmp_path_factory.mktemp("gateway")
    with serve(folder, SETTINGS, prefix="/services/dask-gateway") as server:
        yield RunningGateway(server)


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

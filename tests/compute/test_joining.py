"""Clusters that were opened elsewhere: by the Lab's panel, or in another notebook."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from dask_gateway import Gateway
from support import kernels
from support.waiting import minutes

import geodes_datalab as gd
from geodes_datalab.errors import ClusterError
from geodes_datalab.hub.steps.singleuser import ADDRESSES, RECONNECTING, TLS_GUARD

KEY = "key-that-must-not-be-seen"
AS_THE_PANEL_WRITES_IT = """
from dask.distributed import Client

client = Client({address!r})
client
print(client.submit(sum, [3, 4]).result(120))
"""


@pytest.fixture
def elsewhere(gateway: Any) -> Iterator[Any]:
    """A cluster with a worker, as another process holds it."""
    with Gateway() as other, other.new_cluster() as cluster:
        cluster.scale(1)
        yield cluster


def test_joined_clusters_run_on(
    gateway: Any, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODES_API_KEY", KEY)

    def key_length() -> int:
        from geodes_datalab import auth

        found = auth.find()
        return len(found.key.reveal()) if found else 0

    with gd.clusters().connect(elsewhere.name[:8]) as cluster:
        assert (cluster.name, cluster.kind) == (elsewhere.name, "gateway")
        cluster.client.wait_for_workers(1, timeout=minutes(2))
        assert set(cluster.client.run(key_length).values()) == {len(KEY)}
        assert gd.clusters().connect(elsewhere.name) is cluster
        cluster.scale(2)
        assert cluster.wait() == 2
    assert cluster.status == "closed"
    assert gateway.running() == [elsewhere.name]


def test_stopping_ends_what_was_only_joined(gateway: Any, elsewhere: Any) -> None:
    cluster = gd.clusters().connect(elsewhere.name)
    gd.clusters().stop(elsewhere.name)
    assert cluster.status == "closed"
    assert gateway.running() == []


def test_what_does_not_run_cannot_be_joined(gateway: Any) -> None:
    with pytest.raises(ClusterError, match="no running cluster is called 'none-such'"):
        gd.clusters().connect("none-such")
    with Gateway() as other:
        name = other.submit(broken="queue")
        with pytest.raises(ClusterError, match=rf"the cluster {name} is pending"):
            gd.clusters().connect(name)
        other.stop_cluster(name)


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code as a kernel of a user's server does, where there are gateways."""
    return kernels.run(code, preload=[TLS_GUARD, RECONNECTING, ADDRESSES], **environment)


@pytest.mark.parametrize("first", ["", "import dask_gateway"])
def test_code_of_the_panel_finds_the_certificate(elsewhere: Any, first: str) -> None:
    code = first + AS_THE_PANEL_WRITES_IT.format(address=elsewhere.scheduler_address)
    done = run(code)
    assert done.stdout == "7\n", done.stderr


def test_the_second_gateway_is_asked_when_the_first_is_away(
    gateway: Any, elsewhere: Any, closed_port: int
) -> None:
    code = AS_THE_PANEL_WRITES_IT.format(address=elsewhere.scheduler_address)
    away = {"DASK_GATEWAY__ADDRESS": f"http://127.0.0.1:{closed_port}/gone"}
    there = {"DASK_GATEWAY_HPDA__ADDRESS": gateway.environment["DASK_GATEWAY__ADDRESS"]}
    done = run(code, **away, **there, DASK_GATEWAY_HPDA__AUTH="basic")
    assert done.stdout == "7\n", done.stderr


def test_a_cluster_of_somebody_else_is_refused_in_words(elsewhere: Any) -> None:
    code = AS_THE_PANEL_WRITES_IT.format(address=elsewhere.scheduler_address)
    done = run(code, DASK_GATEWAY__AUTH__KWARGS='{"username": "ben"}')
    assert "ClusterError" in done.stderr
    gone = run(code.replace(elsewhere.name, "0" * 32))
    assert f"no running cluster of yours is called {'0' * 32}" in gone.stderr

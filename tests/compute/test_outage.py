"""How long a gateway's silence is borne, and what is none."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import dask_gateway_server.proxy
import pytest
from support.ports import free_ports
from support.waiting import eventually, minutes

from geodes_datalab.compute import access
from geodes_datalab.compute.outage import LONGEST, Outage
from geodes_datalab.errors import ClusterError, GatewayAway


def test_silence_is_borne_for_a_while_and_then_told(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    outage, error = Outage(), GatewayAway("it is away")
    assert outage.bear(error) == "the gateway does not answer just now"
    now += LONGEST
    outage.bear(error)
    now += 1
    with pytest.raises(ClusterError, match="it is away"):
        outage.bear(error)
    outage.over()
    outage.bear(error)


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def starting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A gateway of which only the proxy is back: it serves before it knows its routes."""
    monkeypatch.setenv("DASK_GATEWAY_PROXY_TOKEN", "a" * 32)
    http, tcp, api = free_ports(3)
    words = ["-address", f"127.0.0.1:{http}", "-tcp-address", f"127.0.0.1:{tcp}"]
    program = Path(dask_gateway_server.proxy.__file__).with_name("dask-gateway-proxy")
    process = subprocess.Popen(
        [str(program), *words, "-api-url", f"http://127.0.0.1:{api}/api/v1/routes"],
        stderr=subprocess.DEVNULL,
    )
    address = {"address": f"http://127.0.0.1:{http}", "proxy-address": f"gateway://127.0.0.1:{tcp}"}
    with dask.config.set({f"gateway.{name}": value for name, value in address.items()}):
        gateway = access.open_gateway("gateway")
    try:
        eventually(lambda: answers(http), "the proxy answers")
        yield gateway
    finally:
        gateway.close()
        process.terminate()
        process.wait(minutes(1))


def test_a_proxy_that_knows_no_routes_yet_is_no_end_of_a_cluster(starting: Any) -> None:
    with pytest.raises(GatewayAway, match="is starting"), access.translated(starting.address):
        starting.get_cluster("b" * 32)
    with pytest.raises(GatewayAway, match="is starting"):  # nothing is stopped, and it is said
        access.stop(starting, "b" * 32)


def test_what_a_gateway_itself_does_not_know_is_not_away() -> None:
    for told in ("Cluster b not found", "Not Found"):  # of its API, with its own JSON
        with pytest.raises(ValueError, match=told), access.translated("http://gateway"):
            raise ValueError(told)

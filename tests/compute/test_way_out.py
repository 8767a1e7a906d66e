"""A gateway inside a closed site, whose web proxy leads out: the client asks the gateway itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
import pytest
from support.web_proxy import WebProxy

import geodes_datalab as gd
from geodes_datalab.compute import access
from geodes_datalab.hub import load
from geodes_datalab.hub.steps import singleuser


@pytest.fixture
def proxy() -> Iterator[WebProxy]:
    """A proxy that reaches nothing of what it is asked for: it is not meant for the inside."""
    with WebProxy(credentials="site:word") as proxy:
        yield proxy


@contextmanager
def behind(proxy: WebProxy, no_proxy: str) -> Iterator[None]:
    """Put this process behind the proxy, and not the fixtures that tidy up."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in proxy.environment(no_proxy).items():
            patch.setenv(name, value)
        yield


@pytest.mark.parametrize("exempt", ["localhost", ".example.org, localhost", "*"])
def test_no_proxy_is_obeyed(gateway: Any, proxy: WebProxy, exempt: str) -> None:
    with behind(proxy, exempt):
        assert len(gd.clusters()) == 0
    assert proxy.asked == []


def test_a_gateway_outside_is_asked_through_the_proxy(gateway: Any, proxy: WebProxy) -> None:
    with behind(proxy, ".example.org"):
        assert len(gd.clusters()) == 0
    address = dask.config.get("gateway.address")
    assert proxy.targets()
    assert all(target.startswith(address) for target in proxy.targets())


def test_dask_gateways_own_client_in_a_users_server_leaves_the_proxy_alone(
    gateway: Any, proxy: WebProxy, tmp_path: Path
) -> None:
    """As the Lab's panel and people use it, by the variables that the hub gives."""
    from dask_gateway import Gateway

    (tmp_path / "token").write_text("x")
    token = {"file": str(tmp_path / "token")}
    told = singleuser.environment(load({"gateway": {"token": token, "proxy_token": token}}))
    name = "DASK_GATEWAY__HTTP_CLIENT__PROXY"
    said = dask.config.collect_env({name: told[name]})["gateway"]["http_client"]["proxy"]
    key = "gateway.http-client.proxy"
    with behind(proxy, "localhost"), dask.config.set({key: said}), Gateway() as client:
        assert client.list_clusters() == []
    assert proxy.asked == []


def test_what_the_site_has_decided_stays(proxy: WebProxy) -> None:
    key, address = "gateway.http-client.proxy", "http://gateway.example.org"
    for decided in (False, "http://another.example.org:3128"):
        with behind(proxy, ""), dask.config.set({key: decided}), access.way_to(address):
            assert dask.config.get(key) == decided

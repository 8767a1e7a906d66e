from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.kubernetes_gateway import SCOPE, GatewayParts, running_gateway

from geodes_datalab.hub import load


@pytest.fixture
def secret(tmp_path: Path) -> Any:
    """Return a maker of secrets: content -> settings that name its file."""

    def make(text: str, name: str = "") -> dict[str, str]:
        path = tmp_path / (name or f"secret-{len(list(tmp_path.iterdir()))}")
        path.write_text(text + "\n")
        return {"file": str(path)}

    return make


@pytest.fixture
def values(secret: Any, tmp_path: Path) -> dict[str, Any]:
    """Return settings of a local datalab, every secret set."""
    return {
        "hub": {
            "public_url": "http://127.0.0.1:9000/",
            "bind_url": "http://127.0.0.1:9006",
            "cookie_secret": secret("ab" * 32),
        },
        "proxy": {"api_url": "http://127.0.0.1:9001", "token": secret("proxy-secret")},
        "auth": {
            "password": secret("user-password"),
            "admin_password": secret("a" * 32),
            "admins": ["admin"],
        },
        "spawner": {"homes": str(tmp_path / "homes")},
        "singleuser": {"environment": {"GEODES_PORTAL": "http://x"}},
        "gateway": {
            "token": secret("gateway-secret"),
            "proxy_token": secret("gateway-proxy-secret"),
            "api_address": "127.0.0.1:9002",
            "proxy_address": "127.0.0.1:9003",
            "scheduler_address": "127.0.0.1:9004",
        },
        "cull": {"token": secret("culler-secret")},
    }


@pytest.fixture
def pods(values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return settings of a datalab on Kubernetes, and a cluster's address that nothing answers."""
    config = tmp_path / "kubeconfig"
    config.write_text(
        "{current-context: x, contexts: [{name: x, context: {cluster: x, user: x}}],"
        " clusters: [{name: x, cluster: {server: 'http://127.0.0.1:1'}}],"
        " users: [{name: x, user: {}}]}"
    )
    place = "kubernetes_asyncio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
    monkeypatch.setattr(place, str(config))  # KUBECONFIG, but that is read when it is imported
    values["spawner"] = {"kind": "kubernetes"}
    values["singleuser"] = {
        "namespace": "datalab",
        "image": {"reference": "registry.example.org/datalab/notebook:1"},
        "labels": {
            "app.kubernetes.io/name": "geodes-datalab",
            "app.kubernetes.io/instance": "lab",
        },
    }
    values["gateway"]["kind"] = "kubernetes"
    values["gateway"]["backend"] = {
        "namespace": "datalab",
        "instance": "lab",
        "api_url": "http://127.0.0.1:9002",
    }
    return values


@pytest.fixture(scope="session")
def gateway_parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayParts]:
    """Return Dask Gateway's API, controller and proxy on a Kubernetes API in memory."""
    with running_gateway(tmp_path_factory.mktemp("gateway-kubernetes")) as parts:
        yield parts


@pytest.fixture
def gateway(gateway_parts: GatewayParts) -> Iterator[GatewayParts]:
    """Return the same parts, with no cluster before and after."""
    from geodes_datalab.hub.gateway import stop_all

    parts = gateway_parts
    yield parts
    parts.kube.refuse = lambda _: None
    parts.kube.slow = 0.0
    parts.hub.with_server = {"ada", "bob"}
    parts.hub.trouble = False
    parts.hub.scope = SCOPE
    asyncio.run(stop_all.ask(load(parts.settings)))
    parts.sees(lambda: not parts.kube.listed("pods"), "the pods are gone")
    parts.sees(lambda: not parts.ask("GET", "/api/v1/clusters/").json(), "the clusters are gone")

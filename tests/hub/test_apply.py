from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub import apply, apply_gateway, load
from geodes_datalab.hub.steps.services import culler_command


def applied(values: dict[str, Any]) -> Config:
    c = Config()
    apply(load(values), c)
    return c


def test_twice_is_once(values: dict[str, Any]) -> None:
    once, settings = applied(values), load(values)
    twice = copy.deepcopy(once)
    apply(settings, twice)
    assert once == twice
    gateway, again = Config(), Config()
    apply_gateway(settings, gateway)
    apply_gateway(settings, again)
    apply_gateway(settings, again)
    del gateway.Backend.cluster_options, again.Backend.cluster_options  # compares by identity
    assert gateway == again


def test_what_stood_there_by_name_is_replaced_and_the_rest_kept(values: dict[str, Any]) -> None:
    c = Config()
    c.JupyterHub.bind_url = "http://elsewhere"
    c.JupyterHub.admin_access = True
    apply(load(values), c)
    assert c.JupyterHub.bind_url == "http://127.0.0.1:9000/"
    assert c.JupyterHub.admin_access is True


def test_the_proxy_is_somebody_elses(values: dict[str, Any]) -> None:
    c = applied(values)
    assert c.ConfigurableHTTPProxy.should_start is False
    assert c.ConfigurableHTTPProxy.auth_token == "proxy-secret"
    assert c.JupyterHub.proxy_class == "geodes_datalab.hub.proxy.WatchedProxy"
    assert c.JupyterHub.cleanup_servers is False


def test_dashboards_are_private_and_tokens_scoped(values: dict[str, Any]) -> None:
    c = applied(values)
    gateway = next(s for s in c.JupyterHub.services if s["name"] == "dask-gateway")
    assert "url" not in gateway
    assert "oauth_no_confirm" not in gateway
    scope = "access:services!service=dask-gateway"
    assert scope in c.Spawner.server_token_scopes
    assert {"name": "user", "scopes": ["self", scope]} in c.JupyterHub.load_roles
    address = c.Spawner.environment["DASK_GATEWAY__PUBLIC_ADDRESS"]
    assert address == "{JUPYTERHUB_SERVICE_PREFIX}proxy/127.0.0.1:9003/services/dask-gateway"


def test_user_servers_refuse_strangers(values: dict[str, Any]) -> None:
    c = applied(values)
    assert "--ServerApp.allow_unauthenticated_access=False" in c.Spawner.args
    assert "--ServerProxy.host_allowlist=['127.0.0.1', 'localhost']" in c.Spawner.args
    assert "--allow-root" not in c.Spawner.args


def test_other_spawners_get_doubled_braces_and_their_own_host(values: dict[str, Any]) -> None:
    values["spawner"]["kind"] = "kubespawner.KubeSpawner"
    values["gateway"]["proxy_address"] = "gateway-proxy.datalab:8000"
    c = applied(values)
    assert c.JupyterHub.spawner_class == "kubespawner.KubeSpawner"
    address = c.Spawner.environment["DASK_GATEWAY__PUBLIC_ADDRESS"]
    assert address.startswith("{{JUPYTERHUB_SERVICE_PREFIX}}proxy/gateway-proxy.datalab:8000/")
    hosts = "--ServerProxy.host_allowlist=['127.0.0.1', 'gateway-proxy.datalab', 'localhost']"
    assert hosts in c.Spawner.args


def test_no_secret_reaches_users(values: dict[str, Any]) -> None:
    c = applied(values)
    seen = repr(c.Spawner.args) + repr(c.Spawner.environment)
    for word in ("proxy-secret", "gateway-secret", "culler-secret", "user-password", "a" * 32):
        assert word not in seen


def test_first_page(values: dict[str, Any], tmp_path: Path) -> None:
    assert applied(values).Spawner.default_url == "/lab"
    values["singleuser"] = {"notebooks": str(tmp_path)}
    assert applied(values).Spawner.default_url == "/lab"
    (tmp_path / "README.md").write_text("# Hello")
    assert applied(values).Spawner.default_url == "/lab/tree/notebooks/README.md"
    values["singleuser"]["language"] = "fr"
    assert applied(values).Spawner.default_url == "/lab/tree/notebooks/README.md"
    (tmp_path / "README.fr.md").write_text("# Bonjour")
    assert applied(values).Spawner.default_url == "/lab/tree/notebooks/README.fr.md"
    values["singleuser"]["default_url"] = "/tree"
    assert applied(values).Spawner.default_url == "/tree"


def test_names_and_passwords(values: dict[str, Any], secret: Any) -> None:
    c = applied(values)
    assert c.Authenticator.allow_all is True
    assert c.SharedPasswordAuthenticator.user_password == "user-password"
    values["auth"]["users"] = ["alice"]
    assert applied(values).Authenticator.allow_all is False
    values["auth"]["password"] = secret("short")
    with pytest.raises(ConfigurationError, match="has 5 characters, 8 are needed"):
        applied(values)


def test_gateway_needs_its_token(values: dict[str, Any]) -> None:
    del values["gateway"]["token"]
    with pytest.raises(ConfigurationError, match=r"gateway\.token is missing"):
        applied(values)
    values["gateway"]["enabled"] = False
    c = applied(values)
    assert [s["name"] for s in c.JupyterHub.services] == ["idle-culler"]
    assert "DASK_GATEWAY__ADDRESS" not in c.Spawner.environment
    assert "post_stop_hook" not in c.Spawner


@pytest.mark.parametrize(
    ("limits", "most", "expected"),
    [({}, 0, "2"), ({"workers": 1}, 0, "1"), ({"workers": 0}, 0, "2"), ({"workers": 8}, 1, "1")],
)
def test_a_cluster_of_the_panel_s_button_has_workers(
    values: dict[str, Any], limits: dict[str, int], most: int, expected: str
) -> None:
    values["gateway"] |= {"limits": limits, "cluster_max_workers": most}
    told = applied(values).Spawner.environment
    assert told["DASK_LABEXTENSION__DEFAULT__WORKERS"] == expected


def test_cookie_secret_must_be_hexadecimal(values: dict[str, Any], secret: Any) -> None:
    values["hub"]["cookie_secret"] = secret("not hex")
    with pytest.raises(ConfigurationError, match="is not hexadecimal"):
        applied(values)


def test_culler_takes_flags_with_values_only(values: dict[str, Any]) -> None:
    values["cull"] |= {"timeout": 1800, "every": 30}
    command = culler_command(load(values))
    assert command[:3] == [sys.executable, "-m", "jupyterhub_idle_culler"]
    assert "--url=http://127.0.0.1:9006/hub/api" in command
    assert "--timeout=1800" in command
    assert "--cull-every=30" in command
    assert all("=" in flag for flag in command[3:])
    services = applied(values).JupyterHub.services
    assert services[-1] == {"name": "idle-culler", "api_token": "culler-secret", "display": False}
    del values["cull"]["token"]
    assert "command" in applied(values).JupyterHub.services[-1]


def test_a_base_url_reaches_every_address(values: dict[str, Any]) -> None:
    values["hub"]["public_url"] = "https://lab.example/datalab/"
    command = culler_command(load(values))
    assert "--url=http://127.0.0.1:9006/datalab/hub/api" in command


def test_every_trait_stays_within_reach(values: dict[str, Any]) -> None:
    values["hub"]["config"] = {
        "JupyterHub": {"last_activity_interval": 5},
        "Spawner": {"disable_user_config": True},
    }
    values["gateway"]["config"] = {"ClusterConfig": {"idle_timeout": 1}}
    c, gateway = applied(values), Config()
    assert c.JupyterHub.last_activity_interval == 5
    assert c.Spawner.disable_user_config is True
    apply_gateway(load(values), gateway)
    assert gateway.ClusterConfig.idle_timeout == 1


def test_gateway_settings(values: dict[str, Any]) -> None:
    c = Config()
    apply_gateway(load(values), c)
    assert c.Proxy.externally_managed is True
    assert c.Proxy.prefix == "/services/dask-gateway"
    assert c.JupyterHubAuthenticator.jupyterhub_service_name == "dask-gateway"
    assert c.JupyterHubAuthenticator.cache_max_age <= 30  # so long a revoked token works on
    assert c.JupyterHubAuthenticator.jupyterhub_api_url == "http://127.0.0.1:9006/hub/api"
    dask, guard = [sys.executable, "-m", "dask"], "geodes_datalab.compute.tls"
    assert c.ClusterConfig.scheduler_cmd == [
        *dask,
        *("scheduler", "--preload", guard, "--preload", "geodes_datalab.compute.idleness"),
    ]
    assert c.ClusterConfig.worker_cmd == [*dask, "worker", "--no-dashboard"]
    assert c.ClusterConfig.environment["DASK_DISTRIBUTED__WORKER__PRELOAD"] == f'["{guard}"]'
    assert c.ClusterConfig.environment["DASK_DISTRIBUTED__NANNY__PRELOAD"] == f'["{guard}"]'


def test_every_trait_name_exists(values: dict[str, Any]) -> None:
    """A trait that upstream renamed would be ignored silently."""
    from dask_gateway_server.app import DaskGateway
    from dask_gateway_server.auth import JupyterHubAuthenticator
    from dask_gateway_server.backends.base import Backend, ClusterConfig
    from dask_gateway_server.backends.db_base import DBBackendBase
    from dask_gateway_server.proxy import Proxy as GatewayProxy
    from jupyterhub.app import JupyterHub
    from jupyterhub.auth import Authenticator
    from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
    from jupyterhub.proxy import ConfigurableHTTPProxy
    from jupyterhub.spawner import SimpleLocalProcessSpawner, Spawner

    from geodes_datalab.hub.gateway.extension import DatalabBackend
    from geodes_datalab.hub.gateway.limits import PerUserLimits
    from geodes_datalab.hub.gateway.local import LocalBackend
    from geodes_datalab.hub.login.doors import Doors
    from geodes_datalab.hub.proxy import WatchedProxy
    from geodes_datalab.hub.spawn.local import LocalSpawner

    classes = [
        Authenticator, Backend, ClusterConfig, ConfigurableHTTPProxy, DBBackendBase, DaskGateway, DatalabBackend,
        Doors, JupyterHub, JupyterHubAuthenticator, LocalBackend, LocalSpawner, PerUserLimits,
        SharedPasswordAuthenticator, SimpleLocalProcessSpawner, Spawner, WatchedProxy,
    ]  # fmt: skip
    known = {cls.__name__: set(cls.class_trait_names(config=True)) for cls in classes}
    known["Proxy"] = set(GatewayProxy.class_trait_names(config=True))
    c = applied(values)
    apply_gateway(load(values), c)
    for name, traits in c.items():
        assert set(traits) <= known[name], name


@pytest.mark.parametrize("language", ["en", "fr"])
def test_servers_are_told_the_language(values: dict[str, Any], language: str) -> None:
    values["singleuser"] = {**values.get("singleuser", {}), "language": language}
    environment = applied(values).Spawner.environment
    assert environment["GEODES_DATALAB_LANGUAGE"] == language
    assert ("lab_fr" in environment["JUPYTER_CONFIG_PATH"]) == (language == "fr")

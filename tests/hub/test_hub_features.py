"""What an operator adds to the hub: keys, databases, services, roles, providers, pages."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from traitlets.config import Config

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub import apply, culler, load
from geodes_datalab.hub.messages import TRIAL
from geodes_datalab.hub.steps.authenticator import on_trial
from geodes_datalab.hub.steps.pages import TEMPLATES
from geodes_datalab.hub.steps.services import culler_command


def applied(values: dict[str, Any]) -> Config:
    c = Config()
    apply(load(values), c)
    return c


def named(things: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {thing["name"]: thing for thing in things}
    assert len(found) == len(things), "a name stands there twice"
    return found


def test_a_database_with_a_password(values: dict[str, Any], secret: Any) -> None:
    values["hub"] |= {
        "db": {"url_secret": secret("postgresql://hub:hunter2@db/hub"), "upgrade": True},
    }
    c = applied(values)
    assert c.JupyterHub.db_url == "postgresql://hub:hunter2@db/hub"
    assert c.JupyterHub.upgrade_db is True
    assert "hunter2" not in repr(load(values))


def test_crypt_keys_switch_state_on(values: dict[str, Any], secret: Any) -> None:
    assert "CryptKeeper" not in applied(values)
    values["hub"]["crypt_keys"] = secret("ab" * 32 + ";" + "cd" * 32)
    c = applied(values)
    assert c.CryptKeeper["keys"] == [b"\xab" * 32, b"\xcd" * 32]
    assert c.Authenticator.enable_auth_state is True
    for text, said in (("zz", "is not hexadecimal"), ("abcd", "has not 64 hexadecimal digits")):
        values["hub"]["crypt_keys"] = secret(text)
        with pytest.raises(ConfigurationError, match=said):
            applied(values)


def test_limits_and_metrics(values: dict[str, Any]) -> None:
    values["hub"] |= {"named_server_limit_per_user": 3, "active_server_limit": 50}
    c = applied(values)
    assert c.JupyterHub.named_server_limit_per_user == 3
    assert c.JupyterHub.active_server_limit == 50
    assert c.JupyterHub.authenticate_prometheus is True


def test_services_have_the_least_rights_that_work(values: dict[str, Any], secret: Any) -> None:
    values["hub"]["monitoring_token"] = secret("monitoring-secret")
    values["tests"] = {"token": secret("check-secret"), "user": "probe"}
    c = applied(values)
    services, roles = named(c.JupyterHub.services), named(c.JupyterHub.load_roles)
    assert services["monitoring"]["api_token"] == "monitoring-secret"
    assert roles["monitoring"]["scopes"] == ["read:metrics"]
    assert roles["dask-gateway"]["scopes"] == ["list:users", "read:servers"]
    assert roles["check"] == {
        "name": "check",
        "services": ["check"],
        "scopes": [
            "admin:users!user=probe",
            "servers!user=probe",
            "access:servers!user=probe",
            "read:users!user=probe",
        ],
    }


def test_own_services_and_roles_are_added_by_name(values: dict[str, Any], secret: Any) -> None:
    values["hub"] |= {
        "services": {
            "grafana": {"url": "http://grafana:3000", "api_token": secret("grafana-secret")},
            "idle-culler": {"info": {"who": "us"}},
        },
        "load_roles": {
            "user": {"scopes": ["self", "shares!user"]},
            "grafana": {"services": ["grafana"], "scopes": ["read:users"]},
            "idle-culler": {"scopes": ["admin:users"]},
        },
    }
    c = applied(values)
    services, roles = named(c.JupyterHub.services), named(c.JupyterHub.load_roles)
    assert services["grafana"] == {
        "name": "grafana",
        "url": "http://grafana:3000",
        "api_token": "grafana-secret",
    }
    assert services["idle-culler"]["info"] == {"who": "us"}
    assert services["idle-culler"]["api_token"] == "culler-secret"
    scope = "access:services!service=dask-gateway"
    assert roles["user"]["scopes"] == ["self", scope, "shares!user"]
    assert roles["idle-culler"]["scopes"][-1] == "admin:users"
    assert "delete:servers" in roles["idle-culler"]["scopes"]
    assert roles["grafana"]["services"] == ["grafana"]


def test_own_roles_keep_what_every_user_has(values: dict[str, Any]) -> None:
    values["gateway"]["enabled"] = False
    values["hub"]["load_roles"] = {"user": {"scopes": ["shares!user"]}}
    roles = named(applied(values).JupyterHub.load_roles)
    assert roles["user"]["scopes"] == ["self", "shares!user"]


@pytest.mark.parametrize(
    ("hub", "said"),
    [
        ({"services": {"x": {"api_token": "clear"}}}, "stands here in clear"),
        ({"services": {"x": {"name": "y"}}}, "the key is the name"),
        ({"load_roles": {"x": {"name": "x"}}}, "the key is the name"),
        ({"services": {"x": {"api_token": {"path": "x"}}}}, "hub"),
    ],
)
def test_wrong_services_are_told(values: dict[str, Any], hub: dict[str, Any], said: str) -> None:
    values["hub"] |= hub
    with pytest.raises(ConfigurationError) as caught:
        load(values)
    assert said in str(caught.value)
    assert "clear'" not in str(caught.value)


def test_an_identity_provider(values: dict[str, Any], secret: Any) -> None:
    values["hub"]["public_url"] = "https://lab.example.org/datalab/"
    values["auth"] = {
        "type": "oidc",
        "admins": ["ada"],
        "oidc": {
            "authorize_url": "https://sso/authorize",
            "token_url": "https://sso/token",
            "userdata_url": "https://sso/userinfo",
            "client_id": "datalab",
            "client_secret": secret("provider-secret"),
            "username_claim": "email",
            "groups_claim": "realm.groups",
            "allowed_groups": ["users"],
            "admin_groups": ["admins"],
        },
    }
    c = applied(values)
    provider = c.GenericOAuthenticator
    assert provider.client_secret == "provider-secret"
    assert provider.oauth_callback_url == "https://lab.example.org/datalab/hub/oauth_callback"
    assert provider.manage_groups is True
    assert provider.auth_state_groups_key == "oauth_user.realm.groups"
    assert (provider.allowed_groups, provider.admin_groups) == ({"users"}, {"admins"})
    assert c.Authenticator.allow_all is False
    assert "validate_server_cert" not in provider
    from oauthenticator.generic import GenericOAuthenticator

    assert issubclass(c.JupyterHub.authenticator_class, GenericOAuthenticator)
    assert set(provider) <= set(GenericOAuthenticator.class_trait_names(config=True))
    assert not on_trial(load(values))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "oidc"}, "auth.oidc lacks authorizeUrl, tokenUrl, userdataUrl, clientId"),
        ({"type": "oidc", "oidc": {"token_url": "x"}}, "auth.oidc.token_url: String should match"),
        (
            {"oidc": {"groups_claim": "", "allowed_groups": ["a"]}},
            "allowedGroups and adminGroups need groupsClaim",
        ),
    ],
)
def test_an_unfinished_provider_is_told(
    values: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    if "groups_claim" in change.get("oidc", {}):
        urls = {f"{name}_url": "https://sso/x" for name in ("authorize", "token", "userdata")}
        change["oidc"] |= {**urls, "client_id": "x", "client_secret": {"env": "X"}}
    values["auth"] |= change
    with pytest.raises(ConfigurationError) as caught:
        load(values)
    assert said in str(caught.value)


def test_names_may_be_addresses_on_kubernetes(values: dict[str, Any], pods: dict[str, Any]) -> None:
    import re

    pattern = applied(pods).Authenticator.username_pattern
    assert re.match(pattern, "jean.dupont@cnes.fr")
    assert not re.match(pattern, "../x")
    pods["auth"]["username_pattern"] = "^x+$"
    assert applied(pods).Authenticator.username_pattern == "^x+$"


def test_a_shared_password_is_for_trials(values: dict[str, Any], pods: dict[str, Any]) -> None:
    assert applied(pods).JupyterHub.template_vars["datalab_trial"] == TRIAL
    values["spawner"]["kind"] = "local"
    values["gateway"]["kind"] = "local"
    assert "datalab_trial" not in applied(values).JupyterHub.template_vars
    values["hub"]["public_url"] = "http://lab.example.org/"
    assert applied(values).JupyterHub.template_vars["datalab_trial"] == TRIAL


def test_own_templates_go_first(values: dict[str, Any]) -> None:
    values["hub"] |= {
        "template_paths": ["/srv/templates"],
        "template_vars": {"announcement_home": "mine", "colour": "blue"},
        "announcement": "ours",
    }
    c = applied(values)
    first, last = c.JupyterHub.template_paths
    assert first == "/srv/templates"
    assert Path(last) == TEMPLATES
    assert c.JupyterHub.template_vars == {
        "announcement_login": "ours",
        "announcement_home": "mine",
        "announcement_spawn": "ours",
        "colour": "blue",
    }


def test_the_culler_as_a_process_of_its_own(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(values)
    assert culler.environment(settings)["JUPYTERHUB_API_TOKEN"] == "culler-secret"
    assert "culler-secret" not in " ".join(culler_command(settings))
    del values["cull"]["token"]
    with pytest.raises(ConfigurationError, match=r"cull\.token is missing"):
        culler.environment(load(values))
    values["cull"]["enabled"] = False
    with pytest.raises(ConfigurationError, match=r"cull\.enabled = false"):
        culler.environment(load(values))


def test_the_culler_waits_for_the_hub(
    capsys: pytest.CaptureFixture[str], closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.kubernetes_api import KubernetesApi

    with KubernetesApi("x") as later:  # anything that answers, even with an error
        culler.wait_for_hub(later.address)
        assert not capsys.readouterr().out
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise InterruptedError

    monkeypatch.setattr(culler, "time", SimpleNamespace(sleep=pause))
    with pytest.raises(InterruptedError):
        culler.wait_for_hub(f"http://127.0.0.1:{closed_port}", 0.5)
    assert pauses == [0.5, 0.5, 0.5]
    assert capsys.readouterr().out.count("waiting for it") == 1


def test_a_culler_of_the_hub_asks_by_loopback(values: dict[str, Any]) -> None:
    """Policies let no pod ask itself by its own service."""
    values["hub"] |= {"bind_url": "http://0.0.0.0:8081", "connect_url": "http://hub.datalab:8081"}
    assert "--url=http://hub.datalab:8081/hub/api" in culler_command(load(values))
    del values["cull"]["token"]
    assert "--url=http://127.0.0.1:8081/hub/api" in culler_command(load(values))


def test_servers_are_told_how_they_are_looked_at(values: dict[str, Any]) -> None:
    values["cull"] |= {"timeout": 120, "busy_max_age": 21600}
    values["hub"]["last_activity_interval"] = 60
    environment = applied(values).Spawner.environment
    assert environment["JUPYTERHUB_ACTIVITY_INTERVAL"] == "30"
    assert environment["GEODES_DATALAB_BUSY_HOURS"] == "6"
    values["cull"]["enabled"] = False
    assert applied(values).Spawner.environment["JUPYTERHUB_ACTIVITY_INTERVAL"] == "60"


def test_user_servers_import_nothing_of_the_hubs_own() -> None:
    import subprocess

    code = (
        "import sys, geodes_datalab.server.activity;"
        "print([name for name in ('jupyterhub', 'kubespawner', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr

"""`hub.config`: what is there has an effect, what is not is refused."""

from __future__ import annotations

from typing import Any

import pytest
from traitlets.config import Config

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub import apply, load


def applied(values: dict[str, Any], config: dict[str, Any]) -> Config:
    values["hub"]["config"] = config
    c = Config()
    apply(load(values), c)
    return c


def provider(values: dict[str, Any], secret: Any, **more: Any) -> None:
    urls = {f"{name}_url": f"https://sso/{name}" for name in ("authorize", "token", "userdata")}
    oidc = {**urls, "client_id": "lab", "client_secret": secret("provider-secret"), **more}
    values["auth"] = {"type": "oidc", "oidc": oidc}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"LocalSpawnr": {"logs": "x"}},
            'LocalSpawnr: no such class is in use here; did you mean "L',
        ),
        ({"Spawner": {"cpu_limitt": 2}}, 'there is no such trait; did you mean "cpu_limit"'),
        ({"JupyterHub": {"admin_acess": True}}, 'did you mean "admin_access"'),
        ({"KubeSpawner": {"cpu_limit": 2}}, "KubeSpawner: no such class is in use here"),
        ({"GitHubOAuthenticator": {"allowed_organizations": ["x"]}}, "no such class is in use"),
        ({"Authenticator": {"allowed_users": ["ada"]}}, "use auth.users"),
        ({"Authenticator": {"whitelist": ["ada"]}}, "use auth.users"),
        ({"SharedPasswordAuthenticator": {"admin_users": ["ada"]}}, "use auth.admins"),
        ({"Authenticator": {"allow_all": True}}, "use auth.allowAll"),
    ],
)
def test_what_has_no_effect_is_refused(
    values: dict[str, Any], config: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        applied(values, config)
    assert said in str(caught.value)


def test_all_of_it_is_told_at_once(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        applied(values, {"Spawner": {"a": 1}, "Zzz": {"b": 2}, "JupyterHub": {"c": 3}})
    assert str(caught.value).count("there is no such trait") == 2
    assert "Zzz" in str(caught.value)


def test_groups_of_a_described_provider_have_their_own_setting(
    values: dict[str, Any], secret: Any
) -> None:
    provider(values, secret, allowed_groups=["ours"])
    for name in ("GenericOAuthenticator", "OAuthenticator"):
        with pytest.raises(ConfigurationError, match=r"use auth\.oidc\.allowedGroups"):
            applied(values, {name: {"allowed_groups": ["theirs"]}})


def test_what_is_said_about_a_class_goes_over_ours_about_its_children(
    values: dict[str, Any], secret: Any
) -> None:
    """Traitlets would let the nearer class win, so the operator's word would have no effect."""
    provider(values, secret, scopes=["openid"])
    c = applied(values, {"OAuthenticator": {"scope": ["openid", "groups"]}})
    assert c.JupyterHub.authenticator_class(config=c).scope == ["openid", "groups"]


def test_on_kubernetes_too(pods: dict[str, Any]) -> None:
    c = applied(pods, {"Spawner": {"cpu_limit": 7, "http_timeout": 11}})
    assert "cpu_limit" not in c.KubeSpawner
    assert c.Spawner.cpu_limit == 7
    c = applied(pods, {"KubeSpawner": {"cpu_limit": 8}})
    assert c.KubeSpawner.cpu_limit == 8


@pytest.mark.parametrize("order", [("KubeSpawner", "Spawner"), ("Spawner", "KubeSpawner")])
def test_of_what_is_said_about_both_the_nearer_class_wins(
    pods: dict[str, Any], order: tuple[str, str]
) -> None:
    """Helm sorts names, so the order in which an operator wrote them is lost."""
    said = {"KubeSpawner": {"cpu_limit": 8}, "Spawner": {"cpu_limit": 7}}
    c = applied(pods, {name: said[name] for name in order})
    assert (c.KubeSpawner.get("cpu_limit"), c.Spawner.cpu_limit) == (8, 7)


def test_groups_of_the_hub_come_from_the_provider_where_they_let_people_in(
    values: dict[str, Any],
) -> None:
    values["auth"] = {"type": "generic-oauth"}
    traits = {
        "allowed_groups": ["staff"],
        "userdata_url": "https://sso/u",
        "token_url": "https://x",
    }
    c = applied(values, {"GenericOAuthenticator": traits})
    authenticator = c.JupyterHub.authenticator_class(config=c)
    assert authenticator.manage_groups is True
    assert authenticator.allowed_groups == {"staff"}


def test_groups_that_nobody_tells_are_refused(values: dict[str, Any]) -> None:
    values["auth"] = {"type": "github"}
    with pytest.raises(
        ConfigurationError, match=r"needs GitHubOAuthenticator\.auth_state_groups_key"
    ):
        applied(values, {"OAuthenticator": {"allowed_groups": ["staff"]}})


def test_every_part_of_the_hub_takes_its_traits(values: dict[str, Any]) -> None:
    """What JupyterHub makes with itself as the parent reads its section, so none of it is unknown."""
    config = {
        "PeriodicMetricsCollector": {"active_users_enabled": False},
        "JupyterHubHTTPClient": {"connector_options": {"limit": 5}},
        "EventLogger": {"handlers": []},
        "CryptKeeper": {"n_threads": 2},
    }
    c = applied(values, config)
    assert {name: dict(c[name]).items() >= traits.items() for name, traits in config.items()} == (
        dict.fromkeys(config, True)
    )


@pytest.mark.parametrize(
    ("kind", "name", "trait", "now"),
    [
        ("cilogon", "CILogonOAuthenticator", "shown_idps", "idps"),
        ("cilogon", "CILogonOAuthenticator", "idp", "idps"),
        ("cilogon", "OAuthenticator", "username_claim", "idps"),
        ("openshift", "OpenShiftOAuthenticator", "ca_certs", "http_request_kwargs"),
    ],
)
def test_what_would_only_stop_the_hub_is_told(
    values: dict[str, Any], kind: str, name: str, trait: str, now: str
) -> None:
    values["auth"] = {"type": kind}
    with pytest.raises(ConfigurationError, match=rf"{name}\.{trait}: it is no more; use {now}"):
        applied(values, {name: {trait: "x"}})


def test_what_was_renamed_goes_on(values: dict[str, Any]) -> None:
    values["auth"] = {"type": "github"}
    c = applied(values, {"GitHubOAuthenticator": {"github_organization_whitelist": ["example"]}})
    assert c.JupyterHub.authenticator_class(config=c).allowed_organizations == {"example"}


def test_a_class_of_the_sites_own_is_known_by_itself(values: dict[str, Any]) -> None:
    values["auth"] |= {"type": "support.own_authenticator.Everybody", "admins": []}
    c = applied(values, {"Everybody": {"greeting": "salut"}})
    assert c.JupyterHub.authenticator_class(config=c).greeting == "salut"
    with pytest.raises(ConfigurationError, match='did you mean "greeting"'):
        applied(values, {"Everybody": {"greting": "salut"}})

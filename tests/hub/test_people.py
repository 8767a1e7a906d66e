"""Names and groups as providers tell them: with dots, quotes, colons, accents; one text, or a list."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubernetes_pods import pod_of
from traitlets.config import Config

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub import apply, load
from geodes_datalab.hub.gateway.reaper import Reaper
from geodes_datalab.hub.login import claims
from geodes_datalab.hub.person import in_gateway, in_hub

NAMES = (
    "o'brien", "github:ada", "auth0|1234", "émile.zola", "Jean Dupont", "ada@example.org", "a+b",
    "Алиса", "工程師", "a,b;c", 'say "hi"', "50%", "a&b=c", "-dash", "UPPER", "x" * 128,
)  # fmt: skip
NEVER = (
    "",
    "a/b",
    "../x",
    "a\\b",
    "a\nb",
    "a\n",
    "tab\t",
    "{x}",
    "a\u202eb",
    "x" * 129,
    "\u200bada",
)
OBJECT = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
LABEL = re.compile(r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")


def door(values: dict[str, Any]) -> Any:
    c = Config()
    apply(load(values), c)
    return c.JupyterHub.authenticator_class(config=c)


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_one_on_kubernetes(pods: dict[str, Any], name: str) -> None:
    assert door(pods).validate_username(name)


@pytest.mark.parametrize("name", NEVER, ids=repr)
def test_what_cannot_be_seen_or_would_be_a_path_is_no_name(pods: dict[str, Any], name: str) -> None:
    assert not door(pods).validate_username(name)


@pytest.mark.parametrize("name", ["ada", "a.b-c_d", "x" * 32])
def test_names_that_are_folders(values: dict[str, Any], name: str) -> None:
    assert door(values).validate_username(name)


@pytest.mark.parametrize("name", [*NAMES[:9], "..", "Ada"])
def test_names_that_are_no_folders(values: dict[str, Any], name: str) -> None:
    if name != "ada":
        assert not door(values).validate_username(name)


def test_pods_and_claims_of_any_name_are_valid_and_their_own(pods: dict[str, Any]) -> None:
    found = {name: pod_of(pods, name=name) for name in NAMES}
    names = [pod["metadata"]["name"] for pod in found.values()]
    claims_of = [
        volume["persistentVolumeClaim"]["claimName"]
        for pod in found.values()
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    assert len(set(names)) == len(set(claims_of)) == len(NAMES)
    assert all(OBJECT.match(name) for name in (*names, *claims_of))
    for name, pod in found.items():
        assert LABEL.match(pod["metadata"]["labels"]["hub.jupyter.org/username"])
        variables = {one["name"]: one.get("value") for one in pod["spec"]["containers"][0]["env"]}
        assert variables["JUPYTERHUB_USER"] == name


@pytest.mark.parametrize(
    ("told", "path", "found"),
    [
        ({"groups": ["a"]}, "groups", ["a"]),
        ({"https://example.org/groups": ["a"]}, "https://example.org/groups", ["a"]),
        ({"realm": {"groups": ["a"]}}, "realm.groups", ["a"]),
        ({"realm.groups": ["a"], "realm": {"groups": ["b"]}}, "realm.groups", ["a"]),
        ({"access": {"lab.example.org": {"roles": ["a"]}}}, "access.lab.example.org.roles", ["a"]),
        ({"access": {"lab": 1}, "access.lab": {"roles": ["a"]}}, "access.lab.roles", ["a"]),
        ({"realm": "text"}, "realm.groups", None),
        ({}, "groups", None),
        ({"a": {"": 1}}, "a.", 1),
    ],
)
def test_claims_are_found(told: dict[str, Any], path: str, found: Any) -> None:
    assert claims.find(told, path) == found


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.lists(st.text(".ab:/", min_size=1, max_size=4), min_size=1, max_size=4),
    value=st.text(max_size=3),
)
def test_a_claim_is_found_wherever_its_name_is_split(path: list[str], value: str) -> None:
    told: Any = value
    for name in reversed(path):
        told = {name: told}
    assert claims.find(told, ".".join(path)) == value


@pytest.mark.parametrize(
    ("told", "groups"),
    [
        ("staff", {"staff"}),
        ("earth observation", {"earth observation"}),
        (["staff", "chiefs"], {"staff", "chiefs"}),
        (("a",), {"a"}),
        ("", set()),
        (None, set()),
        ([], set()),
        ({"a": 1}, set()),
        (7, set()),
        (["a", None, 3, ""], {"a"}),
    ],
)
def test_groups_are_texts(told: Any, groups: set[str]) -> None:
    assert claims.texts(told) == groups


def oidc(secret: Any, **more: Any) -> dict[str, Any]:
    urls = {f"{name}_url": f"https://sso/{name}" for name in ("authorize", "token", "userdata")}
    return {**urls, "client_id": "lab", "client_secret": secret("provider-secret"), **more}


def model(authenticator: Any, told: dict[str, Any]) -> Any:
    """Return what OAuthenticator makes of a provider's answer."""

    async def user(_: Any) -> dict[str, Any]:
        return told

    authenticator.token_to_user = user
    token = {"access_token": "x", "token_type": "bearer"}
    return asyncio.run(authenticator._token_to_auth_model(token))


@pytest.mark.parametrize(
    ("claim", "told", "groups"),
    [
        ("groups", {"groups": "staff"}, ["staff"]),
        ("groups", {"groups": ["staff", "x"]}, ["staff", "x"]),
        ("https://example.org/groups", {"https://example.org/groups": ["staff"]}, ["staff"]),
        ("realm_access.roles", {"realm_access": {"roles": ["staff"]}}, ["staff"]),
        ("realm_access.roles", {"realm_access.roles": "staff"}, ["staff"]),
        ("groups", {}, []),
    ],
)
def test_a_provider_tells_groups_in_any_of_these_ways(
    values: dict[str, Any], secret: Any, claim: str, told: dict[str, Any], groups: list[str]
) -> None:
    described = oidc(secret, groups_claim=claim, allowed_groups=["staff"])
    values["auth"] = {"type": "oidc", "oidc": described}
    authenticator = door(values)
    found = model(authenticator, {"preferred_username": "ada", **told})
    assert found["groups"] == groups
    assert asyncio.run(authenticator.check_allowed("ada", found)) is bool(groups)


@pytest.mark.parametrize(
    ("claim", "told", "name"),
    [
        ("preferred_username", {"preferred_username": "Ada"}, "ada"),
        ("https://example.org/name", {"https://example.org/name": "ada"}, "ada"),
        ("profile.login", {"profile": {"login": "ada"}}, "ada"),
        ("id", {"id": 1234}, "1234"),
    ],
)
def test_a_provider_tells_the_name_in_any_of_these_ways(
    values: dict[str, Any], secret: Any, claim: str, told: dict[str, Any], name: str
) -> None:
    described = oidc(secret, username_claim=claim)
    values["auth"] = {"type": "oidc", "allow_all": True, "oidc": described}
    assert model(door(values), told)["name"] == name


def test_a_missing_name_is_told_by_its_claim(values: dict[str, Any], secret: Any) -> None:
    described = oidc(secret, username_claim="profile.login")
    values["auth"] = {"type": "oidc", "allow_all": True, "oidc": described}
    with pytest.raises(ValueError, match=r"No profile\.login found"):
        model(door(values), {"sub": "1"})


def test_the_gateway_knows_people_whose_names_look_like_services() -> None:
    for name in (*NAMES, "user:x", "service:y"):
        assert in_hub(in_gateway(name)) == name
    assert in_hub("service:check") == ""


def test_clusters_of_people_with_a_colon_end_with_their_server() -> None:
    stopped: list[str] = []

    class Backend:
        log = SimpleNamespace(info=lambda *_: None)
        metrics = SimpleNamespace(reaped=SimpleNamespace(inc=lambda: None))

        async def list_clusters(self) -> list[Any]:
            owners = {"a": "ada", "b": "user:github:bob", "c": "service:check", "d": "user:o:d"}
            return [SimpleNamespace(name=name, username=user) for name, user in owners.items()]

        async def stop_cluster(self, name: str) -> None:
            stopped.append(name)

    async def gone(names: Any) -> set[str]:
        assert list(names) == ["ada", "github:bob", "o:d"]
        return {"github:bob"}

    reaper = Reaper(Backend(), hub_api_url="http://hub", token="x")
    reaper._without_server = gone  # type: ignore[method-assign,assignment]
    assert asyncio.run(reaper.look()) == []
    assert asyncio.run(reaper.look()) == ["b"] == stopped


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("okta", "use oidc"),
        ("dummy", "use shared-password"),
        ("githb", 'did you mean "github"'),
        ("native", "not in the platform image"),
        ("local-github", "leave local- out"),
        ("qwxz", "there are: shared-password, oidc"),
    ],
)
def test_ways_in_that_there_are_not(values: dict[str, Any], kind: str, said: str) -> None:
    values["auth"]["type"] = kind
    with pytest.raises(ConfigurationError) as caught:
        load(values)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("authenticator", "said"),
    [
        ({"type": "github", "allow_all": True}, "would let every account of github in"),
        ({"type": "site.auth.Ours", "allow_all": True}, "would let every account"),
        ({"allow_all": True}, "would let every account of shared-password in"),
        ({"type": "ldap", "allow_all": True, "users": ["ada"]}, "exclude each other"),
    ],
)
def test_doors_that_do_not_open(
    values: dict[str, Any], authenticator: dict[str, Any], said: str
) -> None:
    values["auth"] |= authenticator
    with pytest.raises(ConfigurationError) as caught:
        load(values)
    assert said in str(caught.value)


def test_a_class_of_the_sites_own_is_closed_too(values: dict[str, Any]) -> None:
    values["auth"] |= {"type": "support.own_authenticator.Everybody", "admins": []}
    authenticator = door(values)
    assert authenticator.allow_all is False
    assert not authenticator.check_allowed("ada")


def test_a_sites_own_rule_for_groups_is_kept(values: dict[str, Any]) -> None:
    values["auth"] |= {"type": "support.own_authenticator.Mapped", "admins": []}
    values["hub"]["config"] = {"GenericOAuthenticator": {"allowed_groups": ["site-a"]}}
    values["hub"]["config"]["Mapped"] = {"username_claim": "login"}
    authenticator = door(values)
    found = model(authenticator, {"login": "ada", "units": "a,b"})
    assert found["groups"] == ["site-a", "site-b"]
    assert asyncio.run(authenticator.check_allowed("ada", found))


def test_one_that_is_not_there_is_told(values: dict[str, Any]) -> None:
    values["auth"]["type"] = "nowhere.to.be.Found"
    with pytest.raises(ConfigurationError, match="cannot be imported"):
        door(values)
    values["auth"]["type"] = "collections.OrderedDict"
    with pytest.raises(ConfigurationError, match="is no authenticator"):
        door(values)

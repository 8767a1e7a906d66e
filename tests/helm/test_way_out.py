"""A web proxy of the site: everybody's way out, its password in Secrets, log-ins through it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from manifests.render import Helm, Release, label
from support.identity import Provider, trusted
from support.web_proxy import WebProxy
from tornado.httpclient import AsyncHTTPClient
from traitlets.config import Config

from geodes_datalab.hub.pods import secrets_of_servers, variables_of_servers
from geodes_datalab.settings import load

SECRET = "s3cr3t-of-the-proxy"
ADDRESS = f"http://ada:{SECRET}@proxy.example.org:3128"
TWO = {"gateway": {"backend": {"namespace": "dask", "createNamespace": True}}}
MADE = {"secrets": {"generate": "none", "values": {}}}
NAMES = {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"}
KEYS = {
    "hub.cookie-secret",
    "hub.crypt-keys",
    "proxy.token",
    "gateway.token",
    "gateway.proxy-token",
    "cull.token",
    "monitoring.token",
    "check.token",
}
GIVEN = {**dict.fromkeys(KEYS, "ab" * 32), "auth.password": "a-password"}


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    from geodes_datalab.local.plan import merge

    found: dict[str, Any] = {}
    for part in parts:
        found = merge(found, part)
    return found


INLINE = {"global": {"proxy": {"http": ADDRESS, "https": ADDRESS}}}
IN_VALUES = {"secrets": {"values": {"site.http-proxy": ADDRESS, "site.https-proxy": ADDRESS}}}
OURS = {"secrets": {"generate": "none", "values": GIVEN}}


@pytest.mark.parametrize("two", [{}, TWO], ids=["one-namespace", "two-namespaces"])
@pytest.mark.parametrize("told", [INLINE, IN_VALUES], ids=["in-the-address", "as-a-secret"])
def test_a_password_stands_in_secrets_alone(helm: Helm, told: Any, two: Any) -> None:
    release = helm.render(values=merged(OURS, told, two))
    for obj in release.objects:
        text = json.dumps(obj)
        assert obj["kind"] == "Secret" or SECRET not in text, label(obj)
        assert obj["kind"] == "Secret" or coded(ADDRESS) not in text, label(obj)
    everybody_gets_it(release, f"{release.fullname}-secrets")
    holders = [obj for obj in release.of("Secret") if coded(ADDRESS) in json.dumps(obj)]
    places = {release.namespace_of(obj): set(obj["data"]) for obj in holders}
    keys = {"site.http-proxy", "site.https-proxy"}
    if two:
        assert places["dask"] == keys, "no other secret goes there"
    assert keys <= places["datalab"]


@pytest.mark.parametrize("sign", ["/", "#", "?", "@", "/#?@", "%2F", "'\"", "{{x}}", "$(X)"])
def test_whatever_a_password_holds_it_stays_in_secrets(helm: Helm, sign: str) -> None:
    """As people write it, who do not know which signs must be written otherwise in an address."""
    address = f"http://ada:{SECRET}{sign}x@proxy.example.org:3128"
    release = helm.render(values=merged(OURS, {"global": {"proxy": {"https": address}}}))
    holders = {obj["kind"] for obj in release.objects if SECRET in json.dumps(obj)}
    assert holders <= {"Secret"}
    assert coded(address) in json.dumps(release.one("Secret", "secrets"))


def test_domains_are_exempt_as_all_programs_read_them(helm: Helm) -> None:
    told = {"https": "http://proxy:3128", "noProxy": ["*.intra.example", "10.0.0.0/8", "*"]}
    found = helm.render(values=merged(OURS, {"global": {"proxy": told}})).settings["singleuser"]
    assert found["environment"]["NO_PROXY"].endswith(",.intra.example,10.0.0.0/8,*")


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def everybody_gets_it(release: Release, name: str) -> None:
    """See that hub, user servers and Dask's pods have the variables, from a Secret, and know the inside."""
    hub = {one["name"]: one for one in hub_environment(release)}
    users = release.settings["singleuser"]["environmentFromSecrets"]
    dask = release.settings["gateway"]["backend"]["environmentFromSecrets"]
    for variable in NAMES:
        key = f"site.{variable.lower().removesuffix('_proxy')}-proxy"
        assert hub[variable]["valueFrom"]["secretKeyRef"] == {"name": name, "key": key}
        assert users[variable] == dask[variable] == {"name": name, "key": key}
    environment = release.settings["singleuser"]["environment"]
    assert ".svc" in environment["NO_PROXY"] == environment["no_proxy"] == hub["NO_PROXY"]["value"]
    assert set(secrets_of_servers(load(release.settings))) >= set(NAMES)


def hub_environment(release: Release) -> list[dict[str, Any]]:
    pod = release.one("Deployment", "hub")["spec"]["template"]["spec"]
    return list(pod["containers"][0]["env"])


@pytest.mark.parametrize("job", [False, True], ids=["existing", "job"])
def test_secrets_of_the_site_are_read_where_they_lie(helm: Helm, job: bool) -> None:
    place = {"name": "site-proxy", "key": "address"}
    values: dict[str, Any] = {"existingSecret": "mine", "global": {"proxy": {"secret": True}}}
    if job:
        names = {"site.http-proxy": place, "site.https-proxy": place}
        values = {"secrets": {"generate": "job", "from": names}}
    release = helm.render(values=values)
    hub = {one["name"]: one for one in hub_environment(release)}
    expected = place if job else {"name": "mine", "key": "site.https-proxy"}
    assert hub["HTTPS_PROXY"]["valueFrom"]["secretKeyRef"] == expected
    users = release.settings["singleuser"]["environmentFromSecrets"]
    assert users["https_proxy"] == expected


def test_a_proxy_without_a_password_stays_a_plain_value(helm: Helm) -> None:
    address = "http://proxy.example.org:3128"
    release = helm.render(values=merged(OURS, {"global": {"proxy": {"https": address}}}))
    hub = {one["name"]: one for one in hub_environment(release)}
    assert hub["HTTPS_PROXY"]["value"] == hub["https_proxy"]["value"] == address
    for place in (release.settings["singleuser"], release.settings["gateway"]):
        assert place["environment"]["HTTPS_PROXY"] == address
        assert not set(place["environment"]) & {"HTTP_PROXY", "http_proxy"}
    assert "site.https-proxy" not in release.text
    assert not {one["name"] for one in hub_environment(helm.render(values=OURS))} & {"NO_PROXY"}


def test_an_operators_own_variable_wins(helm: Helm) -> None:
    own = {"singleuser": {"extraEnv": {"HTTPS_PROXY": "http://for-users.example.org:3128"}}}
    settings = load(helm.render(values=merged(OURS, INLINE, own)).settings)
    plain = variables_of_servers(settings)
    assert plain["HTTPS_PROXY"] == "http://for-users.example.org:3128"
    assert set(secrets_of_servers(settings)) == NAMES - {"HTTPS_PROXY"}


def test_a_new_password_restarts_the_hub(helm: Helm) -> None:
    def mark(address: str) -> str:
        values = merged(OURS, {"global": {"proxy": {"https": address}}})
        pod = helm.render(values=values).one("Deployment", "hub")["spec"]["template"]
        return str(pod["metadata"]["annotations"]["geodes-datalab/secrets"])

    assert len({mark(f"http://a:{word}@proxy.example.org") for word in ("one", "two")}) == 2


PASSWORD = f"http://ada:{SECRET}@proxy.example.org:3128"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "existing": ({"existingSecret": "mine", **INLINE}, "global.proxy.https has a password in it"),
    "hub": ({"hub": {"extraEnv": {"HTTPS_PROXY": PASSWORD}}}, "hub.extraEnv.HTTPS_PROXY has"),
    "value": (
        {"singleuser": {"extraEnv": {"http_proxy": {"value": PASSWORD}}}},
        "singleuser.extraEnv.http_proxy has",
    ),
    "dask": (
        {"gateway": {"backend": {"environment": {"ALL_PROXY": PASSWORD}}}},
        "gateway.backend.environment.ALL_PROXY has",
    ),
    "worker": (
        {"gateway": {"backend": {"worker": {"environment": {"https_proxy": "ada:x@proxy"}}}}},
        "gateway.backend.worker.environment.https_proxy has",
    ),
    "profile": (
        {
            "singleuser": {
                "profiles": {"big": {"displayName": "Big", "extraEnv": {"HTTPS_PROXY": PASSWORD}}}
            }
        },
        "singleuser.profiles.big.extraEnv.HTTPS_PROXY has",
    ),
    "written-out": (
        {"singleuser": {"extraEnv": {"HTTPS_PROXY": f"http://ada:{SECRET}/#?@proxy:3128"}}},
        "singleuser.extraEnv.HTTPS_PROXY has",
    ),
    "of-a-program": (
        {"singleuser": {"extraEnv": {"npm_config_https_proxy": PASSWORD}}},
        "singleuser.extraEnv.npm_config_https_proxy has",
    ),
    "trait": (
        {"hub": {"config": {"KubeSpawner": {"environment": {"HTTPS_PROXY": PASSWORD}}}}},
        "hub.config.KubeSpawner.environment.HTTPS_PROXY has",
    ),
}


@pytest.mark.parametrize("where", REFUSED)
def test_a_password_in_the_clear_is_refused(helm: Helm, where: str) -> None:
    values, words = REFUSED[where]
    done = helm.template(values=merged({} if where == "existing" else OURS, values))
    assert done.returncode
    assert words in done.stderr
    assert "site.https-proxy" in done.stderr
    assert SECRET not in done.stderr


HOST = "sso.example.org"
OIDC = {
    "hub": {"publicUrl": "https://lab.example.org"},
    "auth": {
        "type": "oidc",
        "oidc": {
            "authorizeUrl": f"https://{HOST}/authorize",
            "tokenUrl": f"https://{HOST}/token",
            "userdataUrl": f"https://{HOST}/userinfo",
            "clientId": "datalab",
            "allowedGroups": ["eo"],
        },
    },
    "secrets": {"values": {"oauth.client-secret": "x"}},
}


@pytest.fixture
def client_of_before() -> Iterator[None]:
    before = AsyncHTTPClient.configured_class()
    yield
    AsyncHTTPClient.configure(before)


class Handler:
    """The request that brings a code."""

    def get_argument(self, name: str, default: Any = None) -> Any:
        return {"code": "from-the-provider"}.get(name, default)

    def get_state_cookie(self) -> str:
        from oauthenticator.oauth2 import _serialize_state

        return str(_serialize_state({"code_verifier": "of-the-visitor"}))


@pytest.mark.usefixtures("client_of_before")
def test_the_rendered_hub_logs_in_through_the_proxy(
    helm: Helm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the rendered settings, in the rendered environment."""
    from oauthenticator.generic import GenericOAuthenticator

    from geodes_datalab.hub import apply

    authority = trustme.CA()
    claims = {"preferred_username": "ada", "groups": ["eo"]}
    provider = Provider(claims, HOST, authority)
    with provider, WebProxy({HOST: provider.port}, credentials="site:word") as proxy:
        told = {"global": {"proxy": {"https": proxy.url}}}
        release = helm.render(values=merged(OURS, OIDC, told))
        data = release.one("Secret", "secrets")["data"]
        plain = {name: base64.b64decode(value).decode() for name, value in data.items()}
        for name, value in plain.items():
            (tmp_path / name).write_text(value)
        for one in hub_environment(release):
            place = one.get("valueFrom", {}).get("secretKeyRef")
            value = plain[place["key"]] if place else one.get("value", "datalab")
            monkeypatch.setenv(one["name"], value)
        for name, value in trusted(authority, tmp_path).items():
            monkeypatch.setenv(name, value)
        text = json.dumps(release.settings).replace("/etc/geodes-datalab/secrets", str(tmp_path))
        c = Config()
        apply(load(json.loads(text)), c)
        authenticator = GenericOAuthenticator(config=c)
        known = asyncio.run(authenticator.authenticate(Handler()))
        assert known["name"] == "ada"
        assert proxy.targets() == [f"{HOST}:443"] * 2
        assert {one.credentials for one in proxy.asked} == {"site:word"}

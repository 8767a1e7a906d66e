"""Log-ins behind a web proxy: real authenticators, a real proxy that writes down what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from support.identity import Provider, trusted
from support.web_proxy import WebProxy
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from traitlets.config import Config

from geodes_datalab._proxies import shown
from geodes_datalab.hub import apply, load

HOST = "sso.example.org"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def provider(authority: trustme.CA) -> Iterator[Provider]:
    claims = {
        "preferred_username": "ada",
        "login": "ada",
        "email": "ada@example.org",
        "groups": ["eo"],
        "metadata": {"name": "ada"},
    }
    with Provider(claims, HOST, authority) as provider:
        yield provider


@pytest.fixture
def proxy(provider: Provider) -> Iterator[WebProxy]:
    with WebProxy({HOST: provider.port}, credentials="site:p@ss") as proxy:
        assert "%40" in proxy.url  # a sign that addresses must escape
        yield proxy


@pytest.fixture(autouse=True)
def client_of_before() -> Iterator[None]:
    before = AsyncHTTPClient.configured_class()
    yield
    AsyncHTTPClient.configure(before)


@pytest.fixture
def behind(
    proxy: WebProxy, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> WebProxy:
    """Put this process behind the proxy."""
    for name, value in {**proxy.environment(), **trusted(authority, tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return proxy


def fetched(url: str, **how: Any) -> Any:
    """What Tornado's client, as authenticators make it, brings."""

    async def fetch() -> Any:
        client = AsyncHTTPClient(force_instance=True)
        try:
            return await client.fetch(HTTPRequest(url, **how))
        finally:
            client.close()

    return asyncio.run(fetch())


OIDC = {
    "type": "oidc",
    "oidc": {
        "authorize_url": f"https://{HOST}/authorize",
        "token_url": f"https://{HOST}/token",
        "userdata_url": f"https://{HOST}/userinfo",
        "client_id": "datalab",
        "allowed_groups": ["eo"],
    },
}
CLASSES: dict[str, tuple[str, dict[str, Any]]] = {
    "oidc": ("oidc", {}),
    "github": (
        "oauthenticator.github.GitHubOAuthenticator",
        {"github_url": f"https://{HOST}", "github_api": f"https://{HOST}/api/v3"},
    ),
    "openshift": (  # asks where to ask, at its start, in a thread
        "oauthenticator.openshift.OpenShiftOAuthenticator",
        {"openshift_url": f"https://{HOST}", "token_url": f"https://{HOST}/token"},
    ),
}


class Handler:
    """What an authenticator wants of the request that brings the code."""

    def get_argument(self, name: str, default: Any = None) -> Any:
        return {"code": "from-the-provider"}.get(name, default)

    def get_state_cookie(self) -> str:
        from oauthenticator.oauth2 import _serialize_state

        return str(_serialize_state({"code_verifier": "of-the-visitor"}))


def log_in(values: dict[str, Any], kind: str, traits: dict[str, Any]) -> Any:
    """Log in as somebody whom the provider knows."""
    common = {"client_id": "datalab", "client_secret": "x", "oauth_callback_url": "http://lab/cb"}
    name = kind.rpartition(".")[2]
    if kind != "oidc":
        values["auth"] = {"type": kind}
        values["hub"]["config"] = {name: {**traits, **common}}
    c = Config()
    apply(load(values), c)
    authenticator = c.JupyterHub.authenticator_class(config=c)
    return asyncio.run(authenticator.authenticate(Handler()))


@pytest.mark.parametrize("which", CLASSES)
def test_log_in_goes_through_the_proxy(
    values: dict[str, Any], secret: Any, behind: WebProxy, provider: Provider, which: str
) -> None:
    kind, traits = CLASSES[which]
    secret_there = secret("secret-of-the-datalab")
    values["auth"] = {**OIDC, "oidc": {**OIDC["oidc"], "client_secret": secret_there}}
    assert log_in(values, kind, traits)["name"] == "ada"
    assert set(behind.targets()) == {f"{HOST}:443"}
    assert {one.method for one in behind.asked} == {"CONNECT"}
    assert {one.credentials for one in behind.asked} == {"site:p@ss"}
    (sent,) = [body for method, _, body in provider.seen if method == "POST"]
    assert "code=from-the-provider" in sent
    assert provider.seen[-1][2].split()[-1] == "of-ada"


def test_what_needs_no_proxy_is_asked_directly(
    provider: Provider, proxy: WebProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name, its domain, and a range of addresses, as operators write them."""
    with Provider({"a": 1}) as inside:
        named = f"http://localhost:{inside.port}"
        for exempt, address in {
            "127.0.0.1": inside.address,
            "127.0.0.0/8": inside.address,
            f"intra.example.org, localhost:{inside.port}": named,
            "localhost": named,
            "*": inside.address,
        }.items():
            for name, value in proxy.environment(exempt).items():
                monkeypatch.setenv(name, value)
            apply_way_out()
            assert fetched(f"{address}/userinfo").code == 200, exempt
        assert not proxy.asked


def apply_way_out() -> None:
    from geodes_datalab.hub.login import way_out

    way_out.install()


def test_plain_http_redirects_and_own_authorities(
    behind: WebProxy, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_way_out()
    with Provider({"a": 1}) as plain:
        behind.leads["plain.example.org"] = plain.port
        reply = fetched("http://plain.example.org/userinfo", headers={"Authorization": "me"})
        assert reply.body == b'{"a": 1}'
        assert plain.seen == [("GET", "/userinfo", "me")]
        assert behind.targets() == ["http://plain.example.org/userinfo"]
    moved = fetched(f"https://{HOST}/moved")
    assert moved.effective_url == f"https://{HOST}/userinfo"
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(HTTPClientError, match="certificate"):
        fetched(f"https://{HOST}/userinfo")
    assert fetched(f"https://{HOST}/userinfo", ca_certs=str(tmp_path / "ca.pem")).code == 200
    assert fetched(f"https://{HOST}/userinfo", validate_cert=False).code == 200


@pytest.mark.parametrize(
    ("written", "meant"),
    [("gel%C3%A9", "gelé"), ("%E2%82%AC5", "€5"), ("s/c#r@t?[x", "s/c#r@t?[x"), ("50%", "50%")],
    ids=["accent", "beyond-latin", "written-out", "percent"],
)
def test_any_password_opens_the_proxy(
    behind: WebProxy, monkeypatch: pytest.MonkeyPatch, written: str, meant: str
) -> None:
    behind.credentials = f"ada:{meant}"
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://ada:{written}@127.0.0.1:{behind.port}")
    apply_way_out()
    assert fetched(f"https://{HOST}/userinfo").code == 200
    with Provider({"a": 1}) as plain:
        behind.leads["plain.example.org"] = plain.port
        reply = fetched("http://plain.example.org/userinfo", headers={"Authorization": "me"})
        assert reply.code == 200
        assert plain.seen == [("GET", "/userinfo", "me")]


def test_a_page_that_is_not_there_is_told_as_ever(behind: WebProxy) -> None:
    apply_way_out()
    with pytest.raises(HTTPClientError) as told:
        fetched(f"https://{HOST}/nothing")
    assert told.value.code == 404


@pytest.mark.parametrize(
    ("trouble", "words"),
    [("refuses", "refused: HTTP 407"), ("dead", "does not answer"), ("no-way", "sso.example.org")],
)
def test_a_proxy_that_does_not_help_is_named_without_its_password(
    behind: WebProxy,
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
    words: str,
) -> None:
    if trouble == "dead":
        monkeypatch.setenv("https_proxy", f"http://site:p%40ss@127.0.0.1:{closed_port}")
    elif trouble == "refuses":
        behind.credentials = "site:another"
    else:
        behind.leads[HOST] = closed_port
    apply_way_out()
    with pytest.raises(HTTPClientError) as told:
        fetched(f"https://{HOST}/userinfo", request_timeout=20)
    assert told.value.code == 599
    if trouble != "no-way":
        assert words in str(told.value)
        assert f"web proxy {shown(behind.url).rpartition(':')[0]}" in str(told.value)
    assert "p@ss" not in str(told.value)
    assert "p%40ss" not in str(told.value)


def test_an_address_that_is_none_does_not_tell_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://site:p%40ss@proxy.example.org:99999999")
    apply_way_out()
    with pytest.raises(HTTPClientError) as told:
        fetched(f"https://{HOST}/userinfo")
    assert "proxy.example.org:99999999" in str(told.value)
    assert "p%40ss" not in str(told.value)


def test_a_proxy_of_another_kind_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    """It was before, and a provider that is reached directly still is."""
    monkeypatch.setenv("all_proxy", f"socks5://127.0.0.1:{closed_port}")
    apply_way_out()
    with Provider({"a": 1}) as inside:
        assert fetched(f"{inside.address}/userinfo").code == 200


def test_without_a_proxy_tornados_client_stays(values: dict[str, Any]) -> None:
    before = AsyncHTTPClient.configured_class()
    apply(load(values), Config())
    assert AsyncHTTPClient.configured_class() is before

"""Identity providers, as OAuthenticator's classes ask them: a stand-in of their HTTP answers.

Three people have an account at each: ``olga`` belongs to nothing, ``mona`` is of the staff, ``ada`` is
of the staff and a chief. An access token is the person's name, and so is the code that the browser
brings back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
from oauthenticator.oauth2 import _serialize_state  # type: ignore[import-untyped]
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse

GROUPS = {"olga": ["everybody"], "mona": ["everybody", "staff"], "ada": ["staff", "chiefs"]}
"""What the three are members of."""

Values = dict[str, Any]
Answer = tuple[int, Any]


def user_info(**claims: Callable[[str], Any]) -> Callable[[str], Values]:
    return lambda name: {claim: make(name) for claim, make in claims.items()}


def groups(name: str) -> list[str]:
    return GROUPS[name]


@dataclass(frozen=True)
class Provider:
    """One provider, the class that asks it, and the values that set it up."""

    kind: str
    """What stands in ``auth.type``."""
    section: str
    """Name of the class."""
    info: Callable[[str], Values]
    """What it tells about somebody."""
    user_path: str = ""
    """End of the address that is asked for that."""
    base: Values = field(default_factory=dict)
    """Traits without which the class does not work; they let nobody in."""
    door: Values = field(default_factory=dict)
    """Traits that let the staff in."""
    chiefs: Values = field(default_factory=dict)
    """Traits that make the chiefs administrators; none: by name only."""
    answers: Callable[[str, str], Answer | None] = lambda path, name: None
    """What it answers elsewhere: path and person -> status and body."""
    token: Callable[[str], Values] = lambda name: {}
    """What a token comes with."""
    named: Callable[[str], str] = lambda name: name
    """What somebody is called in the hub."""
    oidc: Values = field(default_factory=dict)
    """``auth.oidc``, where the chart has keys for it."""

    def values(self, *, door: bool = False, chiefs: bool = False, **auth: Any) -> Values:
        """Return a values file: closed, with the door for the staff, with the chiefs."""
        traits = self.base | (self.door if door else {}) | (self.chiefs if chiefs else {})
        oidc = dict(self.oidc)
        if self.oidc:
            oidc |= {"allowedGroups": ["staff"]} if door else {}
            oidc |= {"adminGroups": ["chiefs"]} if chiefs else {}
        elif chiefs and not self.chiefs:
            auth |= {"admins": [self.named("ada")]}
        return {
            "existingSecret": "datalab-secrets",
            "hub": {
                "publicUrl": "https://lab.example.org",
                "config": {self.section: traits} if traits else {},
            },
            "auth": {"type": self.kind, **auth, **({"oidc": oidc} if oidc else {})},
        }


GENERIC = {
    "authorize_url": "https://sso.example.org/authorize",
    "token_url": "https://sso.example.org/token",
    "userdata_url": "https://sso.example.org/userinfo",
    "client_id": "datalab",
}
STAFF = {"manage_groups": True, "allowed_groups": ["staff"]}
CHIEFS = {"manage_groups": True, "admin_groups": ["chiefs"]}
CLAIM = "https://example.org/groups"


def _github(path: str, name: str) -> Answer | None:
    if path == f"/orgs/example/members/{name}":
        return (204, None) if "staff" in GROUPS[name] else (404, {"message": "Not Found"})
    return None


def _gitlab(path: str, name: str) -> Answer | None:
    if path.endswith("/version"):
        return 200, {"version": "17.3.0-ee"}
    if "/groups/staff/members/all/" in path:
        return (200, {}) if "staff" in GROUPS[name] else (404, {"message": "404 Not found"})
    return None


def _google(path: str, name: str) -> Answer | None:
    if path.startswith("/admin/directory/v1/groups"):
        return 200, {"groups": [{"email": f"{group}@example.org"} for group in GROUPS[name]]}
    return None


def _globus(path: str, name: str) -> Answer | None:
    if path.endswith("/my_groups"):
        return 200, [{"id": group} for group in GROUPS[name]]
    return None


def _bitbucket(path: str, name: str) -> Answer | None:
    if path.endswith("/workspaces"):
        return 200, {"values": [{"name": group} for group in GROUPS[name]]}
    return None


def _globus_token(name: str) -> Values:
    other = {"resource_server": "groups.api.globus.org", "access_token": name}
    return {"resource_server": "auth.globus.org", "other_tokens": [other]}


def _identity(name: str) -> Values:
    claims = {"name": name, "aud": "datalab", "groups": GROUPS[name]}
    return {"id_token": jwt.encode(claims, "k" * 32, algorithm="HS256")}


def _mail(name: str) -> str:
    return f"{name}@example.org"


def _affiliation(name: str) -> str:
    return f"member@{'staff' if 'staff' in GROUPS[name] else 'other'}.example.org"


IDP = "https://idp.example.org/shibboleth"
BY_MAIL = {"username_claim": "email", "action": "strip_idp_domain", "domain": "example.org"}
DIRECTORY = {
    "google_service_account_keys": {"example.org": "/keys/example.json"},
    "gsuite_administrator": {"example.org": "admin"},
}

PROVIDERS = {
    "github": Provider(
        "github",
        "GitHubOAuthenticator",
        user_info(login=str, email=_mail),
        "/user",
        base={"client_id": "datalab"},
        door={"allowed_organizations": ["example"]},
        answers=_github,
    ),
    "gitlab": Provider(
        "oauthenticator.gitlab.GitLabOAuthenticator",
        "GitLabOAuthenticator",
        user_info(username=str, id=lambda name: list(GROUPS).index(name)),
        "/user",
        door={"allowed_gitlab_groups": ["staff"]},
        answers=_gitlab,
    ),
    "google": Provider(
        "google",
        "GoogleOAuthenticator",
        user_info(email=_mail, verified_email=lambda _: True, hd=lambda _: "example.org"),
        "/userinfo",
        base={"hosted_domain": ["example.org"]},
        door={"allowed_google_groups": {"example.org": ["staff"]}, **DIRECTORY},
        chiefs={"admin_google_groups": {"example.org": ["chiefs"]}, **DIRECTORY},
        answers=_google,
    ),
    "azuread": Provider(
        "azuread",
        "AzureAdOAuthenticator",
        lambda _: {},
        base={"client_id": "datalab", "tenant_id": "example"},
        door=STAFF,
        chiefs=CHIEFS,
        token=_identity,
    ),
    "globus": Provider(
        "globus",
        "GlobusOAuthenticator",
        user_info(preferred_username=lambda name: f"{name}@globusid.org"),
        "/userinfo",
        door={"allowed_globus_groups": ["staff"]},
        chiefs={"admin_globus_groups": ["chiefs"]},
        answers=_globus,
        token=_globus_token,
    ),
    "cilogon": Provider(
        "cilogon",
        "CILogonOAuthenticator",
        user_info(idp=lambda _: IDP, email=_mail, affiliation=_affiliation),
        "/userinfo",
        base={"idps": {IDP: {"username_derivation": BY_MAIL}}},
        door={
            "idps": {
                IDP: {
                    "username_derivation": BY_MAIL,
                    "allowed_domains": ["staff.example.org"],
                    "allowed_domains_claim": "affiliation",
                }
            }
        },
    ),
    "generic": Provider(
        "generic-oauth",
        "GenericOAuthenticator",
        user_info(username=str, groups=groups),
        "/userinfo",
        base=GENERIC,
        door=STAFF,
        chiefs=CHIEFS,
    ),
    "openshift": Provider(
        "openshift",
        "OpenShiftOAuthenticator",
        user_info(metadata=lambda name: {"name": name}, groups=groups),
        "/users/~",
        base={"openshift_auth_api_url": "https://oauth.example.org"},
        door=STAFF,
        chiefs=CHIEFS,
    ),
    "bitbucket": Provider(
        "bitbucket",
        "BitbucketOAuthenticator",
        user_info(username=str),
        "/user",
        door={"allowed_teams": ["staff"]},
        answers=_bitbucket,
    ),
    "auth0": Provider(
        "auth0",
        "Auth0OAuthenticator",
        lambda name: {"email": _mail(name), "email_verified": True, CLAIM: GROUPS[name]},
        "/userinfo",
        base={"auth0_domain": "example.auth0.com"},
        door={**STAFF, "auth_state_groups_key": f"auth0_user.{CLAIM}"},
        chiefs={**CHIEFS, "auth_state_groups_key": f"auth0_user.{CLAIM}"},
        named=_mail,
    ),
    "mediawiki": Provider(
        "mediawiki",
        "MWOAuthenticator",
        user_info(username=lambda name: f"{name.capitalize()} Example", groups=groups),
        door={**STAFF, "auth_state_groups_key": "MEDIAWIKI_USER_IDENTITY.groups"},
        chiefs={**CHIEFS, "auth_state_groups_key": "MEDIAWIKI_USER_IDENTITY.groups"},
        named=lambda name: f"{name.capitalize()}_Example",
    ),
    "okta": Provider(
        "oidc",
        "GenericOAuthenticator",
        user_info(preferred_username=_mail, groups=groups, sub=str),
        "/v1/userinfo",
        named=_mail,
        oidc={
            "authorizeUrl": "https://example.okta.com/oauth2/v1/authorize",
            "tokenUrl": "https://example.okta.com/oauth2/v1/token",
            "userdataUrl": "https://example.okta.com/oauth2/v1/userinfo",
            "clientId": "datalab",
            "scopes": ["openid", "profile", "email", "groups"],
        },
    ),
}
"""The twelve."""


class Client:
    """What OAuthenticator sends its requests with: the provider answers."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.asked: list[str] = []

    async def fetch(self, request: HTTPRequest, *, raise_error: bool = True, **_: Any) -> Any:
        self.asked.append(request.url)
        status, body = self._answer(request)
        data = b"" if body is None else json.dumps(body).encode()
        response = HTTPResponse(request, status, buffer=BytesIO(data))
        if status >= 400 and raise_error:
            raise HTTPClientError(status, response=response)
        return response

    def _answer(self, request: HTTPRequest) -> Answer:
        parts = urlsplit(request.url)
        if request.method == "POST":
            name = parse_qs((request.body or b"").decode())["code"][0]
            token = {"access_token": name, "token_type": "bearer"}
            return 200, token | self.provider.token(name)
        name = request.headers["Authorization"].split()[-1]
        mail = parse_qs(parts.query).get("userKey", [""])[
            0
        ]  # Google's directory is asked by others
        found = self.provider.answers(unquote(parts.path), mail.partition("@")[0] or name)
        if (
            found is None
            and self.provider.user_path
            and parts.path.endswith(self.provider.user_path)
        ):
            return 200, self.provider.info(name)
        return found or (404, {"message": "Not Found"})


class Handler:
    """The request that brings a browser back from the provider."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.request = SimpleNamespace(
            query=name, protocol="https", host="lab.example.org", headers={}
        )
        self.settings: dict[str, Any] = {}
        self.hub = SimpleNamespace(server=SimpleNamespace(base_url="/hub/"))

    def get_argument(self, name: str, default: str = "") -> str:
        return {"code": self.name}.get(name, default)

    def get_state_cookie(self) -> str:
        state: str = _serialize_state({"state_id": "1", "code_verifier": "2"})
        return state

    def get_secure_cookie(self, name: str) -> str:
        return json.dumps([self.name, "secret"])

    def clear_cookie(self, name: str) -> None:
        pass


class Handshaker:
    """mwoauth's: the token's key is the person."""

    provider: Provider

    def __init__(self, *_: Any) -> None:
        pass

    def complete(self, token: Any, query: str) -> Any:
        return SimpleNamespace(key=token.key, secret="secret")

    def identify(self, token: Any) -> Values:
        return self.provider.info(token.key)


def connect(authenticator: Any, provider: Provider, monkeypatch: Any) -> Client:
    """Let an authenticator ask the stand-in."""
    authenticator.http_client = Client(provider)
    if provider.section == "MWOAuthenticator":
        shaker = type("Handshaker", (Handshaker,), {"provider": provider})
        monkeypatch.setattr("oauthenticator.mediawiki.Handshaker", shaker)
    if provider.section == "GoogleOAuthenticator":
        credentials = {"example.org": SimpleNamespace(valid=True, token="directory")}
        monkeypatch.setattr(authenticator, "_service_credentials", credentials)
    client: Client = authenticator.http_client
    return client

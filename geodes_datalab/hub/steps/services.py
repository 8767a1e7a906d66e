"""Services of the hub and the rights of users and services.

Dask Gateway has no ``url`` here: its dashboards are reached through each user's own server, behind
that user's login.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub.addresses import api_url
from geodes_datalab.hub.steps import homes
from geodes_datalab.settings import Secret, Settings

CULLER = "idle-culler"
MONITORING = "monitoring"
CHECK = "check"
_CULLER_SCOPES = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
_GATEWAY_SCOPES = ["list:users", "read:servers"]  # its reaper: whose server runs

Named = dict[str, dict[str, Any]]


def apply(settings: Settings, c: Any) -> None:
    """Set services and roles, each named once; the operator's are added to ours."""
    services = dict(_services(settings))
    roles = dict(_roles(settings))
    for name, content in settings.hub.services.items():
        services[name] = services.get(name, {}) | _with_secret_read(content)
    for name, content in settings.hub.load_roles.items():
        roles[name] = _merged(roles.get(name, {}), content)
    c.JupyterHub.services = [{"name": name, **content} for name, content in services.items()]
    c.JupyterHub.load_roles = [{"name": name, **content} for name, content in roles.items()]


def access_scope(settings: Settings) -> str:
    """Return the scope that lets a token use the gateway."""
    return f"access:services!service={settings.gateway.service}"


def access_scopes(settings: Settings) -> list[str]:
    """Return the scopes that let a token use the gateways that there are."""
    hpda = settings.hpda
    result = [access_scope(settings)] if settings.gateway.enabled else []
    return [*result, *([f"access:services!service={hpda.service}"] if hpda.enabled else [])]


def culler_command(settings: Settings) -> list[str]:
    """Return the culler's command line (version 2 takes ``--flag=value`` only)."""
    cull = settings.cull
    return [
        sys.executable,
        "-m",
        "jupyterhub_idle_culler",
        f"--url={api_url(settings, inside=cull.token is None)}",
        f"--timeout={round(cull.timeout)}",
        f"--cull-every={round(cull.every)}",
        f"--max-age={round(cull.max_age)}",
        "--cull-users=False",
    ]


def _services(settings: Settings) -> Iterator[tuple[str, dict[str, Any]]]:
    if settings.gateway.enabled:
        yield settings.gateway.service, _gateway(settings.gateway.token, "gateway")
    if settings.hpda.enabled:
        yield settings.hpda.service, _gateway(settings.hpda.token, "hpda")
    if settings.cull.enabled:
        yield CULLER, _culler(settings)
    if settings.hub.monitoring_token is not None:
        yield MONITORING, _with_token(settings.hub.monitoring_token)
    if settings.homes.view.enabled:
        yield settings.homes.view.service, homes.service(settings)
    if settings.tests.token is not None:
        yield CHECK, _with_token(settings.tests.token)


def _roles(settings: Settings) -> Iterator[tuple[str, dict[str, Any]]]:
    gateway = settings.gateway
    user = ["self", *access_scopes(settings)]
    if len(user) > 1 or "user" in settings.hub.load_roles:
        yield "user", {"scopes": user}
    if gateway.enabled:
        yield gateway.service, {"services": [gateway.service], "scopes": _GATEWAY_SCOPES}
    if settings.hpda.enabled:
        service = settings.hpda.service
        yield service, {"services": [service], "scopes": _GATEWAY_SCOPES}
    if settings.cull.enabled:
        yield CULLER, {"services": [CULLER], "scopes": _CULLER_SCOPES}
    if settings.hub.monitoring_token is not None:
        yield MONITORING, {"services": [MONITORING], "scopes": ["read:metrics"]}
    if settings.tests.token is not None:
        yield CHECK, {"services": [CHECK], "scopes": _check_scopes(settings.tests.user)}


def _check_scopes(user: str) -> list[str]:
    """Return rights over one user, who need not exist yet, and over nobody else."""
    kinds = ("admin:users", "servers", "access:servers", "read:users")
    return [f"{kind}!user={user}" for kind in kinds]


def _gateway(token: Secret | None, group: str) -> dict[str, Any]:
    if token is None:
        raise ConfigurationError(
            f"{group}.token is missing: Dask Gateway could not ask the hub who its users are",
            hint=f"name a file or a variable with a random token, or set {group}.enabled = false",
        )
    return _with_token(token)


def _culler(settings: Settings) -> dict[str, Any]:
    if settings.cull.token is not None:
        return _with_token(settings.cull.token)
    return {"command": culler_command(settings), "display": False}


def _with_token(token: Secret) -> dict[str, Any]:
    return {"api_token": token.read(), "display": False}


def _with_secret_read(content: Mapping[str, Any]) -> dict[str, Any]:
    """Read the service's token from where the settings say that it lies."""
    token = content.get("api_token")
    if isinstance(token, Mapping):
        return {**content, "api_token": Secret.model_validate(token).read()}
    return dict(content)


def _merged(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Add the lists of two roles, each entry once; other values are the operator's."""
    result = dict(ours)
    for key, value in theirs.items():
        old = result.get(key)
        both = isinstance(old, list) and isinstance(value, list)
        result[key] = list(dict.fromkeys([*old, *value])) if both and old else value
    return result

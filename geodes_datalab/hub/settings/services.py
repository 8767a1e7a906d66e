"""Services of the hub and the rights of users and services.

Dask Gateway has no ``url`` here: its dashboards are reached through each user's own server, behind
that user's login.
"""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub.schema import Settings

CULLER = "idle-culler"
_CULLER_SCOPES = ["list:users", "read:users:activity", "read:servers", "delete:servers"]


def apply(settings: Settings, c: Any) -> None:
    """Set services and roles, each named once."""
    services: list[dict[str, Any]] = []
    roles: list[dict[str, Any]] = []
    if settings.gateway.enabled:
        services.append(_gateway(settings))
        roles.append({"name": "user", "scopes": ["self", access_scope(settings)]})
    if settings.cull.enabled:
        services.append(_culler(settings))
        roles.append({"name": CULLER, "services": [CULLER], "scopes": _CULLER_SCOPES})
    c.JupyterHub.services = services
    c.JupyterHub.load_roles = roles


def access_scope(settings: Settings) -> str:
    """Return the scope that lets a token use the gateway."""
    return f"access:services!service={settings.gateway.service}"


def culler_command(settings: Settings) -> list[str]:
    """Return the culler's command line (version 2 takes ``--flag=value`` only)."""
    cull = settings.cull
    return [
        sys.executable,
        "-m",
        "jupyterhub_idle_culler",
        f"--url={api_url(settings)}",
        f"--timeout={round(cull.minutes * 60)}",
        f"--cull-every={round(cull.every_minutes * 60)}",
        f"--max-age={round(cull.max_age_hours * 3600)}",
        "--cull-users=False",
    ]


def api_url(settings: Settings) -> str:
    """Return the address of the hub's API, as its services reach it."""
    hub = settings.hub
    base = urlsplit(hub.public_url).path.rstrip("/")
    return f"{(hub.connect_url or hub.bind_url).rstrip('/')}{base}/hub/api"


def _gateway(settings: Settings) -> dict[str, Any]:
    gateway = settings.gateway
    if gateway.token is None:
        raise ConfigurationError(
            "gateway.token is missing: Dask Gateway could not ask the hub who its users are",
            hint="name a file or a variable with a random token, or set gateway.enabled = false",
        )
    return {"name": gateway.service, "api_token": gateway.token.read(), "display": False}


def _culler(settings: Settings) -> dict[str, Any]:
    if settings.cull.token is not None:
        return {"name": CULLER, "api_token": settings.cull.token.read(), "display": False}
    return {"name": CULLER, "command": culler_command(settings), "display": False}

"""Homes, from outside: what users' servers are told, the hub's own metrics, the view's service."""

from __future__ import annotations

import json
from typing import Any

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.settings import Settings

UNITS = {"": 1, "m": 1e-3, "k": 1e3}
UNITS |= {letter: 1000.0**power for power, letter in enumerate("MGTPE", start=2)}
UNITS |= {f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", start=1)}
"""Endings of Kubernetes' quantities."""

SCOPES = ["read:users:name!user"]
"""What the view may ask about who comes: the name, and whether that is an administrator."""


def apply(settings: Settings, c: Any) -> None:
    """Let the hub itself tell the sizes of homes, where it starts servers on its own machine.

    On Kubernetes the hub mounts no home: a service does.
    """
    metrics = settings.homes.metrics
    if metrics.enabled and settings.spawner.kind == "local" and settings.homes.folder is None:
        from geodes_datalab.hub.homes.metrics import register

        register(settings)


def size(quantity: str) -> int:
    """Return a quantity in bytes.

    Parameters
    ----------
    quantity
        As Kubernetes writes it.

    Examples
    --------
    >>> size("10Gi"), size("1.5G"), size("512")
    (10737418240, 1500000000, 512)
    """
    digits = quantity.rstrip("mkKMGTPEi")
    return round(float(digits) * UNITS[quantity[len(digits) :]])


def variable(settings: Settings) -> str:
    """Return what a user's server is told about its home.

    Parameters
    ----------
    settings
        All settings.
    """
    usage = settings.homes.usage
    if not usage.enabled:
        return "off"
    storage = settings.singleuser.storage if settings.spawner.kind == "kubernetes" else None
    promised = usage.quota or (storage.promised if storage else "")
    told = {
        "own": storage is not None and storage.type == "dynamic",
        "limit": size(promised) if promised else None,
        "minutes": usage.every_minutes,
    }
    return json.dumps(told)


def service(settings: Settings) -> dict[str, Any]:
    """Return the view as a service of the hub.

    Raises
    ------
    ConfigurationError
        Its token is missing.
    """
    view = settings.homes.view
    if view.token is None:
        raise ConfigurationError(
            "homes.view.token is missing: the view could not ask the hub who comes",
            hint="name a file or a variable with a random token, or set homes.view.enabled = false",
        )
    return {
        "url": view.url,
        "api_token": view.token.read(),
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": SCOPES,
    }

"""The hub process itself: addresses, database, cookies, pace."""

from __future__ import annotations

from typing import Any

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub.schema import Settings


def apply(settings: Settings, c: Any) -> None:
    """Set the traits of JupyterHub that concern the process."""
    hub = settings.hub
    c.JupyterHub.bind_url = hub.public_url
    c.JupyterHub.hub_bind_url = hub.bind_url
    if hub.connect_url is not None:
        c.JupyterHub.hub_connect_url = hub.connect_url
    c.JupyterHub.db_url = hub.db_url
    if hub.cookie_secret is not None:
        c.JupyterHub.cookie_secret = _bytes(hub.cookie_secret.read())
    c.JupyterHub.cleanup_servers = False  # user servers outlive the hub, and are found again
    c.JupyterHub.cleanup_proxy = False
    c.JupyterHub.allow_named_servers = hub.allow_named_servers
    c.JupyterHub.concurrent_spawn_limit = hub.concurrent_spawns
    c.JupyterHub.last_activity_interval = hub.last_activity_interval
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}  # straight to the progress page


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ConfigurationError(
            "hub.cookie_secret is not hexadecimal", hint="make one with: openssl rand -hex 32"
        ) from None

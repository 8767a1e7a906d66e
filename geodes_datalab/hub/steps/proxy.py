"""The public proxy, which others start and the hub fills with routes."""

from __future__ import annotations

from typing import Any

from geodes_datalab.settings import Settings

CLASS = "geodes_datalab.hub.proxy.WatchedProxy"


def apply(settings: Settings, c: Any) -> None:
    """Use the watched proxy class; it never starts a proxy of its own."""
    c.JupyterHub.proxy_class = CLASS
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = settings.proxy.api_url
    c.WatchedProxy.watch_seconds = settings.proxy.watch_seconds
    if settings.proxy.token is not None:
        c.ConfigurableHTTPProxy.auth_token = settings.proxy.token.read()

"""Where the hub is found: the path of everything, the address of its API."""

from __future__ import annotations

from urllib.parse import urlsplit

from geodes_datalab.settings import Settings


def api_url(settings: Settings, *, inside: bool = False) -> str:
    """Return the address of the hub's API.

    Parameters
    ----------
    settings
        Where the hub listens, and how others reach it.
    inside
        For a process that the hub itself starts: by loopback, whatever policies say about others.
    """
    hub = settings.hub
    base = base_path(settings)
    address = hub.bind_url if inside else hub.connect_url or hub.bind_url
    if inside:
        address = address.replace("//0.0.0.0", "//127.0.0.1")
    return f"{address.rstrip('/')}{base}/hub/api"


def base_path(settings: Settings) -> str:
    """Return the path under which everything is found, without a slash at its end."""
    return urlsplit(settings.hub.public_url).path.rstrip("/")

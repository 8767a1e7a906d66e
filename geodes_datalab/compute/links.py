"""Addresses of dashboards as a browser can open them, also behind the hub."""

from __future__ import annotations

import os
from urllib.parse import urlsplit


def prefix() -> str | None:
    """Return the path of the user's server behind the hub (``/user/ada/``), or None without a hub."""
    result = os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    return f"{result.rstrip('/')}/" if result else None


def local_dashboard(port: int) -> str:
    """Return the link to the dashboard of a scheduler in this process's machine.

    Examples
    --------
    >>> import os
    >>> _ = os.environ.pop("JUPYTERHUB_SERVICE_PREFIX", None)
    >>> local_dashboard(8787)
    'http://127.0.0.1:8787/status'
    """
    behind = prefix()
    return f"{behind}proxy/{port}/status" if behind else f"http://127.0.0.1:{port}/status"


def public_address(address: str) -> str | None:
    """Return the root of the gateway's dashboards behind the hub, through jupyter-server-proxy.

    Parameters
    ----------
    address
        The gateway as this process reaches it.

    Returns
    -------
    str or None
        None without a hub, or for an https gateway, which jupyter-server-proxy does not reach by host
        and port: the address itself serves then.
    """
    behind, parts = prefix(), urlsplit(address)
    if behind is None or parts.scheme != "http":
        return None
    return f"{behind}proxy/{parts.netloc}{parts.path}".rstrip("/")


def hpda_address() -> str | None:
    """Return the root of the dashboards of an HPC centre behind the hub; None without a hub.

    The extension `geodes_datalab.server.dashboards` of the user's server serves it.
    """
    behind = prefix()
    return f"{behind}proxy/hpda" if behind else None

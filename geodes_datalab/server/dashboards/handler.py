"""Pass requests for dashboards on to the gateway of an HPC centre."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

from jupyter_server.utils import url_path_join
from jupyter_server_proxy.handlers import ProxyHandler
from tornado import web

PATH = "proxy/hpda"
"""First part of the path, below that of the user's server: the Lab's Dask panel takes links below
``proxy`` as they are, and would look for others on a host of its own choice."""

_SECRET = ("Cookie", "Authorization", "X-Xsrftoken")
"""Headers by which the browser proves who it is to this server: no business of the centre's."""

_SAFE = ":/?#[]@!$&'()*+,;=-._~"


def handlers(settings: dict[str, Any], address: str) -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return the routes for tornado.

    Parameters
    ----------
    settings
        Of the Jupyter server.
    address
        The gateway's, with its path.
    """
    pattern = url_path_join(re.escape(settings["base_url"]), PATH, r"(clusters/.+)")
    return [(pattern, Dashboards, {"address": address})]


class Dashboards(ProxyHandler):
    """Dashboards of one gateway; they are looked at, and take no orders but by WebSocket."""

    def __init__(self, *args: Any, address: str, **kwargs: Any) -> None:
        parts = urlsplit(address)
        super().__init__(*args, host_allowlist=[parts.hostname], **kwargs)
        self.proxy_base = PATH
        self._secure = parts.scheme == "https"
        self._root = parts.path.rstrip("/")
        self._host = str(parts.hostname)
        self._port = parts.port or (443 if self._secure else 80)

    async def http_get(self, path: str) -> None:
        """Answer GET."""
        await self.proxy(self._host, self._port, path)

    def post(self, path: str) -> None:
        """Refuse: a dashboard is looked at.

        Raises
        ------
        tornado.web.HTTPError
            Always.
        """
        raise web.HTTPError(405)

    put = patch = delete = head = options = post

    async def open(self, path: str) -> None:
        """Open a WebSocket."""
        await self.proxy_open(self._host, self._port, path)

    def get_client_uri(self, protocol: str, host: str, port: int, proxied_path: str) -> str:
        """Return the gateway's address of a dashboard.

        Raises
        ------
        tornado.web.HTTPError
            The path leads out of the dashboards.
        """
        if ".." in proxied_path.split("/"):
            raise web.HTTPError(404)
        path = quote(f"{self._root}/{proxied_path.lstrip('/')}", safe=_SAFE)
        query = f"?{self.request.query}" if self.request.query else ""
        name = f"[{host}]" if ":" in host else host
        return f"{protocol}{'s' if self._secure else ''}://{name}:{port}{path}{query}"

    def proxy_request_headers(self) -> Any:
        """Return the browser's headers without those that prove who it is."""
        headers = super().proxy_request_headers()
        for name in _SECRET:
            headers.pop(name, None)
        return headers

"""What the browser asks of `launches`: JSON, for the owner of the server alone."""

from __future__ import annotations

import json
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from geodes_datalab.compute.panel.launches import Launches
from geodes_datalab.errors import ClusterError

ROOT = "geodes-datalab/hpda"
"""Below the address of the user's server."""


def handlers(base_url: str, launches: Launches) -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return the routes for tornado.

    Parameters
    ----------
    base_url
        Of the Jupyter server.
    launches
        Of the Jupyter server.
    """
    rest = {"launches": launches}
    return [
        (url_path_join(base_url, ROOT, "options"), Options, rest),
        (url_path_join(base_url, ROOT, "clusters"), All, rest),
        (url_path_join(base_url, ROOT, "clusters", r"([0-9a-f-]{36})"), One, rest),
    ]


class Handler(APIHandler):
    """Knows the launches, and answers with errors in words."""

    def initialize(self, launches: Launches) -> None:
        """Take what the route holds."""
        self.launches = launches

    def write_error(self, status_code: int, **more: Any) -> None:
        """Answer with what happened, and what to do."""
        error = (more.get("exc_info") or (None, None))[1]
        if isinstance(error, ClusterError):
            self.set_status(409)
            self.finish(json.dumps({"message": error.message, "hint": error.hint}))
            return
        super().write_error(status_code, **more)

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        """Log what nobody foresaw; what the user is told is no trouble of the server's."""
        if not isinstance(value, ClusterError):
            super().log_exception(kind, value, trace)


class Options(Handler):
    """What may be chosen for a cluster."""

    @web.authenticated
    async def get(self) -> None:
        """Answer with the options of the centre."""
        self.finish(json.dumps(await self.launches.options()))


class All(Handler):
    """Clusters on their way."""

    @web.authenticated
    async def get(self) -> None:
        """Answer with those that have not started."""
        self.finish(json.dumps(await self.launches.all_told()))

    @web.authenticated
    async def post(self) -> None:
        """Submit one."""
        asked = self.get_json_body() or {}
        workers, options = asked.get("workers", 1), asked.get("options", {})
        if type(workers) is not int or not 0 <= workers <= 10_000:
            raise ClusterError(f"workers={workers!r} is no number of workers", hint="0 to 10000")
        if not isinstance(options, dict):
            raise ClusterError("options must be an object", hint="give names and values")
        number = await self.launches.begin(workers, options)
        self.set_status(201)
        self.finish(json.dumps(await self.launches.told(number)))


class One(Handler):
    """One of them."""

    @web.authenticated
    async def get(self, number: str) -> None:
        """Answer with what is known of it."""
        try:
            self.finish(json.dumps(await self.launches.told(number)))
        except KeyError:
            raise web.HTTPError(404) from None

    @web.authenticated
    async def delete(self, number: str) -> None:
        """Give it up."""
        try:
            await self.launches.cancel(number)
        except KeyError:
            raise web.HTTPError(404) from None
        self.set_status(204)
        self.finish()

"""What the browser asks: how full the home is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from geodes_datalab.server.home_usage.look import HomeLook

PATH = "geodes-datalab/home"


def handlers(base_url: str, look: HomeLook) -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return the routes for tornado.

    Parameters
    ----------
    base_url
        Of the Jupyter server.
    look
        Who knows.
    """
    return [(url_path_join(base_url, PATH), HomeUsage, {"look": look})]


class HomeUsage(APIHandler):
    """``GET`` tells what is known, ``POST`` measures anew."""

    _track_activity = False  # an open page asks again and again: that is no use of a server

    def initialize(self, look: HomeLook) -> None:
        """Take what the route holds."""
        self._look = look

    @web.authenticated
    async def get(self) -> None:
        """Tell how full the home is."""
        await self._tell(anew=False)

    @web.authenticated
    async def post(self) -> None:
        """Measure again, unless that was done a moment ago; tell what is known meanwhile."""
        await self._tell(anew=True)

    async def _tell(self, *, anew: bool) -> None:
        # In a thread: a network file system may let even the shortest question wait.
        told = await asyncio.to_thread(self._look.tell, anew=anew)
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(told))

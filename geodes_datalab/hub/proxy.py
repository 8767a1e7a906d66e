"""The public proxy as the hub sees it: routes come back within seconds after it was replaced."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import ClientConnectionError, ClientResponseError
from jupyterhub.httpclient import fetch
from jupyterhub.proxy import ConfigurableHTTPProxy
from jupyterhub.utils import url_path_join
from traitlets import Any as AnyTrait
from traitlets import Float, Integer


class WatchedProxy(ConfigurableHTTPProxy):
    """Put lost routes back soon.

    configurable-http-proxy keeps its routes in memory. JupyterHub compares them only once per
    ``last_activity_interval``; this class asks for one route per second, of another server each time,
    so the cost does not grow with the number of users. A fresh proxy lacks all but the newest routes:
    two looks find that out, and then JupyterHub's own check puts all of them back, which is fast
    (tests/benchmarks/test_routes.py: 5,000 routes in about 3 s). A single lost route is found in turn.
    """

    watch_seconds = Float(1.0, config=True, help="Seconds between two looks at the proxy's routes.")

    _watcher = AnyTrait(None, allow_none=True)
    _turn = Integer(0)

    async def get_all_routes(self) -> Any:
        """Return all routes, and start watching them at the first call."""
        if self._watcher is None:
            self._watcher = asyncio.ensure_future(self._watch())
        return await super().get_all_routes()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self.watch_seconds)
            try:
                if await self._lost():
                    self.log.warning("The proxy lost its routes: putting them back")
                    services = self.app._service_map  # noqa: SLF001  # as the hub itself passes
                    await self.check_routes(self.app.users, services)
            except (OSError, TimeoutError, ClientConnectionError) as error:
                self.log.debug("The proxy cannot be asked for its routes: %r", error)
            except Exception:  # watching must not end because of one surprise
                self.log.exception("Watching the proxy's routes failed; going on")

    async def _lost(self) -> bool:
        """Tell whether the proxy lacks a route that it should have."""
        spawner = self._next()
        if spawner is None:
            return self.app.hub.routespec not in await self.get_all_routes()
        return not await self._has(self._routespec_to_chp_path(spawner.proxy_spec))

    def _next(self) -> Any:
        """Return a running server, of another user than the last time."""
        self._turn += 1
        users = list(self.app.users.values())
        start = self._turn % max(1, len(users))
        for user in [*users[start:], *users[:start]]:
            ready = [spawner for spawner in user.spawners.values() if spawner.ready]
            if ready:
                return ready[self._turn % len(ready)]
        return None

    async def _has(self, path: str) -> bool:
        url = url_path_join(self.api_url, "api/routes", path)
        try:
            await fetch(url, headers={"Authorization": f"token {self.auth_token}"})
        except ClientResponseError as error:
            if error.status == 404:
                return False
            raise
        return True

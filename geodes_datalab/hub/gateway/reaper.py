"""Ends clusters whose owner has no server any more, whatever became of the hub's own hook."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import aiohttp

from geodes_datalab.hub.person import in_hub

SECONDS = 20.0
"""How long the hub may take for an answer."""

AT_ONCE = 5
"""Questions to the hub at a time."""


class Reaper:
    """Compares the owners of active clusters with the hub's running servers.

    An owner who has no server in two looks one after another loses the clusters: a server that is
    just restarting is none the worse. While the hub cannot be asked, nothing is ended. Services of
    the hub have no server, and are left alone.

    Parameters
    ----------
    backend
        Lists and stops clusters.
    hub_api_url
        Address of the hub's API.
    token
        Of a service that may ``read:servers``.
    """

    def __init__(self, backend: Any, *, hub_api_url: str, token: str) -> None:
        self._backend = backend
        self._url = hub_api_url.rstrip("/")
        self._token = token
        self._gone: set[str] = set()

    def __repr__(self) -> str:
        """Return the hub's address, and no token."""
        return f"<Reaper {self._url}>"

    async def run(self, seconds: float) -> None:
        """Look for ever, with a pause in between."""
        works = True
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.look()
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                if works:
                    self._backend.log.warning("The hub cannot say whose servers run: %r", error)
                works = False
            except Exception:  # one surprise must not end the watch
                self._backend.log.exception("Comparing clusters with the hub failed; going on")
                works = False
            else:
                works = True
            self._backend.metrics.reaper_works(works)

    async def look(self) -> list[str]:
        """Compare once, and return the names of the clusters that were ended.

        Raises
        ------
        aiohttp.ClientError, TimeoutError, ValueError
            The hub did not answer, or not as it should.
        """
        clusters = await self._backend.list_clusters()
        owners = {in_hub(cluster.username) for cluster in clusters} - {""}
        gone = await self._without_server(sorted(owners))
        due = gone & self._gone
        self._gone = gone
        ended = [cluster for cluster in clusters if in_hub(cluster.username) in due]
        for cluster in ended:
            self._backend.log.info(
                "Ending cluster %s: %s has no server any more",
                cluster.name,
                in_hub(cluster.username),
            )
            await self._backend.stop_cluster(cluster.name)
            self._backend.metrics.reaped.inc()
        return [cluster.name for cluster in ended]

    async def _without_server(self, names: Iterable[str]) -> set[str]:
        headers = {"Authorization": f"token {self._token}"}
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        turn = asyncio.Semaphore(AT_ONCE)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

            async def ask(name: str) -> tuple[str, bool]:
                async with turn:
                    return name, await self._runs(session, name)

            answers = await asyncio.gather(*(ask(name) for name in names))
        return {name for name, runs in answers if not runs}

    async def _runs(self, session: aiohttp.ClientSession, name: str) -> bool:
        async with session.get(f"{self._url}/users/{quote(name, safe='')}") as response:
            if response.status == 404:  # removed from the hub; a lack of rights answers 403
                return False
            response.raise_for_status()
            user = await response.json()
        if "servers" not in user:
            raise ValueError("the gateway's service may not see servers (scope read:servers)")
        return bool(user["servers"])

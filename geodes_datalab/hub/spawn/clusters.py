"""When a user's server stops, the user's Dask clusters stop too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SECONDS = 20
"""How long stopping may take before the hub goes on without it."""


@dataclass(frozen=True)
class ClusterStopper:
    """Hook for ``Spawner.post_stop_hook``."""

    address: str
    """Of the gateway's proxy, without a path."""
    service: str
    """Name of the gateway's service in the hub."""

    async def __call__(self, spawner: Any) -> None:
        """Stop the clusters, unless another server of the same user still runs."""
        if any(other.active for other in spawner.user.spawners.values() if other is not spawner):
            return
        try:
            count = await self._stop_all(spawner)
        except Exception as error:  # noqa: BLE001  # the clusters' idle time-out catches the rest
            spawner.log.warning("Dask clusters of %s not stopped: %r", spawner.user.name, error)
        else:
            spawner.log.info("Stopped %d Dask clusters of %s", count, spawner.user.name)

    async def _stop_all(self, spawner: Any) -> int:
        import aiohttp

        url = f"{self.address}/services/{self.service}/api/v1/clusters/"
        async with aiohttp.ClientSession(
            headers={"Authorization": f"jupyterhub {self._token(spawner)}"},
            timeout=aiohttp.ClientTimeout(total=SECONDS),
            raise_for_status=True,
        ) as session:
            async with session.get(url) as response:
                names = list(await response.json())
            for name in names:
                async with session.delete(url + name):
                    pass
        return len(names)

    def _token(self, spawner: Any) -> str:
        """Return a token of the user that can do nothing else, for a minute."""
        token: str = spawner.user.new_api_token(
            note="stop Dask clusters with the server",
            expires_in=60,
            scopes=[f"access:services!service={self.service}"],
        )
        return token

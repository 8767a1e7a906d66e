"""Ask the Dask Gateways which of the user's clusters compute, with the server's own token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

SECONDS = 5.0
"""How long an answer may take; the next look comes soon."""


ADDRESSES = ("DASK_GATEWAY__ADDRESS", "DASK_GATEWAY_HPDA__ADDRESS")
"""Variables with the addresses of the datalab's gateway, and of an HPC centre's."""


async def computing(environ: Mapping[str, str]) -> list[str]:
    """Return names of the user's clusters that have tasks in work.

    Parameters
    ----------
    environ
        Where the gateways' addresses and the server's token stand; none: no clusters.

    Raises
    ------
    Exception
        No gateway can be asked.
    """
    addresses = [result.rstrip("/") for name in ADDRESSES if (result := environ.get(name))]
    token = environ.get("JUPYTERHUB_API_TOKEN", "")
    if not addresses or not token:
        return []
    asked = [_of_gateway(address, token) for address in addresses]
    told = await asyncio.gather(*asked, return_exceptions=True)
    answers = [item for item in told if not isinstance(item, BaseException)]
    for error in told:
        if isinstance(error, BaseException) and not answers:
            raise error
    return [name for names in answers for name in names]


async def _of_gateway(address: str, token: str) -> list[str]:
    headers = {"Authorization": f"jupyterhub {token}"}
    listed = await _get(f"{address}/api/v1/clusters/?status=RUNNING", headers)
    routes = {name: (model or {}).get("dashboard_route") for name, model in listed.items()}
    return [name for name, route in routes.items() if route and await _computes(address + route)]


async def _computes(dashboard: str) -> bool:
    """Tell whether workers have tasks; tasks that wait for workers are no work."""
    try:
        counts = await _get(f"{dashboard.removesuffix('/status')}/json/counts.json", {})
    except Exception:  # noqa: BLE001  # a scheduler that comes or goes
        return False
    return bool(counts.get("processing"))


async def _get(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    from tornado.httpclient import AsyncHTTPClient

    client = AsyncHTTPClient()
    reply = await client.fetch(url, headers=dict(headers), request_timeout=SECONDS)
    content: dict[str, Any] = json.loads(reply.body)
    return content

"""End the Dask clusters of a class, or of everybody: for whoever can read the gateway's token.

Runs where the gateway's API runs: in its pod (``kubectl exec``), or beside it on one machine.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

import aiohttp

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.settings import Settings, load

SECONDS = 60.0
"""How long the gateway may take."""


def main(arguments: list[str] | None = None) -> None:
    """End Dask clusters of all users, or of those named."""
    parser = argparse.ArgumentParser(prog="stop_all", description=main.__doc__)
    parser.add_argument(
        "--user", action="append", default=[], help="only this user's; may be given several times"
    )
    parser.add_argument("--list", action="store_true", help="name the clusters, end none")
    wish = parser.parse_args(arguments)
    try:
        result = asyncio.run(ask(load(), users=tuple(wish.user), only_list=wish.list))
    except (ConfigurationError, aiohttp.ClientError, TimeoutError, OSError) as error:
        sys.exit(f"the gateway was not asked: {error}")
    for item in result:
        sys.stdout.write(f"{item['name']}  {item['user']}  {item['status'].lower()}\n")
    sys.stdout.write(f"{len(result)} cluster(s) {'found' if wish.list else 'ended'}\n")


async def ask(
    settings: Settings, *, users: tuple[str, ...] = (), only_list: bool = False
) -> list[dict[str, Any]]:
    """Have the gateway end clusters, and return which.

    Parameters
    ----------
    settings
        Name the gateway's address and its token.
    users
        Whose clusters; none: everybody's.
    only_list
        End nothing.

    Raises
    ------
    ConfigurationError
        The token is missing.
    aiohttp.ClientError
        The gateway does not answer, or refuses.
    """
    gateway = settings.gateway
    if gateway.token is None:
        raise ConfigurationError("gateway.token is missing", hint="name it in the settings")
    host, _, port = gateway.api_address.rpartition(":")
    here = "127.0.0.1" if host in ("", "0.0.0.0") else host  # noqa: S104  # compared, not bound
    async with (
        aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {gateway.token.read()}"},
            timeout=aiohttp.ClientTimeout(total=SECONDS),
            raise_for_status=True,
        ) as session,
        session.post(
            f"http://{here}:{port}/api/v1/stop",
            json={"users": list(users) or None, "only_list": only_list},
        ) as response,
    ):
        clusters: list[dict[str, Any]] = (await response.json())["clusters"]
    return clusters


if __name__ == "__main__":
    main()

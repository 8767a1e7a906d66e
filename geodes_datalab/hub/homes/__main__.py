"""The service of the homes: ``python -m geodes_datalab.hub.homes``.

``/health``
    for probes
``/metrics``
    for the monitoring token: `geodes_datalab.hub.homes.metrics`; 404 where metrics are off
``.../services/homes/``
    for administrators of the hub: `geodes_datalab.hub.homes.view`; 404 where the view is off
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import signal
import sys
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from tornado import web

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub.homes import view
from geodes_datalab.hub.homes.audit import Audit
from geodes_datalab.hub.homes.metrics import HomeSizes
from geodes_datalab.hub.homes.places import Places
from geodes_datalab.settings import Settings, load


def application(settings: Settings, audit: Audit | None = None) -> web.Application:
    """Return the service.

    Parameters
    ----------
    settings
        What it does, and where the homes are.
    audit
        Where it is noted who looks; by default the log.

    Raises
    ------
    ConfigurationError
        The settings name no folder of homes, or nothing to do.
    """
    homes = settings.homes
    if homes.folder is None or not (homes.metrics.enabled or homes.view.enabled):
        raise ConfigurationError(
            "the service of the homes has nothing to do",
            hint="set homes.folder, and homes.metrics.enabled or homes.view.enabled",
        )
    places = Places(homes.folder, _template(settings))
    routes: list[Any] = [("/health", Health)]
    if homes.metrics.enabled:
        routes.append(("/metrics", Metrics, _metrics(settings, places)))
    if homes.view.enabled:
        routes += view.handlers(settings, places, audit or Audit())
    # Made anew at each start: whoever was logged in is sent to the hub, which knows them, and comes back.
    return web.Application(routes, log_function=_quiet, cookie_secret=secrets.token_bytes(32))


async def main() -> None:
    """Serve until the process is told to end."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    settings = load()
    server = application(settings).listen(settings.homes.port, settings.homes.address)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    server.stop()


class Health(web.RequestHandler):
    """For probes."""

    def get(self) -> None:
        """Answer."""
        self.finish("ok")


class Metrics(web.RequestHandler):
    """For Prometheus."""

    def initialize(self, registry: CollectorRegistry, token: str) -> None:
        """Take what the route holds."""
        self.registry = registry
        self.token = token

    async def get(self) -> None:
        """Tell the bearer of the token what is known.

        Raises
        ------
        tornado.web.HTTPError
            Somebody else asks.
        """
        _, _, given = self.request.headers.get("Authorization", "").partition(" ")
        if not hmac.compare_digest(given.strip().encode(), self.token.encode()):
            self.set_header("WWW-Authenticate", "Bearer")
            raise web.HTTPError(401, reason="this needs a token of its own")
        text = await asyncio.to_thread(generate_latest, self.registry)
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(text)


def _metrics(settings: Settings, places: Places) -> dict[str, Any]:
    token = settings.hub.monitoring_token
    if token is None:
        raise ConfigurationError(
            "homes.metrics is enabled, but hub.monitoring_token is missing: sizes of homes name users",
            hint="name a file or a variable with a random token in hub.monitoring_token",
        )
    registry = CollectorRegistry()
    registry.register(HomeSizes(places, settings.homes.metrics))
    return {"registry": registry, "token": token.read()}


def _template(settings: Settings) -> str:
    """Return the path of a home below the folder, which is the whole claim."""
    return settings.singleuser.storage.static.sub_path


def _quiet(handler: web.RequestHandler) -> None:
    """Log no request: the audit tells who looked, and nothing else may hold names of files."""


if __name__ == "__main__":
    asyncio.run(main())

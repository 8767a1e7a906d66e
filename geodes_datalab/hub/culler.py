"""The idle culler as a process of its own: ``python -m geodes_datalab.hub.culler``.

Reads the settings, then becomes ``jupyterhub_idle_culler``; the token goes by environment, so that
no command line shows it.
"""

from __future__ import annotations

import os
import time
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub.addresses import api_url
from geodes_datalab.hub.steps.services import culler_command
from geodes_datalab.settings import Settings, load


def environment(settings: Settings) -> dict[str, str]:
    """Return the culler's environment.

    Parameters
    ----------
    settings
        Where its token lies.

    Raises
    ------
    ConfigurationError
        Culling is off, or the token is missing.
    """
    if not settings.cull.enabled:
        raise ConfigurationError(
            "the settings say cull.enabled = false",
            hint="do not start the culler, or switch it on",
        )
    if settings.cull.token is None:
        raise ConfigurationError(
            "cull.token is missing: without it the hub itself runs the culler",
            hint="name the file or the variable that holds the token",
        )
    return {**os.environ, "JUPYTERHUB_API_TOKEN": settings.cull.token.read()}


def wait_for_hub(address: str, pause: float = 2.0) -> None:
    """Return when the hub answers; the culler itself would log a traceback per look.

    Parameters
    ----------
    address
        Of the hub's API.
    pause
        Seconds between two attempts.
    """
    told, direct = False, build_opener(ProxyHandler({}))  # the way out of a site leads not here
    while True:
        try:
            with direct.open(address, timeout=10):
                return
        except HTTPError:
            return  # it answers
        except (URLError, OSError):
            if not told:
                print("The hub does not answer yet: waiting for it", flush=True)  # noqa: T201
            told = True
            time.sleep(pause)


def main() -> None:
    """Become the culler."""
    settings = load()
    variables = environment(settings)
    wait_for_hub(api_url(settings))
    command = culler_command(settings)
    os.execve(command[0], command, variables)  # noqa: S606  # no shell, our own list


if __name__ == "__main__":
    main()

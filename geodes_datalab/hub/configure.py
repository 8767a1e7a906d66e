"""Set JupyterHub's configuration from the settings.

Every step only sets traits, or replaces them by name: applying twice gives the same result, and
nothing is appended to what was there. Two things are no traits: by which client log-ins ask their
provider, and what pages know of the browser that asks for them.
"""

from __future__ import annotations

from typing import Any

from geodes_datalab.hub import extra, traits
from geodes_datalab.hub.login import way_out
from geodes_datalab.hub.steps import (
    authenticator,
    homes,
    pages,
    server,
    services,
    spawner,
)
from geodes_datalab.settings import Settings


def apply(settings: Settings, c: Any) -> None:
    """Set JupyterHub's configuration.

    Parameters
    ----------
    settings
        What the operator wants.
    c
        ``traitlets.config.Config``, as a ``jupyterhub_config.py`` gets it.

    Raises
    ------
    ConfigurationError
        A secret that the settings name is missing, ``hub.config`` names what does not exist, or
        extra configuration fails.
    """
    way_out.install()
    for step in (server, pages, authenticator, spawner, services, homes):
        step.apply(settings, c)
    traits.check(settings, c)
    traits.override(settings.hub.config, c)
    traits.complete(settings.hub.config, c)
    if settings.hub.extra_config_folder is not None:
        extra.run(settings.hub.extra_config_folder, c, settings)
    authenticator.close(settings, c)
    pages.close(settings, c)


def check(settings: Settings) -> None:
    """Look at ``hub.config`` before a hub starts, and without a secret.

    Parameters
    ----------
    settings
        What the operator wants.

    Raises
    ------
    ConfigurationError
        A class or a trait does not exist, or has no effect.
    """
    from traitlets.config import Config

    if not settings.hub.config:
        return
    c = Config()
    authenticator.choose(settings, c)
    spawner.apply(settings, c)
    c.JupyterHub.proxy_class = server.PROXY
    traits.check(settings, c)


def apply_gateway(settings: Settings, c: Any) -> None:
    """Set Dask Gateway's configuration.

    Parameters
    ----------
    settings
        What the operator wants.
    c
        ``traitlets.config.Config``, as a ``dask_gateway_config.py`` gets it.

    Raises
    ------
    ConfigurationError
        A secret that the settings name is missing.
    """
    from geodes_datalab.hub import gateway

    gateway.apply(settings, c)

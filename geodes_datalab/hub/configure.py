"""Set JupyterHub's configuration from the settings.

Every step only sets traits, or replaces them by name: applying twice gives the same result, and
nothing is appended to what was there.
"""

from __future__ import annotations

import copy
from typing import Any

from geodes_datalab.hub import extra
from geodes_datalab.hub.schema import Settings
from geodes_datalab.hub.settings import (
    authenticator,
    homes,
    pages,
    proxy,
    server,
    services,
    spawner,
)


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
        A secret that the settings name is missing, or extra configuration fails.
    """
    for step in (server, proxy, authenticator, spawner, services, homes, pages):
        step.apply(settings, c)
    override(settings.hub.config, c)
    if settings.hub.extra_config is not None:
        extra.run(settings.hub.extra_config, c, settings)


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


def override(config: dict[str, dict[str, Any]], c: Any) -> None:
    """Set traits by class and name, over everything else."""
    for name, traits in config.items():
        for trait, value in traits.items():
            setattr(getattr(c, name), trait, copy.deepcopy(value))

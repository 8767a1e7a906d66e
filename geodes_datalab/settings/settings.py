"""All settings in one model."""

from __future__ import annotations

from pydantic import model_validator

from geodes_datalab.settings.access import Authenticator
from geodes_datalab.settings.base import Model
from geodes_datalab.settings.gateway import Gateway, Hpda
from geodes_datalab.settings.homes import Homes
from geodes_datalab.settings.server import Check, Cull, Hub, Proxy
from geodes_datalab.settings.spawner import Singleuser, Spawner


class Settings(Model):
    """Everything that an operator may set."""

    hub: Hub = Hub()
    """JupyterHub itself."""
    proxy: Proxy = Proxy()
    """The proxy in front of it."""
    authenticator: Authenticator = Authenticator()
    """Logging in."""
    spawner: Spawner = Spawner()
    """User servers."""
    singleuser: Singleuser = Singleuser()
    """JupyterLab."""
    gateway: Gateway = Gateway()
    """Dask clusters."""
    hpda: Hpda = Hpda()
    """Dask clusters on an HPC centre."""
    cull: Cull = Cull()
    """Ending what nobody uses."""
    homes: Homes = Homes()
    """What users' homes hold, and who may look into them."""
    check: Check = Check()
    """Testing an installation."""

    @model_validator(mode="after")
    def _services_are_not_ours(self) -> Settings:
        if self.hub.monitoring_token and "monitoring" in self.hub.services:
            raise ValueError("hub.services.monitoring is ours while hub.monitoring_token is set")
        return self

"""All settings in one model: what the values of the chart say, and what the installation fills in."""

from __future__ import annotations

from pydantic import Field, model_validator

from geodes_datalab.settings.auth import Auth
from geodes_datalab.settings.base import Filled, Model, Text
from geodes_datalab.settings.environment import Geodes
from geodes_datalab.settings.gateway import Gateway, Hpda
from geodes_datalab.settings.homes import Homes
from geodes_datalab.settings.hub import Check, Cull, Debug, Hub, Proxy, Spawner
from geodes_datalab.settings.singleuser import Scheduling, Singleuser


class Registry(Model):
    """Where images come from."""

    image_registry: str = Field(default="", pattern=r"^[^\s]*$")
    """Put before the name of every image that is not named with a registry of its own. The one key to set on
    a closed site that mirrors the images."""
    image_pull_secrets: tuple[Text, ...] = ()
    """Names of Secrets that hold registry credentials. They must exist in every namespace of pods."""


class Settings(Model):
    """Everything that an operator may set."""

    registry: Registry = Field(default=Registry(), alias="global")
    """What all pods share."""
    hub: Hub = Hub()
    proxy: Filled[Proxy] = Proxy()
    """The proxy between browsers and everything else."""
    auth: Auth = Auth()
    """Who may log in."""
    spawner: Filled[Spawner] = Spawner()
    singleuser: Singleuser = Singleuser()
    scheduling: Scheduling = Scheduling()
    gateway: Gateway = Gateway()
    """Dask Gateway."""
    geodes: Geodes = Geodes()
    hpda: Hpda = Hpda()
    cull: Cull = Cull()
    """Stops servers that nobody uses; busy kernels and computing clusters count as use."""
    homes: Homes = Homes()
    """What homes hold, and who may look into them."""
    tests: Check = Check()
    """`helm test`: the account that a test of the installation works with."""
    debug: Debug = Debug()

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.hub.monitoring_token and "monitoring" in self.hub.services:
            raise ValueError("hub.services.monitoring is ours while hub.monitoring_token is set")
        if self.spawner.kind == "kubernetes":
            self._check_pods()
        return self

    def _check_pods(self) -> None:
        user = self.singleuser
        if not (user.namespace and user.image.reference):
            raise ValueError(
                "spawner.kind is kubernetes: singleuser lacks namespace or image.reference"
            )

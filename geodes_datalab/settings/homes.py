"""Settings of what is known about the users' homes, and who may look into them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from geodes_datalab.settings.base import QUANTITY, Filled, Model, Secret, Service


class HomeUsage(Model):
    """How full a home is, shown to its user in the Lab."""

    enabled: bool = True
    """Whether it is."""
    quota: Annotated[str, Field(pattern=rf"^({QUANTITY})?$")] = ""
    """What the storage grants to each home, where the site limits it: shown, never enforced here. Empty is
    the size of the claims, or no limit where homes share one."""
    every_minutes: float = Field(default=60, gt=0)
    """Time between two measurements, where homes share a volume."""


class HomeMetrics(Model):
    """How large each home is, for Prometheus; for `singleuser.storage.type` static."""

    enabled: bool = False
    """Whether homes are measured."""
    every_minutes: float = Field(default=360, gt=0)
    """Time between two measurements of a home, at least."""
    share: float = Field(default=0.1, gt=0, le=1)
    """Part of the time in which files are looked at."""
    home_minutes: float = Field(default=30, gt=0)
    """The longest that one home may take; a larger one is told as incomplete."""


class HomeView(Model):
    """A read-only view of all homes for administrators, every look logged; for `storage.type` static."""

    enabled: bool = False
    """Whether there is one; off, nothing mounts the homes."""
    token: Filled[Secret | None] = None
    """The view's token as a service of the hub."""
    url: Filled[str] = ""
    """How the proxy reaches it: ``http://service.namespace:8000``."""
    service: Filled[Service] = "homes"
    """Name of the service, and last part of its path."""


class Homes(Model):
    """The users' homes, from outside."""

    usage: HomeUsage = HomeUsage()
    metrics: HomeMetrics = HomeMetrics()
    view: HomeView = HomeView()
    folder: Filled[Path | None] = None
    """Where the service finds the homes; None: no service runs (local mode's hub knows them)."""
    address: Filled[str] = "127.0.0.1"
    """Where the service listens; in a pod, behind a policy: ``0.0.0.0``."""
    port: Filled[int] = Field(default=8000, ge=1, le=65535)
    """Its port."""

    @model_validator(mode="after")
    def _complete(self) -> Homes:
        if self.view.enabled and not (self.view.url and self.folder and self.view.token):
            raise ValueError("view is enabled: name view.url, view.token and folder")
        return self

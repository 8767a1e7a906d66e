"""Settings of what is known about the users' homes, and who may look into them."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from geodes_datalab.settings.base import Model, Quantity, Secret


class HomeUsage(Model):
    """How full a home is, shown to its user."""

    enabled: bool = True
    """Shown in the Lab's status bar."""
    quota: Quantity | None = None
    """What the storage grants to each home, where the site limits it: shown, never enforced here. None:
    the size of the claims, or no limit where homes share one."""
    every_minutes: float = Field(default=60.0, gt=0)
    """Time between two measurements, where homes share a volume and files must be counted."""


class HomeMetrics(Model):
    """How large all homes are, for Prometheus."""

    enabled: bool = False
    """Measured when metrics are asked for, in the background."""
    every_minutes: float = Field(default=360.0, gt=0)
    """Time between two measurements of a home, at least."""
    share: float = Field(default=0.1, gt=0, le=1)
    """Part of the time in which files are looked at; in the rest the storage is left alone."""
    home_minutes: float = Field(default=30.0, gt=0)
    """The longest that one home may take; a larger one is told as incomplete."""


class HomeView(Model):
    """A read-only view of all homes, for administrators of the hub."""

    enabled: bool = False
    """Off: nothing mounts the homes, and the hub knows of no such service."""
    token: Secret | None = None
    """The view's token as a service of the hub."""
    url: str = ""
    """How the proxy reaches it: ``http://service.namespace:8000``."""
    service: str = Field(default="homes", pattern=r"^[a-z][a-z0-9-]*$")
    """Name of the service, and last part of its path."""


class Homes(Model):
    """The users' homes, from outside."""

    usage: HomeUsage = HomeUsage()
    """Told to their users."""
    metrics: HomeMetrics = HomeMetrics()
    """Told to Prometheus."""
    view: HomeView = HomeView()
    """Shown to administrators."""
    folder: Path | None = None
    """Where the service finds the homes; None: no service runs (local mode's hub knows them)."""
    address: str = "127.0.0.1"
    """Where the service listens; in a pod, behind a policy: ``0.0.0.0``."""
    port: int = Field(default=8000, ge=1, le=65535)
    """Its port."""

    @model_validator(mode="after")
    def _complete(self) -> Homes:
        if self.view.enabled and not (self.view.url and self.folder and self.view.token):
            raise ValueError("view is enabled: name view.url, view.token and folder")
        return self

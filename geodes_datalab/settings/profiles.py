"""Settings of profiles: what a user may choose on the spawn page, and who sees it."""

from __future__ import annotations

from pydantic import Field, model_validator

from geodes_datalab.settings.base import Mapping, Model, Slug, Variable


class Resources(Model):
    """What a server gets, and where it runs."""

    cpu_guarantee: float = Field(default=0.1, gt=0)
    """Cores that are reserved."""
    cpu_limit: float = Field(default=2, gt=0)
    """Cores that are never exceeded."""
    memory_guarantee_gib: float = Field(default=0.5, gt=0)
    """Memory that is reserved."""
    memory_limit_gib: float = Field(default=4, gt=0)
    """Memory above which a server is ended."""
    shared_memory_gib: float = Field(default=1.0, ge=0)
    """Of that memory, what processes may share in ``/dev/shm`` (0: the 64 MB of every container)."""
    gpu_resource: str = "nvidia.com/gpu"
    """Name of GPUs in this cluster, for profiles that ask for some."""
    node_selector: dict[str, str] = {}
    """Labels of the nodes to run on."""
    tolerations: tuple[Mapping, ...] = ()
    """Taints to tolerate, as Kubernetes wants them."""

    @model_validator(mode="after")
    def _ordered(self) -> Resources:
        if self.cpu_guarantee > self.cpu_limit:
            raise ValueError("cpu_guarantee is larger than cpu_limit")
        if self.memory_guarantee_gib > self.memory_limit_gib:
            raise ValueError("memory_guarantee_gib is larger than memory_limit_gib")
        return self


class Audience(Model):
    """Who sees something."""

    groups: tuple[str, ...] = ()
    """Groups whose members see it (and administrators); none: everybody."""
    admins_only: bool = False
    """Only administrators of the hub see it."""


class Overrides(Model):
    """What a choice changes; what is not given stays as it is."""

    image: str | None = Field(default=None, min_length=1)
    """Another image."""
    cpu_guarantee: float | None = Field(default=None, gt=0)
    """Cores that are reserved."""
    cpu_limit: float | None = Field(default=None, gt=0)
    """Cores that are never exceeded."""
    memory_guarantee_gib: float | None = Field(default=None, gt=0)
    """Memory that is reserved."""
    memory_limit_gib: float | None = Field(default=None, gt=0)
    """Memory above which the server is ended."""
    shared_memory_gib: float | None = Field(default=None, ge=0)
    """Of that memory, what processes may share in ``/dev/shm``."""
    gpu: int | None = Field(default=None, ge=0)
    """Number of GPUs."""
    environment: dict[Variable, str] = {}
    """Added variables."""
    node_selector: dict[str, str] = {}
    """Added labels of the nodes to run on."""
    tolerations: tuple[Mapping, ...] | None = None
    """Taints to tolerate, instead of the general ones."""


class Choice(Audience, Overrides):
    """One choice of an option."""

    display_name: str = ""
    """What the user reads; by default the choice's name."""
    default: bool = False
    """Chosen unless the user changes it; by default the first one."""


class Option(Audience):
    """Something to choose within a profile: an image, a size."""

    display_name: str = ""
    """What the user reads; by default the option's name."""
    choices: dict[Slug, Choice] = Field(min_length=1)
    """What there is to choose from, by name, in the order of names."""

    @model_validator(mode="after")
    def _one_default(self) -> Option:
        if sum(choice.default for choice in self.choices.values()) > 1:
            raise ValueError("several choices are the default")
        return self


class Profile(Audience, Overrides):
    """A kind of server to choose on the spawn page."""

    display_name: str = ""
    """What the user reads; by default the profile's name."""
    description: str = ""
    """A line below it."""
    default: bool = False
    """Chosen unless the user changes it; by default the first one."""
    options: dict[Slug, Option] = {}
    """What there is to choose within it."""


class OtherImage(Model):
    """A field of the spawn page in which users name an image."""

    enabled: bool = False
    """Whether there is one; ``allowed_images`` bounds what may stand in it."""
    groups: tuple[str, ...] = ()
    """Groups whose members see it (and administrators); none: everybody."""

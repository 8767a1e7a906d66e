"""Settings of what a server gets, and of profiles: what a user may choose, and who sees it."""

from __future__ import annotations

from pydantic import Field, model_validator

from geodes_datalab.settings.base import Model, Slug, Text, Toleration, Variables


class Cpu(Model):
    """Processor of a user server, in cores."""

    guarantee: float = Field(default=0.1, ge=0)
    """Cores that are reserved."""
    limit: float = Field(default=2, gt=0)
    """Cores at most."""

    @model_validator(mode="after")
    def _ordered(self) -> Cpu:
        if self.guarantee > self.limit:
            raise ValueError("guarantee is larger than limit")
        return self


class Memory(Model):
    """Memory of a user server, in GiB."""

    guarantee_gib: float = Field(default=0.5, ge=0)
    """GiB that are reserved."""
    limit_gib: float = Field(default=4, gt=0)
    """GiB at most; above, a server is ended."""
    shared_gib: float = Field(default=1, ge=0)
    """Of these, GiB that processes may share in `/dev/shm`; a small server gets no more than its limit. 0
    leaves the 64 MB that every container has."""

    @model_validator(mode="after")
    def _ordered(self) -> Memory:
        if self.guarantee_gib > self.limit_gib:
            raise ValueError("guaranteeGiB is larger than limitGiB")
        return self


class OtherCpu(Model):
    """What a choice changes of the processor, in cores."""

    guarantee: float | None = Field(default=None, ge=0)
    """Cores that are reserved."""
    limit: float | None = Field(default=None, gt=0)
    """Cores at most."""


class OtherMemory(Model):
    """What a choice changes of the memory, in GiB."""

    guarantee_gib: float | None = Field(default=None, ge=0)
    """GiB that are reserved."""
    limit_gib: float | None = Field(default=None, gt=0)
    """GiB at most."""
    shared_gib: float | None = Field(default=None, ge=0)
    """Of these, GiB that processes may share in `/dev/shm`."""


class Audience(Model):
    """Who sees something."""

    groups: tuple[Text, ...] = ()
    """Groups whose members see it (and administrators); none means everybody."""
    admins_only: bool = False
    """Whether administrators alone see it."""


class Overrides(Model):
    """What a choice changes; what is not given stays as it is."""

    image: str | None = Field(default=None, min_length=1)
    """Another image, complete with its tag."""
    cpu: OtherCpu = OtherCpu()
    """Processor of a user server, in cores."""
    memory: OtherMemory = OtherMemory()
    """Memory of a user server, in GiB."""
    gpu: int | None = Field(default=None, ge=0)
    """Number of GPUs."""
    extra_env: Variables = {}
    """Environment variables, added."""
    node_selector: dict[str, str] = {}
    """Labels of the nodes that its pods may run on, added to the general ones."""
    tolerations: tuple[Toleration, ...] | None = None
    """Taints of nodes that its pods bear, instead of the general ones."""


class Choice(Audience, Overrides):
    """One choice of an option."""

    display_name: str = ""
    """Its name in the form; by default its own."""
    default: bool = False
    """Whether it is chosen beforehand; by default the first one is."""


class Option(Audience):
    """Something to choose within a profile: an image, a size."""

    display_name: str = ""
    """Its name in the form; by default its own."""
    choices: dict[Slug, Choice] = Field(min_length=1)
    """What there is to choose, by name, in the order of names."""

    @model_validator(mode="after")
    def _one_default(self) -> Option:
        if sum(choice.default for choice in self.choices.values()) > 1:
            raise ValueError("several choices are the default")
        return self


class Profile(Audience, Overrides):
    """A kind of server to choose on the spawn page."""

    display_name: str = ""
    """Its name in the form; by default its own."""
    description: str = ""
    """A sentence below the name."""
    default: bool = False
    """Whether it is chosen beforehand; by default the first one is."""
    options: dict[Slug, Option] = {}
    """Further choices inside the profile, by name."""


class OtherImage(Model):
    """A free choice in the form of profiles, bounded by `allowedImages`."""

    enabled: bool = False
    """Whether the form has it."""
    groups: tuple[Text, ...] = ()
    """Groups whose members see it (and administrators); none means everybody."""

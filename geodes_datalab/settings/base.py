"""What all groups of settings share: a strict model, secrets, names, quantities, places."""

from __future__ import annotations

import os
import string
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from geodes_datalab.errors import ConfigurationError, near


def spelled(name: str) -> str:
    """Return a setting's name as values files of the chart spell it.

    Parameters
    ----------
    name
        As Python spells it.

    Examples
    --------
    >>> spelled("memory_limit_gib"), spelled("fs_gid")
    ('memoryLimitGiB', 'fsGid')
    """
    return to_camel(name).replace("Gib", "GiB")


class Model(BaseModel):
    """A group of settings: frozen, without unknown keys, in the chart's spelling or in Python's."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        str_strip_whitespace=True,
        alias_generator=spelled,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )


T = TypeVar("T")
Filled = Annotated[T, Field(json_schema_extra={"filled": True})]
"""What the installation fills in: names, addresses, folders, secrets. It is no value of the chart; local
mode and the operator of a login node may set it."""

NAMES = ("username", "user_server", "servername", "userid", "unescaped_username", "namespace")
"""What may stand in braces: KubeSpawner's names; ``username`` is made safe for Kubernetes."""


class Secret(Model):
    """Where a secret is kept: a file or an environment variable."""

    file: Path | None = None
    """Path of a file that holds the secret and nothing else."""
    env: str | None = None
    """Name of an environment variable of the process that needs the secret."""

    @model_validator(mode="after")
    def _one_place(self) -> Secret:
        if (self.file is None) == (self.env is None):
            raise ValueError("name either a file or an environment variable (env), not both")
        return self

    def read(self) -> str:
        """Return the secret.

        Raises
        ------
        ConfigurationError
            It is not there; the message names the place, never the content.
        """
        place = str(self.file or f"the environment variable {self.env}")
        try:
            text = self.file.read_text("utf-8") if self.file else os.environ[self.env or ""]
        except (OSError, KeyError) as error:
            raise ConfigurationError(
                f"a secret of the hub is missing: {place}",
                hint="create it, or correct the settings that name it",
            ) from error
        if not text.strip():
            raise ConfigurationError(f"{place} is empty", hint="write the secret into it")
        return text.strip()


Label = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$")]
"""Name of something in Kubernetes that our settings name: lower case, digits, single dashes."""

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
"""Name of a profile, an option or a choice: it stands in forms, addresses and API calls."""

Name = Annotated[str, Field(pattern=r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$")]
"""Name of an object in Kubernetes, or nothing."""

QUANTITY = r"[0-9]+(\.[0-9]+)?(m|[kMGTPE]|[KMGTPE]i)?"
Quantity = Annotated[str, Field(pattern=f"^{QUANTITY}$")]
"""Amount as Kubernetes writes it: ``10Gi``, ``500M``."""

Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""Name of an environment variable."""

Value = Annotated[str, StringConstraints(strip_whitespace=False)]
"""Value of a variable, with its spaces."""

Variables = dict[Variable, Value]
"""Environment variables."""

Text = Annotated[str, Field(min_length=1)]
"""Anything but nothing."""

Url = Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$")]
"""An address, or nothing."""

Service = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
"""Name of a service of JupyterHub, and last part of its path."""

AccessMode = Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]
"""Who may mount a claim."""

Traits = dict[Annotated[str, Field(pattern="^[A-Z][A-Za-z0-9]*$")], dict[str, Any]]
"""``Class -> trait -> value``."""

Mapping = dict[str, Any]
"""A piece of a Kubernetes object, passed on as it is."""


class Toleration(Model):
    """A taint of nodes that pods bear, as Kubernetes spells it."""

    key: str | None = None
    """Key of the taint."""
    operator: Literal["Equal", "Exists"] | None = None
    """How the value is compared."""
    value: str | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint."""
    toleration_seconds: int | None = None
    """How long NoExecute is borne."""

    def plain(self) -> dict[str, Any]:
        """Return it as Kubernetes wants it."""
        return self.model_dump(by_alias=True, exclude_none=True)


class Places(Model):
    """Where pods run."""

    node_selector: dict[str, str] = {}
    """Labels of the nodes that its pods may run on."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints of nodes that its pods bear."""
    priority_class_name: Name = ""
    """Priority class of its pods."""

    def within(self, shared: Places) -> Places:
        """Return where these pods run, by what they say themselves and by what all of them share."""
        return Places(
            node_selector={**shared.node_selector, **self.node_selector},
            tolerations=(*shared.tolerations, *self.tolerations),
            priority_class_name=self.priority_class_name or shared.priority_class_name,
        )


class Image(Model):
    """An image, as the installation puts it together from its name, tag and digest."""

    pull_policy: Filled[Literal["Always", "IfNotPresent", "Never"]] = "IfNotPresent"
    """When nodes ask the registry for the image."""
    reference: Filled[str] = ""
    """The whole of it: ``registry.example.org/team/notebook:1.2``."""


class SecretKey(Model):
    """A value that lies in a Secret of the pods' namespace."""

    name: Text
    """Name of the Secret; ``{username}`` is the user's name made safe for Kubernetes."""
    key: Text
    """Where the value lies in it."""
    optional: bool = False
    """Whether a server starts without it."""

    @field_validator("name")
    @classmethod
    def _known_fields(cls, value: str) -> str:
        return check_fields(value, NAMES)


def check_fields(template: str, known: Iterable[str]) -> str:
    """Return a template, after a look at the names in its braces.

    Parameters
    ----------
    template
        Text such as ``claim-{username}``.
    known
        Names that may stand in braces.

    Raises
    ------
    ValueError
        A brace too many, or a name that does not exist.

    Examples
    --------
    >>> check_fields("claim-{username}", ["username"])
    'claim-{username}'
    """
    names = list(known)
    for _, field, _, _ in string.Formatter().parse(template):
        if field is not None and field not in names:
            advice = near(field, names, count=1) or "known are: " + ", ".join(names)
            raise ValueError(f"{{{field}}} means nothing here; {advice}")
    return template

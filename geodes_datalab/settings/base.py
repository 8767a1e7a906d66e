"""What all groups of settings share: a strict model, secrets, names and quantities."""

from __future__ import annotations

import os
import string
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from geodes_datalab.errors import ConfigurationError, near


class Model(BaseModel):
    """A group of settings: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


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

Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|[kMGTPE]|[KMGTPE]i)?$")]
"""Amount as Kubernetes writes it: ``10Gi``, ``500M``."""

Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""Name of an environment variable."""

PullPolicy = Annotated[str, Field(pattern=r"^(Always|IfNotPresent|Never)$")]
"""When a node pulls an image: ``Always``, ``IfNotPresent`` or ``Never``."""

Mapping = dict[str, Any]
"""A piece of a Kubernetes object, passed on as it is."""


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

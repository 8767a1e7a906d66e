"""Settings of environment variables, plain or in a Secret, and of the catalogue that users search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from geodes_datalab.settings.base import Model, SecretKey, Text, Url, Value, Variable


class ValueFrom(Model):
    """Where a value comes from."""

    secret_key_ref: SecretKey
    """A Secret of the namespace."""


class Told(Model):
    """A variable: its value, or where that lies."""

    value: Value | None = None
    """The value itself."""
    value_from: ValueFrom | None = None
    """Where the value comes from: a Secret."""

    @model_validator(mode="after")
    def _one_source(self) -> Told:
        if (self.value is None) == (self.value_from is None):
            raise ValueError("give either value or valueFrom.secretKeyRef {name, key}")
        return self


def _described(given: Any) -> Any:
    """Return a plain value as Kubernetes describes it."""
    if isinstance(given, bool):
        return {"value": "true" if given else "false"}
    return {"value": str(given)} if isinstance(given, str | int | float) else given


_PLAIN_TOO = BeforeValidator(_described, json_schema_input_type=str | bool | float | Told)
VariablesOrSecrets = dict[Variable, Annotated[Told, _PLAIN_TOO]]
"""Variables by name: a plain value, or where it lies."""


def plain(variables: Mapping[str, Told]) -> dict[str, str]:
    """Return the variables whose values stand in the settings."""
    return {name: told.value for name, told in variables.items() if told.value is not None}


def secret(variables: Mapping[str, Told]) -> dict[str, SecretKey]:
    """Return where the values lie that stand in Secrets."""
    return {
        name: told.value_from.secret_key_ref
        for name, told in variables.items()
        if told.value_from is not None
    }


class UserSecret(Model):
    """The Secrets of `user`."""

    secret_name: Text = "geodes-{username}"  # noqa: S105  # a name
    """Their names. `{username}` is the user's name made safe for Kubernetes."""
    key: Text = "api-key"
    """Where the key lies in them."""
    optional: bool = True
    """Whether users without such a Secret may start their server."""


class Credentials(Model):
    """Whose key of GEODES is used for downloads."""

    mode: Literal["none", "site", "user"] = "none"
    """`none`: each user logs in from the notebook. `site`: one key for everybody, the secret
    `geodes.api-key`. `user`: a Secret per user, made by the site."""
    user: UserSecret = UserSecret()


class Geodes(Model):
    """The catalogue that users search."""

    portal: Url = ""
    """Root of the GEODES portal; empty is the real one."""
    stac_url: Url = ""
    """Another STAC API instead."""
    dialect: Literal["", "geodes", "stac"] = ""
    """How that STAC API is spoken to."""
    notice: str = ""
    """Shown wherever results are shown (a training catalogue should say so)."""
    credentials: Credentials = Credentials()

    def environment(self) -> dict[str, str]:
        """Return what tells the helper package where the catalogue is."""
        told = {
            "GEODES_PORTAL": self.portal,
            "GEODES_STAC_URL": self.stac_url,
            "GEODES_DIALECT": self.dialect,
            "GEODES_CATALOGUE_NOTICE": self.notice,
        }
        return {name: value for name, value in told.items() if value}

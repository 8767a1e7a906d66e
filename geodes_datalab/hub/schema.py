"""Settings of a datalab, as frozen models: what an operator may set, and nothing else.

Secrets never stand in a settings file: a `Secret` names the file or the environment variable that
holds one, and is read when the settings are applied.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub._explain import explain

VARIABLE = "GEODES_DATALAB_SETTINGS"
"""Environment variable that names the settings file (TOML or JSON)."""

_NAME = r"^[a-z][a-z0-9._-]{0,31}$"


class Model(BaseModel):
    """A group of settings: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Secret(Model):
    """Where a secret is kept: a file or an environment variable."""

    file: Path | None = None
    env: str | None = None

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


class Hub(Model):
    """The JupyterHub process."""

    public_url: str = "http://127.0.0.1:8000/"
    """Where browsers find the proxy; its path is the base URL of everything."""
    bind_url: str = "http://127.0.0.1:8081"
    """Where the hub itself listens."""
    connect_url: str | None = None
    """How others reach the hub, where that is not ``bind_url``."""
    db_url: str = "sqlite:///jupyterhub.sqlite"
    cookie_secret: Secret | None = None
    """64 hexadecimal digits; without it JupyterHub makes its own file."""
    allow_named_servers: bool = False
    concurrent_spawns: int = Field(default=64, ge=1)
    last_activity_interval: int = Field(default=60, ge=1)
    """Seconds between two looks at what users do."""
    config: dict[str, dict[str, Any]] = {}
    """``Class -> trait -> value``, set last: every trait of JupyterHub stays within reach."""


class Proxy(Model):
    """configurable-http-proxy, started by local mode or by Kubernetes, never by the hub."""

    api_url: str = "http://127.0.0.1:8001"
    token: Secret | None = None
    """Shared by hub and proxy; without it the hub reads CONFIGPROXY_AUTH_TOKEN."""
    watch_seconds: float = Field(default=1.0, gt=0)
    """How often the hub looks whether the proxy lost its routes."""


class Authenticator(Model):
    """Who may log in."""

    kind: str = "shared-password"
    """Short name or dotted class of a JupyterHub authenticator."""
    password: Secret | None = None
    """shared-password: of users (at least 8 characters)."""
    admin_password: Secret | None = None
    """shared-password: of administrators (at least 32 characters)."""
    admins: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    """Names that may log in; none means everybody who authenticates."""
    name_pattern: str = _NAME
    """What a user name looks like; it becomes a folder name."""


class Spawner(Model):
    """How user servers are started."""

    kind: str = "local"
    """``local`` (processes of one account), or the dotted class of a spawner."""
    homes: Path = Path("homes")
    """local: folder of the users' homes."""
    logs: Path | None = None
    """local: folder of one log per user; else everything goes to the hub's log."""
    poll_seconds: int = Field(default=5, ge=1)
    """How often the hub looks whether a server still runs."""
    start_timeout: int = Field(default=120, ge=5)
    http_timeout: int = Field(default=60, ge=5)
    environment: dict[str, str] = {}
    """Set in every user server; may refer to nothing secret."""


class Singleuser(Model):
    """What a user finds in JupyterLab."""

    default_url: str | None = None
    """Page that opens first; by default the notebooks' README, or the Lab where there is none."""
    notebooks: Path | None = None
    """Folder of the shipped notebooks, copied into each home; None: nothing is copied by the hub."""
    notebooks_folder: str = "notebooks"
    """Name of their copy in the home."""
    language: Literal["en", "fr"] = "en"
    """Of the Lab's menus, until the user chooses another."""
    allow_root: bool = False
    """Only for an account that is root itself."""


class Workers(Model):
    """Sizes that a user may ask for."""

    cores: int = Field(default=1, ge=1)
    max_cores: int = Field(default=2, ge=1)
    memory_gib: float = Field(default=1.0, gt=0)
    max_memory_gib: float = Field(default=4.0, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Workers:
        if self.cores > self.max_cores or self.memory_gib > self.max_memory_gib:
            raise ValueError("the default worker is larger than the largest one")
        return self


class Limits(Model):
    """What one user may hold at a time (0: no limit)."""

    clusters: int = Field(default=2, ge=0)
    workers: int = Field(default=8, ge=0)


class Gateway(Model):
    """Dask Gateway: a hub service without a public address, so that dashboards stay private."""

    enabled: bool = True
    backend: str = "local"
    """``local``, or the dotted class of a backend."""
    service: str = Field(default="dask-gateway", pattern=r"^[a-z][a-z0-9-]*$")
    token: Secret | None = None
    """The service's token in JupyterHub."""
    api_address: str = "127.0.0.1:8002"
    """Where the gateway's API listens (host:port)."""
    proxy_address: str = "127.0.0.1:8003"
    """HTTP port of its proxy, which user servers talk to."""
    scheduler_address: str = "127.0.0.1:8004"
    """TCP port of its proxy, which Dask clients talk to."""
    proxy_token: Secret | None = None
    database: str = "sqlite:///:memory:"
    encryption_key: Secret | None = None
    """base64 of 32 bytes; needed for a database on disk."""
    clusters_folder: Path | None = None
    workers: Workers = Workers()
    limits: Limits = Limits()
    scheduler_memory_gib: float = Field(default=1.0, gt=0)
    idle_minutes: float = Field(default=30.0, ge=0)
    """A cluster without work ends after this time (0: never)."""
    environment: dict[str, str] = {}
    """Set in every scheduler and worker; may refer to nothing secret."""
    environment_names: tuple[str, ...] = ("GDAL_*", "OMP_*", "DASK_*", "XARRAY_*")
    """Patterns of the variables that users may set for their workers."""
    config: dict[str, dict[str, Any]] = {}
    """``Class -> trait -> value``, set last."""

    @model_validator(mode="after")
    def _encrypted(self) -> Gateway:
        if self.database != "sqlite:///:memory:" and self.encryption_key is None:
            raise ValueError("a database on disk needs encryption_key (base64 of 32 bytes)")
        return self


class Cull(Model):
    """The idle culler, which stops servers that nobody uses."""

    enabled: bool = True
    minutes: float = Field(default=60.0, gt=0)
    every_minutes: float = Field(default=5.0, gt=0)
    max_age_hours: float = Field(default=0.0, ge=0)
    """A server ends after this time even in use (0: never)."""
    token: Secret | None = None
    """Given: the culler runs on its own (local mode supervises it). Else the hub starts it."""


class Settings(Model):
    """Everything that an operator may set."""

    hub: Hub = Hub()
    proxy: Proxy = Proxy()
    authenticator: Authenticator = Authenticator()
    spawner: Spawner = Spawner()
    singleuser: Singleuser = Singleuser()
    gateway: Gateway = Gateway()
    cull: Cull = Cull()


Source = Mapping[str, Any] | str | Path | None


def load(source: Source = None) -> Settings:
    """Read and check settings.

    Parameters
    ----------
    source
        A mapping, or a TOML or JSON file; ``None``: the file that ``GEODES_DATALAB_SETTINGS`` names.

    Raises
    ------
    ConfigurationError
        Unreadable, unknown keys (with the nearest right one), wrong values: all problems at once.

    Examples
    --------
    >>> load({"cull": {"minutes": 30}}).cull.minutes
    30.0
    """
    values = source if isinstance(source, Mapping) else read(source)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        where = "the settings" if isinstance(source, Mapping) else str(source or _named())
        raise ConfigurationError(
            f"{where} cannot be used:\n" + "\n".join(explain(error, Settings)),
            hint="correct these lines; docs/reference lists every setting",
        ) from None


def read(source: str | Path | None) -> dict[str, Any]:
    """Read a settings file without checking its content."""
    path = Path(source or _named())
    try:
        text = path.read_text("utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the settings file {path} cannot be read: {error}",
            hint="write it as TOML (.toml) or JSON (.json)",
        ) from error
    if not isinstance(values, dict):
        raise ConfigurationError(
            f"the settings file {path} holds no table of settings", hint="see docs/reference"
        )
    return values


def _named() -> str:
    try:
        return os.environ[VARIABLE]
    except KeyError:
        raise ConfigurationError(
            "no settings file was named", hint=f"set {VARIABLE} to its path"
        ) from None

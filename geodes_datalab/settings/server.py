"""Settings of JupyterHub's own process, of its proxy and of its housekeeping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from geodes_datalab.settings.base import Model, Secret


class Hub(Model):
    """The JupyterHub process."""

    public_url: str = "http://127.0.0.1:8000/"
    """Where browsers find the proxy; its path is the base URL of everything."""
    bind_url: str = "http://127.0.0.1:8081"
    """Where the hub itself listens."""
    connect_url: str | None = None
    """How others reach the hub, where that is not ``bind_url``."""
    db_url: str = "sqlite:///jupyterhub.sqlite"
    """The hub's database (SQLAlchemy); without a password: see ``db_url_secret``."""
    db_url_secret: Secret | None = None
    """The database's address with its password (PostgreSQL: ``postgresql+psycopg://``, MySQL and
    MariaDB: ``mysql+pymysql://``; other drivers for them are replaced), instead of ``db_url``."""
    upgrade_db: bool = False
    """Upgrade the database's tables at start after a new JupyterHub (SQLite: after a copy)."""
    cookie_secret: Secret | None = None
    """64 hexadecimal digits; without it JupyterHub makes its own file."""
    crypt_keys: Secret | None = None
    """Keys that encrypt what the identity provider returns: 64 hexadecimal digits each, the newest
    first, separated by ``;``. Given: that state is kept, and tokens are refreshed."""
    allow_named_servers: bool = False
    """Several servers per user."""
    named_server_limit: int = Field(default=0, ge=0)
    """Named servers of one user (0: no limit)."""
    active_server_limit: int = Field(default=0, ge=0)
    """Running servers of all users (0: no limit)."""
    concurrent_spawns: int = Field(default=64, ge=1)
    """Servers that start at a time; the next user is asked to wait a moment."""
    last_activity_interval: int = Field(default=60, ge=1)
    """Seconds between two looks at what users do."""
    announcement: str = ""
    """Shown on the login, home and spawn pages; HTML is allowed."""
    template_paths: tuple[Path, ...] = ()
    """Folders of templates that go before ours and JupyterHub's."""
    template_vars: dict[str, Any] = {}
    """Variables for templates."""
    services: dict[str, dict[str, Any]] = {}
    """Further services by name, as JupyterHub wants them without the name, and ``api_token`` as a
    `Secret`; what is said about one of ours is added to it."""
    roles: dict[str, dict[str, Any]] = {}
    """Further roles by name, as JupyterHub wants them without the name; for one of ours, scopes,
    users, groups and services are added."""
    monitoring_token: Secret | None = None
    """Token with which Prometheus may read ``/hub/metrics``, and nothing else."""
    extra_config: Path | None = None
    """Folder of ``*.py`` that run last, in the order of their names, with ``c`` and ``settings``."""
    config: dict[str, dict[str, Any]] = {}
    """``Class -> trait -> value``, set last: every trait of JupyterHub stays within reach."""

    @model_validator(mode="after")
    def _services_and_roles(self) -> Hub:
        for name, content in (*self.services.items(), *self.roles.items()):
            if "name" in content:
                raise ValueError(f"{name}: leave the name inside out, the key is the name")
        for name, content in self.services.items():
            token = content.get("api_token")
            if isinstance(token, str):
                raise ValueError(
                    f"services.{name}.api_token stands here in clear: say where it lies, "
                    "as {file: ...} or {env: ...}"
                )
            if token is not None:
                Secret.model_validate(token)
        return self


class Proxy(Model):
    """configurable-http-proxy, started by local mode or by Kubernetes, never by the hub."""

    api_url: str = "http://127.0.0.1:8001"
    """Where it takes the hub's orders."""
    token: Secret | None = None
    """Shared by hub and proxy; without it the hub reads CONFIGPROXY_AUTH_TOKEN."""
    watch_seconds: float = Field(default=1.0, gt=0)
    """How often the hub looks whether the proxy lost its routes."""


class Cull(Model):
    """The idle culler, which stops servers that nobody uses."""

    enabled: bool = True
    """Off: servers run until somebody stops them."""
    minutes: float = Field(default=60.0, gt=0)
    """A server ends after this time without use; what a person left running is use: busy kernels,
    computing clusters, jobs in terminals, in the background, of notebooks."""
    every_minutes: float = Field(default=5.0, gt=0)
    """Time between two looks."""
    max_age_hours: float = Field(default=0.0, ge=0)
    """A server ends after this time even in use (0: never)."""
    busy_hours: float = Field(default=24.0, ge=0)
    """A cell, a computation or a job that runs longer no longer keeps its server alive (0: no such
    end)."""
    token: Secret | None = None
    """Given: the culler runs on its own (``python -m geodes_datalab.hub.culler``, or under local
    mode's supervisor). Else the hub starts it."""


class Check(Model):
    """The account that a test of the installation (``helm test``) works with."""

    token: Secret | None = None
    """Given: whoever has it may create the user below, run its server and remove it again."""
    user: str = "datalab-check"
    """Name of that user."""

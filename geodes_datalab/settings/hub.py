"""Settings of JupyterHub's own process, its proxy, its way to start servers, and its housekeeping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from geodes_datalab.settings.base import Filled, Model, Secret, Text, Traits


class Db(Model):
    """The hub's database."""

    upgrade: bool = True
    """Lets a new version of JupyterHub upgrade the schema (sqlite: after a copy)."""
    url: Filled[str] = "sqlite:///jupyterhub.sqlite"
    """Its address (SQLAlchemy), without a password: see ``url_secret``."""
    url_secret: Filled[Secret | None] = None
    """Its address with the password (PostgreSQL: ``postgresql+psycopg://``, MySQL and MariaDB:
    ``mysql+pymysql://``; other drivers for them are replaced), instead of ``url``."""


class Hub(Model):
    """JupyterHub."""

    db: Db = Db()
    concurrent_spawn_limit: int = Field(default=64, ge=1)
    """Servers that start at the same time; the next ones are asked to wait."""
    active_server_limit: int = Field(default=0, ge=0)
    """Servers that run at the same time (0 is no limit)."""
    allow_named_servers: bool = False
    """Whether a user may have several servers."""
    named_server_limit_per_user: int = Field(default=0, ge=0)
    """Named servers of one user (0 is no limit)."""
    last_activity_interval: int = Field(default=60, ge=1)
    """Seconds between two looks at what users do."""
    announcement: str = ""
    """Shown on the login, home and spawn pages; HTML is allowed."""
    template_paths: tuple[Text, ...] = ()
    """Folders with page templates of your own (bring them by `hub.extraFiles`)."""
    template_vars: dict[str, Any] = {}
    """Variables for those templates."""
    services: dict[str, dict[str, Any]] = {}
    """Further services of JupyterHub by name, beside the chart's own."""
    load_roles: dict[str, dict[str, Any]] = {}
    """Further roles of JupyterHub by name, beside the chart's own."""
    config: Traits = {}
    """Class -> trait -> value: every trait of JupyterHub, set last."""
    public_url: Filled[str] = "http://127.0.0.1:8000/"
    """Where browsers find the proxy; its path is the base URL of everything."""
    bind_url: Filled[str] = "http://127.0.0.1:8081"
    """Where the hub itself listens."""
    connect_url: Filled[str | None] = None
    """How others reach the hub, where that is not ``bind_url``."""
    cookie_secret: Filled[Secret | None] = None
    """64 hexadecimal digits; without it JupyterHub makes its own file."""
    crypt_keys: Filled[Secret | None] = None
    """Keys that encrypt what the identity provider returns: 64 hexadecimal digits each, the newest
    first, separated by ``;``. Given: that state is kept, and tokens are refreshed."""
    monitoring_token: Filled[Secret | None] = None
    """Token with which Prometheus may read ``/hub/metrics``, and nothing else."""
    extra_config_folder: Filled[Path | None] = None
    """Folder of ``*.py`` that run last, in the order of their names, with ``c`` and ``settings``."""

    @model_validator(mode="after")
    def _services_and_roles(self) -> Hub:
        for name, content in (*self.services.items(), *self.load_roles.items()):
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

    api_url: Filled[str] = "http://127.0.0.1:8001"
    """Where it takes the hub's orders."""
    token: Filled[Secret | None] = None
    """Shared by hub and proxy; without it the hub reads CONFIGPROXY_AUTH_TOKEN."""
    watch_seconds: Filled[float] = Field(default=1.0, gt=0)
    """How often the hub looks whether the proxy lost its routes."""


class Spawner(Model):
    """How user servers are started."""

    kind: Filled[str] = "local"
    """``local`` (processes of one account), ``kubernetes``, or the dotted class of a spawner."""
    homes: Filled[Path] = Path("homes")
    """local: folder of the users' homes."""
    logs: Filled[Path | None] = None
    """local: folder of one log per user; else everything goes to the hub's log."""
    poll_seconds: Filled[int] = Field(default=5, ge=1)
    """How often the hub looks whether a server still runs."""


class Cull(Model):
    """The idle culler, which stops servers that nobody uses."""

    enabled: bool = True
    """Whether it runs."""
    timeout: float = Field(default=3600, gt=0)
    """Seconds without use, after which a server ends. What a person left running is use: busy kernels,
    computing clusters, jobs in terminals, in the background, of notebooks."""
    every: float = Field(default=300, gt=0)
    """Seconds between two looks."""
    max_age: float = Field(default=0, ge=0)
    """Seconds after which a server ends even in use (0 is never)."""
    busy_max_age: float = Field(default=86400, ge=0)
    """Seconds after which a cell, a computation or a job in a terminal or the background that still runs
    no longer counts as use (0 is never)."""
    token: Filled[Secret | None] = None
    """Given: the culler runs on its own (``python -m geodes_datalab.hub.culler``, or under local
    mode's supervisor). Else the hub starts it."""


class Check(Model):
    """The account that a test of the installation (``helm test``) works with."""

    user: str = Field(default="datalab-check", pattern="^[a-z][a-z0-9-]{0,30}$")
    """The user that it logs in as."""
    token: Filled[Secret | None] = None
    """Given: whoever has it may create that user, run its server and remove it again."""


class Debug(Model):
    """Logs in full."""

    enabled: bool = False
    """Whether hub and gateway tell everything."""

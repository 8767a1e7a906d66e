"""Settings of Dask Gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from geodes_datalab.settings.base import Filled, Model, Secret, Service, Slug, Traits, Variables
from geodes_datalab.settings.dask import Backend, Size
from geodes_datalab.settings.slurm import SlurmGateway


class Workers(Model):
    """Sizes that a user may ask for, where workers are not chosen by name."""

    cores: int = Field(default=1, ge=1)
    """Cores (and threads) of a worker."""
    max_cores: int = Field(default=2, ge=1)
    """The most cores that a user may ask for."""
    memory_gib: float = Field(default=1.0, gt=0)
    """Memory of a worker."""
    max_memory_gib: float = Field(default=4.0, gt=0)
    """The most memory that a user may ask for."""

    @model_validator(mode="after")
    def _ordered(self) -> Workers:
        if self.cores > self.max_cores or self.memory_gib > self.max_memory_gib:
            raise ValueError("the default worker is larger than the largest one")
        return self


class Limits(Model):
    """What one user may hold at a time (0 is no limit)."""

    clusters: int = Field(default=2, ge=0)
    """Clusters."""
    workers: int = Field(default=8, ge=0)
    """Workers of all clusters."""
    cores: float = Field(default=0, ge=0)
    """Cores of schedulers and workers over all clusters."""
    memory_gib: float = Field(default=0, ge=0)
    """Memory of schedulers and workers over all clusters, in GiB."""


class Certificate(Model):
    """A TLS certificate."""

    cert: Path
    """File with the certificate and those between it and the authority."""
    key: Path
    """File with its key, readable by the gateway's account alone."""


class Hpda(Model):
    """A second Dask Gateway, on a login node of an HPC centre."""

    enabled: bool = False
    """Whether users may compute there."""
    address: str = Field(
        default="", json_schema_extra={"pattern": r"^(https://[A-Za-z0-9.-]+(:[0-9]+)?)?$"}
    )
    """Its proxy, as user servers reach it; TLS always: `https://login.hpc.example.org:8443`."""
    scheduler_address: str = Field(default="", pattern=r"^([A-Za-z0-9.-]+:[0-9]+)?$")
    """Host and port of its proxy for Dask's own (TLS) traffic: `login.hpc.example.org:8786`."""
    service: Filled[Service] = "dask-gateway-hpda"
    """Name of its service in JupyterHub, and last part of its path."""
    token: Filled[Secret | None] = None
    """The service's token in JupyterHub; the gateway on the login node has the same."""
    ca: Filled[str] = ""
    """File *in user servers* with the authority of its certificate; empty: the system's."""
    gateway: Filled[dict[str, Any]] = {}
    """Local mode, which starts the gateway itself: values of its own ``gateway`` group."""

    @model_validator(mode="after")
    def _complete(self) -> Hpda:
        if self.enabled and not (self.address and self.scheduler_address):
            raise ValueError("hpda needs address and schedulerAddress")
        here = self.address.startswith(("http://127.0.0.1:", "http://localhost:"))
        if self.address and not (here or self.address.startswith("https://")):
            raise ValueError("hpda.address crosses a network: it must begin with https://")
        return self


class Gateway(Model):
    """Dask Gateway: a hub service without a public address, so that dashboards stay private."""

    enabled: bool = True
    """Whether there is one; off, users compute in their own server only."""
    backend: Backend = Backend()
    sizes: dict[Slug, Size] = {}
    """Workers that users choose from, by name; the first in alphabetical order unless one is the default."""
    limits: Limits = Limits()
    cluster_max_workers: int = Field(default=0, ge=0)
    """Workers of one cluster (0 is bounded by the limits only)."""
    idle_minutes: float = Field(default=30, ge=0)
    """A cluster without work ends after this time (0 is never); waiting for workers counts as work, for at
    most twelve hours since they were asked for."""
    reaper_seconds: float = Field(default=60, ge=0)
    """How often clusters whose owner has no running server are ended (0 is never)."""
    completed_max_age_seconds: float = Field(default=3600, ge=0)
    """Records of ended clusters are removed after this time."""
    config: Traits = {}
    """Class -> trait -> value of Dask Gateway, set last."""
    kind: Filled[str] = "local"
    """``local``, ``kubernetes``, ``slurm``, or the dotted class of a backend."""
    service: Filled[Service] = "dask-gateway"
    """Name of the service in JupyterHub, and last part of its path."""
    token: Filled[Secret | None] = None
    """The service's token in JupyterHub."""
    api_address: Filled[str] = "127.0.0.1:8002"
    """Where the gateway's API listens (host:port)."""
    proxy_address: Filled[str] = "127.0.0.1:8003"
    """HTTP port of its proxy, which user servers talk to."""
    scheduler_address: Filled[str] = "127.0.0.1:8004"
    """TCP port of its proxy, which Dask clients talk to."""
    proxy_token: Filled[Secret | None] = None
    """Shared by the gateway's API and its proxy."""
    database: Filled[str] = "sqlite:///:memory:"
    """local, slurm: where clusters are remembered (SQLAlchemy)."""
    encryption_key: Filled[Secret | None] = None
    """base64 of 32 bytes; needed for a database on disk."""
    clusters_folder: Filled[Path | None] = None
    """local: working folders of clusters."""
    workers: Filled[Workers] = Workers()
    """Sizes of workers, where they are not chosen by name."""
    scheduler_memory_gib: Filled[float] = Field(default=1.0, gt=0)
    """local, slurm: memory of a scheduler."""
    environment: Filled[Variables] = {}
    """Set in every scheduler and worker; may refer to nothing secret."""
    extra_config_folder: Filled[Path | None] = None
    """Folder of ``*.py`` that run last, in the order of their names, with ``c`` and ``settings``."""
    slurm: Filled[SlurmGateway | None] = None
    """slurm: schedulers and workers."""
    tls: Filled[Certificate | None] = None
    """Certificate of the gateway's proxy, where users reach it over a network."""

    @model_validator(mode="after")
    def _complete(self) -> Gateway:
        if self.database != "sqlite:///:memory:" and self.encryption_key is None:
            raise ValueError("a database on disk needs encryption_key (base64 of 32 bytes)")
        if sum(size.default for size in self.sizes.values()) > 1:
            raise ValueError("sizes: several are the default")
        if self.enabled and self.kind == "kubernetes":
            self._check_kubernetes()
        if self.enabled and self.kind == "slurm":
            self._check_slurm()
        return self

    def _check_kubernetes(self) -> None:
        for name in ("namespace", "instance", "api_url"):
            if not getattr(self.backend, name):
                raise ValueError(f"kind is kubernetes: gateway.backend lacks {name}")

    def _check_slurm(self) -> None:
        if self.slurm is None:
            raise ValueError("kind is slurm: describe the jobs in gateway.slurm")
        for address in (self.api_address, self.proxy_address, self.scheduler_address):
            if address.rpartition(":")[0] in ("", "0.0.0.0", "[::]", "::"):  # noqa: S104  # refused
                raise ValueError(f"{address}: name one address of the login node, not all of them")

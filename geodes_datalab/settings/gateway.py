"""Settings of Dask Gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from geodes_datalab.settings.base import (
    Label,
    Mapping,
    Model,
    PullPolicy,
    Secret,
    Slug,
    Variable,
)
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
    """What one user may hold at a time (0: no limit)."""

    clusters: int = Field(default=2, ge=0)
    """Clusters that are open."""
    workers: int = Field(default=8, ge=0)
    """Workers over all clusters."""
    cores: float = Field(default=0, ge=0)
    """Cores of schedulers and workers over all clusters."""
    memory_gib: float = Field(default=0, ge=0)
    """Memory of schedulers and workers over all clusters."""


class Size(Model):
    """A worker that users choose by name."""

    cores: float = Field(default=1, gt=0)
    """Cores that are reserved."""
    cores_limit: float | None = Field(default=None, gt=0)
    """Cores that are never exceeded; by default the reserved ones."""
    memory_gib: float = Field(default=2.0, gt=0)
    """Memory, reserved and never exceeded."""
    threads: int = Field(default=1, ge=1)
    """Threads of the Dask worker, said explicitly: cores may be a fraction."""
    default: bool = False
    """Chosen unless the user changes it; by default the first one."""
    node_selector: dict[str, str] = {}
    """Labels of the nodes to run on, added to all workers' ones."""
    tolerations: tuple[Mapping, ...] | None = None
    """Taints to tolerate, instead of all workers' ones."""

    @model_validator(mode="after")
    def _ordered(self) -> Size:
        if self.cores_limit is not None and self.cores > self.cores_limit:
            raise ValueError("cores is larger than cores_limit")
        return self


class Pods(Model):
    """Where pods of one kind run, and what they bear."""

    node_selector: dict[str, str] = {}
    """Labels of the nodes to run on."""
    tolerations: tuple[Mapping, ...] = ()
    """Taints to tolerate, as Kubernetes wants them."""
    labels: dict[str, str] = {}
    """Added labels."""
    annotations: dict[str, str] = {}
    """Added annotations."""
    environment: dict[Variable, str] = {}
    """Added variables; nothing secret."""
    priority_class: str = ""
    """Their priority."""


class SchedulerPods(Pods):
    """Pods of Dask schedulers."""

    cores: float = Field(default=0.1, gt=0)
    """Cores that are reserved."""
    cores_limit: float = Field(default=1, gt=0)
    """Cores that are never exceeded."""
    memory_gib: float = Field(default=1.0, gt=0)
    """Memory, reserved and never exceeded."""


class SecretKey(Model):
    """A value that lies in a Secret of the namespace of Dask's pods."""

    secret: str = Field(min_length=1)
    """Name of the Secret."""
    key: str = Field(min_length=1)
    """Its key."""


class KubernetesGateway(Model):
    """Dask Gateway's pods on Kubernetes."""

    namespace: str = Field(min_length=1)
    """Where clusters run: the hub's namespace, or (recommended) one of their own."""
    instance: str = Field(min_length=1)
    """Label ``gateway.dask.org/instance`` of everything that belongs to this gateway."""
    api_url: str = Field(min_length=1)
    """How the gateway's proxy and Dask's pods reach the gateway's API: ``http://service.ns:8000``."""
    controller_address: str = "0.0.0.0:8000"  # in a pod, behind a policy
    """Where the controller answers probes."""
    image: str = ""
    """Of schedulers and workers by default; empty: that of user servers."""
    image_pull_policy: PullPolicy = "IfNotPresent"
    """When nodes pull it."""
    image_pull_secrets: tuple[str, ...] = ()
    """Names of Secrets with registry credentials, in that namespace."""
    allowed_images: tuple[str, ...] = ()
    """Patterns of images that users may ask for; the ones named in the settings always are."""
    uid: int = Field(default=1000, ge=1)
    """Account in the pods; root is refused."""
    gid: int = Field(default=100, ge=1)
    """Its group."""
    fs_gid: int | None = Field(default=None, ge=1)
    """Group of the volumes' files; by default the account's."""
    sizes: dict[Slug, Size] = {}
    """Workers that users choose by name; none: one size, made of ``gateway.workers``."""
    scheduler: SchedulerPods = SchedulerPods()
    """Scheduler pods."""
    worker: Pods = Pods()
    """Worker pods."""
    shared_memory_gib: float = Field(default=1.0, ge=0)
    """Of the memory of each pod, what its processes may share in ``/dev/shm`` (0: the 64 MB of every
    container)."""
    volumes: dict[Label, Mapping] = {}
    """Volumes of schedulers and workers, as Kubernetes wants them, without the name."""
    volume_mounts: dict[Label, Mapping] = {}
    """Their mounts; ``name`` is the volume's, by default the key."""
    environment_from_secrets: dict[Variable, SecretKey] = {}
    """Variables of all Dask pods that lie in Secrets: the way out by a proxy with a password."""
    labels: dict[str, str] = {}
    """Labels of all Dask pods."""
    cluster_max_workers: int = Field(default=0, ge=0)
    """Workers of one cluster (0: only the limits per user)."""
    completed_max_age_seconds: float = Field(default=86400, ge=0)
    """How long the record of an ended cluster is kept."""

    @model_validator(mode="after")
    def _consistent(self) -> KubernetesGateway:
        if sum(size.default for size in self.sizes.values()) > 1:
            raise ValueError("sizes: several are the default")
        taken = sorted(
            {"tmp", "dev-shm", "dask-credentials"} & {*self.volumes, *self.volume_mounts}
        )
        if taken:
            raise ValueError(f"volumes: the name {taken[0]} is ours: choose another")
        return self


class Certificate(Model):
    """A TLS certificate."""

    cert: Path
    """File with the certificate and those between it and the authority."""
    key: Path
    """File with its key, readable by the gateway's account alone."""


class Hpda(Model):
    """A second Dask Gateway, on a login node of an HPC centre."""

    enabled: bool = False
    """Offer it to users."""
    service: str = Field(default="dask-gateway-hpda", pattern=r"^[a-z][a-z0-9-]*$")
    """Name of its service in JupyterHub, and last part of its path."""
    token: Secret | None = None
    """The service's token in JupyterHub; the gateway on the login node has the same."""
    address: str = ""
    """How user servers reach its proxy: ``https://login.hpc.example:8443``."""
    scheduler_address: str = ""
    """Host and port of its proxy for Dask's own (TLS) traffic: ``login.hpc.example:8786``."""
    ca: str = ""
    """File *in user servers* with the authority of its certificate; empty: the system's."""
    gateway: dict[str, Any] = {}
    """Local mode, which starts the gateway itself: values of its own ``gateway`` group."""

    @model_validator(mode="after")
    def _complete(self) -> Hpda:
        if self.enabled and not (self.address and self.scheduler_address):
            raise ValueError("hpda needs address and scheduler_address")
        plain = self.address.startswith("http://")
        if plain and not self.address.startswith(("http://127.0.0.1:", "http://localhost:")):
            raise ValueError("hpda.address crosses a network: it must begin with https://")
        if self.address and not self.address.startswith(("http://", "https://")):
            raise ValueError("hpda.address must begin with https://")
        return self


class Gateway(Model):
    """Dask Gateway: a hub service without a public address, so that dashboards stay private."""

    enabled: bool = True
    """Off: users compute in their own server only."""
    backend: str = "local"
    """``local``, ``kubernetes``, ``slurm``, or the dotted class of a backend."""
    service: str = Field(default="dask-gateway", pattern=r"^[a-z][a-z0-9-]*$")
    """Name of the service in JupyterHub, and last part of its path."""
    token: Secret | None = None
    """The service's token in JupyterHub."""
    api_address: str = "127.0.0.1:8002"
    """Where the gateway's API listens (host:port)."""
    proxy_address: str = "127.0.0.1:8003"
    """HTTP port of its proxy, which user servers talk to."""
    scheduler_address: str = "127.0.0.1:8004"
    """TCP port of its proxy, which Dask clients talk to."""
    proxy_token: Secret | None = None
    """Shared by the gateway's API and its proxy."""
    database: str = "sqlite:///:memory:"
    """local: where clusters are remembered (SQLAlchemy)."""
    encryption_key: Secret | None = None
    """base64 of 32 bytes; needed for a database on disk."""
    clusters_folder: Path | None = None
    """local: working folders of clusters."""
    workers: Workers = Workers()
    """Sizes of workers, where they are not chosen by name."""
    limits: Limits = Limits()
    """Per user."""
    scheduler_memory_gib: float = Field(default=1.0, gt=0)
    """local: memory of a scheduler."""
    idle_minutes: float = Field(default=30.0, ge=0)
    """A cluster without work ends after this time (0: never); waiting for workers counts as work, for at
    most twelve hours since they were asked for."""
    reaper_seconds: float = Field(default=60.0, ge=0)
    """How often clusters whose owner has no running server are ended (0: never)."""
    environment: dict[Variable, str] = {}
    """Set in every scheduler and worker; may refer to nothing secret."""
    environment_names: tuple[str, ...] = ("GDAL_*", "OMP_*", "DASK_*", "XARRAY_*")
    """Patterns of the variables that users may set for their workers."""
    extra_config: Path | None = None
    """Folder of ``*.py`` that run last, in the order of their names, with ``c`` and ``settings``."""
    config: dict[str, dict[str, Any]] = {}
    """``Class -> trait -> value``, set last."""
    kubernetes: KubernetesGateway | None = None
    """kubernetes: schedulers and workers."""
    slurm: SlurmGateway | None = None
    """slurm: schedulers and workers."""
    tls: Certificate | None = None
    """Certificate of the gateway's proxy, where users reach it over a network."""

    @model_validator(mode="after")
    def _complete(self) -> Gateway:
        if self.database != "sqlite:///:memory:" and self.encryption_key is None:
            raise ValueError("a database on disk needs encryption_key (base64 of 32 bytes)")
        if self.backend == "kubernetes" and self.kubernetes is None:
            raise ValueError("backend is kubernetes: describe the pods in gateway.kubernetes")
        if self.backend == "slurm":
            self._check_slurm()
        return self

    def _check_slurm(self) -> None:
        if self.slurm is None:
            raise ValueError("backend is slurm: describe the jobs in gateway.slurm")
        for address in (self.api_address, self.proxy_address, self.scheduler_address):
            if address.rpartition(":")[0] in ("", "0.0.0.0", "[::]", "::"):  # noqa: S104  # refused
                raise ValueError(f"{address}: name one address of the login node, not all of them")

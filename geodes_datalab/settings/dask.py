"""Settings of Dask's pods on Kubernetes: where they run, and how large they are."""

from __future__ import annotations

from pydantic import Field, model_validator

from geodes_datalab.settings.base import (
    Filled,
    Image,
    Label,
    Mapping,
    Model,
    Places,
    SecretKey,
    Text,
    Toleration,
    Variable,
    Variables,
)


class Size(Model):
    """A worker that users choose by name."""

    cores: float = Field(default=1, gt=0)
    """Cores that are reserved."""
    cores_limit: float | None = Field(default=None, gt=0)
    """Cores at most; by default the reserved ones."""
    memory_gib: float = Field(default=2, gt=0)
    """Memory in GiB, reserved and never exceeded."""
    threads: int = Field(default=1, ge=1)
    """Threads that compute, said explicitly: cores may be a fraction."""
    default: bool = False
    """Whether it is chosen beforehand; by default the first one is."""
    node_selector: dict[str, str] = {}
    """Labels of the nodes that its pods may run on, added to those of all workers."""
    tolerations: tuple[Toleration, ...] | None = None
    """Taints of nodes that its pods bear, instead of those of all workers."""

    @model_validator(mode="after")
    def _ordered(self) -> Size:
        if self.cores_limit is not None and self.cores > self.cores_limit:
            raise ValueError("cores is larger than coresLimit")
        return self


class Pods(Places):
    """Pods of workers."""

    labels: dict[str, str] = {}
    """Labels of its pods."""
    annotations: dict[str, str] = {}
    """Annotations of its pods."""
    environment: Variables = {}
    """Set in its pods alone; nothing secret."""


class SchedulerPods(Pods):
    """Pods of schedulers."""

    cores: float = Field(default=0.1, gt=0)
    """Cores that are reserved."""
    cores_limit: float = Field(default=1, gt=0)
    """Cores at most."""
    memory_gib: float = Field(default=1, gt=0)
    """Memory in GiB, reserved and never exceeded."""


class Backend(Model):
    """Where and how Dask's pods run."""

    image: Image = Image()
    """Image of Dask's pods; by default the users'."""
    environment: Variables = {}
    """Set in every scheduler and worker."""
    environment_names: tuple[Text, ...] = ("GDAL_*", "OMP_*", "DASK_*", "XARRAY_*")
    """Patterns of the variables that users may set for their workers."""
    scheduler: SchedulerPods = SchedulerPods()
    worker: Pods = Pods()
    shared_memory_gib: float = Field(default=1, ge=0)
    """Of the memory of each scheduler and worker, GiB that its processes may share in `/dev/shm`; never more
    than its memory. 0 leaves the 64 MB that every container has."""
    extra_volumes: dict[Label, Mapping] = {}
    """Volumes of its pods: name -> volume, without the name."""
    extra_volume_mounts: dict[Label, Mapping] = {}
    """Mounts of its container: name of the volume -> mount (`name` where it differs)."""
    namespace: Filled[str] = ""
    """Where clusters run: the hub's namespace, or (recommended) one of their own."""
    instance: Filled[str] = ""
    """Label ``gateway.dask.org/instance`` of everything that belongs to this gateway."""
    api_url: Filled[str] = ""
    """How the gateway's proxy and Dask's pods reach the gateway's API: ``http://service.ns:8000``."""
    controller_address: Filled[str] = "0.0.0.0:8000"  # in a pod, behind a policy
    """Where the controller answers probes."""
    labels: Filled[dict[str, str]] = {}
    """Labels of all Dask pods."""
    volumes: Filled[dict[Label, Mapping]] = {}
    """Volume of the site's authorities."""
    volume_mounts: Filled[dict[Label, Mapping]] = {}
    """Its mounts; ``name`` is the volume's, by default the key."""
    environment_from_secrets: Filled[dict[Variable, SecretKey]] = {}
    """Variables that lie in Secrets: a proxy with a password."""

    @model_validator(mode="after")
    def _names(self) -> Backend:
        ours = {"tmp", "dev-shm", "dask-credentials"}
        if taken := sorted(ours & {*self.extra_volumes, *self.extra_volume_mounts}):
            raise ValueError(f"extraVolumes: the name {taken[0]} is ours: choose another")
        return self

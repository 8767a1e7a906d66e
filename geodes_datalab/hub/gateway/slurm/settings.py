"""The configuration of a Dask Gateway on Slurm, from the settings."""

from __future__ import annotations

from typing import Any

from geodes_datalab import _authorities
from geodes_datalab.hub.gateway.slurm.options import choices, cluster_options
from geodes_datalab.hub.pods import variables_of_dask
from geodes_datalab.hub.steps.singleuser import dask_environment
from geodes_datalab.settings import Settings
from geodes_datalab.settings.slurm import SlurmGateway

_ALWAYS = (
    "DASK_*",
    "GEODES_*",
    "*_PROXY",
    "*_proxy",
    "SSL_CERT_*",
    "*_CA_BUNDLE",
    *_authorities.VARIABLES,
    "LANG",
    "LC_*",
    "TZ",
)
"""Variables that the launcher lets through besides those that the settings name."""

HEARTBEAT_SECONDS = 600.0
"""After how long without a sign of life a scheduler is given up. Slurm says sooner what became of
its job; the gateway's proxy may be restarted, and the job be suspended."""

GIB = 2**30
MIB = 2**20


def apply(settings: Settings, c: Any) -> None:
    """Set what only a gateway on Slurm has.

    Parameters
    ----------
    settings
        What the operator wants.
    c
        ``traitlets.config.Config``.
    """
    gateway, slurm = settings.gateway, described(settings)
    c.DaskGateway.backend_class = "geodes_datalab.hub.gateway.slurm.backend.SlurmBackend"
    c.Backend.cluster_options = cluster_options(settings, slurm)
    c.SlurmBackend.settings = slurm
    c.DBBackendBase.db_url = gateway.database
    c.DBBackendBase.stop_clusters_on_shutdown = gateway.database == "sqlite:///:memory:"
    if gateway.encryption_key is not None:
        c.DBBackendBase.db_encrypt_keys = [gateway.encryption_key.read()]
    c.DBBackendBase.cluster_start_timeout = slurm.queue_hours * 3600
    c.DBBackendBase.worker_start_timeout = slurm.queue_hours * 3600
    c.DBBackendBase.cluster_heartbeat_timeout = HEARTBEAT_SECONDS
    c.DBBackendBase.check_timeouts_period = 5.0
    c.DBBackendBase.parallelism = 50  # cancelled tasks meet in one scancel
    if slurm.api_url:
        c.DBBackendBase.api_url = slurm.api_url
    c.ClusterConfig.scheduler_memory = round(gateway.scheduler_memory_gib * GIB)
    c.ClusterConfig.scheduler_cores = 1
    c.ClusterConfig.worker_memory = round(gateway.workers.memory_gib * GIB)
    c.ClusterConfig.worker_cores = gateway.workers.cores
    c.ClusterConfig.idle_timeout = gateway.idle_minutes * 60


def described(settings: Settings) -> SlurmGateway:
    """Return the settings of Slurm, which the schema demands for this backend."""
    if settings.gateway.slurm is None:
        raise ValueError("gateway.slurm is not set")
    return settings.gateway.slurm


def launcher_file(settings: Settings) -> dict[str, Any]:
    """Return what the launcher obeys, as it stands in its file.

    Parameters
    ----------
    settings
        Of the gateway.
    """
    gateway, slurm = settings.gateway, described(settings)
    names = gateway.backend.environment_names
    memory = max(gateway.workers.max_memory_gib, gateway.scheduler_memory_gib)
    return {
        "instance": slurm.instance,
        "sbatch": str(slurm.sbatch),
        "scancel": str(slurm.scancel),
        "dask": list(slurm.dask),
        "setup": str(slurm.setup or ""),
        "path": slurm.path,
        "staging": slurm.staging,
        "scratch": slurm.scratch,
        "listen": slurm.listen,
        "choices": {name: list(values) for name, values, _ in choices(slurm)},
        "options": dict(slurm.extra_options),
        "environment": sorted(
            {*names, *variables_of_dask(settings), *dask_environment(), *_ALWAYS}
        ),
        "most": {
            "cores": gateway.workers.max_cores,
            "memory_mb": round(memory * GIB / MIB),
            "minutes": slurm.max_walltime_minutes,
            "gpus": slurm.gpus,
            "tasks": slurm.array_tasks,
        },
    }

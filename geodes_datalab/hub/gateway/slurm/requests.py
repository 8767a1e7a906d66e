"""What the launcher is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MIB = 2**20


def scheduler(cluster: Any, *, heartbeat: int) -> dict[str, Any]:
    """Return the request for a cluster's scheduler.

    Parameters
    ----------
    cluster
        Record of the gateway.
    heartbeat
        Seconds between two signs of life to the gateway.
    """
    config = cluster.config
    return _common(cluster, config.scheduler_cores, config.scheduler_memory) | {
        "kind": "scheduler",
        "heartbeat": heartbeat,
        "adaptive": config.adaptive_period,
        "idle": config.idle_timeout,
    }


def workers(cluster: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return the request for an array of workers.

    Parameters
    ----------
    cluster
        Record of the gateway.
    names
        One for each worker; they are the array's tasks, in this order.
    """
    config = cluster.config
    return _common(cluster, config.worker_cores, config.worker_memory) | {
        "kind": "workers",
        "names": list(names),
        "scheduler": cluster.scheduler_address,
        "threads": int(config.worker_threads or config.worker_cores),
        "gpus": config.gpus,
    }


def _common(cluster: Any, cores: float, memory: float) -> dict[str, Any]:
    config = cluster.config
    return {
        "action": "submit",
        "cluster": cluster.name,
        "cores": max(1, int(cores)),
        "memory_mb": max(1, round(memory / MIB)),
        "minutes": config.minutes,
        "partition": config.partition,
        "qos": config.qos,
        "account": config.account,
        "constraint": config.constraint,
        "extra": dict(config.extra),
        "files": {
            "dask.crt": cluster.tls_cert.decode(),
            "dask.pem": cluster.tls_key.decode(),
        },
    }

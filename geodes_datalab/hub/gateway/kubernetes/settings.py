"""Configuration of Dask Gateway's API and controller on Kubernetes, from the settings."""

from __future__ import annotations

from typing import Any

from geodes_datalab import __version__
from geodes_datalab.hub import extra
from geodes_datalab.hub.gateway.kubernetes import pods
from geodes_datalab.hub.steps.singleuser import scheduler_words
from geodes_datalab.settings import Settings

GIB = 2**30

MOST_SECONDS_BETWEEN_TRIES = 30.0
"""A pod that a quota refused is tried again at least so often (upstream: five minutes)."""


def apply_api(settings: Settings, c: Any) -> None:
    """Set what the API needs of the backend; the rest is the same for every backend."""
    backend = settings.gateway.backend
    c.DaskGateway.backend_class = "geodes_datalab.hub.gateway.kubernetes.backend.KubernetesBackend"
    c.KubernetesBackend.gateway_instance = backend.instance
    c.KubernetesBackend.watched_namespace = backend.namespace
    c.KubernetesBackend.api_url = f"{backend.api_url.rstrip('/')}/api"
    c.KubernetesBackend.common_labels = _labels(settings)
    c.KubernetesBackend.sizes = pods.told(settings)
    c.Proxy.gateway_url = backend.api_url.rstrip("/")
    _clusters(settings, c)


def apply_controller(settings: Settings, c: Any) -> None:
    """Set the controller's configuration; it reads no secret.

    Parameters
    ----------
    settings
        What the operator wants.
    c
        ``traitlets.config.Config``, as a ``dask_gateway_controller_config.py`` gets it.
    """
    gateway, backend = settings.gateway, settings.gateway.backend
    age = gateway.completed_max_age_seconds
    c.KubernetesController.address = backend.controller_address
    c.KubernetesController.gateway_instance = backend.instance
    c.KubernetesController.watched_namespace = backend.namespace
    c.KubernetesController.api_url = f"{backend.api_url.rstrip('/')}/api"
    c.KubernetesController.proxy_prefix = f"/services/{gateway.service}"
    c.KubernetesController.common_labels = _labels(settings)
    c.KubernetesController.completed_cluster_max_age = age
    c.KubernetesController.completed_cluster_cleanup_period = min(600.0, max(5.0, age / 10))
    c.KubernetesController.backoff_max_delay = MOST_SECONDS_BETWEEN_TRIES
    extra.finish_gateway(settings, c)


def _labels(settings: Settings) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "geodes-datalab",
        "app.kubernetes.io/version": __version__.replace("+", "_"),
        **settings.gateway.backend.labels,
    }


def _clusters(settings: Settings, c: Any) -> None:
    """Set what every cluster has in common; sizes and images come with the user's options."""
    from geodes_datalab.hub.gateway.kubernetes.options import cluster_options

    scheduler, worker = settings.gateway.backend.scheduler, settings.gateway.backend.worker
    memory = round(scheduler.memory_gib * GIB)
    c.Backend.cluster_options = cluster_options(settings)
    config = c.KubeClusterConfig
    config.namespace = settings.gateway.backend.namespace
    image = pods.image(settings)
    config.image, config.image_pull_policy = image.reference, image.pull_policy
    config.image_pull_secrets = [{"name": name} for name in settings.registry.image_pull_secrets]
    config.scheduler_cmd = ["dask", *scheduler_words()]
    # A worker's own pages (plain http, call stacks of the user's code) would be open to other workers.
    config.worker_cmd = ["dask", "worker", "--no-dashboard"]
    config.scheduler_cores, config.scheduler_cores_limit = scheduler.cores, scheduler.cores_limit
    config.scheduler_memory = config.scheduler_memory_limit = memory
    config.scheduler_extra_pod_config = pods.scheduler_pod(settings)
    config.scheduler_extra_container_config = pods.container(settings, scheduler)
    config.worker_extra_container_config = pods.container(settings, worker)
    config.scheduler_extra_pod_labels = dict(scheduler.labels)
    config.worker_extra_pod_labels = dict(worker.labels)
    config.cluster_max_workers = settings.gateway.cluster_max_workers or None
    config.idle_timeout = settings.gateway.idle_minutes * 60

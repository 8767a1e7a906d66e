"""Dask Gateway's server: its configuration from the settings, and the classes that it lacks."""

from __future__ import annotations

import sys
from typing import Any

from geodes_datalab.hub import extra
from geodes_datalab.hub.addresses import api_url
from geodes_datalab.hub.pods import variables_of_dask
from geodes_datalab.hub.steps.singleuser import dask_environment, scheduler_words
from geodes_datalab.settings import Settings

GIB = 2**30

REMEMBERED = 30
"""Seconds for which the hub's word on a user is good: so long a token that was revoked works on. Each user
who is at work costs the hub a question in that time (upstream: five minutes)."""


def apply(settings: Settings, c: Any) -> None:
    """Set the configuration of Dask Gateway's API; like `geodes_datalab.hub.apply`, it only sets.

    Parameters
    ----------
    settings
        What the operator wants.
    c
        ``traitlets.config.Config``, as a ``dask_gateway_config.py`` gets it.

    Raises
    ------
    ConfigurationError
        A secret that the settings name is missing.
    """
    _server(settings, c)
    _proxy(settings, c)
    if settings.gateway.kind == "kubernetes":
        from geodes_datalab.hub.gateway.kubernetes.settings import apply_api

        apply_api(settings, c)
    elif settings.gateway.kind == "slurm":
        from geodes_datalab.hub.gateway.slurm.settings import apply as apply_slurm

        apply_slurm(settings, c)
    else:
        _backend(settings, c)
        _clusters(settings, c)
    extra.finish_gateway(settings, c)


def apply_proxy(settings: Settings, c: Any) -> None:
    """Set the configuration of the gateway's proxy where it is a pod of its own.

    It listens on all addresses of its pod, at the ports by which users know it, and reads no secret but
    its own token.

    Parameters
    ----------
    settings
        What the operator wants.
    c
        ``traitlets.config.Config``, as a ``dask_gateway_proxy_config.py`` gets it.
    """
    gateway = settings.gateway
    _proxy(settings, c)
    c.Proxy.address = f"0.0.0.0:{_port(gateway.proxy_address)}"
    c.Proxy.tcp_address = f"0.0.0.0:{_port(gateway.scheduler_address)}"
    if gateway.backend.api_url:
        c.Proxy.gateway_url = gateway.backend.api_url.rstrip("/")
    extra.put({name: traits for name, traits in gateway.config.items() if name == "Proxy"}, c)


def _server(settings: Settings, c: Any) -> None:
    gateway = settings.gateway
    c.DaskGateway.address = gateway.api_address
    c.DaskGateway.authenticator_class = "geodes_datalab.hub.gateway.authenticator.HubAuthenticator"
    c.JupyterHubAuthenticator.jupyterhub_api_url = api_url(settings)
    c.JupyterHubAuthenticator.jupyterhub_service_name = gateway.service
    c.JupyterHubAuthenticator.cache_max_age = REMEMBERED
    c.DatalabBackend.hub_api_url = api_url(settings)
    c.DatalabBackend.reaper_seconds = gateway.reaper_seconds
    c.PerUserLimits.user_max_clusters = gateway.limits.clusters
    c.PerUserLimits.user_max_workers = gateway.limits.workers
    c.PerUserLimits.user_max_cores = gateway.limits.cores
    c.PerUserLimits.user_max_memory = gateway.limits.memory_gib * GIB
    if gateway.token is not None:
        token = gateway.token.read()
        c.JupyterHubAuthenticator.jupyterhub_api_token = token
        c.DatalabBackend.service_token = token
    if settings.hub.monitoring_token is not None:
        c.DatalabBackend.monitoring_token = settings.hub.monitoring_token.read()


def _proxy(settings: Settings, c: Any) -> None:
    gateway = settings.gateway
    c.Proxy.externally_managed = True  # its own process: it outlives a restart of the API
    c.Proxy.address = gateway.proxy_address
    c.Proxy.tcp_address = gateway.scheduler_address
    c.Proxy.prefix = f"/services/{gateway.service}"
    if gateway.tls is not None:
        c.Proxy.tls_cert, c.Proxy.tls_key = str(gateway.tls.cert), str(gateway.tls.key)
    if gateway.proxy_token is not None:
        c.Proxy.api_token = gateway.proxy_token.read()


def _backend(settings: Settings, c: Any) -> None:
    gateway = settings.gateway
    if gateway.kind != "local":
        c.DaskGateway.backend_class = gateway.kind
        return
    c.DaskGateway.backend_class = "geodes_datalab.hub.gateway.local.LocalBackend"
    c.LocalBackend.homes = str(settings.spawner.homes)
    c.LocalBackend.clusters_directory = str(gateway.clusters_folder or "")
    c.DBBackendBase.db_url = gateway.database
    if gateway.encryption_key is not None:
        c.DBBackendBase.db_encrypt_keys = [gateway.encryption_key.read()]
    c.DBBackendBase.cluster_start_timeout = 120.0  # a laptop under load
    c.DBBackendBase.worker_start_timeout = 120.0
    c.DBBackendBase.cluster_status_period = 2.0
    c.DBBackendBase.worker_status_period = 2.0


def _clusters(settings: Settings, c: Any) -> None:
    from geodes_datalab.hub.gateway.options import cluster_options

    gateway = settings.gateway
    c.Backend.cluster_options = cluster_options(settings)
    dask = [sys.executable, "-m", "dask"]  # dask-scheduler and dask-worker are gone since 2026.6
    c.ClusterConfig.scheduler_cmd = [*dask, *scheduler_words()]
    c.ClusterConfig.worker_cmd = [*dask, "worker", "--no-dashboard"]  # it asks nobody who comes
    c.ClusterConfig.scheduler_memory = round(gateway.scheduler_memory_gib * GIB)
    c.ClusterConfig.worker_memory = round(gateway.workers.memory_gib * GIB)
    c.ClusterConfig.worker_cores = gateway.workers.cores
    c.ClusterConfig.idle_timeout = gateway.idle_minutes * 60
    c.ClusterConfig.environment = dask_environment() | variables_of_dask(settings)


def _port(address: str) -> str:
    return address.rpartition(":")[2]

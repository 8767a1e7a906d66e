"""User servers: how they start, what they may do, what they find."""

from __future__ import annotations

import sys
from typing import Any

from geodes_datalab.hub.pods import literal
from geodes_datalab.hub.steps import kubernetes, singleuser
from geodes_datalab.hub.steps.services import access_scopes
from geodes_datalab.settings import Settings


def apply(settings: Settings, c: Any) -> None:
    """Set the spawner class, its hooks, the command and the environment of user servers."""
    spawner = settings.spawner
    _common(settings, c)
    if spawner.kind == "local":
        _local(settings, c)
    elif spawner.kind == "kubernetes":
        kubernetes.apply(settings, c)
    else:
        c.JupyterHub.spawner_class = spawner.kind
    if spawner.kind != "local":  # KubeSpawner and its like format values: braces are doubled
        c.Spawner.environment = literal(c.Spawner.environment)


def _common(settings: Settings, c: Any) -> None:
    c.Spawner.default_url = singleuser.default_url(settings)
    c.Spawner.args = singleuser.arguments(settings)
    c.Spawner.environment = singleuser.environment(settings)
    c.Spawner.poll_interval = settings.spawner.poll_seconds
    c.Spawner.start_timeout = settings.singleuser.start_timeout
    c.Spawner.http_timeout = settings.singleuser.http_timeout
    c.Spawner.consecutive_failure_limit = 5
    c.Spawner.server_token_scopes = _scopes(settings)
    if settings.gateway.enabled:
        c.Spawner.post_stop_hook = _stop_clusters(settings)


def _local(settings: Settings, c: Any) -> None:
    spawner = settings.spawner
    c.JupyterHub.spawner_class = "geodes_datalab.hub.spawn.local.LocalSpawner"
    c.SimpleLocalProcessSpawner.home_dir_template = f"{spawner.homes}/{{username}}"
    c.LocalSpawner.logs = str(spawner.logs or "")
    c.LocalSpawner.notebooks = str(settings.singleuser.notebooks or "")
    c.LocalSpawner.notebooks_folder = settings.singleuser.notebooks_folder
    c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]


def _scopes(settings: Settings) -> list[str]:
    scopes = ["users:activity!user", "access:servers!server"]
    return [*scopes, *access_scopes(settings)]


def _stop_clusters(settings: Settings) -> Any:
    from geodes_datalab.hub.spawn.clusters import ClusterStopper

    gateway = settings.gateway
    return ClusterStopper(f"http://{gateway.proxy_address}", gateway.service)

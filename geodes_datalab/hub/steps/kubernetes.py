"""User servers as pods: KubeSpawner's traits from the settings.

Nothing here weakens a pod: contexts, the read-only root and the missing token are set by
`geodes_datalab.hub.spawn.kubernetes` itself, on every container, after everything else.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from geodes_datalab.hub.pods import ACCOUNT, gib
from geodes_datalab.settings import Home, Kubernetes, Settings

SPAWNER = "geodes_datalab.hub.spawn.kubernetes.DatalabKubeSpawner"
HOME = "/home/jovyan"

COMPONENT = "user"
START = ["datalab-start", "jupyterhub-singleuser"]
"""Brings the shipped notebooks into the home, rescues a full one, then becomes the server."""

GRACE_SECONDS = 10
"""From the order to stop until a server is ended: the time to save what it holds."""


def apply(settings: Settings, pods: Kubernetes, c: Any) -> None:
    """Set everything about users' pods.

    Parameters
    ----------
    settings
        All settings.
    pods
        The part about these pods.
    c
        ``traitlets.config.Config``.
    """
    c.JupyterHub.spawner_class = SPAWNER
    c.DatalabKubeSpawner.pods = pods
    _pod(pods, c)
    _resources(pods, c)
    _home(pods.home, c)
    _volumes(pods, c)
    c.Spawner.environment = {**ACCOUNT, **c.Spawner.environment, "HOME": HOME}
    c.Spawner.cmd = START
    # A hub that ends itself after failures of users' servers would be one that a user can end;
    # a sick hub is restarted by its probe.
    c.Spawner.consecutive_failure_limit = 0


def _pod(pods: Kubernetes, c: Any) -> None:
    kube = c.KubeSpawner
    kube.namespace = pods.namespace
    kube.pod_name_template = pods.pod_name
    kube.image = pods.image
    kube.image_pull_policy = pods.image_pull_policy
    kube.image_pull_secrets = list(pods.image_pull_secrets)
    kube.uid, kube.gid, kube.fs_gid = pods.uid, pods.gid, pods.fs_gid
    kube.working_dir = HOME
    kube.component_label = COMPONENT
    kube.common_labels = dict(pods.labels)
    kube.extra_annotations = dict(pods.annotations)
    kube.priority_class_name = pods.priority_class
    kube.service_account = pods.service_account
    kube.automount_service_account_token = False
    kube.init_containers = _named(pods.init_containers)
    kube.extra_containers = _named(pods.containers)
    kube.extra_pod_config = {**copy.deepcopy(pods.pod_config), "enableServiceLinks": False}
    kube.delete_grace_period = GRACE_SECONDS
    kube.delete_pvc = False  # a home is deleted by people, never by a program
    kube.events_enabled = True
    kube.slow_spawn_message = "Still waiting, for {seconds} seconds now."
    kube.slow_spawn_message_frequency = 30


def _resources(pods: Kubernetes, c: Any) -> None:
    kube = c.KubeSpawner
    kube.cpu_guarantee, kube.cpu_limit = pods.cpu_guarantee, pods.cpu_limit
    kube.mem_guarantee = gib(pods.memory_guarantee_gib)
    kube.mem_limit = gib(pods.memory_limit_gib)
    c.DatalabKubeSpawner.shared_memory_gib = pods.shared_memory_gib
    kube.node_selector = dict(pods.node_selector)
    kube.tolerations = [dict(taint) for taint in pods.tolerations]


def _home(home: Home, c: Any) -> None:
    kube = c.KubeSpawner
    kube.storage_pvc_ensure = home.kind == "dynamic"
    kube.pvc_name_template = home.claim or "claim-{username}"
    kube.storage_capacity = home.capacity
    kube.storage_access_modes = list(home.access_modes)
    if home.storage_class is not None:
        kube.storage_class = home.storage_class


def _volumes(pods: Kubernetes, c: Any) -> None:
    """Set volumes and mounts; the spawner opens shared ones to those who may write."""
    volumes: dict[str, dict[str, Any]] = {"home": _home_volume(pods.home), "tmp": {"emptyDir": {}}}
    mounts: dict[str, dict[str, Any]] = {
        "home": {"mountPath": HOME, **_subpath(pods.home)},
        "tmp": {"mountPath": "/tmp"},  # noqa: S108  # the pod's own
    }
    holders = {pods.home.claim: "home"} if pods.home.kind == "shared" else {}
    for name, shared in pods.shared.items():
        key = f"shared-{name}"  # one volume per claim: a claim named twice is never mounted
        volume = holders.setdefault(shared.claim, key)
        if volume == key:
            volumes[key] = {"persistentVolumeClaim": {"claimName": shared.claim}}
        subpath = {"subPath": shared.subpath} if shared.subpath else {}
        mount = {"mountPath": shared.path, "readOnly": shared.read_only, **subpath}
        mounts[key] = {"name": volume, **mount}
    c.KubeSpawner.volumes = _named(volumes | pods.volumes)
    c.KubeSpawner.volume_mounts = _named(mounts | pods.volume_mounts)


def _home_volume(home: Home) -> dict[str, Any]:
    if home.kind == "none":
        return {"emptyDir": {"sizeLimit": home.size_limit}}
    claim = "{pvc_name}" if home.kind == "dynamic" else home.claim
    return {"persistentVolumeClaim": {"claimName": claim}}


def _subpath(home: Home) -> dict[str, str]:
    return {"subPath": home.subpath} if home.kind == "shared" else {}


def _named(things: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return named things as Kubernetes wants them: each with its name inside."""
    return {name: {"name": name, **copy.deepcopy(dict(thing))} for name, thing in things.items()}

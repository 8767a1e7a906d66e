"""User servers as pods: KubeSpawner's traits from the settings.

Nothing here weakens a pod: contexts, the read-only root and the missing token are set by
`geodes_datalab.hub.spawn.kubernetes` itself, on every container, after everything else.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from geodes_datalab.hub import images
from geodes_datalab.hub.pods import ACCOUNT, gib, secrets_of_servers
from geodes_datalab.settings import Settings, Singleuser, Storage

SPAWNER = "geodes_datalab.hub.spawn.kubernetes.DatalabKubeSpawner"
HOME = "/home/jovyan"

COMPONENT = "user"
START = ["datalab-start", "jupyterhub-singleuser"]
"""Brings the shipped notebooks into the home, rescues a full one, then becomes the server."""

GRACE_SECONDS = 10
"""From the order to stop until a server is ended: the time to save what it holds."""


def apply(settings: Settings, c: Any) -> None:
    """Set everything about users' pods.

    Parameters
    ----------
    settings
        All settings.
    c
        ``traitlets.config.Config``.
    """
    c.JupyterHub.spawner_class = SPAWNER
    user = images.in_registry(settings)
    c.DatalabKubeSpawner.described = user
    c.DatalabKubeSpawner.variables_from_secrets = secrets_of_servers(settings)
    _pod(user, c)
    c.KubeSpawner.image_pull_secrets = list(settings.registry.image_pull_secrets)
    _resources(user, c)
    _places(settings, c)
    _home(user.storage, c)
    _volumes(user, c)
    c.Spawner.environment = {**ACCOUNT, **c.Spawner.environment, "HOME": HOME}
    c.Spawner.cmd = START
    # A hub that ends itself after failures of users' servers would be one that a user can end;
    # a sick hub is restarted by its probe.
    c.Spawner.consecutive_failure_limit = 0


def _pod(user: Singleuser, c: Any) -> None:
    kube = c.KubeSpawner
    kube.namespace = user.namespace
    kube.pod_name_template = user.pod_name
    kube.image = user.image.reference
    kube.image_pull_policy = user.image.pull_policy
    kube.uid, kube.gid, kube.fs_gid = user.uid, user.gid, user.fs_gid
    kube.working_dir = HOME
    kube.component_label = COMPONENT
    kube.common_labels = {**user.extra_labels, **user.labels}
    kube.extra_annotations = dict(user.extra_annotations)
    kube.service_account = user.account
    kube.automount_service_account_token = False
    kube.init_containers = _named(user.init_containers)
    kube.extra_containers = _named(user.extra_containers)
    kube.extra_pod_config = {**copy.deepcopy(user.extra_pod_config), "enableServiceLinks": False}
    kube.delete_grace_period = GRACE_SECONDS
    kube.delete_pvc = False  # a home is deleted by people, never by a program
    kube.events_enabled = True
    kube.slow_spawn_message = "Still waiting, for {seconds} seconds now."
    kube.slow_spawn_message_frequency = 30


def _resources(user: Singleuser, c: Any) -> None:
    kube = c.KubeSpawner
    kube.cpu_guarantee, kube.cpu_limit = user.cpu.guarantee, user.cpu.limit
    kube.mem_guarantee = gib(user.memory.guarantee_gib)
    kube.mem_limit = gib(user.memory.limit_gib)
    c.DatalabKubeSpawner.shared_memory_gib = user.memory.shared_gib


def _places(settings: Settings, c: Any) -> None:
    places = settings.singleuser.places.within(settings.scheduling.user_pods)
    kube = c.KubeSpawner
    kube.node_selector = dict(places.node_selector)
    kube.tolerations = [taint.plain() for taint in places.tolerations]
    kube.priority_class_name = places.priority_class_name


def _home(storage: Storage, c: Any) -> None:
    kube, claims = c.KubeSpawner, storage.dynamic
    kube.storage_pvc_ensure = storage.type == "dynamic"
    kube.pvc_name_template = storage.claim or "claim-{username}"
    kube.storage_capacity = storage.capacity
    kube.storage_access_modes = list(claims.storage_access_modes)
    if claims.storage_class:
        kube.storage_class = claims.storage_class


def _volumes(user: Singleuser, c: Any) -> None:
    """Set volumes and mounts; the spawner opens shared ones to those who may write."""
    storage = user.storage
    volumes: dict[str, dict[str, Any]] = {"home": _home_volume(storage), "tmp": {"emptyDir": {}}}
    mounts: dict[str, dict[str, Any]] = {
        "home": {"mountPath": HOME, **_subpath(storage)},
        "tmp": {"mountPath": "/tmp"},  # noqa: S108  # the pod's own
    }
    holders = {storage.static.pvc_name: "home"} if storage.type == "static" else {}
    for name, shared in user.shared_data.items():
        key = f"shared-{name}"  # one volume per claim: a claim named twice is never mounted
        volume = holders.setdefault(shared.pvc_name, key)
        if volume == key:
            volumes[key] = {"persistentVolumeClaim": {"claimName": shared.pvc_name}}
        subpath = {"subPath": shared.sub_path} if shared.sub_path else {}
        mount = {"mountPath": shared.mount_path, "readOnly": shared.read_only, **subpath}
        mounts[key] = {"name": volume, **mount}
    c.KubeSpawner.volumes = _named({**volumes, **user.volumes, **storage.extra_volumes})
    further = {**user.volume_mounts, **storage.extra_volume_mounts}
    c.KubeSpawner.volume_mounts = _named({**mounts, **further})


def _home_volume(storage: Storage) -> dict[str, Any]:
    if storage.type == "none":
        return {"emptyDir": {"sizeLimit": storage.none.size_limit}}
    claim = "{pvc_name}" if storage.type == "dynamic" else storage.claim
    return {"persistentVolumeClaim": {"claimName": claim}}


def _subpath(storage: Storage) -> dict[str, str]:
    return {"subPath": storage.static.sub_path} if storage.type == "static" else {}


def _named(things: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return named things as Kubernetes wants them: each with its name inside."""
    return {name: {"name": name, **copy.deepcopy(dict(thing))} for name, thing in things.items()}

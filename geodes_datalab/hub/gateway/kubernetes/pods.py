"""What the pods of schedulers and workers look like: safe by construction, sized by the settings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from geodes_datalab import _limits
from geodes_datalab.hub.images import in_registry
from geodes_datalab.hub.person import Person
from geodes_datalab.hub.pods import ACCOUNT, secret_variables
from geodes_datalab.hub.spawn import shared_memory
from geodes_datalab.settings import Image, Places, Pods, Settings, SharedData, Size

OWNER = "hub.jupyter.org/username"
"""Annotation that names a pod's owner, the same as on user pods."""

ENVIRONMENT = {
    **ACCOUNT,
    "HOME": "/tmp",  # noqa: S108  # of the pod
    "DASK_TEMPORARY_DIRECTORY": "/tmp",  # noqa: S108
}
"""The root file system is read-only, so programs write below the one folder that is not."""

CONTAINER = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""Security context of the containers; not a setting."""


def sizes(settings: Settings) -> dict[str, Size]:
    """Return the sizes by name; one called ``standard`` where the settings name none."""
    if settings.gateway.sizes:
        return dict(settings.gateway.sizes)
    item = settings.gateway.workers
    return {"standard": Size(cores=item.cores, memory_gib=item.memory_gib, threads=item.cores)}


def told(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return what users may know of the sizes."""
    return {
        name: {"cores": size.cores, "memory_gib": size.memory_gib, "threads": size.threads}
        for name, size in sizes(settings).items()
    }


def image(settings: Settings) -> Image:
    """Return the image of clusters whose owner names none."""
    own = settings.gateway.backend.image
    return own if own.reference else settings.singleuser.image


def images(settings: Settings, person: Person) -> set[str]:
    """Return the images that the settings themselves name, as far as a person is offered them."""
    result = {image(settings).reference, settings.singleuser.image.reference}
    for profile in filter(person.sees, in_registry(settings).profiles.values()):
        result.add(profile.image or "")
        for option in filter(person.sees, profile.options.values()):
            offered = filter(person.sees, option.choices.values())
            result.update(choice.image or "" for choice in offered)
    return result - {""}


def scheduler_pod(settings: Settings) -> dict[str, Any]:
    """Return what is merged into the specification of scheduler pods."""
    scheduler = settings.gateway.backend.scheduler
    return _pod(settings, scheduler.within(settings.scheduling.user_pods))


def worker_pod(settings: Settings, size: Size) -> dict[str, Any]:
    """Return what is merged into the specification of worker pods of a size."""
    worker = settings.gateway.backend.worker.within(settings.scheduling.user_pods)
    where = worker.model_copy(
        update={
            "node_selector": {**worker.node_selector, **size.node_selector},
            "tolerations": worker.tolerations if size.tolerations is None else size.tolerations,
        }
    )
    return _pod(settings, where)


def container(settings: Settings, kind: Pods) -> dict[str, Any]:
    """Return what is merged into the one container of a pod."""
    mounts = [{"name": name, **mount} for name, mount in _mounts(settings)]
    if _shares_memory(settings):
        mounts.append(shared_memory.mount())
    return {
        "securityContext": CONTAINER,
        "workingDir": "/tmp",  # noqa: S108  # the image's own belongs to the image's account
        "terminationMessagePolicy": "FallbackToLogsOnError",  # why it ended: told to the user
        "env": [*_variables(settings, kind)],
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *mounts],  # noqa: S108
    }


def with_threads(container: Mapping[str, Any], of_dask: int | None = None) -> dict[str, Any]:
    """Return a container whose libraries start as many threads as it may use cores.

    Variables that it has already, of the operator or of the user, stay as they are.

    Parameters
    ----------
    container
        With its limits and all its variables.
    of_dask
        Threads of its Dask worker, if it is one: linear algebra has a thread for each, or more where
        they leave cores idle.
    """
    limit = str(container.get("resources", {}).get("limits", {}).get("cpu", ""))
    if not limit:
        return dict(container)
    count = max(1, math.ceil(float(limit[:-1]) / 1000 if limit.endswith("m") else float(limit)))
    given = list(container.get("env", ()))
    names = {item["name"]: "given" for item in given}
    blas = max(1, count // of_dask) if of_dask else None
    result = _limits.variables(names, count, blas=blas)
    return {**container, "env": [*({"name": n, "value": v} for n, v in result.items()), *given]}


def _variables(settings: Settings, kind: Pods) -> Iterator[dict[str, Any]]:
    backend = settings.gateway.backend
    given = {**backend.environment, **kind.environment}
    wanted = {
        name: place for name, place in backend.environment_from_secrets.items() if name not in given
    }
    for name, source in secret_variables(wanted).items():
        yield {"name": name, **source}
    for name, value in kind.environment.items():
        yield {"name": name, "value": value}


def _pod(settings: Settings, places: Places) -> dict[str, Any]:
    user = settings.singleuser
    pod: dict[str, Any] = {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user.uid,
            "runAsGroup": user.gid,
            "fsGroup": user.fs_gid,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "enableServiceLinks": False,
        "volumes": [{"name": "tmp", "emptyDir": {}}, *_volumes(settings)],
    }
    if places.node_selector:
        pod["nodeSelector"] = dict(places.node_selector)
    if places.tolerations:
        pod["tolerations"] = [taint.plain() for taint in places.tolerations]
    if places.priority_class_name:
        pod["priorityClassName"] = places.priority_class_name
    return pod


def _volumes(settings: Settings) -> Iterator[dict[str, Any]]:
    backend = settings.gateway.backend
    for name, volume in {**backend.volumes, **backend.extra_volumes}.items():
        yield {"name": name, **volume}
    for claim, name in _claims(settings).items():
        yield {"name": name, "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
    if _shares_memory(settings):
        yield shared_memory.volume(backend.shared_memory_gib)


def _shares_memory(settings: Settings) -> bool:
    taken = [str(mount.get("mountPath", "")) for _, mount in _mounts(settings)]
    return shared_memory.wanted(settings.gateway.backend.shared_memory_gib, taken)


def _mounts(settings: Settings) -> Iterator[tuple[str, Mapping[str, Any]]]:
    backend = settings.gateway.backend
    yield from {**backend.volume_mounts, **backend.extra_volume_mounts}.items()
    for name, shared in _shared(settings):
        volume = _claims(settings)[shared.pvc_name]
        mount: dict[str, Any] = {"name": volume, "mountPath": shared.mount_path, "readOnly": True}
        if shared.sub_path:
            mount["subPath"] = shared.sub_path
        yield f"shared-{name}", mount


def _claims(settings: Settings) -> dict[str, str]:
    """Return the volume of each claim: one, as a claim named twice in a pod is never mounted."""
    result: dict[str, str] = {}
    for name, shared in _shared(settings):
        result.setdefault(shared.pvc_name, f"shared-{name}")
    return result


def _shared(settings: Settings) -> Iterator[tuple[str, SharedData]]:
    """Yield the users' shared data, where its claims lie in the namespace of Dask's pods."""
    user = settings.singleuser
    if user.namespace != settings.gateway.backend.namespace:
        return
    for name, shared in user.shared_data.items():
        if shared.dask:
            yield name, shared

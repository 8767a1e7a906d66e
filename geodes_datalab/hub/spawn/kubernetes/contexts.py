"""What every user pod gets after everything else: what makes it safe, and memory to share.

The pod then fits Pod Security "restricted", whatever an operator added to it.
"""

from __future__ import annotations

from typing import Any

from kubernetes_asyncio.client import (
    V1Capabilities,
    V1EmptyDirVolumeSource,
    V1PodSecurityContext,
    V1SeccompProfile,
    V1SecurityContext,
    V1Volume,
    V1VolumeMount,
)

from geodes_datalab.hub.spawn import shared_memory


def harden(pod: Any, *, uid: int, gid: int, fs_gid: int) -> Any:
    """Return the pod with our contexts, without a token and without service variables.

    Parameters
    ----------
    pod
        ``V1Pod``, changed in place.
    uid, gid, fs_gid
        Account, its group, group of the volumes.
    """
    spec = pod.spec
    spec.automount_service_account_token = False
    spec.enable_service_links = False
    spec.security_context = V1PodSecurityContext(
        run_as_non_root=True,
        run_as_user=uid,
        run_as_group=gid,
        fs_group=fs_gid,
        fs_group_change_policy="OnRootMismatch",  # else every start walks through the whole home
        supplemental_groups=_given(spec.security_context, "supplemental_groups"),
        seccomp_profile=V1SeccompProfile(type="RuntimeDefault"),
    )
    for container in [*(spec.containers or []), *(spec.init_containers or [])]:
        account = _given(container.security_context, "run_as_user") or None  # 0 would be root
        container.security_context = V1SecurityContext(
            run_as_non_root=True,
            run_as_user=account,
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=V1Capabilities(drop=["ALL"]),
            seccomp_profile=V1SeccompProfile(type="RuntimeDefault"),
        )
    return pod


def share_memory(pod: Any, amount_gib: float) -> Any:
    """Return the pod with a volume in memory at ``/dev/shm`` of the server's container.

    Parameters
    ----------
    pod
        ``V1Pod``, changed in place.
    amount_gib
        How large the volume may become; 0: none.
    """
    spec = pod.spec
    server = spec.containers[0]
    mounts = list(server.volume_mounts or [])
    if not shared_memory.wanted(amount_gib, [_given(item, "mount_path") or "" for item in mounts]):
        return pod
    described = shared_memory.volume(amount_gib)
    source = described["emptyDir"]
    folder = V1EmptyDirVolumeSource(medium=source["medium"], size_limit=source["sizeLimit"])
    spec.volumes = [*(spec.volumes or []), V1Volume(name=described["name"], empty_dir=folder)]
    mount = V1VolumeMount(name=described["name"], mount_path=shared_memory.PATH)
    server.volume_mounts = [*mounts, mount]
    return pod


def _given(context: Any, name: str) -> Any:
    """Return a field of a part of a pod, which KubeSpawner holds as an object or as JSON."""
    if isinstance(context, dict):
        first, *rest = name.split("_")
        return context.get(first + "".join(word.capitalize() for word in rest))
    return getattr(context, name, None)

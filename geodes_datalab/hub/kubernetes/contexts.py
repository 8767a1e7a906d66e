"""What makes a user pod safe, set on every container after everything else.

The pod then fits Pod Security "restricted", whatever an operator added to it.
"""

from __future__ import annotations

from typing import Any

from kubernetes_asyncio.client import (
    V1Capabilities,
    V1PodSecurityContext,
    V1SeccompProfile,
    V1SecurityContext,
)


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


def _given(context: Any, name: str) -> Any:
    """Return a field of a context, which KubeSpawner holds as an object or as JSON."""
    if isinstance(context, dict):
        first, *rest = name.split("_")
        return context.get(first + "".join(word.capitalize() for word in rest))
    return getattr(context, name, None)

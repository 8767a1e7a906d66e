"""Pod Security, level "restricted", as a function: what it would refuse a pod for.

After https://kubernetes.io/docs/concepts/security/pod-security-standards (Kubernetes 1.34), the
baseline rules included. Windows pods are not treated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Pod = dict[str, Any]

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SECCOMP = ("RuntimeDefault", "Localhost")
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}


def violations(spec: Pod, annotations: dict[str, str] | None = None) -> list[str]:
    """Return what keeps a pod out of a restricted namespace; empty: it may come in."""
    found = [*_of_pod(spec)]
    unconfined = [key for key, value in (annotations or {}).items() if value == "unconfined"]
    found += [f"AppArmor unconfined ({key})" for key in unconfined if "apparmor" in key]
    for container in _containers(spec):
        found += [f"{container['name']}: {text}" for text in _of_container(container, spec)]
    return found


def _containers(spec: Pod) -> list[Pod]:
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [container for kind in kinds for container in spec.get(kind) or []]


def _of_pod(spec: Pod) -> Iterator[str]:
    context = spec.get("securityContext") or {}
    for flag in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(flag):
            yield flag
    for volume in spec.get("volumes") or []:
        for kind in volume.keys() - {"name"} - VOLUMES:
            yield f"volume {volume['name']} of kind {kind}"
    if context.get("runAsUser") == 0:
        yield "runAsUser 0"
    for sysctl in context.get("sysctls") or []:
        if sysctl["name"] not in SYSCTLS:
            yield f"sysctl {sysctl['name']}"


def _of_container(container: Pod, spec: Pod) -> Iterator[str]:
    pod, own = spec.get("securityContext") or {}, container.get("securityContext") or {}
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot is not true"
    if own.get("runAsUser") == 0:
        yield "runAsUser 0"
    seccomp = own.get("seccompProfile") or pod.get("seccompProfile") or {}
    if seccomp.get("type") not in SECCOMP:
        yield f"seccomp profile {seccomp.get('type')}"
    yield from _capabilities(own.get("capabilities") or {})
    if own.get("procMount", "Default") != "Default":
        yield "procMount"
    if any(port.get("hostPort") for port in container.get("ports") or []):
        yield "hostPort"


def _capabilities(capabilities: Pod) -> Iterator[str]:
    if "ALL" not in (capabilities.get("drop") or []):
        yield "does not drop ALL capabilities"
    for added in capabilities.get("add") or []:
        if added != "NET_BIND_SERVICE":
            yield f"adds the capability {added}"

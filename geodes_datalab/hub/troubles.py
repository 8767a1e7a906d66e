"""Kubernetes' words about pods, read in one place: what is wrong, and the facts about it.

Pure functions of Kubernetes' objects as JSON. People are told in two voices: those who wait for a server
(`geodes_datalab.hub.spawn.kubernetes.failures`), and those who wait for a Dask cluster
(`geodes_datalab.hub.gateway.kubernetes.reasons`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Trouble:
    """What keeps a pod from running."""

    kind: str
    """One of `KINDS`."""
    said: str = ""
    """Kubernetes' own words."""
    final: bool = False
    """Waiting will not help."""
    what: str = ""
    """Whose trouble it is: an image, a container, a Secret."""
    why: str = ""
    """image: what keeps it from being fetched."""
    code: int | None = None
    """ended: the exit code."""
    missing: tuple[str, ...] = ()
    """room, gpu: resources that no machine has left."""


KINDS = (
    "starting", "gpu", "room", "fit", "claim", "attached", "quota", "limits", "security", "rights",
    "description", "api", "image", "container", "absent", "mount", "memory", "ended", "evicted",
    "node", "failed",
)  # fmt: skip

_MESSAGES = (
    (r"Insufficient (nvidia|amd|intel)\S*gpu|Insufficient \S+/gpu", "gpu", False),
    (
        r"unbound immediate \w+|persistentvolumeclaim .* not found|node affinity conflict",
        "claim",
        False,
    ),
    (r"Insufficient (cpu|memory|ephemeral-storage)|Too many pods", "room", False),
    (
        r"untolerated taint|node affinity/selector|node\(s\) were unschedulable|no nodes available",
        "fit",
        False,
    ),
    (r"Multi-Attach error", "attached", False),
    (r"exceeded quota|failed quota", "quota", True),
    (r"violates PodSecurity", "security", True),
    (r"(maximum|minimum) (cpu|memory) usage per|LimitRange|limit to request ratio", "limits", True),
)

_PULLS = (
    (r"not found|manifest unknown|does not exist", "it does not exist", True),
    (
        r"unauthorized|denied|authentication required|forbidden|401|403",
        "its registry refuses access",
        True,
    ),
    (r"no space left", "the machine's disk is full", False),
    (r"x509|certificate", "its registry's certificate is not trusted", True),
)

PULL_FAILURES = (*(why for _, why, _ in _PULLS), "it cannot be fetched")
"""Every ``why`` of an image."""

_NO_IMAGE = {"InvalidImageName", "ErrImageNeverPull"}
_IMAGE = {
    "ErrImagePull",
    "ImagePullBackOff",
    "ImageInspectError",
    "RegistryUnavailable",
    *_NO_IMAGE,
}
_CONTAINER = {
    "CreateContainerConfigError",
    "CreateContainerError",
    "CreatePodSandboxError",
    "RunContainerError",
}
_NODE = {"NodeLost", "NodeShutdown", "Terminated", "Shutdown", "NodeAffinity"}
_WELL = {"SuccessfulAttachVolume", "Pulled", "Started"}


def of_pod(pod: Object) -> Trouble | None:
    """Return what keeps a pod from running now; None where it runs or has done its work.

    Parameters
    ----------
    pod
        As Kubernetes' JSON.
    """
    status = pod.get("status") or {}
    if status.get("phase") == "Failed" or status.get("reason") == "Evicted":
        return _failed(status)
    for container in _containers(status):
        if result := _of_container(container):
            return result
    if status.get("phase", "Pending") != "Pending":
        return None
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return of_scheduling(condition.get("message") or "")
    return Trouble("starting")


def lost(pod: Object) -> tuple[Trouble, int] | None:
    """Return why a pod's process ended badly and how often, although it may run again.

    Parameters
    ----------
    pod
        As for `of_pod`.
    """
    status = pod.get("status") or {}
    if status.get("phase") == "Failed":
        return _failed(status), 1
    for container in _containers(status):
        ended = (container.get("lastState") or {}).get("terminated")
        if ended and ended.get("exitCode"):
            return _ended(container, ended), container.get("restartCount", 1)
    return None


def of_events(events: Iterable[Object]) -> Trouble | None:
    """Return what the latest warning about a pod says is wrong, or None.

    Parameters
    ----------
    events
        Events of one pod, oldest first, as Kubernetes' JSON.
    """
    result = None
    for event in events:
        if event.get("type") == "Warning":
            result = _of_warning(event) or result
        elif event.get("reason") in _WELL:
            result = None
    return result


def of_refusal(status: int, body: str | bytes | None) -> Trouble:
    """Return why the API server refused to make an object.

    Parameters
    ----------
    status
        HTTP status.
    body
        Of the answer: a Kubernetes ``Status`` as JSON, or its message alone.

    Examples
    --------
    >>> of_refusal(403, "pods is forbidden: exceeded quota: small").kind
    'quota'
    """
    said = _message(body) or f"HTTP {status}"
    said = re.sub(r'^pods? "[^"]*" is (forbidden|invalid): ', "", said, flags=re.IGNORECASE)
    if known := of_message(said):
        return known
    kinds = {401: "rights", 403: "rights", 400: "description", 422: "description"}
    return Trouble(kinds.get(status, "api"), said, final=status in kinds)


def of_scheduling(message: str) -> Trouble:
    """Return why no machine takes a pod.

    Parameters
    ----------
    message
        Of the condition ``PodScheduled``.

    Examples
    --------
    >>> of_scheduling("0/2 nodes are available: 2 Insufficient memory.").missing
    ('memory',)
    """
    known = of_message(message)
    return known or Trouble("claim" if "volume" in message.lower() else "fit", message)


def of_message(text: str) -> Trouble | None:
    """Return what a sentence of Kubernetes says is wrong, where it is a known one."""
    for pattern, kind, final in _MESSAGES:
        if re.search(pattern, text):
            missing = set(re.findall(r"Insufficient (\S+?)[,.]?(?=\s|$)", text))
            return Trouble(kind, text, final, missing=tuple(sorted(missing)))
    return None


def _of_warning(event: Object) -> Trouble | None:
    message = event.get("message") or ""
    pulled = re.match(r'Failed to pull image "(.+?)": (.*)', message, re.DOTALL)
    if pulled:
        return _of_image(pulled[1], {"message": pulled[2]})
    if known := of_message(message):
        return known
    if event.get("reason") in {"FailedMount", "FailedAttachVolume"}:
        absent = re.search(r'(secret|configmap) "?([\w.-]+)"? not found', message)
        what = f"{absent[1]} {absent[2]}" if absent else ""
        return Trouble("absent" if absent else "mount", message, what=what)
    return None


def _containers(status: Object) -> Iterator[Object]:
    for kind in ("initContainerStatuses", "containerStatuses"):
        yield from status.get(kind) or ()


def _of_container(container: Object) -> Trouble | None:
    state = container.get("state") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated")
    reason = waiting.get("reason")
    if reason in _IMAGE:
        return _of_image(container.get("image", ""), waiting)
    if reason in _CONTAINER:
        return Trouble("container", waiting.get("message") or reason, final=True)
    if reason == "CrashLoopBackOff":
        return _ended(container, (container.get("lastState") or {}).get("terminated") or {})
    return _ended(container, ended) if ended and ended.get("exitCode") else None


def _of_image(image: str, waiting: Object) -> Trouble:
    reason, said = waiting.get("reason", ""), waiting.get("message") or ""
    known = ((why, last) for text, why, last in _PULLS if re.search(text, said, re.IGNORECASE))
    why, final = next(known, (PULL_FAILURES[-1], reason in _NO_IMAGE))
    return Trouble("image", said or reason, final, what=image, why=why)


def _ended(container: Object, ended: Object) -> Trouble:
    if ended.get("reason") == "OOMKilled":
        return Trouble("memory", final=True)
    said, code = ended.get("message") or "", ended.get("exitCode")
    return Trouble("ended", said, final=True, what=container.get("name", ""), code=code)


def _failed(status: Object) -> Trouble:
    """Return why a pod has failed for good."""
    reason, message = status.get("reason") or "", status.get("message") or ""
    if reason == "Evicted":
        return Trouble("evicted", message, final=True)
    if reason in _NODE:
        return Trouble("node", message or reason, final=True)
    for container in _containers(status):
        if ended := (container.get("state") or {}).get("terminated"):
            return _ended(container, ended)
    return Trouble("failed", f"{reason or 'no reason'}: {message}", final=True)


def _message(body: str | bytes | None) -> str:
    text = body.decode(errors="replace") if isinstance(body, bytes) else body or ""
    try:
        return str(json.loads(text).get("message", ""))
    except (ValueError, AttributeError):
        return text

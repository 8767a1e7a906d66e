"""Why a pod does not run, from its own status and from the answer to its creation.

Everything here is a pure function of Kubernetes objects (as dictionaries); none needs a right on
events. The text is written for the person who waits in a notebook.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

WORDS = (
    "quota",
    "unschedulable",
    "image",
    "pod_security",
    "forbidden",
    "config",
    "starting",
    "out_of_memory",
    "evicted",
    "node_lost",
    "crashed",
    "scheduler_lost",
    "unknown",
)
"""All reasons."""

IMAGE = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
}
CONFIG = {
    "CreateContainerConfigError",
    "CreateContainerError",
    "CreatePodSandboxError",
    "RunContainerError",
}
LONGEST = 300
"""Characters of a message of Kubernetes that are passed on."""


@dataclass(frozen=True, order=True)
class Reason:
    """One reason."""

    component: str
    """``scheduler`` or ``worker``."""
    reason: str
    """One of `WORDS`."""
    text: str
    """The same in words."""


def grouped(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    """Return equal reasons once, with their count, in a stable order."""
    return [{**asdict(one), "count": count} for one, count in sorted(Counter(reasons).items())]


def pod_reason(pod: dict[str, Any]) -> Reason | None:
    """Return why a pod does not run now; None where it runs or has done its work."""
    component = _component(pod)
    status = pod.get("status", {})
    phase = status.get("phase", "Pending")
    if phase == "Failed":
        return Reason(component, *_failed(status))
    for container in status.get("containerStatuses") or ():
        found = _container(container)
        if found:
            return Reason(component, *found)
    if phase != "Pending":
        return None
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return Reason(component, "unschedulable", unschedulable(condition.get("message", "")))
    text = "a machine is getting it ready (loading the image, mounting volumes)"
    return Reason(component, "starting", text)


def pod_loss(pod: dict[str, Any]) -> tuple[Reason, int] | None:
    """Return why a pod's process ended badly and how often, although it may run again."""
    component = _component(pod)
    status = pod.get("status", {})
    if status.get("phase") == "Failed":
        return Reason(component, *_failed(status)), 1
    for container in status.get("containerStatuses") or ():
        ended = (container.get("lastState") or {}).get("terminated")
        if ended and ended.get("exitCode"):
            return Reason(component, *_terminated(ended)), container.get("restartCount", 1)
    return None


def refusal(component: str, status: int, body: str | bytes | None) -> Reason:
    """Return why the API server refused to create a pod.

    Parameters
    ----------
    component
        ``scheduler`` or ``worker``.
    status
        Status of the answer.
    body
        Its body: a Kubernetes ``Status`` as JSON.
    """
    message = _message(body) or f"HTTP {status}"
    message = re.sub(r'^pods? "[^"]*" is (forbidden|invalid): ', "", message, flags=re.IGNORECASE)
    if "exceeded quota" in message or "failed quota" in message:
        return Reason(component, "quota", _quota(message))
    if "violates PodSecurity" in message:
        text = "the security rules of the Dask namespace refuse the pod: tell your operator"
        return Reason(component, "pod_security", f"{text} ({_short(message)})")
    text = f"Kubernetes refuses the pod: tell your operator ({_short(message)})"
    return Reason(component, "forbidden" if status == 403 else "config", text)


def unschedulable(message: str) -> str:
    """Return in words why no machine takes a pod.

    Examples
    --------
    >>> unschedulable("0/2 nodes are available: 2 Insufficient memory. preemption: ...")
    'no machine has enough free memory for it now (0/2 nodes are available: 2 Insufficient memory)'
    """
    said = _short(message.split(". preemption", maxsplit=1)[0].rstrip("."))
    missing = sorted(set(re.findall(r"Insufficient (\S+?)[,.\s]", message + " ")))
    names = {"cpu": "free cores", "memory": "free memory", "ephemeral-storage": "free disk space"}
    if missing:
        what = " and ".join(names.get(one, one) for one in missing)
        return f"no machine has enough {what} for it now ({said})"
    if "volume" in message or "persistentvolumeclaim" in message:
        return f"its volumes cannot be had: tell your operator ({said})"
    if "Too many pods" in message:
        return f"the machines hold as many pods as they may ({said})"
    return f"no machine fits: its labels, taints or state do not allow Dask pods ({said})"


def _container(container: dict[str, Any]) -> tuple[str, str] | None:
    """Return reason and text of a container that waits or has ended."""
    state = container.get("state") or {}
    waiting, ended = state.get("waiting"), state.get("terminated")
    if ended:
        return _terminated(ended) if ended.get("exitCode") else None
    if not waiting:
        return None
    what, message = waiting.get("reason", ""), waiting.get("message", "")
    if what in IMAGE:
        image = container.get("image", "")
        text = f"the image {image} cannot be loaded: look at its name, or tell your operator"
        return "image", f"{text} ({_short(message or what)})"
    if what in CONFIG:
        text = "its container cannot be made: tell your operator"
        return "config", f"{text} ({_short(message or what)})"
    if what == "CrashLoopBackOff":
        ended = (container.get("lastState") or {}).get("terminated") or {}
        return _terminated(ended)
    return None


def _terminated(ended: dict[str, Any]) -> tuple[str, str]:
    if ended.get("reason") == "OOMKilled":
        return "out_of_memory", "it needed more memory than its size has: choose a larger one"
    lines = [line for line in (ended.get("message") or "").splitlines() if line.strip()]
    last = f": {_short(lines[-1].strip())}" if lines else ""
    return "crashed", f"its process ended with exit code {ended.get('exitCode')}{last}"


def _failed(status: dict[str, Any]) -> tuple[str, str]:
    """Return reason and text of a pod that has failed for good."""
    what, message = status.get("reason", ""), _short(status.get("message", ""))
    if what == "Evicted":
        return "evicted", f"its machine was short of memory or disk and ended it ({message})"
    if what in ("NodeLost", "NodeShutdown", "Terminated", "Shutdown", "NodeAffinity"):
        return "node_lost", f"its machine went away ({message or what})"
    for container in status.get("containerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated")
        if ended:
            return _terminated(ended)
    return "unknown", f"it failed ({what or 'no reason'}: {message})"


def _quota(message: str) -> str:
    """Return what a quota lacks.

    Examples
    --------
    >>> _quota("exceeded quota: dask, requested: pods=1, used: pods=4, limited: pods=4")
    'the quota of the Dask namespace is used up (pods: 4 of 4 used, 1 more needed)'
    """
    parts = {
        key: dict(re.findall(r"([\w./-]+)=([\w.]+)", values))
        for key, values in re.findall(
            r"(requested|used|limited): ((?:[^:]+?=[^:]+?)+)(?=, \w+:|$)", message
        )
    }
    told = [
        f"{name}: {parts['used'].get(name, '?')} of {limit} used, "
        f"{parts['requested'].get(name, '?')} more needed"
        for name, limit in parts.get("limited", {}).items()
        if "used" in parts and "requested" in parts
    ]
    return f"the quota of the Dask namespace is used up ({'; '.join(told) or _short(message)})"


def _component(pod: dict[str, Any]) -> str:
    label = pod["metadata"].get("labels", {}).get("app.kubernetes.io/component", "dask-worker")
    return str(label).removeprefix("dask-")


def _message(body: str | bytes | None) -> str:
    try:
        return str(json.loads(body or "{}").get("message", ""))
    except (ValueError, AttributeError):
        return ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."

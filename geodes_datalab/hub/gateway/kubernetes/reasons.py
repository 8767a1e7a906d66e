"""Why a pod of Dask does not run, to the person who waits in a notebook.

Read from the pod's own status and from the answer to its creation: none needs a right on events.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from geodes_datalab.hub import troubles
from geodes_datalab.hub.troubles import Trouble

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

LONGEST = 300
"""Characters of a message of Kubernetes that are passed on."""

_OPERATOR = "tell your operator"
_SAID = {
    "starting": ("starting", "a machine is getting it ready (loading the image, mounting volumes)"),
    "fit": (
        "unschedulable",
        "no machine fits: its labels, taints or state do not allow Dask pods ({said})",
    ),
    "claim": ("unschedulable", f"its volumes cannot be had: {_OPERATOR} ({{said}})"),
    "security": (
        "pod_security",
        f"the security rules of the Dask namespace refuse the pod: {_OPERATOR} ({{said}})",
    ),
    "limits": ("forbidden", f"Kubernetes refuses the pod: {_OPERATOR} ({{said}})"),
    "rights": ("forbidden", f"Kubernetes refuses the pod: {_OPERATOR} ({{said}})"),
    "description": ("config", f"Kubernetes refuses the pod: {_OPERATOR} ({{said}})"),
    "api": ("config", f"Kubernetes refuses the pod: {_OPERATOR} ({{said}})"),
    "image": (
        "image",
        f"the image {{what}} cannot be loaded: look at its name, or {_OPERATOR} ({{said}})",
    ),
    "container": ("config", f"its container cannot be made: {_OPERATOR} ({{said}})"),
    "memory": ("out_of_memory", "it needed more memory than its size has: choose a larger one"),
    "evicted": ("evicted", "its machine was short of memory or disk and ended it ({said})"),
    "node": ("node_lost", "its machine went away ({said})"),
    "failed": ("unknown", "it failed ({said})"),
}
"""Reason and words for each kind of trouble; those with facts of their own have a function below."""


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
    return [{**asdict(item), "count": count} for item, count in sorted(Counter(reasons).items())]


def pod_reason(pod: dict[str, Any]) -> Reason | None:
    """Return why a pod does not run now; None where it runs or has done its work."""
    result = troubles.of_pod(pod)
    return None if result is None else _told(_component(pod), result)


def pod_loss(pod: dict[str, Any]) -> tuple[Reason, int] | None:
    """Return why a pod's process ended badly and how often, although it may run again."""
    result = troubles.lost(pod)
    return None if result is None else (_told(_component(pod), result[0]), result[1])


def refusal(component: str, status: int, body: str | bytes | None) -> Reason:
    """Return why the API server refused to create a pod.

    Parameters
    ----------
    component
        ``scheduler`` or ``worker``.
    status, body
        As for `geodes_datalab.hub.troubles.of_refusal`.
    """
    return _told(component, troubles.of_refusal(status, body))


def _told(component: str, trouble: Trouble) -> Reason:
    if trouble.kind in ("gpu", "room"):
        return Reason(component, "unschedulable", _room(trouble))
    if trouble.kind == "quota":
        return Reason(component, "quota", _quota(trouble.said))
    if trouble.kind == "ended":
        return Reason(component, "crashed", _ended(trouble))
    reason, text = _SAID.get(trouble.kind, _SAID["failed"])
    said = trouble.said.split(". preemption", maxsplit=1)[0].rstrip(".")
    return Reason(component, reason, text.format(what=trouble.what, said=_short(said)))


def _room(trouble: Trouble) -> str:
    """Return what no machine has enough of.

    Examples
    --------
    >>> said = "0/2 nodes are available: 2 Insufficient memory. preemption: ..."
    >>> _room(troubles.of_scheduling(said))
    'no machine has enough free memory for it now (0/2 nodes are available: 2 Insufficient memory)'
    """
    said = _short(trouble.said.split(". preemption", maxsplit=1)[0].rstrip("."))
    names = {"cpu": "free cores", "memory": "free memory", "ephemeral-storage": "free disk space"}
    if not trouble.missing:
        return f"the machines hold as many pods as they may ({said})"
    what = " and ".join(names.get(item, item) for item in trouble.missing)
    return f"no machine has enough {what} for it now ({said})"


def _ended(trouble: Trouble) -> str:
    lines = [line for line in trouble.said.splitlines() if line.strip()]
    last = f": {_short(lines[-1].strip())}" if lines else ""
    return f"its process ended with exit code {trouble.code}{last}"


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


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."

"""Why a pod does not start: from Kubernetes' words to a sentence, and to what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ADMIN = "If it stays like this, show this message to an administrator."


@dataclass(frozen=True)
class Problem:
    """What keeps a pod from running."""

    reason: str
    """Label of the metric: ``unschedulable``, ``image``, ``quota``, ``volume``, ``security``,
    ``rights``, ``settings``, ``memory``, ``crash``, ``timeout``."""
    message: str
    """What happened."""
    advice: str
    """What to do."""
    final: bool = False
    """Waiting will not help."""
    status: int = 503
    """HTTP status of the page that says it."""


_IN_MESSAGES: tuple[tuple[str, Problem], ...] = (
    (
        r"Insufficient (nvidia|amd|intel)\S*gpu|Insufficient \S+/gpu",
        Problem(
            "unschedulable",
            "No machine has a free GPU.",
            "Try again later, or choose a profile without a GPU.",
        ),
    ),
    (
        r"unbound immediate \w+|persistentvolumeclaim .* not found|node affinity conflict",
        Problem(
            "volume",
            "The volume of your home or of shared data is not ready.",
            "Wait a minute and try again. " + ADMIN,
        ),
    ),
    (
        r"Insufficient (cpu|memory|ephemeral-storage)|Too many pods",
        Problem(
            "unschedulable",
            "No machine has enough free room for this server.",
            "Choose a smaller profile, stop servers and clusters that you no longer need, or try "
            "again later.",
        ),
    ),
    (
        r"untolerated taint|node affinity/selector|node\(s\) were unschedulable|no nodes available",
        Problem(
            "unschedulable",
            "No machine of this datalab fits what was chosen.",
            "Choose another profile. Administrators: compare node labels and taints with the "
            "profile's node_selector and tolerations.",
        ),
    ),
    (
        r"Multi-Attach error",
        Problem(
            "volume",
            "Your home is still attached to another machine.",
            "It is released within minutes after your last server ended: stop servers of yours that "
            "still run, wait, try again. Administrators: look for a lost node, or use "
            "ReadWriteMany homes.",
        ),
    ),
    (
        r"exceeded quota",
        Problem(
            "quota",
            "The datalab's quota in this cluster is used up.",
            "Choose a smaller profile, or wait until others stop their servers. Administrators: "
            "raise the ResourceQuota of the namespace.",
            final=True,
        ),
    ),
    (
        r"violates PodSecurity",
        Problem(
            "security",
            "The cluster refuses this server: it breaks the security rules of its namespace.",
            "Administrators: remove what the message names from the settings of user pods (volumes, "
            "containers, pod_config).",
            final=True,
            status=500,
        ),
    ),
    (
        r"(maximum|minimum) (cpu|memory) usage per|LimitRange|limit to request ratio",
        Problem(
            "quota",
            "This server is larger than the cluster lets one server be.",
            "Choose a smaller profile. Administrators: compare it with the namespace's LimitRange.",
            final=True,
        ),
    ),
)

_IN_PULLS: tuple[tuple[str, str, bool], ...] = (
    (r"not found|manifest unknown|does not exist", "it does not exist", True),
    (
        r"unauthorized|denied|authentication required|forbidden|401|403",
        "its registry refuses access",
        True,
    ),
    (r"no space left", "the machine's disk is full", False),
    (r"x509|certificate", "its registry's certificate is not trusted", True),
)

_PULLING = {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"}
_NO_IMAGE = {"InvalidImageName", "ErrImageNeverPull"}
_SETTINGS = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}


def of_refusal(status: int, text: str) -> Problem:
    """Return why the API server refused a pod or a claim.

    Parameters
    ----------
    status
        HTTP status.
    text
        Its message.

    Examples
    --------
    >>> of_refusal(403, "pods is forbidden: exceeded quota: small").reason
    'quota'
    """
    known = _in_message(text)
    if known is not None:
        return known
    if status in {401, 403}:
        return Problem(
            "rights",
            "The hub may not create your server.",
            "Administrators: compare the hub's Role with the chart's. " + _quoted(text),
            final=True,
            status=500,
        )
    if status in {400, 422}:
        return Problem(
            "settings",
            "The cluster cannot read the description of this server.",
            "Administrators: correct the settings of user pods. " + _quoted(text),
            final=True,
            status=500,
        )
    return Problem(
        "cluster", "The cluster's own API does not answer as it should.", ADMIN + _quoted(text)
    )


def of_pod(pod: Mapping[str, Any]) -> Problem | None:
    """Return what a pod's status says is wrong, or None.

    Parameters
    ----------
    pod
        As Kubernetes' JSON.
    """
    status = pod.get("status") or {}
    if status.get("reason") == "Evicted":
        return Problem(
            "crash",
            "The machine ran out of room and ended your server.",
            "Start it again. " + ADMIN + _quoted(status.get("message", "")),
            final=True,
        )
    for container in _containers(status):
        problem = _of_container(container)
        if problem is not None:
            return problem
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return _in_message(condition.get("message") or "")
    return None


def of_events(events: Iterable[Mapping[str, Any]]) -> Problem | None:
    """Return what the latest warning about a pod says is wrong, or None.

    Parameters
    ----------
    events
        Events of one pod, oldest first, as Kubernetes' JSON.
    """
    found = None
    for event in events:
        if event.get("type") == "Warning":
            found = _of_warning(event) or found
        elif event.get("reason") in {"SuccessfulAttachVolume", "Pulled", "Started"}:
            found = None
    return found


def late(seconds: float) -> Problem:
    """Return the problem of a server that is just too slow.

    Parameters
    ----------
    seconds
        How long it was waited for.
    """
    return Problem(
        "timeout",
        f"Your server was not ready after {round(seconds)} seconds.",
        "Try again: images and volumes that are there by now make it faster. " + ADMIN,
    )


def _of_warning(event: Mapping[str, Any]) -> Problem | None:
    message = event.get("message") or ""
    pulled = re.match(r'Failed to pull image "(.+?)": (.*)', message, re.DOTALL)
    if pulled:
        return _of_image(pulled[1], {"message": pulled[2]})
    known = _in_message(message)
    if known is not None:
        return known
    if event.get("reason") in {"FailedMount", "FailedAttachVolume"}:
        missing = re.search(r'(secret|configmap) "?([\w.-]+)"? not found', message)
        what = f"The {missing[1]} {missing[2]} is" if missing else "A volume of your server is"
        return Problem(
            "settings" if missing else "volume",
            f"{what} not there.",
            "Wait a minute and try again. " + ADMIN + _quoted(message),
        )
    return None


def _containers(status: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for kind in ("initContainerStatuses", "containerStatuses"):
        yield from status.get(kind) or ()


def _of_container(container: Mapping[str, Any]) -> Problem | None:
    state, last = container.get("state") or {}, container.get("lastState") or {}
    waiting = state.get("waiting") or {}
    if waiting.get("reason") in _PULLING | _NO_IMAGE:
        return _of_image(container.get("image", ""), waiting)
    if waiting.get("reason") in _SETTINGS:
        return Problem(
            "settings",
            "Something that your server needs is missing.",
            "Ask an administrator. " + _quoted(waiting.get("message", "")),
            final=True,
            status=500,
        )
    ended = state.get("terminated") or last.get("terminated")
    if ended and ended.get("exitCode"):
        return _of_end(container.get("name", ""), ended)
    return None


def _of_image(image: str, waiting: Mapping[str, Any]) -> Problem:
    text = waiting.get("message") or ""
    why, final = "it cannot be fetched", waiting.get("reason") in _NO_IMAGE
    for pattern, words, hopeless in _IN_PULLS:
        if re.search(pattern, text, re.IGNORECASE):
            why, final = words, hopeless
            break
    return Problem(
        "image",
        f"The image {image} cannot be used: {why}.",
        "Choose another image, or correct its name. " + ADMIN + _quoted(text),
        final=final,
        status=500,
    )


def _of_end(name: str, ended: Mapping[str, Any]) -> Problem:
    if ended.get("reason") == "OOMKilled":
        return Problem(
            "memory",
            "Your server used up its memory while it started.",
            "Choose a profile with more memory.",
            final=True,
        )
    code = ended.get("exitCode")
    return Problem(
        "crash",
        f"Your server ended while it started (container {name}, exit code {code}).",
        "Try again once. " + ADMIN + _quoted(ended.get("message", "")),
        final=True,
        status=500,
    )


def _in_message(text: str) -> Problem | None:
    for pattern, problem in _IN_MESSAGES:
        if re.search(pattern, text):
            return Problem(
                problem.reason,
                problem.message,
                problem.advice + _quoted(text),
                final=problem.final,
                status=problem.status,
            )
    return None


def _quoted(text: str) -> str:
    """Return Kubernetes' own words, short enough for a page."""
    words = " ".join(text.split())
    if not words:
        return ""
    return f" (Kubernetes says: {words[:400]}{' ...' if len(words) > 400 else ''})"

"""Why a server does not start, to the person who waits for it: a sentence, and what to do about it.

Each is counted on the hub's own ``/hub/metrics``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter

from geodes_datalab.hub import troubles
from geodes_datalab.hub.troubles import Trouble

SPAWN_FAILURES = Counter(
    "geodes_datalab_spawn_failures",
    "Servers that did not start, by reason",
    ["reason"],
)
"""Exported as ``geodes_datalab_spawn_failures_total``."""

REASONS = (
    "cluster",
    "crash",
    "image",
    "memory",
    "quota",
    "refused",
    "rights",
    "security",
    "settings",
    "timeout",
    "unschedulable",
    "volume",
)
"""Every reason there is; all are exported from the start, so that a first failure shows."""

for _reason in REASONS:
    SPAWN_FAILURES.labels(reason=_reason)

ADMIN = "If it stays like this, show this message to an administrator."


@dataclass(frozen=True)
class Problem:
    """What keeps a server from running."""

    reason: str
    """Label of the metric, one of `REASONS`."""
    message: str
    """What happened."""
    advice: str
    """What to do."""
    final: bool = False
    """Waiting will not help."""
    status: int = 503
    """HTTP status of the page that says it."""


WORDS: Mapping[str, Problem] = {
    "gpu": Problem(
        "unschedulable",
        "No machine has a free GPU.",
        "Try again later, or choose a profile without a GPU.",
    ),
    "claim": Problem(
        "volume",
        "The volume of your home or of shared data is not ready.",
        "Wait a minute and try again. " + ADMIN,
    ),
    "room": Problem(
        "unschedulable",
        "No machine has enough free room for this server.",
        "Choose a smaller profile, stop servers and clusters that you no longer need, or try "
        "again later.",
    ),
    "fit": Problem(
        "unschedulable",
        "No machine of this datalab fits what was chosen.",
        "Choose another profile. Administrators: compare node labels and taints with the "
        "profile's nodeSelector and tolerations.",
    ),
    "attached": Problem(
        "volume",
        "Your home is still attached to another machine.",
        "It is released within minutes after your last server ended: stop servers of yours that "
        "still run, wait, try again. Administrators: look for a lost node, or use "
        "ReadWriteMany homes.",
    ),
    "quota": Problem(
        "quota",
        "The datalab's quota in this cluster is used up.",
        "Choose a smaller profile, or wait until others stop their servers. Administrators: "
        "raise the ResourceQuota of the namespace.",
    ),
    "security": Problem(
        "security",
        "The cluster refuses this server: it breaks the security rules of its namespace.",
        "Administrators: remove what the message names from the settings of user pods (volumes, "
        "containers, extraPodConfig).",
        status=500,
    ),
    "limits": Problem(
        "quota",
        "This server is larger than the cluster lets one server be.",
        "Choose a smaller profile. Administrators: compare it with the namespace's LimitRange.",
    ),
    "rights": Problem(
        "rights",
        "The hub may not create your server.",
        "Administrators: compare the hub's Role with the chart's.",
        status=500,
    ),
    "description": Problem(
        "settings",
        "The cluster cannot read the description of this server.",
        "Administrators: correct the settings of user pods.",
        status=500,
    ),
    "api": Problem("cluster", "The cluster's own API does not answer as it should.", ADMIN),
    "image": Problem(
        "image",
        "The image {what} cannot be used: {why}.",
        "Choose another image, or correct its name. " + ADMIN,
        status=500,
    ),
    "container": Problem(
        "settings",
        "Something that your server needs is missing.",
        "Ask an administrator.",
        status=500,
    ),
    "absent": Problem(
        "settings", "The {what} is not there.", "Wait a minute and try again. " + ADMIN
    ),
    "mount": Problem(
        "volume", "A volume of your server is not there.", "Wait a minute and try again. " + ADMIN
    ),
    "memory": Problem(
        "memory",
        "Your server used up its memory while it started.",
        "Choose a profile with more memory.",
    ),
    "ended": Problem(
        "crash",
        "Your server ended while it started (container {what}, exit code {code}).",
        "Try again once. " + ADMIN,
        status=500,
    ),
    "evicted": Problem(
        "crash", "The machine ran out of room and ended your server.", "Start it again. " + ADMIN
    ),
    "node": Problem(
        "crash", "The machine that your server was to run on went away.", "Start it again. " + ADMIN
    ),
    "failed": Problem(
        "crash", "Your server ended while it started.", "Try again once. " + ADMIN, status=500
    ),
}
"""What is said about each kind of trouble."""


def of_refusal(status: int, body: str | bytes | None) -> Problem:
    """Return why the API server refused a pod or a claim.

    Parameters
    ----------
    status, body
        As for `geodes_datalab.hub.troubles.of_refusal`.

    Examples
    --------
    >>> of_refusal(403, "pods is forbidden: exceeded quota: small").reason
    'quota'
    """
    return _said(troubles.of_refusal(status, body))


def of_pod(pod: Mapping[str, Any]) -> Problem | None:
    """Return what a pod's status says is wrong, or None.

    Parameters
    ----------
    pod
        As Kubernetes' JSON.
    """
    result = troubles.of_pod(pod)
    if result is not None and result.kind != "starting":
        return _said(result)
    before = troubles.lost(pod)  # a server that runs again ended badly all the same
    return None if before is None else _said(before[0])


def of_events(events: Iterable[Mapping[str, Any]]) -> Problem | None:
    """Return what the latest warning about a pod says is wrong, or None.

    Parameters
    ----------
    events
        Events of one pod, oldest first, as Kubernetes' JSON.
    """
    result = troubles.of_events(events)
    return None if result is None else _said(result)


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


def _said(trouble: Trouble) -> Problem:
    word = WORDS[trouble.kind]
    message = word.message.format(what=trouble.what, why=trouble.why, code=trouble.code)
    advice = word.advice + _quoted(trouble.said)
    return Problem(word.reason, message, advice, final=trouble.final, status=word.status)


def _quoted(text: str) -> str:
    """Return Kubernetes' own words, short enough for a page."""
    words = " ".join(text.split())
    if not words:
        return ""
    return f" (Kubernetes says: {words[:400]}{' ...' if len(words) > 400 else ''})"

"""Why a server does not start, to the person who waits for it: a sentence, and what to do about it.

Each is counted on the hub's own ``/hub/metrics``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import Counter

from geodes_datalab.hub import troubles
from geodes_datalab.hub.problems import ADMIN, LATE, LATE_ADVICE, SAYS, WORDS, Problem
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
        LATE.format(seconds=round(seconds)),
        f"{LATE_ADVICE} {ADMIN}",
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
    return f" ({SAYS} {words[:400]}{' ...' if len(words) > 400 else ''})"

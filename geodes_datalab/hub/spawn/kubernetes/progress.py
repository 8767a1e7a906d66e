"""What happens while a server starts, in words for the progress page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geodes_datalab.hub.messages import EVENTS
from geodes_datalab.hub.problems import TRYING
from geodes_datalab.hub.spawn.kubernetes import failures


def words(event: Mapping[str, Any]) -> str:
    """Return an event in words.

    Parameters
    ----------
    event
        As Kubernetes' JSON.

    Examples
    --------
    >>> words({"type": "Normal", "reason": "Pulled", "message": "Container image ..."})
    'The image is there.'
    """
    problem = failures.of_events([event])
    if problem is not None:
        return f"{problem.message} {problem.advice} {TRYING}"
    reason, message = event.get("reason") or "", event.get("message") or ""
    if message.startswith("Error: "):  # a summary of what the event before it said
        reason = "BackOff"
    return EVENTS.get(reason) or message or reason

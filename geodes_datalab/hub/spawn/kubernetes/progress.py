"""What happens while a server starts, in words for the progress page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geodes_datalab.hub.spawn.kubernetes import failures

_WORDS = {
    "Scheduled": "A machine was found for your server.",
    "Pulling": "The image is being fetched; the first time on a machine this takes minutes.",
    "Pulled": "The image is there.",
    "Created": "The server is being made.",
    "Started": "The server has started.",
    "SuccessfulAttachVolume": "Your home is attached.",
    "TriggeredScaleUp": "No machine is free: a new one is being started, which takes minutes.",
    "NotTriggerScaleUp": "No machine is free, and no further one can be started.",
    "Killing": "A server of yours is being stopped first.",
    "Preempting": "Room is being made for your server.",
    "BackOff": "The last step failed and is tried again.",
}


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
        return f"{problem.message} {problem.advice} Kubernetes goes on trying."
    reason, message = event.get("reason") or "", event.get("message") or ""
    if message.startswith("Error: "):  # a summary of what the event before it said
        reason = "BackOff"
    return _WORDS.get(reason) or message or reason

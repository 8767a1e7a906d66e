"""Numbers about starts of servers, on the hub's own ``/hub/metrics``."""

from __future__ import annotations

from prometheus_client import Counter

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

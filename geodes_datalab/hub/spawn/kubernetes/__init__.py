"""User servers as pods: what KubeSpawner's settings alone cannot do.

``choices``
    who is offered which profile, and what happens to a request for anything else
``failures``
    why a pod does not start, in words
``contexts``
    what makes every pod safe, set last
``spawner``
    the spawner that uses them
"""

from __future__ import annotations

from geodes_datalab.hub.spawn.kubernetes.spawner import DatalabKubeSpawner

__all__ = ["DatalabKubeSpawner"]

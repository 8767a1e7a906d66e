"""A real Kubernetes for the tests, in network namespaces of its own: no Docker, no registry.

``Cluster().up()`` builds what is missing, starts it and waits until it can be used; ``down()``
leaves nothing behind. See README.md one folder up.
"""

from __future__ import annotations

from .cluster import Cluster
from .errors import ClusterError
from .needs import why_not
from .outside import World
from .places import Places

__all__ = ["Cluster", "ClusterError", "Places", "World", "why_not"]

"""The users of the test cluster: the installed chart, people, probes and tables."""

from __future__ import annotations

from .release import COMPONENTS, IMAGES, Release, is_ready, of_cluster
from .tables import Table

__all__ = ["COMPONENTS", "IMAGES", "Release", "Table", "is_ready", "of_cluster"]

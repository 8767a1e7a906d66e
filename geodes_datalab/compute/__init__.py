"""Dask clusters: one verb for Dask Gateway and for this machine.

>>> from geodes_datalab import compute
>>> "open_cluster" in dir(compute)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geodes_datalab._lazy import attach

_PLACES = {
    "Cluster": "cluster",
    "ClusterInfo": "listing",
    "Clusters": "listing",
    "clusters": "listing",
    "open_cluster": "opening",
}

if TYPE_CHECKING:
    from geodes_datalab.compute.cluster import Cluster
    from geodes_datalab.compute.listing import ClusterInfo, Clusters, clusters

__all__ = ["Cluster", "ClusterInfo", "Clusters", "clusters", "open_cluster"]

__getattr__, __dir__ = attach(__name__, _PLACES)

"""Dask clusters: one verb for Dask Gateway and for this machine.

>>> from geodes_datalab import compute
>>> "open_cluster" in dir(compute)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

_PLACES = {
    "Cluster": "geodes_datalab.compute.cluster",
    "ClusterInfo": "geodes_datalab.compute.listing",
    "Clusters": "geodes_datalab.compute.listing",
    "clusters": "geodes_datalab.compute.listing",
    "open_cluster": "geodes_datalab.compute.cluster",
}

if TYPE_CHECKING:
    from geodes_datalab.compute.cluster import Cluster, open_cluster
    from geodes_datalab.compute.listing import ClusterInfo, Clusters, clusters

__all__ = ["Cluster", "ClusterInfo", "Clusters", "clusters", "open_cluster"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

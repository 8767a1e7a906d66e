"""geodes_datalab: search, look, load, scale and compute on the GEODES catalogue.

The verbs below are all that most notebooks need; each is imported when it is first used, so that
importing the package costs next to nothing.

>>> import geodes_datalab as gd
>>> "search" in dir(gd)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_VERBS = {
    "clusters": "geodes_datalab.compute",
    "collections": "geodes_datalab.stac",
    "download": "geodes_datalab.stac",
    "explore": "geodes_datalab.maps",
    "load": "geodes_datalab.cubes",
    "login": "geodes_datalab.stac",
    "open_cluster": "geodes_datalab.compute",
    "search": "geodes_datalab.stac",
    "show": "geodes_datalab.maps",
    "status": "geodes_datalab.stac",
}

if TYPE_CHECKING:
    from geodes_datalab.compute import clusters, open_cluster
    from geodes_datalab.cubes import load
    from geodes_datalab.maps import explore, show
    from geodes_datalab.stac import collections, download, login, search, status

__all__ = [
    "clusters",
    "collections",
    "download",
    "explore",
    "load",
    "login",
    "open_cluster",
    "search",
    "show",
    "status",
]


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_VERBS[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_VERBS})

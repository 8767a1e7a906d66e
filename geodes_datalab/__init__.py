"""geodes_datalab: search, look, load, scale and compute on the GEODES catalogue.

The verbs below are all that most notebooks need; each is imported when it is first used, so that
importing the package costs next to nothing.

>>> import geodes_datalab as gd
>>> "search" in dir(gd)
True
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from geodes_datalab._lazy import attach

__version__ = "0.1.0"

_VERBS = {
    "animate": "maps",
    "clusters": "compute",
    "collections": "stac",
    "download": "stac",
    "explore": "maps",
    "language": "config",
    "load": "cubes",
    "login": "stac",
    "logout": "stac",
    "open": "saving",
    "open_cluster": "compute",
    "publish": "results",
    "save": "saving",
    "search": "stac",
    "show": "maps",
    "status": "stac",
    "subset": "cubes",
    "unpublish": "results",
}

_EXTRAS = {
    "compute": "cluster",
    "cubes": "cubes",
    "maps": "maps",
    "results": "results",
    "saving": "cubes",
}
"""What brings the packages that verbs need beyond the base."""

if TYPE_CHECKING:
    from geodes_datalab.compute import clusters, open_cluster
    from geodes_datalab.config import language
    from geodes_datalab.cubes import load, subset
    from geodes_datalab.maps import animate, explore, show
    from geodes_datalab.results import publish, unpublish
    from geodes_datalab.saving import open, save  # noqa: A004 - a verb
    from geodes_datalab.stac import collections, download, login, logout, search, status

__all__ = [
    "animate",
    "clusters",
    "collections",
    "download",
    "explore",
    "language",
    "load",
    "login",
    "logout",
    "open",
    "open_cluster",
    "publish",
    "save",
    "search",
    "show",
    "status",
    "subset",
    "unpublish",
]

__getattr__, __dir__ = attach(__name__, _VERBS, _EXTRAS)

if "IPython" in sys.modules:
    from geodes_datalab import _tracebacks

    _tracebacks.watch()

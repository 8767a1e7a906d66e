"""The hub: JupyterHub and Dask Gateway, set up from one model of settings by one function.

A ``jupyterhub_config.py`` is three lines, and so is its Dask Gateway twin (see ``files/``)::

    from geodes_datalab.hub import apply, load

    apply(load(), get_config())

Runs without the Earth-observation stack; JupyterHub and Dask Gateway are imported only by the
modules that they load themselves. Names are lazy: parts of it run where there is no hub.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geodes_datalab._lazy import attach

_PLACES = {
    "Settings": ".settings",
    "apply": "configure",
    "apply_gateway": "configure",
    "load": ".settings",
}

if TYPE_CHECKING:
    from geodes_datalab.hub.configure import apply, apply_gateway
    from geodes_datalab.settings import Settings, load

__all__ = ["Settings", "apply", "apply_gateway", "load"]

__getattr__, __dir__ = attach(__name__, _PLACES)

"""The hub: one settings model for local mode and the Helm chart, applied by one function.

A ``jupyterhub_config.py`` is three lines, and so is its Dask Gateway twin (see ``files/``)::

    from geodes_datalab.hub import apply, load

    apply(load(), get_config())

Runs without the Earth-observation stack; JupyterHub and Dask Gateway are imported only by the
modules that they load themselves. Names are lazy: what user servers run from here (the start
command, the activity extension) comes without the hub's own libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geodes_datalab._lazy import attach

_PLACES = {
    "Settings": "schema",
    "apply": "configure",
    "apply_gateway": "configure",
    "load": "schema",
}

if TYPE_CHECKING:
    from geodes_datalab.hub.configure import apply, apply_gateway
    from geodes_datalab.hub.schema import Settings, load

__all__ = ["Settings", "apply", "apply_gateway", "load"]

__getattr__, __dir__ = attach(__name__, _PLACES)

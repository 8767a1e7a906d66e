"""The hub: one settings model for local mode and the Helm chart, applied by one function.

A ``jupyterhub_config.py`` is three lines, and so is its Dask Gateway twin (see ``files/``)::

    from geodes_datalab.hub import apply, load

    apply(load(), get_config())

Runs without the Earth-observation stack; JupyterHub and Dask Gateway are imported only by the
modules that they load themselves.
"""

from __future__ import annotations

from geodes_datalab.hub.apply import apply
from geodes_datalab.hub.gateway import apply as apply_gateway
from geodes_datalab.hub.schema import Settings, load

__all__ = ["Settings", "apply", "apply_gateway", "load"]

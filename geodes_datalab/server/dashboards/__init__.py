"""Extension of user servers: dashboards of clusters on an HPC centre, for the server's owner alone.

Their gateway is reached by HTTPS over a network, which jupyter-server-proxy does not speak to hosts
that are named by host and port. The path ``/proxy/hpda/clusters/...`` of the user's server leads to that
gateway's dashboards, and to nothing else there.

Enabled by the Jupyter configuration folder ``server/lab``; does nothing where no centre is named.
"""

from __future__ import annotations

import os
from typing import Any

ADDRESS = "DASK_GATEWAY_HPDA__ADDRESS"
"""Variable with the gateway's address, as user servers reach it."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "geodes_datalab.server.dashboards"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Add the path, where a centre is named."""
    address = os.environ.get(ADDRESS)
    if address:
        from geodes_datalab.server.dashboards.handler import handlers

        serverapp.web_app.add_handlers(".*$", handlers(serverapp.web_app.settings, address))

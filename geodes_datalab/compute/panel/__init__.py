"""Extension of user servers: the Lab's Dask panel makes clusters on an HPC centre too.

The panel knows one kind of cluster, and starts it within one request. A job may wait in a queue for
hours: this extension submits the cluster, tells the browser what it waits for, cancels it on demand, and
hands it to the panel when it runs. The button is a module for the browser in ``server/lab/data``.

Enabled by the Jupyter configuration folder ``server/lab``; does nothing where no centre is named.
"""

from __future__ import annotations

import os
from typing import Any

ADDRESS = "DASK_GATEWAY_HPDA__ADDRESS"
"""Variable with the address of the centre's gateway."""

TOLD = "geodesDatalabHpda"
"""What the browser finds in the Lab's page where there is a centre."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "geodes_datalab.compute.panel"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Add the addresses for the browser, where a centre is named and the panel is installed."""
    from geodes_datalab._optional import have

    if not os.environ.get(ADDRESS) or not have("dask_labextension"):
        return
    from geodes_datalab.compute.panel.handlers import handlers
    from geodes_datalab.compute.panel.launches import Launches

    settings = serverapp.web_app.settings
    settings.setdefault("page_config_data", {})[TOLD] = True
    serverapp.web_app.add_handlers(".*$", handlers(settings["base_url"], Launches()))

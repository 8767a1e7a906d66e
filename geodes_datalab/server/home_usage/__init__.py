"""Extension of user servers: how full the home is, in the Lab's status bar.

A volume of the home's own is asked, which costs nothing. Where many homes share a volume, the files are
measured in the background: when somebody looks, seldom, and slowly. What the browser shows is a module in
``server/lab/data``.

Enabled by the Jupyter configuration folder ``server/lab``. Needs nothing but Jupyter Server.
"""

from __future__ import annotations

import os
from typing import Any

VARIABLE = "GEODES_DATALAB_HOME_USAGE"
"""Environment variable: what the hub tells about the home, as JSON; ``off``: nothing is shown."""

TOLD = "geodesDatalabHome"
"""What the browser finds in the Lab's page where usage is shown."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "geodes_datalab.server.home_usage"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Add the address for the browser, where usage is shown."""
    if os.environ.get(VARIABLE) == "off":
        return
    from geodes_datalab.server.home_usage.handler import handlers
    from geodes_datalab.server.home_usage.look import HomeLook

    settings = serverapp.web_app.settings
    settings.setdefault("page_config_data", {})[TOLD] = True
    look = HomeLook.from_environment(os.environ)
    serverapp.web_app.add_handlers(".*$", handlers(settings["base_url"], look))

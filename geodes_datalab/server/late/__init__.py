"""Extension of user servers: loads others when the browser asks something of them for the first time.

A server is there for every user who is logged in, and most of them never open an HDF5 file, a dashboard
of Voila, or a cluster in Dask's panel. What these extensions import takes 50 MB of each server. They are
switched off in ``server/lab``, and loaded here by the first request to one of their addresses. One that
users switch on in their own settings is loaded at the start, as ever.

Enabled by the Jupyter configuration folder ``server/lab``. Needs nothing but Jupyter Server.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

EXTENSIONS = {
    "dask_labextension": "dask/",
    "jupyterlab_h5web": "h5web/",
    "voila.server_extension": "voila(?:/|$)",
}
"""Where the addresses of each extension begin, as a pattern below the address of the server."""

QUIET = {"dask_labextension": "dask/clusters/?"}
"""What the Lab asks all the time: until the extension is there, the answer is an empty list."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "geodes_datalab.server.late"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Watch the addresses of those that are installed, and switched off."""
    from geodes_datalab.server.late.watch import rules

    known = serverapp.extension_manager.extensions
    for name, pattern in EXTENSIONS.items():
        there = find_spec(name.partition(".")[0]) is not None
        if there and not (name in known and known[name].enabled):
            found = rules(serverapp, name, pattern, QUIET.get(name))
            serverapp.web_app.add_handlers(".*$", found)

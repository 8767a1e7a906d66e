"""Extension of user servers: loads others when the browser asks something of them for the first time.

A server is there for every user who is logged in, and most of them never open an HDF5 file, a dashboard
of Voila, a cluster in Dask's panel, or EODAG's. What these extensions import takes 130 MB of each
server. They are switched off in ``server/lab``, and loaded here by the first request to one of their addresses. One that
users switch on in their own settings is loaded at the start, as ever.

Enabled by the Jupyter configuration folder ``server/lab``. Needs nothing but Jupyter Server.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, NamedTuple


class Late(NamedTuple):
    """An extension that is loaded when it is used. Addresses are patterns below that of the server."""

    module: str
    addresses: str
    """Where its addresses begin."""
    quiet: str = ""
    """What the Lab asks all the time: until it is loaded, the answer is an empty list."""
    aside: str = ""
    """What the Lab asks when it opens: until it is loaded, a process aside answers by its code."""
    unless: str = ""
    """A file in the server's folder that the extension sets variables from, which kernels inherit: where it
    is, the extension is loaded as soon as it is asked anything."""


EXTENSIONS = (
    Late("dask_labextension", "dask/", quiet="dask/clusters/?"),
    Late(
        "eodag_labextension",
        "eodag/",
        aside="eodag/(?:guess-collection|info|providers)",
        unless=".env",
    ),
    Late("jupyterlab_h5web", "h5web/"),
    Late("voila.server_extension", "voila(?:/|$)"),
)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "geodes_datalab.server.late"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Watch the addresses of those that are installed, and switched off."""
    from geodes_datalab.server.late.watch import rules

    known = serverapp.extension_manager.extensions
    for late in EXTENSIONS:
        there = find_spec(late.module.partition(".")[0]) is not None
        if there and not (late.module in known and known[late.module].enabled):
            serverapp.web_app.add_handlers(".*$", rules(serverapp, late))

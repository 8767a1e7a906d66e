"""Extension of user servers: work counts as activity, so that idle culling spares it.

Jupyter Server counts messages. A cell that computes for an hour without a word sends none, nor does
a Dask cluster that works off what was submitted to it, nor a job in a terminal whose page is closed.
This extension looks at all of them, and tells the server that it is in use while one goes on.

Enabled by the Jupyter configuration folder ``server/lab``. Needs nothing but Jupyter Server.
"""

from __future__ import annotations

from typing import Any

from geodes_datalab.server.activity.watch import Watch


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "geodes_datalab.server.activity"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Start watching, for as long as the server runs."""
    from tornado.ioloop import IOLoop, PeriodicCallback

    watch = Watch(serverapp)
    IOLoop.current().add_callback(
        watch.mark
    )  # when all extensions, and so the terminals, are there
    looks = PeriodicCallback(watch.look, watch.seconds * 1000)
    serverapp.web_app.settings["geodes_datalab_activity"] = looks  # else it is collected
    looks.start()

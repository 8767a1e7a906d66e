"""Read by Jupyter: which formats notebooks are exported as in a terminal."""

from __future__ import annotations

from geodes_datalab.server import export
from geodes_datalab.server.export.plainly import tell_plainly

export.configure(get_config())  # type: ignore[name-defined]  # noqa: F821 - Jupyter brings it
tell_plainly()

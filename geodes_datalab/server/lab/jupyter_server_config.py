"""Read by Jupyter: which formats notebooks are exported as."""

from __future__ import annotations

from geodes_datalab.server import export

export.configure(get_config())  # type: ignore[name-defined]  # noqa: F821 - Jupyter brings it

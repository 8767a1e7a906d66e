# ruff: noqa: F821, INP001
from __future__ import annotations

from geodes_datalab.hub import apply_gateway, load

apply_gateway(load(), get_config())  # type: ignore[name-defined]  # traitlets puts it here

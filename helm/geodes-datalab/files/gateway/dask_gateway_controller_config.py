# ruff: noqa: F821, INP001
from __future__ import annotations

from geodes_datalab.hub import load
from geodes_datalab.hub.gateway.kubernetes import apply_controller

apply_controller(load(), get_config())  # type: ignore[name-defined]  # traitlets puts it here

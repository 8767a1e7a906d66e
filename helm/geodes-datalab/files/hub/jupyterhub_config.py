# ruff: noqa: F821, INP001
from __future__ import annotations

from geodes_datalab.hub import apply, load

apply(load(), get_config())  # type: ignore[name-defined]  # traitlets puts it here

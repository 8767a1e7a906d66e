"""What this process knows of servers is forgotten between tests: the system gives ports of the dead to others."""

from __future__ import annotations

import sys

MEMORIES = {
    "archives": "_known", "alone": "_headers", "asking": "_final", "served": "_known",
}  # fmt: skip
"""Module of `geodes_datalab.cubes.archive` -> what it keeps by address."""


def forget_servers() -> None:
    """Forget directories, versions and places of files on servers, as a new process would not know them."""
    for module, memory in MEMORIES.items():
        loaded = sys.modules.get(f"geodes_datalab.cubes.archive.{module}")
        if loaded is not None:
            getattr(loaded, memory).clear()

"""Cubes: items in, a lazy xarray Dataset out.

`load` works in stages: `parse` (what the items' metadata tell), `plan` (grid, time steps, files),
one of `engines` (lazy arrays), `attributes` (CF). Pixels are read by `read`, in the process that needs
them, with the credentials of `share`; of archives on servers, by `archive`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geodes_datalab._lazy import attach

_NAMES = {
    "CHUNKS": "plan.arguments",
    "Finder": "plan.locate",
    "Locator": "plan.locate",
    "MissingMember": "plan.locate",
    "Tally": "archive.accounting",
    "counted": "archive.accounting",
    "load": "loading",
    "subset": "subsets",
}

if TYPE_CHECKING:
    from geodes_datalab.cubes.archive.accounting import Tally, counted
    from geodes_datalab.cubes.loading import load
    from geodes_datalab.cubes.plan.arguments import CHUNKS
    from geodes_datalab.cubes.plan.locate import Finder, Locator, MissingMember
    from geodes_datalab.cubes.subsets import subset

__all__ = [
    "CHUNKS",
    "Finder",
    "Locator",
    "MissingMember",
    "Tally",
    "counted",
    "load",
    "subset",
]

__getattr__, __dir__ = attach(__name__, _NAMES)

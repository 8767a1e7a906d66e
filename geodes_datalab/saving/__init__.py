"""Results leave the datalab: cubes become files that every tool reads, and files cubes again.

`save` works in stages: `naming` (which part of the cube goes into which file), `encoding` and `geotiff`
(what the formats can hold, and how), `staging` (lazy pixels come block by block, with a progress bar),
`geodes_datalab._whole` (a file is there as a whole, or not at all). `open` gives back what `save` was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geodes_datalab._lazy import attach

_NAMES = {"open": "opening", "save": "verb"}

if TYPE_CHECKING:
    from geodes_datalab.saving.opening import open  # noqa: A004 - the verb's name
    from geodes_datalab.saving.verb import save

__all__ = ["open", "save"]

__getattr__, __dir__ = attach(__name__, _NAMES)

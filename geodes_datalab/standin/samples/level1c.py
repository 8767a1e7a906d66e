"""One date as Sentinel-2's L1C delivers it: pixels, tile and names, whatever format they are packed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from geodes_datalab.standin.samples.grid import Grid
from geodes_datalab.standin.samples.scenes import Scene

ORBITS_PER_CYCLE = 143


@dataclass(frozen=True)
class Level1C:
    """The pixels of one date in the form that L1C delivers them."""

    scene: Scene
    grid: Grid
    """The 10 m grid."""
    tile: str
    """MGRS tile with its ``T``."""
    numbers: dict[str, Any]
    """Digital numbers (``uint16``) by band; 0 is nodata."""
    cloud: Any
    """True where a simulated cloud is (10 m)."""

    @property
    def name(self) -> str:
        """Product name, without ``.SAFE``."""
        baseline = self.scene.baseline.replace(".", "")
        produced = f"{self.scene.start[:8]}T174514"
        return (
            f"S2{self.scene.unit}_MSIL1C_{self.scene.start}_N{baseline}_R{self.scene.place.relative_orbit:03d}"
            f"_{self.tile}_{produced}"
        )

    @property
    def absolute_orbit(self) -> int:
        """A plausible orbit number: 143 orbits in ten days since a day in 2015."""
        day = np.datetime64(f"{self.scene.iso[:10]}") - np.datetime64("2015-06-23")
        return int(day.astype(int) * ORBITS_PER_CYCLE // 10 + self.scene.place.relative_orbit)

    @property
    def granule(self) -> str:
        """Folder of the tile below ``GRANULE``."""
        return f"L1C_{self.tile}_A{self.absolute_orbit:06d}_{self.scene.start}"

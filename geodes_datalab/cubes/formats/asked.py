"""What a user wants of a cube that is made of products opened one by one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import xarray as xr

from geodes_datalab.cubes.plan.making import Wish
from geodes_datalab.cubes.plan.model import GroupBy


class Asked(NamedTuple):
    """What the user said about the cube."""

    bands: tuple[str, ...] | None = None
    area: Any = None
    """Polygon in degrees; None for all."""
    crs: Any = None
    resolution: Any = None
    resampling: str | Mapping[str, str] = "nearest"
    groupby: GroupBy = "solar_day"
    folder: Any = None
    """Of downloads."""
    consent: bool = False
    """Whether provisional formats are welcome."""
    progress: bool | None = None

    @classmethod
    def of(
        cls,
        bands: tuple[str, ...] | None,
        wish: Wish,
        folder: Any,
        *,
        consent: bool,
        progress: bool | None,
    ) -> Asked:
        """Return what `load` was asked for."""
        return cls(
            bands, wish.area, wish.crs, wish.resolution, wish.resampling, wish.groupby, folder, consent,
            progress,
        )  # fmt: skip


class Opened(NamedTuple):
    """A product that was opened."""

    id: str
    start: datetime
    """Acquisition start, UTC without time zone."""
    values: xr.Dataset

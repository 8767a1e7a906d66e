"""What the numbers of a variable mean, in whichever words its attributes say it."""

from __future__ import annotations

from typing import Any, NamedTuple

import xarray as xr

from geodes_datalab.cubes.numbers import holdable
from geodes_datalab.ops.packing import CF, STORED, is_mask, offsets


class Meaning(NamedTuple):
    """Of stored numbers."""

    nodata: float | None
    """Number that means "missing"; None where none does."""
    scale: float
    offset: float | xr.Variable
    """One for all, or one for each date."""


def is_stored(band: xr.DataArray) -> bool:
    """Tell whether a variable's numbers are stored ones."""
    return band.dtype.kind in "iuf" and any(name in band.attrs for name in (*STORED, *CF))


def meaning(band: xr.DataArray) -> Meaning:
    """Return what a variable's numbers mean.

    Raises
    ------
    StoredOtherwise
        Their offsets were lost on the way.
    """
    if not is_stored(band):
        return Meaning(None, 1.0, 0.0)
    ours = any(name in band.attrs for name in STORED)
    mark = band.attrs.get("nodata" if ours else "_FillValue")
    nodata = holdable(None if mark is None else float(mark), band.dtype.name)
    if is_mask(band):
        return Meaning(nodata, 1.0, 0.0)
    if ours:
        return Meaning(nodata, float(band.attrs.get("scale", 1)), offsets(band))
    told: Any = band.attrs.get
    return Meaning(nodata, float(told("scale_factor", 1)), float(told("add_offset", 0)))

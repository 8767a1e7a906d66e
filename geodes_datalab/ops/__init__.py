"""Calculations on cubes: pure functions from xarray to xarray, lazy, that know no server; `compute` ends them.

Spectral indices, masks, composites, heights, and the basics of radar time series. Stored integers are safe
input everywhere: they are turned into physical values first.
"""

from __future__ import annotations

from geodes_datalab.ops.colours import true_colour
from geodes_datalab.ops.composites import best_pixel, count, mean, median, percentile
from geodes_datalab.ops.computing import compute
from geodes_datalab.ops.heights import to_vertical_datum
from geodes_datalab.ops.indices import (
    difference,
    evi,
    mndwi,
    nbr,
    ndmi,
    ndsi,
    ndvi,
    ndwi,
    savi,
)
from geodes_datalab.ops.masks import clear, cloud_mask, has_bits
from geodes_datalab.ops.packing import mask_nodata, to_physical
from geodes_datalab.ops.points import at
from geodes_datalab.ops.radar import despeckle, from_db, log_ratio, temporal_statistics, to_db
from geodes_datalab.ops.rectifying import rectify
from geodes_datalab.ops.zones import zonal

__all__ = [
    "at",
    "best_pixel",
    "clear",
    "cloud_mask",
    "compute",
    "count",
    "despeckle",
    "difference",
    "evi",
    "from_db",
    "has_bits",
    "log_ratio",
    "mask_nodata",
    "mean",
    "median",
    "mndwi",
    "nbr",
    "ndmi",
    "ndsi",
    "ndvi",
    "ndwi",
    "percentile",
    "rectify",
    "savi",
    "temporal_statistics",
    "to_db",
    "to_physical",
    "to_vertical_datum",
    "true_colour",
    "zonal",
]

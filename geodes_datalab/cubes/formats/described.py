"""Arrays of products, with what descriptions tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import assign_crs, xr_coords

from geodes_datalab.cubes import attributes
from geodes_datalab.stac.readers import Band


def about(band: Band, dtype: Any = None) -> dict[str, Any]:
    """Return the attributes of a band's physical values, or of its classes, which have a type.

    Examples
    --------
    >>> about(Band("H", units="m", datum="EGM2008", positive="up"))
    {'long_name': 'H', 'units': 'm', 'vertical_datum': 'EGM2008', 'positive': 'up'}
    """
    told = {
        "long_name": band.description or band.name, "units": band.units,
        "standard_name": band.standard_name, "vertical_datum": band.datum, "positive": band.positive,
    }  # fmt: skip
    classes = attributes.classes(band, dtype)
    if classes:
        del told["units"]
    return {**{name: value for name, value in told.items() if value}, **classes}


def on_grid(
    grid: GeoBox, variables: Mapping[str, Any], coords: Mapping[str, Any] | None = None
) -> xr.Dataset:
    """Put arrays onto a grid whose dimensions are called y and x, as on every other.

    Parameters
    ----------
    grid
        Of their pixels.
    variables
        Name -> dimensions, values and attributes, as `xarray.Dataset` takes them.
    coords
        Of other dimensions.
    """
    axes = dict(zip(("y", "x"), xr_coords(grid, always_yx=True).values(), strict=False))
    centres = {name: (name, np.asarray(axis.values)) for name, axis in axes.items()}
    return assign_crs(xr.Dataset(dict(variables), {**centres, **(coords or {})}), str(grid.crs))

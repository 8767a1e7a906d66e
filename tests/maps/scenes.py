"""Small cubes on a map, and what is seen of them."""

from __future__ import annotations

from typing import Any

import dask.array
import numpy as np
import odc.geo.xr
import xarray as xr
from odc.geo.geobox import GeoBox

GRID = GeoBox.from_bbox((600000, 4690000, 602000, 4691000), "EPSG:32719", resolution=50)
DATES = np.array(["2022-01-05T14:20", "2022-02-04T14:20", "2022-03-06T14:20"], "datetime64[ns]")


def dated(values: list[Any], *, name: str = "ndvi", **attrs: Any) -> xr.DataArray:
    """One value, or one array of pixels, for each date."""
    layers = [np.broadcast_to(np.asarray(value, "float32"), GRID.shape) for value in values]
    array = odc.geo.xr.wrap_xr(np.stack(layers), GRID, time=DATES[: len(values)])
    array.name = name
    array.attrs |= attrs
    return array


def coloured(**bands: list[Any]) -> xr.Dataset:
    """A cube of reflectance."""
    told = {"standard_name": "surface_bidirectional_reflectance", "units": "1"}
    length = {"blue": 0.49, "green": 0.56, "red": 0.665, "nir": 0.83}
    return xr.Dataset(
        {
            name: dated(values, name=name, wavelength=length[name], **told)
            for name, values in bands.items()
        }
    )


def lazy(array: xr.DataArray, read: list[int]) -> xr.DataArray:
    """The same, whose dates are read when they are wanted; which, is noted."""
    held = array.values

    def block(block_info: Any = None) -> Any:
        date = block_info[None]["chunk-location"][0]
        read.append(date)
        return held[date : date + 1]

    chunks = ((1,) * array.sizes["time"], *((size,) for size in array.shape[1:]))
    data = dask.array.map_blocks(block, chunks=chunks, dtype="float32", meta=np.empty((0, 0, 0), "float32"))  # fmt: skip
    return array.copy(data=data)


def middle(image: np.ndarray[Any, Any]) -> tuple[int, ...]:
    return tuple(int(v) for v in image[image.shape[0] // 2, image.shape[1] // 2])

"""Pixels of the sample products as rasterio alone reads them, to compare with what notebooks say."""

from __future__ import annotations

from typing import Any

import numpy as np
import rasterio
import xarray as xr
from rasterio.windows import Window

from geodes_datalab.standin.samples import Product, SampleSet


def ndvi_of(product: Product, samples: SampleSet, grid: xr.DataArray) -> Any:
    """Read a Theia product with rasterio alone; NaN under clouds and where it has no data."""
    archive = f"/vsizip/{samples.root / str(product.files[0].path)}/{product.identifier}"
    name = f"{archive}/{product.identifier}"
    red, nir = (pixels(f"{name}_FRE_{band}.tif", grid, fill=-10000) for band in ("B4", "B8"))
    clouds = pixels(f"{archive}/MASKS/{product.identifier}_CLM_R1.tif", grid, fill=255) != 0
    missing = (red == -10000) | (nir == -10000) | clouds
    return np.where(missing, np.nan, (nir - red) / np.where(nir + red == 0, 1, nir + red))


def pixels(path: str, grid: xr.DataArray | xr.Dataset, *, fill: float, blocks: int = 1) -> Any:
    """Read the pixels below a grid; `blocks` of them side by side make one cell of it."""
    with rasterio.open(path) as image:
        size = image.transform.a
        left = float(grid["x"][0]) - size * blocks / 2
        top = float(grid["y"][0]) + size * blocks / 2
        window = Window(
            col_off=round((left - image.transform.c) / size),
            row_off=round((image.transform.f - top) / size),
            width=grid.sizes["x"] * blocks,
            height=grid.sizes["y"] * blocks,
        )
        return image.read(1, window=window, boundless=True, fill_value=fill).astype("float64")

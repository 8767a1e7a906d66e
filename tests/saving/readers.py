"""What other programs read of a saved cube, with nothing of ours: physical values (..., y, x), float64."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rioxarray
import xarray as xr

SUFFIXES = {"cog": ".tif", "geotiff": ".tif", "netcdf": ".nc", "zarr": ".zarr"}


def gdal_name(path: Path, variable: str) -> str:
    """Return what GDAL calls a variable of a file."""
    return {".nc": f'netcdf:"{path}":{variable}', ".zarr": f'ZARR:"{path}":/{variable}'}.get(
        path.suffix, str(path)
    )


def by_gdal(path: Path, variable: str) -> np.ndarray:
    """Read as GDAL tells: no data, scale and offset of each band."""
    with rasterio.open(gdal_name(path, variable)) as file:
        bands = range(1, file.count + 1)
        if path.suffix == ".tif":
            bands = [one for one in bands if file.tags(one)["variable"] == variable]
        pixels = [physical(file, one) for one in bands]
    return np.stack(pixels)


def physical(file: Any, band: int) -> np.ndarray:
    stored = file.read(band)
    values = stored.astype("float64") * file.scales[band - 1] + file.offsets[band - 1]
    nodata = file.nodatavals[band - 1]
    if nodata is not None and not np.isnan(nodata):
        values[stored == nodata] = np.nan
    return values


def by_xarray(path: Path, variable: str) -> np.ndarray:
    """Read by the plain calls of xarray."""
    opened = xr.open_zarr(path) if path.suffix == ".zarr" else xr.open_dataset(path)
    with opened:
        return opened[variable].values.astype("float64")


def by_rioxarray(path: Path, variable: str) -> np.ndarray:
    """Read by rioxarray, which is asked to mask and scale."""
    with warnings.catch_warnings():  # it says so of bands whose offsets differ, and minds them
        warnings.filterwarnings("ignore", "(Offsets|Scales) differ across bands")
        opened = rioxarray.open_rasterio(gdal_name(path, variable), mask_and_scale=True)
    found = opened[variable] if isinstance(opened, xr.Dataset) else opened
    if path.suffix == ".tif":
        with rasterio.open(path) as file:
            wanted = [file.tags(one)["variable"] == variable for one in file.indexes]
        found = found[wanted]
    return found.values.astype("float64")


READERS = {"gdal": by_gdal, "xarray": by_xarray, "rioxarray": by_rioxarray}


def readers(kind: str) -> list[str]:
    """Return who reads a format; xarray alone reads no GeoTIFF."""
    return [name for name in READERS if name != "xarray" or kind in ("netcdf", "zarr")]

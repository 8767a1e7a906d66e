"""Spectral indices, lazy and numerically safe.

Each function takes a cube, whose bands it finds by their common names, or the bands themselves.
Stored integers are turned into reflectance first (`geodes_datalab.ops.to_physical`): differences of
unsigned integers never wrap around. Missing pixels, and those where a denominator is zero, are NaN.
The result is float32, with the coordinates and the grid of its input.
"""

from __future__ import annotations

import xarray as xr

from geodes_datalab.ops.packing import physical
from geodes_datalab.ops.selecting import band

Bands = xr.DataArray | None


def ndvi(data: xr.Dataset | None = None, *, red: Bands = None, nir: Bands = None) -> xr.DataArray:
    """Return the Normalized Difference Vegetation Index, ``(nir - red) / (nir + red)``.

    References
    ----------
    Rouse et al. (1974), Monitoring vegetation systems in the Great Plains with ERTS, NASA SP-351.

    Examples
    --------
    >>> stored = xr.Dataset({"red": ("x", [3, 0]), "nir": ("x", [1, 0])})
    >>> cube = stored.astype("uint16")
    >>> ndvi(cube).values
    array([-0.5,  nan], dtype=float32)
    """
    result = difference(band(data, "nir", nir), band(data, "red", red))
    result.attrs["standard_name"] = "normalized_difference_vegetation_index"
    return _named(result, "ndvi", "Normalized Difference Vegetation Index")


def ndwi(data: xr.Dataset | None = None, *, green: Bands = None, nir: Bands = None) -> xr.DataArray:
    """Return the Normalized Difference Water Index of open water, ``(green - nir) / (green + nir)``.

    References
    ----------
    McFeeters (1996), The use of the Normalized Difference Water Index (NDWI) in the delineation of
    open water features, Int. J. Remote Sensing 17(7). Gao's index of 1996 is `ndmi`.
    """
    result = difference(band(data, "green", green), band(data, "nir", nir))
    return _named(result, "ndwi", "Normalized Difference Water Index (McFeeters)")


def mndwi(
    data: xr.Dataset | None = None, *, green: Bands = None, swir1: Bands = None
) -> xr.DataArray:
    """Return the Modified NDWI, ``(green - swir1) / (green + swir1)``.

    References
    ----------
    Xu (2006), Modification of normalised difference water index (NDWI) to enhance open water
    features in remotely sensed imagery, Int. J. Remote Sensing 27(14).
    """
    result = difference(band(data, "green", green), band(data, "swir1", swir1))
    return _named(result, "mndwi", "Modified Normalized Difference Water Index")


def ndsi(
    data: xr.Dataset | None = None, *, green: Bands = None, swir1: Bands = None
) -> xr.DataArray:
    """Return the Normalized Difference Snow Index, ``(green - swir1) / (green + swir1)``.

    The same formula as `mndwi`; over land, values above 0.4 point to snow.

    References
    ----------
    Hall, Riggs, Salomonson (1995), Development of methods for mapping global snow cover using MODIS
    data, Remote Sensing of Environment 54(2).
    """
    result = difference(band(data, "green", green), band(data, "swir1", swir1))
    return _named(result, "ndsi", "Normalized Difference Snow Index")


def ndmi(data: xr.Dataset | None = None, *, nir: Bands = None, swir1: Bands = None) -> xr.DataArray:
    """Return the Normalized Difference Moisture Index, ``(nir - swir1) / (nir + swir1)``.

    References
    ----------
    Gao (1996), NDWI: a normalized difference water index for remote sensing of vegetation liquid
    water from space, Remote Sensing of Environment 58(3); called NDMI by Wilson, Sader (2002).
    """
    result = difference(band(data, "nir", nir), band(data, "swir1", swir1))
    return _named(result, "ndmi", "Normalized Difference Moisture Index")


def nbr(data: xr.Dataset | None = None, *, nir: Bands = None, swir2: Bands = None) -> xr.DataArray:
    """Return the Normalized Burn Ratio, ``(nir - swir2) / (nir + swir2)``.

    References
    ----------
    Key, Benson (2006), Landscape Assessment, in FIREMON, USDA RMRS-GTR-164-CD.
    """
    result = difference(band(data, "nir", nir), band(data, "swir2", swir2))
    return _named(result, "nbr", "Normalized Burn Ratio")


def evi(
    data: xr.Dataset | None = None,
    *,
    blue: Bands = None,
    red: Bands = None,
    nir: Bands = None,
) -> xr.DataArray:
    """Return the Enhanced Vegetation Index, ``2.5 (nir - red) / (nir + 6 red - 7.5 blue + 1)``.

    Its constants hold for reflectance (0 to 1).

    References
    ----------
    Huete et al. (2002), Overview of the radiometric and biophysical performance of the MODIS
    vegetation indices, Remote Sensing of Environment 83.
    """
    near, low, first = (
        physical(band(data, name, given))
        for name, given in (("nir", nir), ("red", red), ("blue", blue))
    )
    result = _ratio(2.5 * (near - low), near + 6 * low - 7.5 * first + 1, like=near)
    return _named(result, "evi", "Enhanced Vegetation Index")


def savi(
    data: xr.Dataset | None = None,
    *,
    red: Bands = None,
    nir: Bands = None,
    soil: float = 0.5,
) -> xr.DataArray:
    """Return the Soil-Adjusted Vegetation Index, ``(nir - red) (1 + L) / (nir + red + L)``.

    Parameters
    ----------
    data
        Cube with red and near infrared.
    red, nir
        The bands themselves; reflectance (0 to 1).
    soil
        ``L``: 0 for dense vegetation (this is NDVI then), 1 for bare soil.

    References
    ----------
    Huete (1988), A soil-adjusted vegetation index (SAVI), Remote Sensing of Environment 25(3).
    """
    near, low = physical(band(data, "nir", nir)), physical(band(data, "red", red))
    result = _ratio((near - low) * (1 + soil), near + low + soil, like=near)
    return _named(result, "savi", "Soil-Adjusted Vegetation Index")


def difference(first: xr.DataArray, second: xr.DataArray) -> xr.DataArray:
    """Return the normalized difference of two bands, ``(first - second) / (first + second)``.

    Examples
    --------
    >>> difference(xr.DataArray([3.0, 0.0]), xr.DataArray([1.0, 0.0])).values
    array([0.5, nan])
    """
    item, other = physical(first), physical(second)
    return _ratio(item - other, item + other, like=item)


def _ratio(above: xr.DataArray, below: xr.DataArray, *, like: xr.DataArray) -> xr.DataArray:
    result = above / below.where(below != 0)
    result.attrs = {name: value for name, value in like.attrs.items() if name == "source"}
    result.encoding = {
        name: value for name, value in like.encoding.items() if name == "grid_mapping"
    }
    return result


def _named(result: xr.DataArray, name: str, long_name: str) -> xr.DataArray:
    result.name = name
    result.attrs |= {"long_name": long_name, "units": "1"}
    return result

"""Clouds, shadows and other flags of the products that carry them.

What there is, by collection: Theia Sentinel-2 L2A (MAJA) has the bit masks CLM, MG2, SAT and EDG.
Sentinel-2 L1C has no classification of its pixels, and radar has no clouds: nothing is made up there.

References
----------
Theia, Sentinel-2 L2A product format (CESBIO, "Séries temporelles"): CLM, MG2, EDG and SAT files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import xarray as xr

from geodes_datalab.errors import CubeError, near
from geodes_datalab.ops.packing import each, is_mask

CLM: Mapping[str, int] = {
    "clouds_and_shadows": 1,
    "clouds": 2,
    "clouds_monotemporal": 4,
    "clouds_multitemporal": 8,
    "thin_clouds": 16,
    "shadows": 32,
    "shadows_from_outside": 64,
    "cirrus": 128,
}
"""Bits of Theia's cloud mask. "Clouds" leaves the thinnest out; "from outside" are shadows of clouds
beyond the image; cirrus are high clouds found at 1.38 um."""

MG2: Mapping[str, int] = {
    "water": 1,
    "clouds": 2,
    "snow": 4,
    "shadows": 8,
    "topographic_shadows": 16,
    "hidden": 32,
    "low_sun": 64,
    "tangent_sun": 128,
}
"""Bits of Theia's geophysical mask. "Hidden" is not seen because of the terrain."""

EDG: Mapping[str, int] = {"outside": 1}
"""Bit of Theia's edge mask: no data were acquired here."""

SAT: Mapping[str, Mapping[str, int]] = {
    "R1": {"B2": 1, "B3": 2, "B4": 4, "B8": 8},
    "R2": {"B5": 1, "B6": 2, "B7": 4, "B8A": 8, "B11": 16, "B12": 32},
}
"""Bits of Theia's saturation masks, at 10 m (R1) and 20 m (R2)."""

MISSING = 255
"""Value of a mask where no product lies: all bits are set, so such pixels count as bad."""


def has_bits(mask: xr.DataArray, bits: Iterable[str], table: Mapping[str, int]) -> xr.DataArray:
    """Tell where any of the named bits is set.

    Parameters
    ----------
    mask
        Integers, one bit for each property.
    bits
        Names in ``table``, one at least.
    table
        Name -> value of the bit: `CLM`, `MG2`, `EDG` or a part of `SAT`.

    Returns
    -------
    xarray.DataArray
        Booleans on the same grid.

    Examples
    --------
    >>> has_bits(xr.DataArray([0, 2, 128, 130]), ["clouds"], CLM).values
    array([False,  True, False,  True])
    """
    names = [bits] if isinstance(bits, str) else list(bits)
    if not names:
        raise CubeError(
            "no bits were named: nothing would be masked",
            hint=f"name some of: {', '.join(table)}, or leave them out",
        )
    wanted = 0
    for name in names:
        if name not in table:
            hint = near(name, table) or f"the bits are: {', '.join(table)}"
            raise CubeError(f"the mask has no bit {name!r}", hint=hint)
        wanted |= table[name]
    if mask.dtype.kind == "f":  # of files, xarray makes floats of flags, and NaN of what is missing
        result = ((mask.fillna(0).astype("int64") & wanted) != 0) | mask.isnull()
    else:
        result = (mask & wanted) != 0
    result.attrs = {}
    result.encoding = {k: v for k, v in mask.encoding.items() if k == "grid_mapping"}
    return result


def cloud_mask(
    data: xr.Dataset, *, bits: Iterable[str] = ("clouds_and_shadows", "thin_clouds", "cirrus")
) -> xr.DataArray:
    """Tell where clouds or their shadows are.

    Parameters
    ----------
    data
        Cube that holds ``CLM`` (load it with ``bands=[..., "CLM"]``).
    bits
        Names in `CLM`; by default all clouds, also thin and high ones, and all shadows.

    Returns
    -------
    xarray.DataArray
        True where a cloud or a shadow is, and where no product lies.

    Raises
    ------
    CubeError
        The cube has no cloud mask.

    Examples
    --------
    >>> cube = xr.Dataset({"CLM": ("x", [0, 3, 128], {"common_name": "cloud_mask"})})
    >>> cloud_mask(cube).values
    array([False,  True,  True])
    """
    mask = _find(data, "CLM")
    if mask is None:
        raise CubeError(
            "the cube has no cloud mask",
            hint='Theia L2A products have one: load it with bands=[..., "CLM"]. Sentinel-2 L1C '
            "products have none (use THEIA_REFLECTANCE_SENTINEL2_L2A); radar needs none",
        )
    result = has_bits(mask, bits, CLM)
    result.name = "cloud_mask"
    result.attrs = {"long_name": "clouds and their shadows", "units": "1"}
    return result


def clear(data: xr.Dataset, mask: xr.DataArray | None = None) -> xr.Dataset:
    """Return a cube whose cloudy pixels are missing.

    Parameters
    ----------
    data
        Cube. Integers get their ``nodata`` value, floats NaN; quality masks stay as they are.
    mask
        True where pixels are bad; by default `cloud_mask` of the cube.
    """
    bad = cloud_mask(data) if mask is None else mask

    def without(band: xr.DataArray) -> xr.DataArray:
        if is_mask(band):
            return band
        if band.dtype.kind != "f" and "nodata" not in band.attrs:
            raise CubeError(
                f"{band.name} has no value for missing pixels",
                hint="load physical values (without raw=True), or call ops.to_physical() first",
            )
        fill = band.attrs["nodata"] if band.dtype.kind != "f" else float("nan")
        result = band.where(~bad, band.dtype.type(fill))
        result.attrs, result.encoding = dict(band.attrs), dict(band.encoding)
        return result

    return each(data, without)


def _find(data: xr.Dataset, native: str) -> xr.DataArray | None:
    for name, variable in data.data_vars.items():
        if native in (
            str(name).split("_")[0],
            str(variable.attrs.get("native_name")).split("_")[0],
        ):
            return variable
    return None

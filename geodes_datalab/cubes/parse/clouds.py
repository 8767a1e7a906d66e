"""Clouds that are to be left out: which mask tells of them, and what it leaves."""

from __future__ import annotations

from collections.abc import Iterable

import xarray as xr

from geodes_datalab import ops, stac
from geodes_datalab.errors import CubeError


def mask_beside(reader: stac.Reader, names: Iterable[str]) -> str:
    """Return the mask that must be read beside bands; empty where one is among them.

    Parameters
    ----------
    reader
        What describes the bands of the products.
    names
        Of the bands.

    Raises
    ------
    CubeError
        The products have no cloud mask.
    UnknownBand
        They have no such band.
    """
    known = [reader.band(name) for name in names]
    if any(_tells_clouds(band) for band in known):
        return ""
    mask = mask_for(reader, known)
    if mask is None:
        raise CubeError(
            f"products of {reader.collection} have no cloud mask",
            hint="leave clear= out; THEIA_REFLECTANCE_SENTINEL2_L2A has one, and radar sees through clouds",
        )
    return mask


def mask_for(reader: stac.Reader, bands: Iterable[stac.Band]) -> str | None:
    """Return the name of the cloud mask that suits bands, no finer than these; None where there is none.

    Examples
    --------
    >>> theia = stac.reader("THEIA_REFLECTANCE_SENTINEL2_L2A")
    >>> mask_for(theia, [theia.band("red")]), mask_for(theia, [theia.band("swir16")])
    ('CLM_R1', 'CLM_R2')
    """
    masks = [band for band in reader.bands if _tells_clouds(band)]
    finest = min((band.gsd for band in bands), default=0.0)
    suited = [band for band in masks if band.gsd >= finest] or masks
    return min(suited, key=lambda band: band.gsd).name if suited else None


def _tells_clouds(band: stac.Band) -> bool:
    return band.role == "mask" and band.name.startswith("CLM")


def hidden(cube: xr.Dataset, mask: str, *, clear: bool) -> xr.Dataset:
    """Return a cube, where wished without its clouds and without the mask that nobody named."""
    result = ops.clear(cube) if clear else cube
    return result.drop_vars(mask) if mask else result

"""Clouds that are to be left out: which mask tells of them, and what it leaves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import xarray as xr

from geodes_datalab import ops, stac
from geodes_datalab._types import Json
from geodes_datalab.cubes.parse.products import Parsed, parse, reader_of
from geodes_datalab.errors import CubeError


def parsed(
    items: Sequence[Json], bands: Sequence[str] | None, *, clear: bool
) -> tuple[list[Parsed], str]:
    """Read which bands items have, with the cloud mask where clouds are to be left out.

    Parameters
    ----------
    items
        Of one collection.
    bands
        As the user named them; None for all measurements.
    clear
        Whether clouds are to be left out.

    Returns
    -------
    parsed
        What is to be read of each item.
    mask
        The mask among them that nobody named; empty where there is none.

    Raises
    ------
    CubeError
        The products have no cloud mask, or cannot be read together.
    UnknownBand
        They have no such band.
    """
    mask = mask_beside(items, bands) if clear else ""
    return parse(items, bands, mask), mask


def mask_beside(items: Sequence[Json], bands: Sequence[str] | None) -> str:
    """Return the mask that must be read beside bands; empty where it is among them.

    Parameters
    ----------
    items
        Of one collection.
    bands
        As the user named them; None for all measurements.

    Raises
    ------
    CubeError
        The products have no cloud mask.
    UnknownBand
        They have no such band.
    """
    reader = reader_of(items).for_item(items[0])
    known = [reader.band(name) for name in (reader.chosen if bands is None else bands)]
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

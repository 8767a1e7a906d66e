"""`subset`: a window of one product, in memory, and how little of the product that took."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask
import xarray as xr

from geodes_datalab import _display, stac
from geodes_datalab._inputs.shapes import PlaceLike
from geodes_datalab._inputs.words import WordsLike
from geodes_datalab.cubes.archive.accounting import Tally, counted
from geodes_datalab.cubes.grid.output import ResolutionLike
from geodes_datalab.cubes.loading import load
from geodes_datalab.cubes.parse.products import item_dicts
from geodes_datalab.cubes.plan.arguments import ResamplingLike
from geodes_datalab.errors import CubeError, DataError
from geodes_datalab.stac.items.held import ItemsLike

LIMIT = 4 * 2**30
"""Bytes of pixels, at most: more wants a lazy cube."""


def subset(
    item: ItemsLike,
    bands: WordsLike | None = None,
    bbox: PlaceLike | None = None,
    *,
    geometry: PlaceLike | None = None,
    crs: Any = None,
    resolution: ResolutionLike | None = None,
    resampling: ResamplingLike = "nearest",
    raw: bool = False,
    masked: bool | None = None,
    scaled: bool | None = None,
    archives: str | Path | None = None,
) -> xr.Dataset:
    """Read a window of one product, now; of an archive on a server, only the bytes that it needs.

    In a notebook or a terminal a line tells how many bytes those were, and out of how many. It is
    `geodes_datalab.load` for one item, computed by threads of this process.

    Parameters
    ----------
    item
        One item of what `geodes_datalab.search` returned, or in any other form that
        `geodes_datalab.load` takes.
    bands
        As in `geodes_datalab.load`: ``"B04"``, ``"red"``, or several.
    bbox
        West, south, east, north in degrees; the whole product where no area is given, which is meant
        for a coarse ``resolution``.
    geometry, crs, resolution, resampling, raw, masked, scaled, archives
        As in `geodes_datalab.load`.

    Returns
    -------
    xarray.Dataset
        Dimensions (y, x), in memory, with CF attributes and the CRS. Beside the attributes of
        `geodes_datalab.load`: ``bytes_received`` and ``requests``, what came over the network by byte
        ranges; ``bytes_of_product``, where the catalogue tells; ``received``, both in words.

    Raises
    ------
    UnknownBand
        The product has no such band.
    CubeError
        Several items, an area that the product does not touch, or more than 4 GB of pixels.
    ProductOffline
        The product lies on tape.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    ReadError
        Pixels could not be read.

    Notes
    -----
    Counted is what this process receives by ranges meanwhile. A file that GDAL reads by itself (no
    archive, or one of an unusual kind), and an archive that was downloaded whole because its server
    cannot send parts, are not.
    """
    entry = _only(item)
    with counted() as tally:
        cube = load(
            [entry], bands, bbox=bbox, geometry=geometry, crs=crs, resolution=resolution,
            resampling=resampling, groupby="id", raw=raw, masked=masked, scaled=scaled,
            archives=archives, progress=False,
        )  # fmt: skip
        _refuse_huge(cube)
        with dask.config.set(scheduler="threads"):  # here, where the bytes are counted
            result = cube.isel(time=0).compute()
    result.attrs |= _told(tally, _size(entry))
    _display.tell(f"{_title(entry)}: {result.attrs['received']}")
    return result


def _only(item: Any) -> Any:
    result = item_dicts(item)
    if len(result) != 1:
        raise CubeError(
            f"subset reads one product, and {len(result)} were given",
            hint="give one of them, for example items[0]; geodes_datalab.load() makes a cube of many",
        )
    return result[0]


def _refuse_huge(cube: xr.Dataset) -> None:
    if cube.nbytes > LIMIT:
        raise CubeError(
            f"that would be {_display.size(cube.nbytes)} of pixels in memory",
            hint="give a bbox, fewer bands or a coarser resolution; geodes_datalab.load() makes a "
            "lazy cube of any size",
        )


def _told(tally: Tally, whole: int | None) -> dict[str, Any]:
    """Say what came over the network, as attributes that netCDF can hold."""
    of = f" of {_display.size(whole)}" if whole else ""
    text = f"{_display.size(tally.received)}{of} read, in {tally.requests} requests"
    told: dict[str, Any] = {
        "bytes_received": tally.received,
        "requests": tally.requests,
        "received": text if tally.requests else "no part of it was fetched by ranges",
    }
    return told | ({"bytes_of_product": whole} if whole else {})


def _size(item: Any) -> int | None:
    """Return the bytes of the product's archive, or of all its files; None where not told."""
    try:
        key, asset = stac.data_asset(item)
    except DataError:
        return None
    files = [asset] if key == "data" else list(item["assets"].values())
    sizes = [int(entry.get("file:size") or 0) for entry in files]
    return sum(sizes) if all(sizes) else None


def _title(item: Any) -> str:
    return str(item["properties"].get("identifier") or item["id"])

"""Files and items of a catalogue that tells as much, or as little, of their numbers as a test wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine

DAY = "2024-03-{:02d}T10:50:{:02d}Z"
ORIGIN = (600_000, 4_850_020)


def told(
    folder: Path,
    name: str,
    bands: dict[str, Any],
    *,
    day: int = 1,
    second: int = 0,
    file: dict[str, Any] | None = None,
    properties: dict[str, Any] | None = None,
    collection: str = "somebodys",
    **words: Any,
) -> dict[str, Any]:
    """Write a GeoTIFF for each band, and return the item.

    Parameters
    ----------
    folder
        Where to write.
    name
        Of the item.
    bands
        Name -> pixels, or pixels and what the catalogue tells of that band.
    day, second
        When it was taken.
    file
        What the files tell: ``nodata``, ``scale``, ``offset``, ``units``, ``mask``.
    properties
        Further properties of the item.
    collection
        That it is of.
    words
        What the catalogue tells of all bands.
    """
    assets = {}
    for band, given in bands.items():
        pixels, own = given if isinstance(given, tuple) else (given, {})
        path = folder / f"{name}_{band}.tif"
        written(path, pixels, **(file or {}))
        assets[band] = {
            "href": str(path), "type": "image/tiff; application=geotiff", "roles": ["data"],
            "bands": [{"name": band, **words, **own}],
        }  # fmt: skip
    shape = next(one[0] if isinstance(one, tuple) else one for one in bands.values()).shape
    return {
        "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [], "id": name,
        "collection": collection, "geometry": None, "links": [], "assets": assets,
        "properties": {
            "datetime": DAY.format(day, second), "proj:code": "EPSG:32631", "proj:shape": list(shape),
            "proj:transform": list(Affine(10, 0, ORIGIN[0], 0, -10, ORIGIN[1]))[:6],
            **(properties or {}),
        },
    }  # fmt: skip


def written(
    path: Path,
    pixels: Any,
    *,
    nodata: float | None = None,
    scale: float | None = None,
    offset: float | None = None,
    units: str | None = None,
    mask: Any = None,
) -> None:
    """Write a GeoTIFF that tells of itself what is given."""
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            path, "w", driver="GTiff", height=pixels.shape[0], width=pixels.shape[1], count=1,
            dtype=pixels.dtype, crs="EPSG:32631", nodata=nodata,
            transform=Affine(10, 0, ORIGIN[0], 0, -10, ORIGIN[1]),
        ) as file,
    ):  # fmt: skip
        file.write(pixels, 1)
        if scale is not None:
            file.scales = (scale,)
        if offset is not None:
            file.offsets = (offset,)
        if units is not None:
            file.units = (units,)
        if mask is not None:
            file.write_mask(mask)


def truth(item: dict[str, Any], band: str, words: dict[str, Any]) -> np.ndarray:
    """Return the physical values of a file by numpy, on what rasterio reads."""
    with rasterio.open(item["assets"][band]["href"]) as file:
        pixels, own = file.read(1), file.nodata
        scale, offset = file.scales[0], file.offsets[0]
    if "scale" in words or "offset" in words:
        scale, offset = words.get("scale", 1.0), words.get("offset", 0.0)
    values = pixels.astype("float64") * scale + offset
    for mark in (own, words.get("nodata")):
        if mark is not None and not np.isnan(float(mark)):
            values[pixels == float(mark)] = np.nan
    return values

"""Products whose pixels say where they lie: each value is the pixel's own coordinate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin

BANDS = ["east", "north"]


def ramp(
    folder: Path, place: tuple[float, float], crs: str, *, step: float = 10, count: int = 40
) -> dict[str, Any]:
    """Write a file of `count` x `count` pixels around a place, and return its item."""
    left, top = round(place[0]) - count / 2 * step, round(place[1]) + count / 2 * step
    transform = from_origin(left, top, step, step)
    along = step * (np.arange(count) + 0.5)
    north, east = np.meshgrid(top - along, left + along, indexing="ij")
    path = folder / f"{crs.replace(':', '-')}_{place[0]:.0f}_{place[1]:.0f}.tif"
    profile = {
        "driver": "GTiff", "dtype": "float64", "count": 2, "height": count, "width": count,
        "crs": crs, "transform": transform,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.stack([east, north]))
    return {
        "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [], "id": path.stem,
        "collection": "maps", "geometry": None, "links": [],
        "properties": {
            "datetime": "2024-03-01T00:00:00Z", "proj:code": crs, "proj:shape": [count, count],
            "proj:transform": list(transform)[:6],
        },
        "assets": {
            "place": {
                "href": str(path), "type": "image/tiff; application=geotiff", "roles": ["data"],
                "bands": [{"name": name} for name in BANDS],
            }
        },
    }  # fmt: skip


def found(cube: Any, place: tuple[float, float]) -> list[float]:
    """Return the coordinates in the product of a place in its cube: between pixels, straight."""
    here = cube.isel(time=0).interp(x=place[0], y=place[1])
    return [float(here[name]) for name in BANDS]

"""FLATSIM: time series, line of sight and coherence over a source of pressure that swells (Mogi), as NSBAS writes them.

The ground rises by `uplift` (mm); the radar looks from the west at 39 degrees. All is simulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from geodes_datalab.standin.missions.made import SIMULATED, Made, zipped

SHAPE, STEP = (50, 60), 0.001
WEST, NORTH = 14.0, 40.9
BBOX = (14.0, 40.85, 14.06, 40.9)
DATES = ("20200105", "20200117", "20200129", "20200210")
ENU = (-0.62, -0.11, 0.7769)
"""Unit vector from the ground to the satellite: east, north, up."""
MM_PER_RADIAN = -4.4563
DEPTH, CENTRE = 2.0, (25, 30)
"""Of the source: km, and the row and column above it."""


def uplift(date: int) -> Any:
    """Return how far the ground has risen (mm) since the first date: 10 mm a date above the source."""
    row, column = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    away = np.hypot((row - CENTRE[0]) * 0.111, (column - CENTRE[1]) * 0.084)  # km
    return 10.0 * date * (1 + (away / DEPTH) ** 2) ** -1.5


def products() -> Iterator[Made]:
    """Yield a time series and its auxiliary data."""
    told = {"platform": "S1A", "sat:relative_orbit": 44, "sat:orbit_state": "Ascending"}
    radians = np.stack([uplift(date) * ENU[2] / MM_PER_RADIAN for date in range(len(DATES))])
    radians[:, :3, :] = 0  # nothing was measured there
    speed = radians[-1] / (36 / 365.25)
    notes = f"{SIMULATED}\nUnits: rad\nAcquisition dates: {' '.join(DATES)}\n".encode()
    yield _packed("FLATSIM_TIMESERIE", "TS", {"DTs": radians, "MV-LOS": speed[None]}, told, notes)
    vector = np.ones((3, *SHAPE)) * np.array(ENU)[:, None, None]
    lines = {"CosENU": -vector, "CosNEU": vector[[1, 0, 2]], "TCoh": np.full((1, *SHAPE), 0.9)}
    yield _packed("FLATSIM_AUXILIARYDATA", "AUX", lines, told, f"{SIMULATED}\n".encode())


def _packed(
    collection: str, kind: str, layers: dict[str, Any], told: dict[str, Any], notes: bytes
) -> Made:
    name = f"CNES_{kind}_A044_CAMPI_20200105_20200210"
    members: dict[str, bytes] = {}
    for layer, pixels in layers.items():
        members[f"{name}/CNES_{layer}_geo_8rlks.tiff"] = _geotiff(pixels.astype("float32"))
        members[f"{name}/CNES_{layer}_geo_8rlks.meta"] = notes
    return Made(
        collection, name, BBOX, "2020-01-05T05:00:00Z", {f"{name}.zip": zipped(members, stored=True)},
        end="2020-02-10T05:00:00Z", properties=told,
    )  # fmt: skip


def _geotiff(pixels: Any) -> bytes:
    from rasterio.io import MemoryFile
    from rasterio.transform import from_origin

    count, rows, columns = pixels.shape
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff", count=count, height=rows, width=columns, dtype="float32", crs="EPSG:4326",
            transform=from_origin(WEST, NORTH, STEP, STEP),
        ) as target:  # fmt: skip
            target.write(pixels)
        return bytes(memory.getbuffer())

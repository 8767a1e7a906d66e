"""Further dates of the one real Sentinel-2 scene: seasons, clouds and swath edges, all simulated.

Every step is deterministic. The arithmetic is done in integers or rounded, so that the same pixels
come out on every machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from geodes_datalab.standin.samples.sky import FULL, Sky, opacity

HAZE = {"B02": 760, "B03": 480, "B04": 300, "B08": 110, "B11": 30, "B12": 20}
"""Path radiance (reflectance x 10000) taken off to imitate a surface reflectance."""

CLOUD = {"B02": 4500, "B03": 4200, "B04": 4050, "B08": 4500, "B11": 3000, "B12": 2400}
"""Reflectance x 10000 of an opaque simulated cloud."""

VEIL = {"B02": 100, "B03": 97, "B04": 94, "B08": 86, "B11": 66, "B12": 58}
"""Percent of a cloud's thickness that each band sees: long waves pass through thin cloud."""

DARK = {"B02": 50, "B03": 57, "B04": 61, "B08": 66, "B11": 70, "B12": 70}
"""Percent of its light that the ground loses in the deepest shadow; blue sky lights shadows up."""

SEASON = {"B02": -0.06, "B03": 0.03, "B04": -0.18, "B08": 0.24, "B11": -0.10, "B12": -0.14}
"""Relative change of a fully green date against the real one, per band."""


def top_of_atmosphere(bands: dict[str, Any], *, season: float, sky: Sky) -> dict[str, Any]:
    """Return reflectance x 10000 (``int32``) of a date; -1 marks pixels outside of the swath.

    `season` 0 leaves the real pixels untouched, 1 is the greenest date.
    """
    made = {}
    for name, pixels in bands.items():
        local = sky.at(10 if pixels.shape == sky.cloud.shape else 20)
        ground = np.rint(pixels * (1.0 + SEASON[name] * season)).astype("int64")
        made[name] = through(ground, local, name).astype("int32")
        made[name][local.outside] = -1
    return made


def through(ground: Any, sky: Sky, band: str) -> Any:
    """Return ground (whole numbers, reflectance x 10000) as seen in its shadows and through clouds."""
    lit = np.maximum(ground - HAZE[band], 0)
    shaded = ground - lit * sky.shade * DARK[band] // (100 * FULL)
    hidden = opacity(sky.thickness * VEIL[band] // 100)
    white = CLOUD[band] * sky.light // FULL
    return shaded + (white - shaded) * hidden // FULL


def surface(toa: dict[str, Any], *, nodata: int = -10000) -> dict[str, Any]:
    """Return a simulated surface reflectance x 10000 (``int16``) by taking the haze off."""
    made = {}
    for name, pixels in toa.items():
        ground = np.maximum(pixels - HAZE[name], 1)
        made[name] = np.where(pixels < 0, nodata, ground).astype("int16")
    return made


def flatten_slopes(bands: dict[str, Any], *, nodata: int = -10000) -> dict[str, Any]:
    """Return an imitation of the slope-corrected (FRE) bands: at most 3 % off the given ones."""
    made = {}
    for name, pixels in bands.items():
        rows, columns = np.indices(pixels.shape)
        percent = 1000 + 30 * ((rows // 8 + columns // 8) % 3 - 1)
        corrected = (pixels.astype("int32") * percent) // 1000
        made[name] = np.where(pixels == nodata, nodata, corrected).astype("int16")
    return made

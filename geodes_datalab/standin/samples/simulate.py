"""Further dates of the one real Sentinel-2 scene: seasons, clouds and swath edges, all simulated.

Every step is deterministic. The arithmetic is done in integers or rounded, so that the same pixels
come out on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

HAZE = {"B02": 760, "B03": 480, "B04": 300, "B08": 110, "B11": 30, "B12": 20}
"""Path radiance (reflectance x 10000) taken off to imitate a surface reflectance."""

CLOUD = {"B02": 6900, "B03": 6700, "B04": 6600, "B08": 6800, "B11": 4200, "B12": 3400}
"""Reflectance x 10000 of an opaque simulated cloud."""

SEASON = {"B02": -0.06, "B03": 0.03, "B04": -0.18, "B08": 0.24, "B11": -0.10, "B12": -0.14}
"""Relative change of a fully green date against the real one, per band."""


@dataclass(frozen=True)
class Sky:
    """What stands between the satellite and the ground on one date (arrays at 10 m)."""

    cloud: Any
    """True where an opaque cloud is."""
    shadow: Any
    """True where a cloud casts its shadow on clear ground."""
    outside: Any
    """True outside of the swath."""

    def at(self, gsd: int) -> Sky:
        """Return the masks at 20 m, a pixel counting when any of its four does."""
        if gsd == 10:
            return self
        return Sky(*(_any_of_four(mask) for mask in (self.cloud, self.shadow, self.outside)))


def sky(shape: tuple[int, int], *, cloud_cover: float, edge: bool, seed: int) -> Sky:
    """Return simulated clouds that cover `cloud_cover` percent of the swath, their shadows and a swath edge."""
    rows, columns = np.indices(shape)
    outside = (columns + rows // 3 >= shape[1] - 30) if edge else np.zeros(shape, bool)
    field = np.where(outside, -1, _smooth_noise(shape, seed))
    count = round(int((~outside).sum()) * cloud_cover / 100)
    cloud = np.zeros(field.size, bool)
    cloud[np.argsort(field, axis=None, kind="stable")[field.size - count :]] = True
    cloud = cloud.reshape(shape)
    shadow = np.zeros(shape, bool)
    shadow[9:, :-6] = cloud[:-9, 6:]  # the sun stands in the north-east: shadows fall south-west
    return Sky(cloud, shadow & ~cloud & ~outside, outside)


def top_of_atmosphere(bands: dict[str, Any], *, season: float, sky: Sky) -> dict[str, Any]:
    """Return reflectance x 10000 (``int32``) of a date; -1 marks pixels outside of the swath.

    `season` 0 leaves the real pixels untouched, 1 is the greenest date.
    """
    made = {}
    for name, pixels in bands.items():
        local = sky.at(10 if pixels.shape == sky.cloud.shape else 20)
        ground = np.rint(pixels * (1.0 + SEASON[name] * season)).astype("int32")
        ground = np.where(local.shadow, (ground * 45) // 100, ground)
        texture = (pixels.astype("int32") - int(np.median(pixels))) // 4
        made[name] = np.where(local.cloud, CLOUD[name] + texture, ground)
        made[name][local.outside] = -1
    return made


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


def _smooth_noise(shape: tuple[int, int], seed: int) -> Any:
    """Sum of three octaves of random blocks, blurred: blobs that look like cumulus."""
    generator = np.random.Generator(np.random.PCG64(seed))
    total = np.zeros(shape, "int64")
    for cell, weight in ((64, 4), (32, 2), (12, 1)):
        size = (shape[0] // cell + 3, shape[1] // cell + 3)
        coarse = generator.integers(0, 10_000, size, dtype="int64")
        fine = np.kron(coarse, np.ones((cell, cell), "int64"))[: shape[0] + cell, : shape[1] + cell]
        total += weight * _box_mean(fine, cell)[: shape[0], : shape[1]]
    return total


def _box_mean(values: Any, size: int) -> Any:
    padded = np.pad(np.cumsum(np.cumsum(values, 0), 1), ((1, 0), (1, 0)))
    window = padded[size:, size:] - padded[:-size, size:] - padded[size:, :-size]
    return (window + padded[:-size, :-size]) // (size * size)


def _any_of_four(mask: Any) -> Any:
    return mask[::2, ::2] | mask[1::2, ::2] | mask[::2, 1::2] | mask[1::2, 1::2]

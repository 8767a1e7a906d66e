"""Simulated clouds and their shadows: thick cores, translucent edges, inner structure.

Everything is whole numbers, so that the same sky comes out on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FULL = 1000
"""Thickness and depth of shadow are told in thousandths."""

SHIFT = 13
"""Rows and columns from a cloud to its shadow: the sun stands in the north-east, 38 degrees off the zenith."""

OCTAVES = ((56, 40), (28, 34), (14, 24), (7, 14), (4, 8), (2, 4))
"""Size in pixels and weight of the random lumps that a cloud is made of."""

RISE = 4000
"""How far the field stands above a cloud's edge where the cloud is at its thickest."""


@dataclass(frozen=True)
class Sky:
    """What stands between the satellite and the ground on one date (arrays at 10 m)."""

    cloud: Any
    """True where a cloud is, however thin."""
    shadow: Any
    """True where a cloud casts its shadow on clear ground, however faint."""
    outside: Any
    """True outside of the swath."""
    thickness: Any
    """Thickness of the cloud, 0 at its edge to 1000; 0 wherever `cloud` is False."""
    light: Any
    """Brightness of the cloud's upper side, around 1000: its slopes towards the sun are brighter."""
    shade: Any
    """Depth of the shadow, 0 to 1000, beneath clouds too; 0 on clear ground."""

    def at(self, gsd: int) -> Sky:
        """Return the sky at 20 m: a mask counts when any of its four pixels does, the rest are means."""
        if gsd == 10:
            return self
        masks = (_any_of_four(mask) for mask in (self.cloud, self.shadow, self.outside))
        return Sky(
            *masks, *(_mean_of_four(one) for one in (self.thickness, self.light, self.shade))
        )


def sky(shape: tuple[int, int], *, cloud_cover: float, edge: bool, seed: int) -> Sky:
    """Return simulated clouds that cover `cloud_cover` percent of the swath, their shadows and a swath edge.

    The field of lumps reaches beyond the picture, so that clouds outside of it cast shadows into it.
    """
    rows, columns = np.indices(shape)
    outside = (columns + rows // 3 >= shape[1] - 30) if edge else np.zeros(shape, bool)
    count = round(int((~outside).sum()) * cloud_cover / 100)
    wide = _lumps((shape[0] + 2 * SHIFT, shape[1] + 2 * SHIFT), seed)
    inner = (slice(SHIFT, -SHIFT), slice(SHIFT, -SHIFT))
    ranked = np.argsort(np.where(outside, -1, wide[inner]), axis=None, kind="stable")
    cloud = np.zeros(outside.size, bool)
    cloud[ranked[outside.size - count :]] = True
    cloud = cloud.reshape(shape)
    if not count:
        nothing = np.zeros(shape, "int64")
        return Sky(cloud, cloud.copy(), outside, nothing, nothing + FULL, nothing.copy())
    level = int(wide[inner][cloud].min())
    thick = _thickness(wide - level)
    shade = _cast(thick)[inner]
    shadow = (shade > 0) & ~cloud & ~outside
    return Sky(cloud, shadow, outside, thick[inner] * cloud, _light(wide, thick)[inner], shade)


def opacity(thickness: Any) -> Any:
    """Return how much of the light a cloud keeps from passing straight, in thousandths: 0 to 960."""
    return thickness * 1920 // (thickness + FULL)


def _thickness(height: Any) -> Any:
    """Thickness in thousandths of what stands `height` above a cloud's edge: wispy, then steep."""
    part = np.clip(height, 0, RISE) * FULL // RISE
    soft = part * part // FULL * (3 * FULL - 2 * part) // FULL
    return (3 * soft + part) // 4


def _cast(thick: Any) -> Any:
    """Shadow of the clouds on the ground, blurred by the penumbra."""
    moved = np.zeros_like(thick)
    moved[SHIFT:, :-SHIFT] = opacity(thick)[:-SHIFT, SHIFT:]
    return _blur(moved, 5)


def _light(wide: Any, thick: Any) -> Any:
    """Brightness of the upper side: lit from the north-east, brighter where the cloud is thick."""
    smooth = _blur(wide, 3)
    slope = np.zeros_like(smooth)
    slope[2:-2, 2:-2] = smooth[2:-2, 2:-2] - smooth[:-4, 4:]
    return 700 + thick * 300 // FULL + np.clip(slope // 5, -220, 220)


def _lumps(shape: tuple[int, int], seed: int) -> Any:
    """Sum of random lumps of several sizes, up to about 10 000."""
    generator = np.random.Generator(np.random.PCG64(seed))
    total = np.zeros(shape, "int64")
    for cell, weight in OCTAVES:
        size = (shape[0] // cell + 4, shape[1] // cell + 4)
        coarse = generator.integers(0, 30_000, size, dtype="int64")
        top, left = generator.integers(0, cell, 2)
        fine = np.kron(coarse, np.ones((cell, cell), "int64"))
        smooth = _box_mean(_box_mean(fine, cell), cell)
        total += weight * smooth[top : top + shape[0], left : left + shape[1]]
    return total // sum(weight for _, weight in OCTAVES)


def _blur(values: Any, size: int) -> Any:
    return _box_mean(np.pad(values, size // 2, mode="edge"), size)


def _box_mean(values: Any, size: int) -> Any:
    padded = np.pad(np.cumsum(np.cumsum(values, 0), 1), ((1, 0), (1, 0)))
    window = padded[size:, size:] - padded[:-size, size:] - padded[size:, :-size]
    return (window + padded[:-size, :-size]) // (size * size)


def _any_of_four(mask: Any) -> Any:
    return mask[::2, ::2] | mask[1::2, ::2] | mask[::2, 1::2] | mask[1::2, 1::2]


def _mean_of_four(values: Any) -> Any:
    return (values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]) // 4

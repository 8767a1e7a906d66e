"""Simulated clouds and their shadows: thick cores, translucent edges, inner structure.

Everything is whole numbers, so that the same sky comes out on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from geodes_datalab.standin.samples.lumps import blur, lumps, mean_of_four

FULL = 1000
"""Thickness and depth of shadow are told in thousandths."""

SHIFT = 13
"""Rows and columns from a cloud to its shadow."""

SOUTHERN_SUN, NORTHERN_SUN = (-1, 1), (1, 1)
"""Where the morning sun stands from a pixel: rows and columns. North-east, and south-east."""

_MARGIN = SHIFT + 2

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
        return Sky(*masks, *(mean_of_four(one) for one in (self.thickness, self.light, self.shade)))


def sky(
    shape: tuple[int, int],
    *,
    cloud_cover: float,
    edge: bool,
    seed: int,
    sun: tuple[int, int] = SOUTHERN_SUN,
) -> Sky:
    """Return simulated clouds that cover `cloud_cover` percent of the swath, their shadows and a swath edge.

    The field of lumps reaches beyond the picture, so that clouds outside of it cast shadows into it.
    """
    rows, columns = np.indices(shape)
    outside = (columns + rows // 3 >= shape[1] - 30) if edge else np.zeros(shape, bool)
    count = round(int((~outside).sum()) * cloud_cover / 100)
    wide = lumps((shape[0] + 2 * _MARGIN, shape[1] + 2 * _MARGIN), OCTAVES, seed)
    inner = (slice(_MARGIN, -_MARGIN), slice(_MARGIN, -_MARGIN))
    ranked = np.argsort(np.where(outside, -1, wide[inner]), axis=None, kind="stable")
    cloud = np.zeros(outside.size, bool)
    cloud[ranked[outside.size - count :]] = True
    cloud = cloud.reshape(shape)
    if not count:
        nothing = np.zeros(shape, "int64")
        return Sky(cloud, cloud.copy(), outside, nothing, nothing + FULL, nothing.copy())
    level = int(wide[inner][cloud].min())
    thick = _thickness(wide - level)
    shade = _cast(thick, sun)[inner]
    shadow = (shade > 0) & ~cloud & ~outside
    return Sky(cloud, shadow, outside, thick[inner] * cloud, _light(wide, thick, sun)[inner], shade)


def opacity(thickness: Any) -> Any:
    """Return how much of the light a cloud keeps from passing straight, in thousandths: 0 to 960."""
    return thickness * 1920 // (thickness + FULL)


def _thickness(height: Any) -> Any:
    """Thickness in thousandths of what stands `height` above a cloud's edge: wispy, then steep."""
    part = np.clip(height, 0, RISE) * FULL // RISE
    soft = part * part // FULL * (3 * FULL - 2 * part) // FULL
    return (3 * soft + part) // 4


def _cast(thick: Any, sun: tuple[int, int]) -> Any:
    """Shadow of the clouds on the ground, blurred by the penumbra."""
    rows, columns = (-SHIFT * step for step in sun)
    return blur(np.roll(opacity(thick), (rows, columns), (0, 1)), 5)


def _light(wide: Any, thick: Any, sun: tuple[int, int]) -> Any:
    """Brightness of the upper side: lit from the sun, brighter where the cloud is thick."""
    smooth = blur(wide, 3)
    slope = smooth - np.roll(smooth, (-2 * sun[0], -2 * sun[1]), (0, 1))
    return 700 + thick * 300 // FULL + np.clip(slope // 5, -220, 220)


def _any_of_four(mask: Any) -> Any:
    return mask[::2, ::2] | mask[1::2, ::2] | mask[::2, 1::2] | mask[1::2, 1::2]

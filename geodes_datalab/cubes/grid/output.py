"""The pixel grid of a cube: CRS, resolution, bounds, snapped so that native pixels are not resampled."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

from affine import Affine
from odc.geo import CRS
from odc.geo.geobox import GeoBox
from pyproj.exceptions import CRSError

from geodes_datalab.cubes.grid import seam
from geodes_datalab.cubes.grid.boxes import distinct, step
from geodes_datalab.cubes.grid.native import METRES_PER_DEGREE, refuse_other_units
from geodes_datalab.cubes.grid.turns import turn
from geodes_datalab.cubes.grid.vertical import spelt_out, without_other_heights
from geodes_datalab.errors import CubeError

ResolutionLike: TypeAlias = float | tuple[float, float]
"""Pixel size in units of the CRS: one number, or (x, y); both positive."""


def output_grid(
    native: Sequence[GeoBox],
    *,
    area: Any = None,
    crs: Any = None,
    resolution: ResolutionLike | None = None,
) -> GeoBox:
    """Choose the grid of a cube.

    Parameters
    ----------
    native
        Grid of each product, the finest of its bands.
    area
        Polygon in longitude and latitude; by default all that the products cover.
    crs
        By default the products' own, which must then be one and the same.
    resolution
        By default the finest of the products'.

    Returns
    -------
    GeoBox
        North up. In the products' own CRS its pixels are theirs (or whole multiples begin where
        theirs begin); in another CRS they begin at multiples of the resolution.

    Raises
    ------
    CubeError
        Mixed zones without ``crs``, an unknown CRS, no way to know a resolution, an area that cannot
        be expressed in the CRS.
    """
    target = _target_crs(native, crs)
    native = distinct(native)
    step_x, step_y = _step(native, target, resolution)
    anchor_x, anchor_y = _anchor(native, target)
    if area is None:
        left, bottom, right, top = _union(native, target)
    else:
        left, bottom, right, top = _projected(area, native, target)
    column, columns = _snap(left - anchor_x, right - anchor_x, step_x)
    row, rows = _snap(anchor_y - top, anchor_y - bottom, step_y)
    corner = (anchor_x + column * step_x, anchor_y - row * step_y)
    return GeoBox((rows, columns), Affine(step_x, 0, corner[0], 0, -step_y, corner[1]), target)


def _target_crs(native: Sequence[GeoBox], crs: Any) -> CRS:
    if crs is not None:
        return without_other_heights([box.crs for box in distinct(native)], _understood(crs))
    shared = Counter(map(id, native))
    counts: Counter[str] = Counter()
    for box in distinct(native):
        counts[str(box.crs)] += shared[id(box)]
    first, _ = counts.most_common(1)[0]
    if len(counts) > 1:
        zones = ", ".join(f"{name} ({count} products)" for name, count in counts.most_common())
        raise CubeError(
            f"the products lie in {len(counts)} coordinate systems: {zones}",
            hint=f'give crs="{first}" to bring all to one, or load one tile or zone at a time',
        )
    return CRS(first)


def _understood(crs: Any) -> CRS:
    """Return a CRS as rasterio takes it too: PROJ knows names and spellings that GDAL does not."""
    hint = 'write it like "EPSG:32631", or give WKT'
    try:
        result = CRS(spelt_out(crs.strip()) if isinstance(crs, str) else crs)
        text = str(result)
        if not (text.startswith("EPSG:") or "[" in text):
            result = CRS(f"EPSG:{result.epsg}" if result.epsg else result.to_wkt())
    except (CRSError, TypeError) as error:
        raise CubeError(f"unknown coordinate reference system: {crs!r}", hint=hint) from error
    if not (result.geographic or result.projected):
        raise CubeError(
            f"{result.proj.name} is no coordinate system of maps ({result.proj.type_name}): cubes have x "
            "and y, or longitude and latitude",
            hint=hint,
        )
    return result


def _step(
    native: Sequence[GeoBox], target: CRS, resolution: ResolutionLike | None
) -> tuple[float, float]:
    if resolution is not None:
        asked = _checked_step(resolution)
        refuse_other_units(asked, [(box.crs, step(box)) for box in native], target)
        return asked
    own = [step(box) for box in native if box.crs == target]
    if own:
        return min(own)
    finest = min(step(box) for box in native)
    for kind in ("projected", "geographic"):  # in one unit, and longitudes with heights or without
        if getattr(target, kind) and all(box.crs and getattr(box.crs, kind) for box in native):
            return finest
    example = finest[0] / METRES_PER_DEGREE if target.geographic else finest[0] * METRES_PER_DEGREE
    raise CubeError(
        f"a pixel size in units of {target} cannot be derived from the products",
        hint=f"give it, for example resolution={float(f'{example:.1g}'):g}",
    )


def _checked_step(resolution: ResolutionLike) -> tuple[float, float]:
    pair = resolution if isinstance(resolution, tuple) else (resolution, resolution)
    try:
        step_x, step_y = (float(value) for value in pair)
    except (TypeError, ValueError):
        step_x = step_y = math.nan
    if not (0 < step_x < math.inf and 0 < step_y < math.inf):
        raise CubeError(
            f"resolution must be a positive number, not {resolution!r}",
            hint="give it in units of the CRS, for example 10, or (10, 20) for x and y",
        )
    return step_x, step_y


def _anchor(native: Sequence[GeoBox], target: CRS) -> tuple[float, float]:
    """Return a point where pixels meet: the corner of the finest grid in this CRS, or (0, 0)."""
    own = [box for box in native if box.crs == target and box.axis_aligned]
    if not own:
        return 0.0, 0.0
    bounds = min(own, key=step).boundingbox
    return bounds.left, bounds.top


def _union(native: Sequence[GeoBox], target: CRS) -> tuple[float, float, float, float]:
    if not all(seam.shown(box, target) for box in native):
        raise CubeError(
            f"the products cannot be expressed in {target}: they cover more than it shows",
            hint="give a bbox, or another crs",
        )
    bounds = [seam.outline(box, target).boundingbox for box in native]
    again = turn(target)
    spans = [(box.left, box.right) for box in bounds]
    shifts = [0.0] * len(spans) if again is None else seam.arranged(spans, again.length)
    left = min(box.left + shift for box, shift in zip(bounds, shifts, strict=True))
    right = max(box.right + shift for box, shift in zip(bounds, shifts, strict=True))
    if again is not None and any(box.crs != target for box in native):
        home = again.home(left)
        left, right = left + home, right + home
    return left, min(box.bottom for box in bounds), right, max(box.top for box in bounds)


def _projected(
    area: Any, native: Sequence[GeoBox], target: CRS
) -> tuple[float, float, float, float]:
    left, bottom, right, top = seam.bounds(area, target)
    if not all(map(math.isfinite, (left, bottom, right, top))):
        raise CubeError(
            f"the area of interest cannot be expressed in {target}",
            hint="give a smaller area, or another crs",
        )
    again = turn(target)
    if again is not None:
        own = [box for box in native if box.crs == target]
        left, right = seam.settled(left, right, again, own)
    return left, bottom, right, top


def _snap(low: float, high: float, size: float) -> tuple[int, int]:
    """Return first pixel and number of pixels that cover an interval (at least one pixel)."""
    slack = 1e-6  # of a pixel: bounds that fall on an edge do not take in the next pixel
    first = math.floor(low / size + slack)
    last = math.ceil(high / size - slack)
    return first, max(1, last - first)

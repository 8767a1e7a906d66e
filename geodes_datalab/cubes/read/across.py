"""Pixels that odc-loader would lose or misplace: across a seam of the world, or where GDAL is told too little.

At a seam corners jump, and odc-loader projects corners. Beyond the area that a turn of datums was made for
GDAL leaves it out (`datums`).

Of a file are read those columns that lie next to each other on the globe, also where its own edge lies
between them, and GDAL warps them at once: so there is no seam, whatever the method.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeGuard

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.warp
from affine import Affine
from odc.geo.gcp import GCPGeoBox
from odc.geo.geobox import GeoBox
from odc.loader import RasterLoadParams, resolve_dst_nodata, resolve_src_nodata
from rasterio.enums import Resampling

from geodes_datalab.cubes.archive.copies import View, overview_of
from geodes_datalab.cubes.archive.window import Window
from geodes_datalab.cubes.grid import datums, seam
from geodes_datalab.cubes.grid.turns import turn
from geodes_datalab.cubes.numbers import Facts, facts

_SAMPLES = 33
"""Points along each axis of a part that are looked up in the file."""

_REACH = 4
"""Pixels of the cube, or of the file where those are larger, that resampling looks at around one."""


class _Wanted(NamedTuple):
    """What a part of a cube needs of a file: columns may go on beyond its edges."""

    left: int
    top: int
    right: int
    bottom: int
    whole: float
    """Columns after which they come again; infinite where they do not."""
    scale: float
    """Pixels of the file to one of the cube, along the axis where they are fewer."""

    def pieces(self, columns: int) -> list[tuple[int, int, int]]:
        """Return first and last column of each piece of the file, and where its column 0 comes to lie."""
        if not math.isfinite(self.whole):
            spans = [(max(self.left, 0), min(self.right, columns), 0)]
        else:
            first = math.floor((self.left - columns) / self.whole)
            last = math.ceil(self.right / self.whole)
            starts = [round(times * self.whole) for times in range(first, last + 1)]
            spans = [
                (max(self.left - start, 0), min(self.right - start, columns), start)
                for start in starts
            ]
        return [span for span in spans if span[0] < span[1]]


def needed(box: GeoBox | GCPGeoBox, part: GeoBox) -> TypeGuard[GeoBox]:
    """Tell whether a part of a cube must be read here.

    Parameters
    ----------
    box
        Grid of the file; one of ground control points is read by odc-loader.
    part
        Grid of the part.
    """
    return isinstance(box, GeoBox) and (seam.at(box, part) or datums.apart(box, part))


def view(path: str, params: RasterLoadParams, box: GeoBox, part: GeoBox) -> View | None:
    """Tell which pixels of a file `read` will read; None where it reads none.

    Parameters
    ----------
    path
        A file that has the header of the one that will be read.
    params
        odc-loader's description of the output.
    box
        Grid of the file.
    part
        Grid of the part of the cube.
    """
    wanted = _wanted(box, part)
    if wanted is None:
        return None
    with rasterio.open(path, sharing=False) as file:
        overviews = file.overviews(1)
    level = _level(wanted.scale, params, overviews)
    steps = overviews[level] if level is not None else 1
    pieces = wanted.pieces(box.shape.x)
    if not pieces:
        return None
    left, right = min(piece[0] for piece in pieces), max(piece[1] for piece in pieces)
    window = Window(left, wanted.top, right, wanted.bottom)
    return View(window.grown(2 * _REACH * steps), 0 if level is None else level + 1)


def read(
    path: str, params: RasterLoadParams, grids: tuple[GeoBox, GeoBox], band: int = 1
) -> tuple[tuple[slice, slice], npt.NDArray[Any]]:
    """Read a part of a cube from a file where it is `needed`; see `reading.read_pixels`.

    Parameters
    ----------
    path
        The file.
    params
        odc-loader's description of the output: dtype, fill value, resampling.
    grids
        Of the file, and of the part.
    band
        Number of the band in the file, from 1.

    Returns
    -------
    tuple
        Where the pixels go (all of the part), and the pixels. What the file has no value for, and what
        its own mask hides, has the fill value; 0 where there is none.
    """
    box, part = grids
    made = np.full(part.shape, params.fill_value or 0, params.dtype)
    where = (slice(0, made.shape[0]), slice(0, made.shape[1]))
    wanted = _wanted(box, part)
    if wanted is None:
        return where, made
    with rasterio.open(path, sharing=False) as file:
        level = _level(wanted.scale, params, file.overviews(band))
        if level is None:
            _warp(_Band(file, band), wanted, params, grids, made)
    if level is not None:
        with rasterio.open(path, sharing=False, overview_level=level) as file:
            rows, columns = file.shape
            scale = Affine.scale(box.shape.x / columns, box.shape.y / rows)
            coarse = GeoBox((rows, columns), box.transform @ scale, box.crs)
            wanted = _wanted(coarse, part)
            if wanted is not None:
                _warp(_Band(file, band), wanted, params, (coarse, part), made)
    return where, made


class _Band(NamedTuple):
    """One band of an open file."""

    file: Any
    number: int

    @property
    def told(self) -> Facts:
        """What the file tells of it."""
        return facts(self.file, self.number)

    def pixels(self, window: Any) -> npt.NDArray[Any]:
        """Read a window."""
        result: npt.NDArray[Any] = self.file.read(self.number, window=window)
        return result

    def values(self, window: Any, nodata: float | None) -> npt.NDArray[Any]:
        """Read a window as floats, in which NaN is what the file's mask hides, or is missing."""
        result = self.pixels(window)
        wide = result.astype(np.result_type(result.dtype, "float32"))
        hidden = self.file.read_masks(self.number, window=window) == 0
        wide[hidden | (False if nodata is None else result == nodata)] = np.nan
        return wide


def _warp(
    band: _Band,
    wanted: _Wanted,
    params: RasterLoadParams,
    grids: tuple[GeoBox, GeoBox],
    made: npt.NDArray[Any],
) -> None:
    """Warp what is wanted of a band onto a part; what it has no value for stays as it is."""
    box, part = grids
    told = band.told
    nodata = resolve_src_nodata(told.nodata, params)
    fill = resolve_dst_nodata(made.dtype, params, nodata)
    read: Callable[[Any], npt.NDArray[Any]] = band.pixels
    if told.masked:  # GDAL minds a file's mask, but here it gets pixels alone
        read, nodata = partial(band.values, nodata=nodata), math.nan
    for left, pixels in _runs(read, wanted, band.file.width):
        rasterio.warp.reproject(
            pixels,
            made,
            src_crs=str(box.crs),
            src_transform=box.transform @ Affine.translation(left, wanted.top),
            src_nodata=nodata,
            dst_crs=str(part.crs),
            dst_transform=part.transform,
            dst_nodata=fill,
            resampling=Resampling[params.resampling],
            init_dest_nodata=False,
            AREA_OF_INTEREST=datums.WORLD,
        )


def _runs(
    read: Callable[[Any], npt.NDArray[Any]], wanted: _Wanted, columns: int
) -> list[tuple[int, npt.NDArray[Any]]]:
    """Read runs of columns that lie next to each other; with each comes its first column."""
    runs: list[tuple[int, npt.NDArray[Any]]] = []
    for first, last, start in wanted.pieces(columns):
        pixels, left = read(((wanted.top, wanted.bottom), (first, last))), first + start
        if runs and abs(left - runs[-1][0] - runs[-1][1].shape[1]) <= 1:
            runs[-1] = runs[-1][0], np.concatenate([runs[-1][1], pixels], axis=1)
        else:
            runs.append((left, pixels))
    return runs


def _wanted(box: GeoBox, part: GeoBox) -> _Wanted | None:
    """Find which pixels of a file lie in a part of a cube; None where none do."""
    rows, columns = (np.linspace(0, size, _SAMPLES) for size in part.shape)
    across, down = np.meshgrid(columns, rows)
    x, y = seam.world(part, across.ravel(), down.ravel())
    if box.crs != part.crs:
        assert part.crs is not None
        assert box.crs is not None
        x, y = part.crs.transformer_to_crs(box.crs)(x, y)
    again = turn(box.crs)
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        return None
    if again is not None:
        middle = x[finite][finite.sum() // 2]
        x = x - again.length * np.round((x - middle) / again.length)
    column, row = seam.pixel(box, x, y)
    scale = _scale(column.reshape(across.shape), row.reshape(across.shape), part)
    reach = math.ceil(_REACH * max(1.0, scale[1])) + 1
    top, bottom = (max(0, min(box.shape.y, edge)) for edge in _span(row[finite], reach))
    left, right = _span(column[finite], reach)
    whole = math.inf
    if again is not None and box.axis_aligned:
        whole = again.length / abs(box.resolution.x)
        if right - left > whole:  # all of them: GDAL looks for each between the edges of the CRS
            left = math.floor(seam.pixel(box, again.low, y[finite][0])[0]) - reach
            right = left + math.ceil(whole) + 2 * reach
    if top >= bottom:
        return None
    return _Wanted(left, top, right, bottom, whole, scale[0])


def _span(values: Any, reach: int) -> tuple[int, int]:
    return math.floor(values.min()) - reach, math.ceil(values.max()) + reach


def _scale(column: Any, row: Any, part: GeoBox) -> tuple[float, float]:
    """Return how many pixels of a file go into one of a part, in its middle: the least, and the most."""
    middle = _SAMPLES // 2
    height, width = (size / (_SAMPLES - 1) for size in part.shape)
    right = (
        np.hypot(*(item[middle, middle + 1] - item[middle, middle] for item in (column, row)))
        / width
    )
    below = (
        np.hypot(*(item[middle + 1, middle] - item[middle, middle] for item in (column, row)))
        / height
    )
    result = [float(item) for item in (right, below) if math.isfinite(item) and item > 0] or [1.0]
    return min(result), max(result)


def _level(scale: float, params: RasterLoadParams, overviews: list[int]) -> int | None:
    """Return which overview to read; None for the image itself."""
    return overview_of(math.floor(scale + 1e-3), overviews) if params.use_overviews else None

"""Which pixels of a file a part of a cube needs: decided as odc-loader decides, before it reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import rasterio
from affine import Affine
from odc.geo import CRS
from odc.geo.converters import rio_geobox
from odc.geo.geobox import GeoBox
from odc.geo.overlap import compute_reproject_roi
from odc.geo.roi import roi_is_empty
from odc.loader import RasterLoadParams
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError

from geodes_datalab.cubes.archive.copies import View, overview_of
from geodes_datalab.cubes.archive.window import Window
from geodes_datalab.cubes.read import across

REACH = 32
"""Pixels, at the level that is read, by which warping may look beyond what it warps."""

_NEAR = 1e-6
"""Pixels by which grids may differ and be the same."""

_SMALLEST = 1e-18
"""Area of a pixel, in metres or degrees, below which a georeference is taken for damaged."""

RADIUS = 4
"""Pixels of the cube by which resampling may look beyond one: lanczos, the widest, has 3."""


def wanted(path: str, params: RasterLoadParams, geobox: Any) -> View | None:
    """Tell what odc-loader will read of a file for a part of a cube.

    Parameters
    ----------
    path
        A file that has the header of the one that will be read.
    params
        odc-loader's description of the output.
    geobox
        Output grid (CRS, transform, shape).

    Returns
    -------
    View or None
        What it reads, and what resampling may reach around it; None where they do not meet.
    """
    with rasterio.open(path, sharing=False) as file:
        tolerance = 0.9 if params.nearest else 0.05
        own = placed(file)
        if across.needed(own, geobox):
            return across.view(path, params, own, geobox)
        roi = compute_reproject_roi(own, geobox, ttol=tolerance)
        overview = None
        if params.use_overviews and roi.read_shrink > 1:
            overview = overview_of(roi.read_shrink, file.overviews(1))
        steps = [1, *file.overviews(1)]
    if roi_is_empty(roi.roi_src) or roi_is_empty(roi.roi_dst):
        return None
    rows, columns = roi.roi_src
    window = Window(columns.start, rows.start, columns.stop, rows.stop)
    level = 0 if overview is None else overview + 1
    if roi.paste_ok and roi.read_shrink == 1:
        return View(window, 0)
    widest = max(window.right - window.left, window.bottom - window.top)
    reach = REACH * steps[level] + 0.02 * widest + RADIUS * max(roi.scale2.xy)
    return View(window.grown(math.ceil(reach)), level)


class Misplaced(RasterioError):  # type: ignore[misc]  # rasterio has no types
    """A file does not tell where it lies, or lies where it cannot."""


class NoSuchBand(RasterioError):  # type: ignore[misc]  # rasterio has no types
    """A file has fewer bands than that, or several where one was expected."""


def placed(file: Any) -> Any:
    """Return the grid that an open file tells of itself.

    Raises
    ------
    Misplaced
        It has no CRS, or a transform that places its pixels nowhere. Warping would find no pixel that
        both have, and the cube would silently have none.
    """
    try:
        grid = rio_geobox(file)
    except (ValueError, ArithmeticError) as error:  # ground control points, too few or in a line
        raise Misplaced(f"its georeference is damaged: {error}") from error
    if grid.crs is None:
        raise Misplaced("it has no georeference, or a damaged one")
    if isinstance(grid, GeoBox):
        transform = grid.transform
        if (
            not all(map(math.isfinite, transform[:6]))
            or not _SMALLEST < abs(transform.determinant) < 1 / _SMALLEST
        ):
            raise Misplaced("its georeference is damaged")
    return grid


def count(file: Any) -> int:
    """Return how many bands an open file has, without one that tells how opaque the others are."""
    opaque = file.count > 1 and file.colorinterp[-1] == ColorInterp.alpha
    return int(file.count) - int(opaque)


def holds(file: Any, number: int) -> bool:
    """Tell whether an open file has a band; for number 0, whether it has but one."""
    return bool(number <= file.count) if number else count(file) == 1


def has_band(file: Any, number: int) -> None:
    """Refuse an open file that has not the bands that the catalogue tells, or the user asked for.

    Raises
    ------
    NoSuchBand
        It has fewer, or several where nobody said which.
    """
    if holds(file, number):
        return
    if number:
        raise NoSuchBand(f"it has {file.count} bands, and number {number} was asked for")
    raise NoSuchBand(
        f"it has {count(file)} bands, and the catalogue tells of one at most: name one, by the "
        'key of the file, a dot, and its number, such as "image.1"'
    )


def meets(found: tuple[slice, slice], native: GeoBox | None) -> None:
    """Refuse that nothing was found in a file that should lie in the part of the cube.

    Parameters
    ----------
    found
        Where in the cube pixels were found.
    native
        Grid of the file that has pixels there, as the catalogue tells, where it does.

    Raises
    ------
    Misplaced
        The file lies elsewhere than the catalogue tells.
    """
    if native is not None and roi_is_empty(found):
        raise Misplaced("it does not lie where the catalogue tells: its georeference is damaged")


class Shared(NamedTuple):
    """What a file and a cube have in common, where the pixels of one of its levels are the cube's."""

    native: GeoBox
    """Grid that the level should have."""
    fold: int
    """Pixels of the file that go into one of the cube, along each axis; 1 for the image itself."""
    window: Window
    """In the level."""
    where: tuple[slice, slice]
    """In the cube."""

    def view(self, path: str) -> View | None:
        """Tell which pixels of a file will be read: none, where it lacks that level.

        Parameters
        ----------
        path
            A file that has the header of the one that will be read.
        """
        if self.fold == 1:
            return View(self.window, 0)
        with rasterio.open(path, sharing=False) as file:
            level = self.level(file.overviews(1))
        return None if level is None else View(self.full, level + 1)

    @property
    def full(self) -> Window:
        """The window in pixels at full resolution."""
        return Window(*(self.fold * item for item in self.window))

    @property
    def usual(self) -> int:
        """Which overview has the cube's pixels, where there is one for each power of two."""
        return max(0, self.fold.bit_length() - 2)

    def level(self, overviews: Sequence[int]) -> int | None:
        """Return which overview has the cube's pixels, of those that a file has."""
        return overviews.index(self.fold) if self.fold in overviews else None


def fold(grid: GeoBox, other: GeoBox) -> int:
    """Tell how many pixels of a grid make up one of another, along each axis; 0 where they do not.

    Where they do, each pixel of the other is a pixel of the grid, or of its overview of that factor.

    Examples
    --------
    >>> from affine import Affine
    >>> fine = GeoBox((400, 800), Affine(10, 0, 300_000, 0, -10, 4_900_020), "EPSG:32631")
    >>> fold(fine, fine[8:, 4:]), fold(fine, fine.zoom_out(4)[2:, :]), fold(fine, fine[2:].zoom_out(4))
    (1, 4, 0)
    """
    if grid.crs != other.crs:
        return 0
    ours, theirs = grid.transform, other.transform
    ratio = theirs.a / ours.a
    times = round(ratio) if math.isfinite(ratio) else 0
    if times < 1 or (times > 1 and any(size % times for size in grid.shape)):
        return 0
    near = _NEAR * abs(ours.a)
    pairs = ((ours.a, theirs.a), (ours.b, theirs.b), (ours.d, theirs.d), (ours.e, theirs.e))
    if any(abs(times * a - b) > near for a, b in pairs):
        return 0
    x, y = ~ours @ (theirs.c, theirs.f)
    slack = _NEAR * 1e3
    whole = all(abs(item / times - round(item / times)) < slack for item in (x, y))
    return times if whole else 0


def shared(grid: GeoBox, geobox: GeoBox) -> Shared | None:
    """Tell which pixels of a file, or of one of its overviews, are pixels of a cube.

    Parameters
    ----------
    grid
        Of the file.
    geobox
        Of the cube.
    """
    times = fold(grid, geobox)
    if not times:
        return None
    native = grid if times == 1 else _overview(grid, times)
    x, y = ~native.transform @ (geobox.transform.c, geobox.transform.f)
    column, row = round(x), round(y)
    height, width = geobox.shape
    rows, columns = native.shape
    left, right = max(0, column), min(columns, column + width)
    top, bottom = max(0, row), min(rows, row + height)
    if left >= right or top >= bottom:
        return None
    where = (slice(top - row, bottom - row), slice(left - column, right - column))
    return Shared(native, times, Window(left, top, right, bottom), where)


def _overview(grid: GeoBox, times: int) -> GeoBox:
    rows, columns = (size // times for size in grid.shape)
    return GeoBox((rows, columns), grid.transform @ Affine.scale(times), grid.crs)


def same_crs(found: Any, native: GeoBox) -> bool:
    """Tell whether a file's CRS is that of a grid."""
    return found is not None and _same(found.to_wkt(), str(native.crs))


@lru_cache(maxsize=256)
def _same(wkt: str, told: str) -> bool:
    """Compare two ways of writing a CRS: milliseconds, and anew in each thread, were it not kept."""
    return bool(CRS(wkt) == CRS(told))

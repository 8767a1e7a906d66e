"""Pixels of one file, read by GDAL in the process and thread that need them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.errors
from odc.geo.converters import rio_geobox
from odc.geo.geobox import GeoBox
from odc.loader import RasterLoadParams, RasterSource, RioReader
from odc.loader._rio import LocalContext
from rasterio._err import CPLE_BaseError
from rasterio.enums import MaskFlags

from geodes_datalab.cubes import numbers, skipping
from geodes_datalab.cubes.archive.copies import (
    Copied,
    Look,
    View,
    decoded,
    filled,
    header_facts,
)
from geodes_datalab.cubes.archive.reader import lent
from geodes_datalab.cubes.archive.trouble import Changed, Unsuited
from geodes_datalab.cubes.grid import seam
from geodes_datalab.cubes.numbers import Facts, Meaning
from geodes_datalab.cubes.read import across, gdal, remote, views
from geodes_datalab.errors import ArchiveError, ReadError

T = TypeVar("T")

_NO_MASK = ([MaskFlags.all_valid], [MaskFlags.nodata])

MOST_TOLD = 4096
"""Headers that are remembered, at most: a file is read in many blocks, and has one header."""

_told: dict[tuple[Any, ...], Facts | None] = {}

_log = logging.getLogger(__name__)


class Source(NamedTuple):
    """One band of one product: what a worker needs to read it. Holds no secret."""

    title: str
    """Name of the product, for messages."""
    band: str
    """Native name of the band."""
    path: str
    """Path as GDAL understands it, with the public address inside."""
    size: int | None = None
    """Bytes of the file or archive at that address, where the catalogue tells."""
    number: int = 1
    """Of the band in the file, from 1; 0 where it should have but one."""
    meaning: Meaning | None = None
    """What its numbers mean; as the output is described, where not given."""
    care: skipping.Care = ""
    """Whether it may be missing."""

    @property
    def place(self) -> int:
        """Number of the band in the file, from 1, whether or not it is told."""
        return max(self.number, 1)

    @classmethod
    def told(cls, facts: Sequence[Any]) -> Source:
        """Return the source that was written down as JSON: its fields, in their order."""
        title, band, path, size, number, meaning, care = facts
        told = None if meaning is None else Meaning(*meaning)
        return cls(title, band, path, size, number, told, care)


def read_pixels(
    source: Source,
    params: RasterLoadParams,
    geobox: Any,
    grid: GeoBox | None = None,
    *,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """Read the part of a source that lies in a pixel grid.

    Parameters
    ----------
    source
        What to read.
    params
        odc-loader's description of the output: dtype, fill value, resampling.
    geobox
        Output grid (CRS, transform, shape).
    grid
        That the file should have, where its pixels or those of an overview may be those of the output:
        they are then read as they are, if it has it indeed.
    out
        Where the pixels may be put, where they fill all of the output grid.

    Returns
    -------
    tuple
        Where the pixels go in the grid (two slices), and the pixels (y, x): ``out``, or a new array.

    Raises
    ------
    ReadError
        The file could not be read.
    ArchiveError
        The archive, or the image in it, is broken.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    """
    straight = None if grid is None or seam.at(grid, geobox) else views.shared(grid, geobox)
    if straight is not None and straight.fold > 1 and not params.nearest:
        straight = None  # what lies at the edges is weighed by whoever resamples

    def read(path: str) -> Any:
        if straight is not None:
            result = _as_they_are(path, _Wish(params, straight, out, source))
            if result is not None:
                return result
        with filled(path) as whole:
            where, pixels = _warped(whole, params, geobox, source)
        views.meets(where, grid if straight is not None else None)
        return where, pixels

    def look(path: str) -> View | None:
        seen = None if straight is None else straight.view(path)
        return seen or views.wanted(path, params, geobox)

    guarded = partial(_guarded, source, read, look, straight=straight is not None)
    return skipping.minded(source, guarded, params.dtype)


def _warped(path: str, params: RasterLoadParams, geobox: Any, source: Source) -> Any:
    """Let odc-loader or GDAL read, warp and resample; then make of it what is wanted."""
    meaning, band = source.meaning, source.place
    with rasterio.open(path, sharing=False) as file:
        own = views.placed(file)
        views.has_band(file, source.number)
        told = numbers.facts(file, band)
        torn = across.needed(own, geobox)
        wish = params if meaning is None else numbers.asked(params, meaning, told)
        if torn:
            where, pixels = across.read(path, wish, (own, geobox), band)
        else:
            item = RasterSource(path, band=band)
            where, pixels = RioReader(item, LocalContext()).read(wish, geobox)
        if meaning is None:
            return where, pixels
        if told.masked and not torn:
            numbers.hide(file, wish, geobox, pixels, band=band)
    if params.nearest:
        return where, numbers.converted(pixels, params, meaning, told)
    # between valid numbers, resampling may well find one that means "missing" where it is stored
    settled = told._replace(nodata=None)
    return where, numbers.converted(pixels, params, meaning._replace(nodata=None), settled)


class _Wish(NamedTuple):
    """What is to be read as it is."""

    params: RasterLoadParams
    straight: views.Shared
    out: npt.NDArray[Any] | None
    source: Source

    @property
    def band(self) -> int:
        """Number of the band in its file, from 1."""
        return self.source.place

    @property
    def meaning(self) -> Meaning | None:
        """What the catalogue tells of its numbers."""
        return self.source.meaning

    @property
    def room(self) -> npt.NDArray[Any] | None:
        """Where pixels may be decoded: what they become is put there later."""
        return self.out if self.meaning is None or not self.meaning.physical else None


def _as_they_are(path: str, wish: _Wish) -> Any | None:
    """Read a window without warping; None where the file is not what the catalogue tells."""
    straight = wish.straight
    if straight.fold == 1:
        return _window(path, wish, 0)
    with contextlib.suppress(rasterio.errors.RasterioIOError):  # opening is much of the work: once
        result = _window(path, wish, straight.usual + 1)
        if result is not None:
            return result
    with rasterio.open(path, sharing=False) as file:
        overview = straight.level(file.overviews(1))
    return None if overview is None else _window(path, wish, overview + 1)


def _window(path: str, wish: _Wish, level: int) -> Any | None:
    """Read a window of a level; None where the file is not what the catalogue tells."""
    straight = wish.straight
    if isinstance(path, Copied):  # in memory: nothing to wait for
        told, result = gdal.on_few_threads(partial(_unpacked, path, wish, level))
    else:
        told, result = _as_told(path, wish, level), None
    if told is None:
        return None
    if result is None or result.dtype != told.dtype:
        left, top, right, bottom = straight.window
        with filled(path) as whole, _opened(whole, level) as file:
            result = file.read(wish.band, window=((top, bottom), (left, right)))
    if wish.meaning is not None:
        result = numbers.converted(result, wish.params, wish.meaning, told, out=wish.out)
    return straight.where, result


def _unpacked(path: str, wish: _Wish, level: int) -> tuple[Facts | None, Any]:
    """Tell whether a copy is what the catalogue tells, and return its pixels where GDAL is not needed."""
    with gdal.environment(""):
        told = _as_told(path, wish, level)
        if told is None:
            return None, None
    return told, decoded(path, wish.straight.full, level, wish.room)


def _as_told(path: str, wish: _Wish, level: int) -> Facts | None:
    """Return what a file tells, if it is what the catalogue tells; each header is looked at once."""
    params, native = wish.params, wish.straight.native
    told = header_facts(path)
    kind = None if wish.meaning is None else wish.meaning.physical
    number = wish.source.number
    key = (told, native, params.dtype, params.fill_value, kind, level, number)
    if told is not None and key in _told:
        return _told[key]
    with _opened(path, level) as file:
        if not views.holds(file, number):
            return None
        result = numbers.facts(file, wish.band)
        same = bool(
            file.shape == tuple(native.shape)
            and file.transform.almost_equals(native.transform, 1e-6)
            and _suits(result, wish)
            and file.mask_flag_enums[wish.band - 1] in _NO_MASK
            and views.same_crs(file.crs, native)
        )
    if len(_told) >= MOST_TOLD:
        _told.clear()
    if told is not None:
        _told[key] = result if same else None
    return result if same else None


def _suits(found: Facts, wish: _Wish) -> bool:
    """Tell whether a file's numbers can be taken as they are."""
    params, meaning = wish.params, wish.meaning
    if meaning is None:
        return found.dtype == params.dtype and found.nodata in (None, params.fill_value)
    return meaning.physical or bool(np.can_cast(found.dtype, str(params.dtype)))


def _opened(path: str, level: int) -> Any:
    """Open a level of a file: 0 is the image itself."""
    options = {"overview_level": level - 1} if level else {}
    return rasterio.open(path, sharing=False, **options)


@dataclass(frozen=True)
class Header:
    """What a file tells of one of its bands."""

    grid: GeoBox
    facts: Facts
    count: int = 1
    """How many bands the file has, without one that tells how opaque the others are."""

    @property
    def dtype(self) -> str:
        """Type of its numbers."""
        return self.facts.dtype

    @property
    def nodata(self) -> float | None:
        """Number that means "nothing", where it tells one."""
        return self.facts.nodata


def read_header(source: Source) -> Header:
    """Read what a file tells of itself."""

    def read(path: str) -> Header:
        with rasterio.open(path, sharing=False) as file:
            grid = rio_geobox(file)
            if not isinstance(grid, GeoBox):  # ground control points: radar geometry
                grid = GeoBox(file.shape, file.transform, None)
            if source.number:
                views.has_band(file, source.number)
            return Header(grid, numbers.facts(file, source.place), views.count(file))

    return _guarded(source, read)


def _guarded(
    source: Source, read: Callable[[str], T], look: Look | None = None, *, straight: bool = False
) -> T:
    failure = ""
    refused: ArchiveError | ReadError | None = None
    try:
        try:
            return gdal.off_main_thread(partial(_by_ranges, source, read, look, straight))
        except Changed:
            raise
        except Unsuited:  # of no matter to GDAL
            pass
        return gdal.off_main_thread(partial(remote.by_gdal, source.path, source.size, read))
    except Changed as error:
        refused = remote.changing(error)
    except (ArchiveError, ReadError) as error:
        refused = error
    except (rasterio.errors.RasterioError, CPLE_BaseError) as error:
        failure = str(error)
    if refused is not None:
        what = f"band {source.band} of {source.title} could not be read: {refused.message}"
        raise type(refused)(what, hint=refused.hint)
    # outside the handler, so that GDAL's own words, which may hold a signed address, are not chained
    raise remote.explained(source.path, f"band {source.band} of {source.title}", failure)


def _by_ranges(source: Source, read: Callable[[str], T], look: Look | None, straight: bool) -> T:
    """Read only those bytes that are needed, fetched by ourselves.

    Files that are no archives are read so where their pixels are taken as they are: GDAL is as fast
    where it must warp them. What is of another kind (`Unsuited`) is left to GDAL. So is what turns out
    to lie in a hole: nothing is lost but time. What is broken or made to harm (`ArchiveError`) is given
    to nobody.
    """
    place = remote.place(source.path, source.size)
    if place is None or not (place.member or straight):
        raise Unsuited("it is on no server, or is warped")
    client = remote.client()
    gdal.mute_rasterio()
    with gdal.environment(""), lent(client, place, look) as path:
        try:
            return read(path)
        except (rasterio.errors.RasterioError, CPLE_BaseError) as error:
            _log.debug("%s is read by GDAL itself: %s", source.title, error)
            raise Unsuited(str(error)) from error

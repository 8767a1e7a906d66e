"""`load`: items in, a lazy xarray cube out, in stages that are each testable alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from geodes_datalab import _display, _http, ops
from geodes_datalab._inputs.areas import area
from geodes_datalab._inputs.shapes import PlaceLike
from geodes_datalab._inputs.times import DatetimeLike
from geodes_datalab._inputs.words import WordsLike
from geodes_datalab._language import gettext
from geodes_datalab._types import Json
from geodes_datalab.cubes import attributes, skipping, together
from geodes_datalab.cubes.engines import odc as odc_engine
from geodes_datalab.cubes.engines import stackstac as stackstac_engine
from geodes_datalab.cubes.engines import table as table_engine
from geodes_datalab.cubes.formats import cube as cube_of_opened
from geodes_datalab.cubes.formats.asked import Asked
from geodes_datalab.cubes.formats.opening import ask_consent
from geodes_datalab.cubes.formats.registry import OPENERS
from geodes_datalab.cubes.grid.output import ResolutionLike
from geodes_datalab.cubes.parse import clouds, values
from geodes_datalab.cubes.parse.products import item_dicts, parse, reader_of
from geodes_datalab.cubes.parse.reprocessed import VERSIONS, Versions, without_older
from geodes_datalab.cubes.plan import arguments, around, idle
from geodes_datalab.cubes.plan.arguments import CHUNKS, ChunksLike, ResamplingLike
from geodes_datalab.cubes.plan.locate import Finder, Locator
from geodes_datalab.cubes.plan.making import Progress, Wish, make_plan
from geodes_datalab.cubes.plan.model import GroupBy, Plan
from geodes_datalab.cubes.plan.storing import Stored, doubts
from geodes_datalab.cubes.read import gdal
from geodes_datalab.cubes.read.clip import outside
from geodes_datalab.cubes.share import credentials, sharing
from geodes_datalab.ops.packing import each
from geodes_datalab.stac.items.held import ItemsLike
from geodes_datalab.stac.readers import Reader

Engine = Literal["odc", "stackstac"]
"""Which library builds the lazy arrays."""


def _lean(plan: Plan, chunks: Mapping[str, int]) -> dict[str, Any]:
    """Leave to odc-loader what must be warped or mosaicked; the rest needs no graph of its own."""
    if table_engine.suits(plan):
        return table_engine.arrays(plan, chunks)
    return odc_engine.arrays(plan, chunks)


ENGINES: Mapping[str, Callable[[Plan, Mapping[str, int]], dict[str, Any]]] = {
    "odc": _lean,
    "stackstac": stackstac_engine.arrays,
}


def load(
    items: ItemsLike,
    bands: WordsLike | None = None,
    *,
    # where
    bbox: PlaceLike | None = None,
    geometry: PlaceLike | None = None,
    clip: bool = False,
    all_touched: bool = False,
    # when
    datetime: DatetimeLike | None = None,
    # pixels
    crs: Any = None,
    resolution: ResolutionLike | None = None,
    resampling: ResamplingLike = "nearest",
    groupby: GroupBy = "solar_day",
    versions: Versions = "newest",
    # values
    clear: bool = False,
    raw: bool = False,
    masked: bool | None = None,
    scaled: bool | None = None,
    # what cannot be read
    offline: skipping.Offline = "raise",
    on_error: skipping.OnError = "raise",
    # how
    chunks: ChunksLike = None,
    engine: Engine = "odc",
    threads: int | None = None,
    archives: str | Path | None = None,
    locator: Locator | None = None,
    allow_provisional: bool = False,
    progress: bool | None = None,
) -> xr.Dataset:
    """Load items as a lazy cube; pixels are read when they are needed, by whichever Dask is active.

    Parameters
    ----------
    items
        What `geodes_datalab.search` returned, or its table, filtered; pystac items, one or several; an
        ``ItemCollection``; dictionaries as GEODES or another catalogue sends them, one, several, or a
        FeatureCollection; the path of a file with any of these. Of one collection, or what several catalogues hold
        of one kind (``search(..., sources=...)``): bands are named by their common names then. Relative addresses
        of files are relative to the item: its ``self`` link, or the file that it was read from.
    bands
        Names as in the product (``"B04"``) or common names (``"red"``, ``"nir"``), quality masks
        among them (``"CLM"``). By default all measurements, without masks. A file of several bands
        gives all of them by its own name (``"image"``), and one by the band's name, or by name and
        number (``"image.4"``). Where several files hold a band, the finest measurement is meant, and
        never a picture.
    bbox
        West, south, east, north in degrees (six numbers with heights), or any form of ``geometry``,
        whose box is meant. The cube's grid takes in all pixels that it touches, and is the same
        whichever items are given. Items that do not touch it give no time step.
    geometry
        Instead of ``bbox``: GeoJSON (dictionary, text or file), WKT, a shapely geometry, a GeoDataFrame,
        or anything with ``__geo_interface__``; in degrees, unless it has a CRS of its own. The cube
        covers its bounding box.
    clip
        Whether pixels whose centre lies outside the geometry become missing.
    all_touched
        Whether clipping keeps every pixel that the geometry touches: for plots of few pixels.
    datetime
        Time of acquisition, written as in `geodes_datalab.search`: items of other times are left out.
    crs
        Coordinate reference system of the cube; by default the products' own. Products of several
        UTM zones need it.
    resolution
        Pixel size in units of the CRS, one number or (x, y); by default the finest of the bands'. Values that lie
        along a satellite's path or at single places (swaths, points) are averaged in such pixels; ``count`` tells
        of how many each is the mean. Without ``crs``, sizes up to 5 are degrees, larger ones metres in the UTM zone.
    resampling
        GDAL's name of a method (``"nearest"``, ``"bilinear"``, ``"cubic"``, ``"average"`` ...) or a
        member of ``rasterio.enums.Resampling``, or one for each band, by any of its names; ``"*"``
        stands for all measurements that are not named. Quality masks are always read with ``"nearest"``.
    groupby
        What makes a time step: ``"solar_day"`` (mosaics of what was taken in one overpass), ``"time"``
        (of what has the very same time), ``"id"`` (each product by itself). Where products overlap
        in a time step, the earliest that has a value wins.
    versions
        Of products that were processed again (the same acquisition, by another baseline or at another
        date), ``"newest"`` loads the newest, and warns of the others; ``"all"`` loads all of them, of
        which the newest comes first. With ``groupby="id"`` all are loaded.
    clear
        Whether pixels of clouds, also of thin and high ones, and of their shadows become missing, by the
        products' own mask (`geodes_datalab.ops.clear`), which is read too and, unless it is named among
        the bands, left out of the cube.
    raw
        Whether to leave numbers as they are stored, for example integers. By default values are
        physical: reflectance, backscatter, heights, with missing pixels as NaN.
    masked, scaled
        Of former releases, and gone in the next: a warning says what to write instead.
    offline
        What to do with products that lie on tape, as far as the portal tells: ``"raise"`` an error, or
        ``"skip"`` them, with one warning that names them. They give no time step.
    on_error
        What to do with files that cannot be read: ``"raise"`` an error, or ``"skip"`` them: their pixels
        are missing. One warning names those whose header cannot be read; all headers are looked at
        first, which takes a request or two for each file. What is damaged further inside, or fails
        later, is found when its pixels are wanted: each such file is named then, once in a
        session, also from workers of a cluster. A refused key or a used-up quota is an error always, and so is a band of which no
        file can be read.
    chunks
        Pixels along x and y of a Dask chunk, or a mapping of ``time``, ``y``, ``x``; -1 for all.
        By default (``"auto"``) 2048 x 2048 pixels of one date.
    engine
        ``"odc"`` (odc-stac's loader) or ``"stackstac"``: same grid, same pixels. stackstac's task
        graph is smaller, which tells with thousands of products.
    threads
        Read now, so many parts at a time, into numpy arrays: no Dask is needed. By default nothing is
        read before it is used. 16 suits files on a distant server.
    archives
        Folder in which `geodes_datalab.download` left products: those are read from there.
    locator
        Another way of finding pixels; see `geodes_datalab.cubes.Locator`.
    allow_provisional
        Whether to read products of missions that have published no format yet, as far as it can be guessed.
    progress
        Whether to show a bar while archives' directories are read; by default where one can see it.

    Returns
    -------
    xarray.Dataset
        Dimensions (time, y, x), with CF attributes and the CRS (``spatial_ref``). ``time`` is the
        start of the acquisition in UTC. Values are physical, float32 (float64 where the files hold
        wider numbers), in ``units``. Quality masks and classes are integers always.

        With ``raw``, the numbers are those stored, in their own type, and ``units`` says "stored
        numbers". The attributes ``nodata`` and ``scale`` say what they mean; the coordinate
        ``stored_offset`` tells the offset of each date. `geodes_datalab.ops` knows them.

    Raises
    ------
    UnknownBand
        A band that the products do not have.
    StoredOtherwise
        With ``raw``: products that do not store their numbers alike.
    CubeError
        No items, an area that none of them touches, several zones without ``crs``, an argument that
        would have no effect, terabytes of next to nothing ...
    ProductOffline
        Products that lie on tape.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    ReadError
        While computing: pixels could not be read.

    Warns
    -----
    SkippedData
        Products or files were left out, as asked.
    ValuesInDoubt
        Nobody tells what the numbers mean, or the catalogue tells it in two ways.
    """
    given, build = dict(locals()), arguments.one_of("engine", engine, ENGINES)
    arguments.flags(
        clip=clip, all_touched=all_touched, clear=clear, raw=raw, masked=masked, scaled=scaled, progress=progress
    )  # fmt: skip
    _refuse(groupby, versions, chunks)
    threads = idle.check_threads(arguments.number("threads", threads), engine, "odc")
    folder = idle.check_archives(arguments.folder(archives), locator)
    resolution, resampling = arguments.resolution(resolution), arguments.resampling(resampling)
    how, skips = values.asked(raw, masked=masked, scaled=scaled), skipping.asked(offline, on_error)
    with _quietly(), skipping.together() as lost, _http.Client(credentials.settings()) as client:
        where = idle.check_clip(area(bbox, geometry), clip=clip, all_touched=all_touched)
        chosen = without_older(item_dicts(items, datetime), versions, each=groupby == "id")
        if found := together.parts(chosen.items):
            return together.made(load, found, given)
        wish = Wish(where, arguments.crs(crs), resolution, resampling, groupby, how.raw, clip, skips)  # fmt: skip
        names, reader = arguments.bands(bands), _described(chosen.items, consent=allow_provisional)
        if reader.kind in OPENERS:
            return _of_opened(chosen.items, reader, (names, wish, folder), given)
        parsed = parse(chosen.items, names, clear=clear)
        bar, finder = _bar(len(parsed), progress), Finder(client, folder, chosen.items)
        make = partial(make_plan, parsed, wish, client=client, progress=bar)
        plan, stored = make(locator=locator) if locator else _planned(make, finder)
        sharing.share(client.config)
        cube, blocks = _begun((plan, stored), chunks, build, threads, chosen.left_out)
    skipping.warn(lost)
    values.warn(doubts(parsed, stored))
    cube = _clipped(cube, where, plan.geobox, blocks, all_touched) if clip else cube
    return clouds.hidden(ops.mask_nodata(cube) if how.masked else cube, parsed[0].mask, clear=clear)


def _described(items: Sequence[Json], *, consent: bool) -> Reader:
    """Return what describes products; refuse those of which no format is public, unless the user agrees."""
    reader = reader_of(items)
    ask_consent(reader, consent=consent)
    return reader


def _begun(
    planned: tuple[Plan, Mapping[str, Stored]],
    chunks: ChunksLike,
    build: Callable[..., Any],
    threads: int | None,
    left_out: Sequence[str],
) -> tuple[xr.Dataset, dict[str, int]]:
    """Let an engine carry out a plan; return the cube, and the pixels of its chunks."""
    plan, stored = planned
    around.check(plan, now=threads is not None)
    blocks = _chunks(chunks, plan.geobox, len(plan.groups))
    arrays = table_engine.read_now(plan, blocks, threads) if threads else build(plan, blocks)
    told = {"older_versions_left_out": ", ".join(left_out)} if left_out else {}
    return _dataset(plan, stored, arrays).assign_attrs(told), blocks


def _of_opened(
    items: Sequence[Json],
    reader: Reader,
    asked_for: tuple[Any, Wish, Any],
    given: Mapping[str, Any],
) -> xr.Dataset:
    """Make a cube of products that are opened one by one: of which bands, on which pixels, in which folder."""
    names, wish, folder = asked_for
    cube_of_opened.refuse_no_cube(reader, items, wish.resolution)
    in_vain = {
        "raw": wish.raw, "clear": given["clear"], "engine": given["engine"] != "odc",
        "locator": given["locator"] is not None, "masked": given["masked"] is not None,
        "on_error": wish.skips.on_error != "raise",
    }  # fmt: skip
    idle.refuse_in_vain([name for name, used in in_vain.items() if used], reader)
    asked = Asked.of(
        names, wish, folder, consent=given["allow_provisional"], progress=given["progress"],
    )  # fmt: skip
    cube = cube_of_opened.made(items, reader, asked)
    return _finished(
        cube, wish, given["chunks"], all_touched=given["all_touched"], threads=given["threads"]
    )


def _finished(
    cube: xr.Dataset, wish: Wish, chunks: ChunksLike, *, all_touched: bool, threads: int | None
) -> xr.Dataset:
    """Cut a cube of opened products into chunks, and clip or read it where that is wished."""
    blocks = arguments.chunk_sizes(chunks, {name: cube.sizes[name] for name in CHUNKS}, CHUNKS)
    cube = cube.chunk(blocks)
    if wish.clip:
        cube = _clipped(cube, wish.area, cube.odc.geobox, blocks, all_touched)
    return cube.compute(num_workers=threads) if threads else cube


def _planned(make: Callable[..., Any], finder: Finder) -> Any:
    """Make a plan with what lies in the folder of downloads, if there is one; tell what it lacks."""
    try:
        return make(locator=finder)
    finally:  # a failure of the server may come of what the folder lacks
        idle.tell_unused_folder(finder.shelf)


def _refuse(groupby: Any, versions: Any, chunks: Any) -> None:
    """Refuse what cannot be meant, before anything is asked of any server."""
    arguments.group_by(groupby)
    arguments.one_of("versions", versions, VERSIONS)
    arguments.chunk_sizes(chunks, CHUNKS, CHUNKS)


def _dataset(
    plan: Plan,
    stored: Mapping[str, Stored],
    arrays: Mapping[str, Any],
) -> xr.Dataset:
    offsets, pointers = attributes.offsets(stored)
    coords = attributes.coordinates(plan.geobox, plan.times) | offsets
    simulated = attributes.is_simulated(plan)
    variables = {
        layer.name: xr.Variable(
            ("time", "y", "x"),
            arrays[layer.name],
            attributes.variable(
                layer, stored[layer.name], pointers.get(layer.name), simulated=simulated
            ),
            {"grid_mapping": "spatial_ref"},
        )
        for layer in plan.layers
    }
    collection = next(iter(stored.values())).collection
    return xr.Dataset(variables, coords, attributes.dataset(plan, collection))


def _clipped(
    cube: xr.Dataset, area: Any, geobox: GeoBox, blocks: Mapping[str, int], all_touched: bool
) -> xr.Dataset:
    mask = outside(area, geobox, (blocks["y"], blocks["x"]), all_touched=all_touched)

    def cut(band: xr.DataArray) -> xr.DataArray:
        result = band.where(~mask, band.dtype.type(band.attrs.get("nodata", np.nan)))
        result.attrs, result.encoding = band.attrs, band.encoding
        return result

    return each(cube, cut)


def _bar(total: int, shown: bool | None) -> Progress:
    def progress(work: Iterable[Any]) -> Iterable[Any]:
        bar: Iterable[Any] = _display.progress(
            work, total=total, label=gettext("Opening products"), enabled=shown
        )
        return bar

    return progress


def _chunks(chunks: ChunksLike, geobox: GeoBox, steps: int) -> dict[str, int]:
    whole = {"time": steps, "y": int(geobox.shape.y), "x": int(geobox.shape.x)}
    return arguments.chunk_sizes(chunks, whole, CHUNKS)


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence what third parties say of themselves, which our users can do nothing about."""
    gdal.mute_rasterio()
    with warnings.catch_warnings():
        for kind in (DeprecationWarning, PendingDeprecationWarning):
            warnings.filterwarnings("ignore", category=kind, module=r"(?!geodes_datalab)")
        yield

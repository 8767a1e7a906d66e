"""`load`: items in, a lazy xarray cube out, in stages that are each testable alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
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
from geodes_datalab.cubes import (
    arguments,
    attributes,
    credentials,
    odc_engine,
    stackstac_engine,
    table_engine,
)
from geodes_datalab.cubes.arguments import ChunksLike, ResamplingLike
from geodes_datalab.cubes.clip import outside
from geodes_datalab.cubes.grid import ResolutionLike
from geodes_datalab.cubes.locate import Finder, Locator
from geodes_datalab.cubes.plan import GroupBy, Plan
from geodes_datalab.cubes.planning import Progress, Stored, Wish, make_plan
from geodes_datalab.cubes.products import item_dicts, parse
from geodes_datalab.ops.packing import OFFSET, each
from geodes_datalab.stac.held import ItemsLike

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

CHUNKS: Mapping[str, int] = {"time": 1, "y": 2048, "x": 2048}
"""Default chunk: 8 MB of 16-bit integers."""


def load(
    items: ItemsLike,
    bands: WordsLike | None = None,
    *,
    # where
    bbox: PlaceLike | None = None,
    geometry: PlaceLike | None = None,
    clip: bool = False,
    # when
    datetime: DatetimeLike | None = None,
    # pixels
    crs: Any = None,
    resolution: ResolutionLike | None = None,
    resampling: ResamplingLike = "nearest",
    groupby: GroupBy = "solar_day",
    # values
    masked: bool = False,
    scaled: bool = False,
    # how
    chunks: ChunksLike = None,
    engine: Engine = "odc",
    threads: int | None = None,
    archives: str | Path | None = None,
    locator: Locator | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """Load items as a lazy cube; pixels are read when they are needed, by whichever Dask is active.

    Parameters
    ----------
    items
        What `geodes_datalab.search` returned, or its table, filtered; pystac items, one or several; an
        ``ItemCollection``; dictionaries as GEODES or another catalogue sends them, one, several, or a
        FeatureCollection; the path of a file with any of these. Of one collection. Relative addresses
        of files are relative to the item: its ``self`` link, or the file that it was read from.
    bands
        Names as in the product (``"B04"``) or common names (``"red"``, ``"nir"``), quality masks
        among them (``"CLM"``). By default all measurements, without masks.
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
    datetime
        Time of acquisition, written as in `geodes_datalab.search`: items of other times are left out.
    crs
        Coordinate reference system of the cube; by default the products' own. Products of several
        UTM zones need it.
    resolution
        Pixel size in units of the CRS, one number or (x, y); by default the finest of the bands'.
    resampling
        GDAL's name of a method (``"nearest"``, ``"bilinear"``, ``"cubic"``, ``"average"`` ...) or a
        member of ``rasterio.enums.Resampling``, or one for each band. Quality masks are always read
        with ``"nearest"``.
    groupby
        What makes a time step: ``"solar_day"`` (mosaics of what was taken in one overpass), ``"time"``
        (of what has the very same time), ``"id"`` (each product by itself). Where products overlap
        in a time step, the earliest that has a value wins.
    masked
        Whether missing pixels become NaN (float32, still in stored units).
    scaled
        Whether values become physical (float32, reflectance or backscatter, missing pixels NaN).
        For Sentinel-2 L1C the offset of the processing baseline is applied.
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
    progress
        Whether to show a bar while archives' directories are read; by default where one can see it.

    Returns
    -------
    xarray.Dataset
        Dimensions (time, y, x), with CF attributes and the CRS (``spatial_ref``). ``time`` is the
        start of the acquisition in UTC. The numbers are those stored in the product, in its own
        integer type, unless ``masked`` or ``scaled``; the attributes ``nodata``, ``scale`` and
        ``offset`` say what they mean, and `geodes_datalab.ops` knows them.

    Raises
    ------
    UnknownBand
        A band that the products do not have.
    CubeError
        No items, an area that none of them touches, several zones without ``crs`` ...
    ProductOffline
        Products that lie on tape.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    ReadError
        While computing: pixels could not be read.
    """
    build = arguments.one_of("engine", engine, ENGINES)
    arguments.flags(clip=clip, masked=masked, scaled=scaled, progress=progress)
    arguments.chunk_sizes(chunks, CHUNKS, CHUNKS)  # refused before anything is asked
    threads, folder = arguments.number("threads", threads), arguments.folder(archives)
    wish = _wish(area(bbox, geometry), crs, resolution, resampling, groupby)
    with _quietly(), _http.Client(credentials.settings()) as client:
        parsed = parse(item_dicts(items, datetime), arguments.bands(bands))
        plan, stored = make_plan(
            parsed,
            wish,
            locator=locator or Finder(client, folder),
            client=client,
            progress=_bar(len(parsed), progress),
        )
        credentials.share(client.config)
        blocks = _chunks(chunks, plan.geobox, len(plan.groups))
        arrays = table_engine.read_now(plan, blocks, threads) if threads else build(plan, blocks)
        cube = _dataset(plan, stored, arrays)
    if clip and wish.area is not None:
        cube = _clipped(cube, wish.area, plan.geobox, blocks)
    if scaled:
        return ops.to_physical(cube)
    return ops.mask_nodata(cube) if masked else cube


def _wish(
    where: Any,
    crs: Any,
    resolution: ResolutionLike | None,
    resampling: ResamplingLike,
    groupby: GroupBy,
) -> Wish:
    """Read what was said about pixels."""
    arguments.group_by(groupby)
    return Wish(
        where,
        arguments.crs(crs),
        arguments.resolution(resolution),
        arguments.resampling(resampling),
        groupby,
    )


def _dataset(plan: Plan, stored: Mapping[str, Stored], arrays: Mapping[str, Any]) -> xr.Dataset:
    coords = attributes.coordinates(plan.geobox, plan.times)
    offsets = next((one.offsets for one in stored.values() if one.offsets), None)
    if offsets is not None:
        coords[OFFSET] = xr.Variable(
            "time",
            list(offsets),
            {"long_name": "offset of the stored numbers, by processing baseline"},
        )
    variables = {}
    for layer in plan.layers:
        one = stored[layer.name]
        attrs = attributes.variable(layer, one.band, one.collection)
        if one.offsets:
            attrs.pop("offset", None)
        variables[layer.name] = xr.Variable(
            ("time", "y", "x"), arrays[layer.name], attrs, {"grid_mapping": "spatial_ref"}
        )
    collection = next(iter(stored.values())).collection
    return xr.Dataset(variables, coords, attributes.dataset(plan, collection))


def _clipped(cube: xr.Dataset, where: Any, geobox: GeoBox, blocks: Mapping[str, int]) -> xr.Dataset:
    mask = outside(where, geobox, (blocks["y"], blocks["x"]))

    def cut(band: xr.DataArray) -> xr.DataArray:
        result = band.where(~mask, band.dtype.type(band.attrs.get("nodata", np.nan)))
        result.attrs, result.encoding = band.attrs, band.encoding
        return result

    return each(cube, cut)


def _bar(total: int, shown: bool | None) -> Progress:
    def progress(work: Iterable[Any]) -> Iterable[Any]:
        bar: Iterable[Any] = _display.progress(
            work, total=total, label="Opening products", enabled=shown
        )
        return bar

    return progress


def _chunks(chunks: ChunksLike, geobox: GeoBox, steps: int) -> dict[str, int]:
    whole = {"time": steps, "y": int(geobox.shape.y), "x": int(geobox.shape.x)}
    return arguments.chunk_sizes(chunks, whole, CHUNKS)


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence deprecations inside third parties, which our users can do nothing about."""
    with warnings.catch_warnings():
        for kind in (DeprecationWarning, PendingDeprecationWarning):
            warnings.filterwarnings("ignore", category=kind, module=r"(?!geodes_datalab)")
        yield

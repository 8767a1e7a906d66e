"""`load`: items in, a lazy xarray cube out, in stages that are each testable alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from geodes_datalab import _display, _http, ops
from geodes_datalab.cubes import (
    attributes,
    credentials,
    odc_engine,
    skipping,
    stackstac_engine,
    table_engine,
    values,
)
from geodes_datalab.cubes.aoi import area
from geodes_datalab.cubes.clip import outside
from geodes_datalab.cubes.grid import ResolutionLike
from geodes_datalab.cubes.locate import Finder, Locator
from geodes_datalab.cubes.plan import GroupBy, Plan
from geodes_datalab.cubes.planning import Progress, Wish, make_plan
from geodes_datalab.cubes.products import item_dicts, parse
from geodes_datalab.cubes.storing import Stored, doubts
from geodes_datalab.errors import CubeError, near
from geodes_datalab.ops.packing import each

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
"""Default chunk: 16 MB of physical values, 8 MB of 16-bit integers."""


def load(
    items: Any,
    bands: Sequence[str] | str | None = None,
    *,
    # where
    bbox: Sequence[float] | None = None,
    geometry: Any = None,
    clip: bool = False,
    # pixels
    crs: Any = None,
    resolution: ResolutionLike | None = None,
    resampling: str | Mapping[str, str] = "nearest",
    groupby: GroupBy = "solar_day",
    # values
    raw: bool = False,
    masked: bool | None = None,
    scaled: bool | None = None,
    # what cannot be read
    offline: skipping.Offline = "raise",
    on_error: skipping.OnError = "raise",
    # how
    chunks: int | Mapping[str, int] | None = None,
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
        What `geodes_datalab.search` returned, or pystac items, of one collection.
    bands
        Names as in the product (``"B04"``) or common names (``"red"``, ``"nir"``), quality masks
        among them (``"CLM"``). By default all measurements, without masks.
    bbox
        West, south, east, north in degrees. The cube's grid takes in all pixels that it touches, and
        is the same whichever items are given. Items that do not touch it give no time step.
    geometry
        Instead of ``bbox``: GeoJSON, a shapely geometry, a GeoDataFrame, or anything with
        ``__geo_interface__``, in degrees. The cube covers its bounding box.
    clip
        Whether pixels whose centre lies outside the geometry become missing.
    crs
        Coordinate reference system of the cube; by default the products' own. Products of several
        UTM zones need it.
    resolution
        Pixel size in units of the CRS, one number or (x, y); by default the finest of the bands'.
    resampling
        GDAL's name of a method (``"nearest"``, ``"bilinear"``, ``"cubic"``, ``"average"`` ...), or
        one for each band. Quality masks are always read with ``"nearest"``.
    groupby
        What makes a time step: ``"solar_day"`` (mosaics of what was taken in one overpass), ``"time"``
        (of what has the very same time), ``"id"`` (each product by itself). Where products overlap
        in a time step, the earliest that has a value wins.
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
        By default 2048 x 2048 pixels of one date.
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
        No items, an area that none of them touches, several zones without ``crs`` ...
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
    build = _engine(engine)
    how = values.asked(raw, masked=masked, scaled=scaled)
    skips = skipping.asked(offline, on_error)
    with _quietly(), skipping.together() as lost, _http.Client(credentials.settings()) as client:
        where = area(bbox, geometry)
        parsed = parse(item_dicts(items), bands)
        plan, stored = make_plan(
            parsed,
            Wish(where, crs, resolution, resampling, groupby, raw=how.raw, clip=clip, skips=skips),
            locator=locator or Finder(client, archives),
            client=client,
            progress=_bar(len(parsed), progress),
        )
        credentials.share(client.config)
        blocks = _chunks(chunks, plan.geobox, len(plan.groups))
        arrays = table_engine.read_now(plan, blocks, threads) if threads else build(plan, blocks)
        cube = _dataset(plan, stored, arrays)
    skipping.warn(lost)
    values.warn(doubts(parsed, stored))
    if clip and where is not None:
        cube = _clipped(cube, where, plan.geobox, blocks)
    return ops.mask_nodata(cube) if how.masked else cube


def _dataset(plan: Plan, stored: Mapping[str, Stored], arrays: Mapping[str, Any]) -> xr.Dataset:
    offsets, pointers = attributes.offsets(stored)
    coords = attributes.coordinates(plan.geobox, plan.times) | offsets
    variables = {
        layer.name: xr.Variable(
            ("time", "y", "x"),
            arrays[layer.name],
            attributes.variable(layer, stored[layer.name], pointers.get(layer.name)),
            {"grid_mapping": "spatial_ref"},
        )
        for layer in plan.layers
    }
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


def _engine(name: str) -> Callable[[Plan, Mapping[str, int]], dict[str, Any]]:
    if name not in ENGINES:
        hint = near(name, ENGINES) or f"use one of: {', '.join(ENGINES)}"
        raise CubeError(f"unknown engine {name!r}", hint=hint)
    return ENGINES[name]


def _chunks(chunks: int | Mapping[str, int] | None, geobox: GeoBox, steps: int) -> dict[str, int]:
    given = {"y": chunks, "x": chunks} if isinstance(chunks, int) else dict(chunks or {})
    sizes = {"time": steps, "y": int(geobox.shape.y), "x": int(geobox.shape.x)}
    for dim, size in given.items():
        if dim not in sizes or not _is_size(size):
            raise CubeError(
                f"chunks={chunks!r} cannot be used",
                hint='give a number of pixels, or for example {"time": 1, "y": 1024, "x": 1024}',
            )
    wanted = {**CHUNKS, **given}
    return {
        dim: size if wanted[dim] == -1 else min(wanted[dim], size) for dim, size in sizes.items()
    }


def _is_size(size: Any) -> bool:
    return isinstance(size, int) and (size > 0 or size == -1)


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence deprecations inside third parties, which our users can do nothing about."""
    with warnings.catch_warnings():
        for kind in (DeprecationWarning, PendingDeprecationWarning):
            warnings.filterwarnings("ignore", category=kind, module=r"(?!geodes_datalab)")
        yield

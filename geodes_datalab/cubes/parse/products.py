"""Parse: items become a table of what could be read. Nothing is asked of any server here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj.exceptions import CRSError

from geodes_datalab import stac
from geodes_datalab._display import some
from geodes_datalab._inputs.times import DatetimeLike, interval
from geodes_datalab._types import Json
from geodes_datalab.cubes.parse.clouds import mask_beside
from geodes_datalab.cubes.parse.plain import plain_reader
from geodes_datalab.cubes.parse.values import Teller, Words
from geodes_datalab.errors import CubeError, InvalidInput, UnknownBand, UnknownCollection
from geodes_datalab.stac.items.held import ItemsLike, acquired, as_dicts
from geodes_datalab.stac.readers import reader_of_product


class Parsed(NamedTuple):
    """One item: its bands as asked for, and what its metadata tell of them.

    Items that tell the same share their ``bands`` and ``grids``.
    """

    id: str
    title: str
    start: datetime
    """Acquisition start, UTC without time zone."""
    item: Json
    bands: Mapping[str, stac.Band]
    """By the name the user wrote; with values that hold for this item."""
    grids: Mapping[str, GeoBox]
    """Pixel grid of each band, where the metadata tell it."""
    container: str
    """``"zip"`` (members of an archive), ``"file"`` (by file name) or ``"asset"`` (by asset key)."""
    by_name: bool = True
    """Whether the user named the bands."""
    told: Words = MappingProxyType({})
    """What the numbers in each band's file mean, as far as metadata tell; shared like ``bands``."""
    shifts: tuple[float, ...] = ()
    """Offsets that products of the collection may have, where they differ in that."""
    mask: str = ""
    """The cloud mask among the bands that nobody named, empty where there is none."""


def item_dicts(items: ItemsLike, datetime: DatetimeLike | None = None) -> list[Json]:
    """Return raw dictionaries from whatever holds items.

    Parameters
    ----------
    items
        See `geodes_datalab.stac.items.held.ItemsLike`.
    datetime
        Time of acquisition; items of other times are left out.

    Raises
    ------
    CubeError
        There is none, or none of that time.
    DataError
        Something among them is no item.
    """
    result = as_dicts(items)
    if not result:
        raise CubeError(
            "there are no items to load",
            hint="widen the search: look at items.query, the dates, the area, the cloud cover",
        )
    kept = acquired(result, datetime)
    if not kept:
        raise CubeError(
            f"none of the {len(result)} items was acquired in {interval(datetime)}",
            hint="widen datetime=, or leave it out: items.filter(datetime=...) tells what there is",
        )
    return kept


def parse(
    items: Sequence[Json], bands: Sequence[str] | str | None, *, clear: bool = False
) -> list[Parsed]:
    """Read from the items' metadata which bands they have, and on which grids.

    Parameters
    ----------
    items
        Item dictionaries of one collection.
    bands
        Native or common names; ``None`` for all that hold measurements.
    clear
        Clouds are to be left out: with a cloud mask beside those, unless one is among them.

    Raises
    ------
    UnknownBand
        No product has a band of that name.
    CubeError
        Several collections, no date, no bands, no cloud mask where one is needed.
    """
    reader = reader_of(items)
    if not reader.geocoded:
        raise no_cube(reader, items)
    names = _wanted(reader.for_item(items[0]) if reader.variants else reader, bands)
    mask = mask_beside(reader.for_item(items[0]), names) if clear else ""
    names = [*names, mask] if mask else names
    return [
        one._replace(mask=mask) for one in _parsed(items, reader, names, by_name=bands is not None)
    ]


def no_cube(reader: stac.Reader, items: Sequence[Json]) -> CubeError:
    """Return the error for products that lie on no map: it says of what kinds these are."""
    kinds = dict.fromkeys(reader.for_item(item).description for item in items)
    return CubeError(
        f"{reader.collection} is {reader.lies}, not on a map: {'; '.join(kinds)}",
        hint=reader.instead,
    )


def reader_of(items: Sequence[Json]) -> stac.Reader:
    """Return what describes the bands of items of one collection."""
    collections = sorted({str(item.get("collection") or "") for item in items})
    if len(collections) > 1:
        raise CubeError(
            f"the items come from {len(collections)} collections: {', '.join(collections)}",
            hint="load one collection at a time, and join the cubes with xarray.merge or "
            "xarray.concat",
        )
    try:
        return stac.reader(collections[0])
    except UnknownCollection as error:
        return reader_of_product(items[0]) or plain_reader(items, error)


def _wanted(reader: stac.Reader, bands: Sequence[str] | str | None) -> list[str]:
    if bands is None:
        return reader.chosen
    names = [bands] if isinstance(bands, str) else list(bands)
    if not names:
        raise UnknownBand("no bands were asked for", hint="leave bands out to load all")
    return list(dict.fromkeys(item for name in names for item in reader.expanded(name)))


def _parsed(
    items: Sequence[Json], reader: stac.Reader, names: Sequence[str], *, by_name: bool
) -> Iterator[Parsed]:
    known: dict[int, tuple[stac.Reader, Mapping[str, stac.Band]]] = {}
    last: tuple[Any, Any, Mapping[str, GeoBox]] = (None, None, {})
    teller = Teller(reader.kind)
    for item in items:
        own = reader.for_item(item)
        if id(own) not in known:
            known[id(own)] = own, {name: own.band(name) for name in names}
        bands = known[id(own)][1]
        properties = item.get("properties") or {}
        told = _told(item.get("assets") or {}, properties, bands.values())
        if told != last[0] or bands is not last[1]:
            last = told, bands, _grids(told, own, bands)
        yield Parsed(
            str(item["id"]),
            title_of(item),
            _start(item, properties),
            item,
            bands,
            last[2],
            own.kind,
            by_name,
            teller(item, bands),
            (0.0, own.shift.offset) if own.shift else (),
        )


def start_of(item: Json) -> datetime:
    """Return the start of an acquisition, UTC without time zone.

    Raises
    ------
    CubeError
        Nothing tells it, or it cannot be read.
    """
    return _start(item, item.get("properties") or {})


def _start(item: Json, properties: Json) -> datetime:
    text = properties.get("start_datetime") or properties.get("datetime")
    if not text:
        raise CubeError(
            f"{item['id']} has no date of acquisition", hint="leave it out with items.filter()"
        )
    try:
        if text[-1:] == "Z":  # most are written so, and this is quick
            return datetime.fromisoformat(text[:-1])
        moment = datetime.fromisoformat(str(text))
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (OverflowError, TypeError, ValueError):
        return _written_otherwise(item, text)


def _written_otherwise(item: Json, text: Any) -> datetime:
    try:
        span = interval(text)
    except InvalidInput as error:
        raise CubeError(
            f"{item['id']} has a date of acquisition that cannot be read: {error.message}",
            hint="leave it out, or put its datetime right",
        ) from error
    if span is None or span.start is None:
        raise CubeError(
            f"{item['id']} has no date of acquisition", hint="leave it out with items.filter()"
        )
    return span.start.replace(tzinfo=None)


USELESS = (ArithmeticError, AssertionError, CRSError, LookupError, TypeError, ValueError)
"""What making a grid of false fields raises (odc-geo asserts some of them)."""

_Told = tuple[Any, Any, Any, Any, bool]
"""Shape, transform, code and EPSG number of a band's pixels; whether they are of its own file."""


def _told(assets: Json, properties: Json, bands: Iterable[stac.Band]) -> list[_Told]:
    """Collect what the fields of the projection extension tell of each band: its asset's, or the item's."""
    shape, transform = properties.get("proj:shape"), properties.get("proj:transform")
    code, epsg = properties.get("proj:code"), properties.get("proj:epsg")
    of_item: _Told = (shape, transform, code, epsg, False)
    return [
        (
            asset.get("proj:shape", shape),
            asset.get("proj:transform", transform),
            asset.get("proj:code", code),
            asset.get("proj:epsg", epsg),
            "proj:transform" in asset,
        )
        if (asset := assets.get(band.key))
        else of_item
        for band in bands
    ]


def _grids(
    told: Sequence[_Told], reader: stac.Reader, bands: Mapping[str, stac.Band]
) -> dict[str, GeoBox]:
    """Derive the grid of each band of which enough is told."""
    finest = min((band.gsd for band in reader.bands), default=0)
    result = {}
    for (name, band), (shape, transform, code, epsg, own) in zip(bands.items(), told, strict=True):
        code = code or (f"EPSG:{epsg}" if epsg else None)  # noqa: PLW2901 - two spellings of one
        if shape and transform and code:
            grid = None
            factor = 1.0 if own else band.gsd / (finest or band.gsd or 1)
            with suppress(*USELESS):  # `doubt` tells of it
                grid = _made(tuple(shape), tuple(transform[:6]), str(code), factor)
            if grid:
                result[name] = grid
    return result


@lru_cache(maxsize=4096)
def _made(
    shape: tuple[int, int], transform: tuple[float, ...], code: str, factor: float
) -> GeoBox | None:
    """Make a grid; products of one tile share one object."""
    return _coarser(GeoBox(shape, Affine(*transform), code), factor)


def _coarser(grid: GeoBox, factor: float) -> GeoBox | None:
    """Return the grid of a coarser band: the same extent in larger pixels.

    An item's fields describe the finest grid of a product. None where the pixels do not fit.
    """
    if factor in (0, 1):
        return grid
    rows, columns = (size / factor for size in grid.shape)
    if abs(rows - round(rows)) > 1e-6 or abs(columns - round(columns)) > 1e-6:
        return None
    return GeoBox((round(rows), round(columns)), grid.transform @ Affine.scale(factor), grid.crs)


def title_of(item: Json) -> str:
    """Return the name of a product."""
    properties = item.get("properties") or {}
    return str(properties.get("title") or properties.get("identifier") or item["id"])


def titles(parsed: Iterable[Parsed], *, limit: int = 3) -> str:
    """Name a few products, for a message."""
    return some([item.title for item in parsed], limit)

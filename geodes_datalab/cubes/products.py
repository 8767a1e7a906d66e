"""Parse: items become a table of what could be read. Nothing is asked of any server here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from affine import Affine
from odc.geo.geobox import GeoBox

from geodes_datalab import stac
from geodes_datalab._types import Json
from geodes_datalab.cubes.plain import plain_reader
from geodes_datalab.errors import CubeError, UnknownBand, UnknownCollection
from geodes_datalab.stac.items import as_dicts


@dataclass(frozen=True)
class Parsed:
    """One item: its bands as asked for, and what its metadata tell of them."""

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


def item_dicts(items: Any) -> list[Json]:
    """Return raw dictionaries from whatever holds items.

    Parameters
    ----------
    items
        `stac.Items`, a ``pystac.ItemCollection``, one item or several, as pystac objects or as
        dictionaries.

    Raises
    ------
    CubeError
        There is none.
    DataError
        Something among them is no item.
    """
    found = as_dicts(items)
    if not found:
        raise CubeError(
            "there are no items to load",
            hint="widen the search: look at items.query, the dates, the area, the cloud cover",
        )
    return found


def parse(items: Sequence[Json], bands: Sequence[str] | str | None) -> list[Parsed]:
    """Read from the items' metadata which bands they have, and on which grids.

    Parameters
    ----------
    items
        Item dictionaries of one collection.
    bands
        Native or common names; ``None`` for all that hold measurements.

    Raises
    ------
    UnknownBand
        No product has a band of that name.
    CubeError
        Several collections, no date, no bands.
    """
    reader = _reader(items)
    if not reader.geocoded:
        raise CubeError(
            f"{reader.collection} is in radar geometry, not on a map: {reader.description}",
            hint="search a geocoded collection instead, for example PEPS_S1_L2",
        )
    names = _wanted(reader, bands)
    return [_parsed(item, reader, names, by_name=bands is not None) for item in items]


def _reader(items: Sequence[Json]) -> stac.Reader:
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
        return plain_reader(items, error)


def _wanted(reader: stac.Reader, bands: Sequence[str] | str | None) -> list[str]:
    if bands is None:
        data = [band for band in reader.bands if band.role == "data"]
        common = [band for band in data if band.common_name]  # leaves variants of a band out
        return [band.name for band in common or data]
    names = [bands] if isinstance(bands, str) else list(bands)
    if not names:
        raise UnknownBand("no bands were asked for", hint="leave bands out to load all")
    for name in names:
        reader.band(name)
    return list(dict.fromkeys(names))


def _parsed(item: Json, reader: stac.Reader, names: Sequence[str], *, by_name: bool) -> Parsed:
    own = reader.for_item(item)
    bands = {name: own.band(name) for name in names}
    finest = min(band.gsd for band in own.bands)
    properties = item.get("properties") or {}
    return Parsed(
        id=str(item["id"]),
        title=str(properties.get("title") or properties.get("identifier") or item["id"]),
        start=_start(item),
        item=item,
        bands=bands,
        grids={name: grid for name, band in bands.items() if (grid := _grid(item, band, finest))},
        container=own.container,
        by_name=by_name,
    )


def _start(item: Json) -> datetime:
    properties = item.get("properties") or {}
    text = properties.get("start_datetime") or properties.get("datetime")
    if not text:
        raise CubeError(
            f"{item['id']} has no date of acquisition", hint="leave it out with items.filter()"
        )
    moment = datetime.fromisoformat(str(text))
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _grid(item: Json, band: stac.Band, finest: float) -> GeoBox | None:
    """Derive a band's grid from the fields of the projection extension."""
    properties = item.get("properties") or {}
    asset = (item.get("assets") or {}).get(band.name) or {}
    shape, transform, code = (
        asset.get(name, properties.get(name))
        for name in ("proj:shape", "proj:transform", "proj:code")
    )
    epsg = asset.get("proj:epsg", properties.get("proj:epsg"))
    code = code or (f"EPSG:{epsg}" if epsg else None)
    if not (shape and transform and code):
        return None
    grid = GeoBox(tuple(shape), Affine(*transform[:6]), code)
    return (
        grid if "proj:transform" in asset else _coarser(grid, band.gsd / (finest or band.gsd or 1))
    )


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


def titles(parsed: Iterable[Parsed], *, limit: int = 3) -> str:
    """Name a few products, for a message."""
    names = [one.title for one in parsed]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more

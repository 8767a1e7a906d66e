"""Items as tables: geopandas in memory, stac-geoparquet on disk."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from geodes_datalab._optional import need
from geodes_datalab._types import Json
from geodes_datalab.errors import DataError, StorageError
from geodes_datalab.stac.items.assets import data_asset
from geodes_datalab.stac.items.versions import superseded

if TYPE_CHECKING:
    import geopandas

_NESTED = ("political", "hydrology", "physical", "references")
"""Properties whose depth differs from item to item: written as JSON text."""

_OWN = ("type", "stac_version", "stac_extensions", "id", "geometry", "bbox", "links", "assets",
        "collection", "file:size", "href")  # fmt: skip
"""Columns that are no properties."""

_TIMES = ("datetime", "start_datetime", "end_datetime", "published", "created", "updated")


def to_geodataframe(dicts: list[Json]) -> geopandas.GeoDataFrame:
    """Return items as a table; see `Items.to_geodataframe`."""
    library = need("geopandas", extra="tables")
    pandas = need("pandas", extra="tables")
    from shapely.geometry import shape

    rows = [
        {
            "id": item["id"],
            "collection": item.get("collection"),
            **item["properties"],
            **_file(item),
            "assets": item["assets"],
        }
        for item in dicts
    ]
    for place, newest in superseded(dicts).items():
        rows[place]["geodes_datalab:newer"] = dicts[newest]["id"]
    shapes = [shape(item["geometry"]) if item.get("geometry") else None for item in dicts]
    frame: geopandas.GeoDataFrame = library.GeoDataFrame(
        rows, geometry=shapes, crs=4326, columns=None if rows else ["id", "collection", "geometry"]
    )
    for name in _TIMES:
        if name in frame:
            frame[name] = pandas.to_datetime(
                frame[name], format="ISO8601", utc=True, errors="coerce"
            )
    return frame


def rows(table: Any) -> Iterator[Json]:
    """Yield the items of a table that `to_geodataframe` made, or stac-geoparquet, and someone filtered.

    Parameters
    ----------
    table
        A table, or one row of it.

    Raises
    ------
    DataError
        It lacks a column without which its rows are no items.
    """
    if not hasattr(table, "columns"):  # one row, or one column
        if "assets" not in table.index:
            yield from _column(table)
            return
        table = table.to_frame().T
    if len(table) == 0:
        return
    if "id" not in table and "id" in table.index.names:
        table = table.reset_index()
    for name in ("id", "assets"):
        if name not in table:
            raise DataError(
                f'the table has no column "{name}", so its rows are no items',
                "filter the table that to_geodataframe() returned without dropping columns, or use "
                "items.filter()",
            )
    if getattr(table, "crs", None) is not None:
        table = table.to_crs(4326)
    shape = getattr(getattr(table, "geometry", None), "name", None)  # the column in use
    for row in table.to_dict("records"):
        yield _item(row, shape)


def _column(values: Any) -> Iterator[Json]:
    """Yield the items in a column of items."""
    for item in values:
        result = item.to_dict(transform_hrefs=False) if hasattr(item, "assets") else item
        if not isinstance(result, dict):
            raise DataError(
                f"this is no item: {type(item).__name__}",
                "give the whole table, not one column of it",
            )
        yield result


def _item(row: Json, shape: str | None) -> Json:
    """Build an item of a row; what a table had to fill with nothing is left out."""
    geometry = row.get(shape) if shape else None
    properties = {
        name: json.loads(value) if name in _NESTED and isinstance(value, str) else value
        for name, value in _pruned(plain({k: v for k, v in row.items() if k not in _OWN})).items()
        if name != shape
    }
    item = {
        "type": "Feature",
        "id": str(row["id"]),
        "geometry": _footprint(geometry),
        "properties": properties,
        "links": plain(row["links"]) if "links" in row else [],
        "assets": _pruned(plain(row["assets"])),
    }
    collection = plain(row.get("collection"))
    return item | ({"collection": collection} if collection else {})


def _footprint(geometry: Any) -> Json | None:
    """Return a footprint as GeoJSON; none where one row of a table in metres has lost its CRS."""
    import shapely

    if not hasattr(geometry, "wkb") or geometry.is_empty:
        return None
    west, south, east, north = geometry.bounds
    if west < -360 or south < -90 or east > 360 or north > 90:
        return None
    result: Json = json.loads(str(shapely.to_geojson(geometry)))
    return result


def plain(value: Any) -> Any:
    """Return what JSON knows in place of what tables hold; None for what is missing."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):  # NaT is one, too
        return value.isoformat() if value == value else None  # noqa: PLR0124 - the test for NaT
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return plain(value.tolist())
    if type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value)):
        return None
    return value


def write_parquet(dicts: list[Json], path: Path) -> Path:
    """Write items as stac-geoparquet; see `Items.to_parquet`."""
    arrow = need("stac_geoparquet", extra="tables").arrow
    if not dicts:
        raise DataError("there are no items to write", "widen the search first")
    temporary = path.with_name(f".{path.name}-{uuid4().hex}.part")
    try:
        arrow.to_parquet(
            arrow.parse_stac_items_to_arrow([_flat(item) for item in dicts]), temporary
        )
        temporary.replace(path)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}",
            "free some space, or choose another folder",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read_parquet(path: Path, where: Any = None) -> Iterable[Json]:
    """Read items from stac-geoparquet, or those for which an expression of pyarrow holds; see `Items.from_parquet`."""
    arrow = need("stac_geoparquet", extra="tables").arrow
    parquet = need("pyarrow.parquet", extra="tables")
    try:
        return [
            _deep(item)
            for item in arrow.stac_table_to_items(parquet.read_table(path, filters=where))
        ]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} cannot be read as stac-geoparquet: {error}", "write it with items.to_parquet()"
        ) from error


def _file(item: Json) -> Json:
    try:
        asset = data_asset(item)[1]
    except DataError:
        return {}
    return {"file:size": asset.get("file:size"), "href": asset["href"]}


def _flat(item: Json) -> Json:
    properties = {
        name: json.dumps(value) if name in _NESTED else value
        for name, value in item["properties"].items()
    }
    return {**item, "properties": properties}


def _deep(item: Json) -> Json:
    from geodes_datalab.stac.items.normalise import date_text

    item = _pruned(item)
    for name, value in item["properties"].items():
        if name in _NESTED and isinstance(value, str):
            item["properties"][name] = json.loads(value)
        elif name in _TIMES:
            item["properties"][name] = date_text(value)
    item.setdefault("links", [])
    item.setdefault("geometry", None)
    return item


def _pruned(value: Any) -> Any:
    """Leave out what a table had to fill with nothing."""
    if isinstance(value, dict):
        return {name: _pruned(item) for name, item in value.items() if item is not None}
    return [_pruned(item) for item in value] if isinstance(value, list | tuple) else value

"""Items as tables: geopandas in memory, stac-geoparquet on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from geodes_datalab._optional import need
from geodes_datalab._types import Json
from geodes_datalab.errors import DataError, StorageError
from geodes_datalab.stac.assets import data_asset
from geodes_datalab.stac.versions import superseded

if TYPE_CHECKING:
    import geopandas

_NESTED = ("political", "hydrology", "physical", "references")
"""Properties whose depth differs from item to item: written as JSON text."""

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
            frame[name] = pandas.to_datetime(frame[name], format="ISO8601", utc=True)
    return frame


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


def read_parquet(path: Path) -> Iterable[Json]:
    """Read items from stac-geoparquet; see `Items.from_parquet`."""
    arrow = need("stac_geoparquet", extra="tables").arrow
    parquet = need("pyarrow.parquet", extra="tables")
    try:
        return [_deep(item) for item in arrow.stac_table_to_items(parquet.read_table(path))]
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
    from geodes_datalab.stac.normalise import date_text

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
        return {name: _pruned(one) for name, one in value.items() if one is not None}
    return [_pruned(one) for one in value] if isinstance(value, list | tuple) else value

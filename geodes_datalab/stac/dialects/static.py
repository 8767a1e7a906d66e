"""Results that users have published in folders: collections and tables of items, without a server.

What the account may not read is not there. The tables are filtered by box and time while they are read; the
rest of a query is tried on what is left, as `Items.filter` does it.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from geodes_datalab._inputs.times import Interval
from geodes_datalab._optional import need
from geodes_datalab._types import BBox, Json
from geodes_datalab.errors import DataError, InvalidQuery, ServerQuirk
from geodes_datalab.stac.dialects import Found
from geodes_datalab.stac.items.tables import read_parquet
from geodes_datalab.stac.items.wellformed import MISREAD
from geodes_datalab.stac.query.canonical import Query
from geodes_datalab.stac.query.conditions import Attributes, Clause
from geodes_datalab.stac.query.matching import during, matches
from geodes_datalab.stac.query.order import in_order

CATALOG, COLLECTION, TABLE = "catalog.json", "collection.json", "items.parquet"
MOST = 16 * 2**20
"""Bytes of a catalogue's or a collection's JSON, at most: larger ones are not ours."""


class Static:
    """The dialect of folders of results.

    Parameters
    ----------
    root
        The place, the folder of one user in it, or that of one collection.
    """

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    def attributes(self) -> Attributes | None:
        """Return None: items may have any property."""
        return None

    def knows(self, collection: str) -> bool:
        """Tell whether there is a collection that may be read."""
        return bool(self._named(collection))

    def collections(self) -> list[Json]:
        """Return the collections that may be read, under the names that `search` takes."""
        return [{**told, "id": name} for name, (told, _) in self._names.items()]

    def search(self, query: Query) -> Found:
        """Read the tables of the collections that are asked for."""
        wanted = [one for name in query.collections for one in self._named(name)]
        folders = [path.parent for _, path in (wanted if query.collections else self._found)]
        area = _area(query)
        found = [item for one in folders for item in _read(one, query) if _fits(item, query, area)]
        result = in_order(found, query.sort)
        return Found(len(result), iter([result[: query.limit]]))

    @cached_property
    def _found(self) -> list[tuple[Json, Path]]:
        result = []
        for path in collection_files(self._root):
            try:
                told = read_json(path)
            except DataError as error:
                warnings.warn(f"{path} was left out: {error.message}", ServerQuirk, stacklevel=6)
                continue
            if not _hidden(told, path):
                result.append((told, path))
        return result

    @cached_property
    def _names(self) -> dict[str, tuple[Json, Path]]:
        """Return the collections by name; two users' collections of one name with the user in front."""
        result = {}
        for told, path in self._found:
            name = str(told["id"])
            alike = sum(str(other["id"]) == name for other, _ in self._found)
            result[name if alike == 1 else f"{path.parents[1].name}/{name}"] = told, path
        return result

    def _named(self, name: str) -> list[tuple[Json, Path]]:
        fitting = [
            (told, path)
            for told, path in self._found
            if name in (str(told["id"]), f"{path.parents[1].name}/{told['id']}")
        ]
        if len(fitting) > 1:
            owners = [path.parents[1].name for _, path in fitting]
            raise InvalidQuery(
                f'{len(fitting)} users have published a collection "{name}": {", ".join(owners)}',
                f'say whose: "{owners[0]}/{name}"',
            )
        return fitting


def collection_files(root: Path) -> Iterator[Path]:
    """Yield the collections in a place, in a user's folder or in a collection's own, as far as they may be read."""
    for depth in ("", "*/", "*/*/"):
        pattern = f"{depth}{COLLECTION}"
        found = sorted(path for path in root.glob(pattern) if _readable(path, root))
        if found:
            yield from found
            return


def _readable(path: Path, root: Path) -> bool:
    """Tell whether a file may be read, and lies in no hidden folder."""
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    with suppress(OSError):
        return not hidden and path.is_file() and os.access(path, os.R_OK, effective_ids=True)
    return False


def _hidden(told: Json, path: Path) -> bool:
    """Tell whether a collection is somebody else's own: an administrator may read it, and does not search it."""
    private = told.get("geodes_datalab:visibility") == "private"
    return private and path.stat().st_uid != os.geteuid()


def read_json(path: Path) -> Json:
    """Read a catalogue or a collection from a file.

    Raises
    ------
    DataError
        It is none, or too large to be one.
    """
    try:
        if path.stat().st_size > MOST:
            raise DataError(f"{path} is too large to be a collection", "look at what it holds")
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: {error}", "publish into it again") from error
    if not isinstance(told, dict) or not isinstance(told.get("id"), str):
        raise DataError(f"{path} is no STAC collection", "publish into it again")
    return told


def _read(folder: Path, query: Query) -> list[Json]:
    """Return the items of a collection that may fit; none of a table that cannot be read, which is told."""
    try:
        return list(_items(folder, query))
    except (DataError, OSError, *MISREAD) as error:
        text = f"the items of {folder} cannot be read and were left out: {error}"
        warnings.warn(text, ServerQuirk, stacklevel=4)
        return []


def _items(folder: Path, query: Query) -> Iterator[Json]:
    """Yield the items of a collection that may fit, with complete addresses."""
    table = folder / TABLE
    if not table.is_file():
        return
    for item in read_parquet(table, _rough(table, query)):
        name = str(item["id"])
        here = {
            "rel": "self",
            "href": str(folder / name / f"{name}.json"),
            "type": "application/geo+json",
        }
        links = [here, *(one for one in item["links"] if _leads_elsewhere(one))]
        assets = {
            key: {**one, "href": _complete(one["href"], folder)}
            for key, one in item["assets"].items()
        }
        yield {**item, "links": links, "assets": assets}


def _leads_elsewhere(link: Json) -> bool:
    return link.get("rel") != "self" and "://" in str(link.get("href"))


def _complete(href: Any, folder: Path) -> str:
    text = str(href)
    return str(folder / text.removeprefix("./")) if text.startswith("./") else text


def _rough(table: Path, query: Query) -> Any:
    """Return what the table's own columns tell of the query: box and time; None where they tell nothing."""
    compute = need("pyarrow.compute", extra="tables")
    names = need("pyarrow.parquet", extra="tables").read_schema(table).names
    told: list[Any] = []
    boxes = _boxes(query)
    if boxes and "bbox" in names:
        side = {one: compute.field("bbox", one) for one in ("xmin", "ymin", "xmax", "ymax")}
        inside = [
            (side["xmin"] <= east) & (side["xmax"] >= west) & (side["ymin"] <= north) & (side["ymax"] >= south)
            for west, south, east, north in boxes
        ]  # fmt: skip
        across = side["xmin"] > side["xmax"]
        for one in inside:
            across = across | one
        told.append(across)
    told += _in_time(query.acquired, names, compute)
    result = None
    for one in told:
        result = one if result is None else result & one
    return result


def _in_time(span: Interval | None, names: list[str], compute: Any) -> list[Any]:
    import pyarrow as pa

    if span is None or "datetime" not in names:
        return []
    moments = {
        one: compute.field(one)
        for one in ("datetime", "start_datetime", "end_datetime")
        if one in names
    }
    first = [moments[one] for one in ("start_datetime", "datetime") if one in moments]
    last = [moments[one] for one in ("end_datetime", "datetime") if one in moments]
    kind = pa.timestamp("us", "UTC")
    result = []
    if span.end is not None:
        result.append(compute.coalesce(*first) <= pa.scalar(span.end, kind))
    if span.start is not None:
        result.append(compute.coalesce(*last) >= pa.scalar(span.start, kind))
    return result


def _boxes(query: Query) -> list[BBox]:
    area = _area(query)
    return [] if area is None else [tuple(part.bounds) for part in _parts(area)]


def _area(query: Query) -> Any:
    """Return the area that is searched, as a shape; None for the whole world."""
    import shapely

    if query.geometry is not None:
        return shapely.from_geojson(json.dumps(query.geometry))
    if query.bbox is None:
        return None
    west, south, east, north = query.bbox
    if west <= east:
        return shapely.box(west, south, east, north)
    return shapely.union(
        shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)
    )


def _parts(area: Any) -> list[Any]:
    return list(getattr(area, "geoms", [area]))


def _fits(item: Json, query: Query, area: Any) -> bool:
    properties = item["properties"]
    return (
        _is_named(item, query.ids)
        and (query.acquired is None or during(properties, query.acquired))
        and (query.published is None or _published(properties, query.published))
        and all(matches(properties, clause) for clause in (*query.clauses, *_shade(query)))
        and (area is None or _touches(item, area))
    )


def _is_named(item: Json, ids: tuple[str, ...]) -> bool:
    wanted = {one.casefold() for one in ids}
    return not ids or str(item["id"]).casefold() in wanted


def _published(properties: Json, span: Interval) -> bool:
    return bool(properties.get("published")) and during({"datetime": properties["published"]}, span)


def _shade(query: Query) -> list[Clause]:
    if query.cloud_cover is None:
        return []
    low, high = query.cloud_cover
    return [Clause("eo:cloud_cover", "gte", low), Clause("eo:cloud_cover", "lte", high)]


def _touches(item: Json, area: Any) -> bool:
    import shapely

    if not item.get("geometry"):
        return False
    return bool(shapely.from_geojson(json.dumps(item["geometry"])).intersects(area))

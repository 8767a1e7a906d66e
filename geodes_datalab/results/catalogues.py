"""The collection of a user's results, and the catalogues above it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from geodes_datalab._types import Json
from geodes_datalab.errors import DataError, PublishError
from geodes_datalab.results.describing import OWNER, VISIBILITY, Facts
from geodes_datalab.results.shelf import Shelf, locked, own_collections, put_json, remove_unfinished
from geodes_datalab.stac.dialects.static import (
    CATALOG,
    COLLECTION,
    TABLE,
    collection_files,
    read_json,
)

_JSON = "application/json"


def collection_of(facts: Facts, items: Iterable[Json], former: Json | None = None) -> Json:
    """Return the collection of items: where, when, and what there is.

    Parameters
    ----------
    facts
        What is said of it now.
    items
        All of them.
    former
        The collection as it was: its description stays where no other is given.
    """
    found = list(items)
    description = facts.description or (former or {}).get("description") or facts.title
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": facts.collection,
        "title": facts.title,
        "description": description,
        "license": facts.licence,
        "providers": [{"name": facts.owner, "roles": ["producer", "host"]}],
        "extent": {"spatial": {"bbox": _boxes(found)}, "temporal": {"interval": [_interval(found)]}},
        "summaries": _summaries(found),
        "links": [
            {"rel": "root", "href": f"../../{CATALOG}", "type": _JSON},
            {"rel": "parent", "href": f"../../{CATALOG}", "type": _JSON},
            *({"rel": "item", "href": f"./{one['id']}/{one['id']}.json", "type": "application/geo+json"} for one in found),
        ],
        "assets": {
            "items": {
                "href": f"./{TABLE}",
                "title": "All items in one table (stac-geoparquet)",
                "type": "application/vnd.apache.parquet",
                "roles": ["collection-mirror"],
            }
        },
        OWNER: facts.owner,
        VISIBILITY: facts.visibility,
    }  # fmt: skip


def with_links(item: Json) -> Json:
    """Return an item with the links that lead upwards from it."""
    up = [
        {"rel": "root", "href": f"../../../{CATALOG}", "type": _JSON},
        {"rel": "parent", "href": f"../{COLLECTION}", "type": _JSON},
        {"rel": "collection", "href": f"../{COLLECTION}", "type": _JSON},
    ]
    return {**item, "links": [*up, *item["links"]]}


def row(item: Json) -> Json:
    """Return an item as the table has it: addresses are relative to the table."""
    assets = {
        key: {**one, "href": f"./{item['id']}/{one['href'].removeprefix('./')}"}
        for key, one in item["assets"].items()
    }
    links = [{**one, "href": _from_table(str(one["href"]))} for one in item["links"]]
    return {**item, "assets": assets, "links": links}


def rows(shelf: Shelf) -> dict[str, Json]:
    """Return the items of a collection by id, as its table has them, and those that belong into it."""
    return {**shelf.items(), **{str(one["id"]): row(one) for one in shelf.begun()}}


def _from_table(href: str) -> str:
    """Return a link's address as seen from the collection's folder."""
    if href.startswith("../../"):
        return href.removeprefix("../")
    return f"./{href.removeprefix('../')}" if href.startswith("../") else href


def refresh(shelf: Shelf, without: Path | None = None) -> bool:
    """Write the catalogues anew: that of the user, of all collections; that of the place, of the public ones.

    Parameters
    ----------
    shelf
        Whose.
    without
        Folder of a collection that is about to go.

    Returns
    -------
    bool
        Whether the place's could be written.
    """
    with locked(shelf.home / ".catalog.lock"):
        remove_unfinished(shelf.home)
        found = [one for one in own_collections(shelf.home) if one != without]
        own = [(one, _told(one / COLLECTION)) for one in found]
        told = _catalogue(shelf.owner, f"Results of {shelf.owner}", own, shelf.home)
        put_json(shelf.home / CATALOG, told, 0o600)
        seen = {str(one[VISIBILITY]) for _, one in own if one}
        modes = {"public": 0o755, "group": 0o750}
        shelf.home.chmod(next((mode for name, mode in modes.items() if name in seen), 0o700))
    return refresh_place(shelf, without)


def refresh_place(shelf: Shelf, without: Path | None = None) -> bool:
    """Write the catalogue of a place anew, but for a collection that is about to go, or to be seen by fewer.

    It is everybody's: where another account has made it, and this one may not replace it, it stays as it is.
    `geodes_datalab.search` does without.

    Returns
    -------
    bool
        Whether it could be written.
    """
    with suppress(OSError, PublishError), locked(shelf.place / ".catalog.lock", 0o666):
        remove_unfinished(shelf.place)
        every = [(path.parent, _told(path)) for path in collection_files(shelf.place)]
        public = [
            (path, one)
            for path, one in every
            if one and one.get(VISIBILITY) == "public" and path != without
        ]
        told = _catalogue("results", "Results that all may see", public, shelf.place)
        put_json(shelf.place / CATALOG, told, 0o644)
        return True
    return False


def _catalogue(name: str, title: str, found: Sequence[tuple[Path, Any]], root: Path) -> Json:
    return {
        "type": "Catalog",
        "stac_version": "1.1.0",
        "id": name,
        "title": title,
        "description": title,
        "links": [
            {"rel": "root", "href": f"./{CATALOG}", "type": _JSON},
            *(
                {
                    "rel": "child",
                    "href": f"./{path.relative_to(root).as_posix()}/{COLLECTION}",
                    "type": _JSON,
                    "title": str(one.get("title") or path.name),
                }
                for path, one in found
                if one
            ),
        ],
    }


def _told(path: Path) -> Json | None:
    with suppress(OSError, DataError):
        return read_json(path)
    return None


def _boxes(items: Sequence[Json]) -> list[list[float]]:
    """Return the box around all items; across the antimeridian, it is the whole turn."""
    boxes = [one["bbox"] for one in items]
    across = any(box[0] > box[2] for box in boxes)
    west, east = min(box[0] for box in boxes), max(box[2] for box in boxes)
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    return [[-180.0, south, 180.0, north] if across else [west, south, east, north]]


def _interval(items: Sequence[Json]) -> list[str]:
    told = [one["properties"] for one in items]
    starts = [str(one.get("start_datetime") or one["datetime"]) for one in told]
    return [min(starts), max(str(one.get("end_datetime") or one["datetime"]) for one in told)]


def _summaries(items: Sequence[Json]) -> Json:
    told: Mapping[str, set[Any]] = {
        name: {one["properties"][name] for one in items if one["properties"].get(name) is not None}
        for name in ("gsd", "proj:code")
    }
    bands = {
        str(band["name"]): {name: band[name] for name in ("name", "description", "unit", "data_type") if name in band}
        for one in items
        for asset in one["assets"].values()
        for band in asset.get("bands") or ()
    }  # fmt: skip
    result: Json = {name: sorted(values) for name, values in told.items() if values}
    return {**result, "bands": list(bands.values())}

"""Items in whatever people hold: what catalogues sent, libraries' objects, tables, files.

Whoever asked GEODES by other means than `geodes_datalab.search` has its items as they were served, with
all their traps: they are put right here as `search` does it, so that every verb takes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from geodes_datalab._inputs.times import DatetimeLike, interval
from geodes_datalab._types import Json
from geodes_datalab.errors import DataError
from geodes_datalab.stac.items.addresses import beside, on_disk, self_link
from geodes_datalab.stac.items.normalise import normalise
from geodes_datalab.stac.items.sequence import Items
from geodes_datalab.stac.items.wellformed import tell, well_formed
from geodes_datalab.stac.query.matching import during

ItemsLike: TypeAlias = Any
"""What `geodes_datalab.search` returned, or its table, filtered; pystac items, one or several, an
``ItemCollection``, a catalogue or a search of pystac-client; dictionaries as a server sends them, one,
several or a FeatureCollection; JSON text; the path of a file with any of these, or of stac-geoparquet."""

_HINT = (
    "give what geodes_datalab.search() returned, its table, pystac items, dictionaries of items, or the "
    "path of a file with items"
)


_JSON = (str, int, float, list, tuple, dict, type(None))
"""What items are made of; libraries put in dates and arrays of their own."""


class _Raw(NamedTuple):
    """An item as it was found."""

    item: Json
    place: str | None = None
    """Where it was read from."""
    alone: bool = False
    """Whether that file holds this item only."""
    mended: bool = True
    """Whether its names and values may be right already."""


def as_dicts(items: ItemsLike) -> list[Json]:
    """Return items as clean dictionaries, whatever form they come in.

    Parameters
    ----------
    items
        See `ItemsLike`.

    Returns
    -------
    list of dict
        Normalised, with complete addresses as far as the item's own place is known.

    Raises
    ------
    DataError
        Something among them is no item.
    """
    shared: dict[str, Any] = {}
    doubts: list[str] = []
    result = [_clean(raw, shared, doubts) for raw in _each(items)]
    tell(doubts, stacklevel=3)
    return result


def acquired(dicts: list[Json], datetime: DatetimeLike | None) -> list[Json]:
    """Return the items of which the acquisition touches a span of time; all, where none is given."""
    span = interval(datetime)
    if span is None:
        return dicts
    return [item for item in dicts if during(item.get("properties") or {}, span)]


def _each(items: Any) -> Iterator[_Raw]:
    """Yield what is in there, one by one."""
    if isinstance(items, Items):
        yield from map(_Raw, items.dicts)
    elif isinstance(items, str | bytes | PathLike):
        yield from _of_text(items)
    elif isinstance(items, Mapping):
        yield from _of_mapping(items)
    elif hasattr(items, "iloc"):  # pandas, without importing it
        from geodes_datalab.stac.items.tables import rows

        yield from (_Raw(item, mended=False) for item in rows(items))
    elif hasattr(items, "items_as_dicts"):  # a search of pystac-client
        yield from map(_Raw, items.items_as_dicts())
    elif hasattr(items, "get_items"):  # a catalogue
        yield from _every(_of_catalogue(items))
    elif hasattr(items, "assets") and hasattr(items, "to_dict"):
        yield _of_pystac(items)
    elif isinstance(items, Iterable) and getattr(items, "ndim", 1) > 0:
        yield from _every(items)
    elif getattr(items, "ndim", None) == 0:  # numpy's array of one thing
        yield from _each(items.item())
    else:
        raise _no_item(items)


def _every(items: Iterable[Any]) -> Iterator[_Raw]:
    for item in items:
        yield from _each(item)


def _of_mapping(value: Mapping[str, Any]) -> Iterator[_Raw]:
    if value.get("type") == "FeatureCollection":
        features = value.get("features")
        if not isinstance(features, Iterable) or isinstance(features, str | Mapping):
            raise DataError("a FeatureCollection without features holds no items", _HINT)
        yield from _every(features)
    else:
        yield _Raw(dict(value))


def _of_pystac(item: Any) -> _Raw:
    try:
        result: Json = item.to_dict(transform_hrefs=False)
    except (TypeError, ValueError) as error:  # our own forms of items, or links without an address
        try:
            result = item.to_dict(include_self_link=False, transform_hrefs=False)
        except (AttributeError, TypeError, ValueError):
            raise _no_item(item) from error
    return _Raw(result, mended=False)  # pystac writes dates in its own way


def _of_catalogue(catalogue: Any) -> list[Any]:
    """Return the items of a catalogue, or of the file of one; links of it may lead nowhere."""
    import pystac

    try:
        result: Any = pystac.read_file(catalogue) if isinstance(catalogue, str) else catalogue
        return list(result.get_items(recursive=True))
    except Exception as error:  # of pystac, of the network, of JSON
        raise DataError(
            f"the catalogue cannot be read to its end: {error}",
            "look at the files that it links to, or give the items that you need",
        ) from error


def _of_text(value: str | bytes | PathLike[Any]) -> Iterator[_Raw]:
    name = value if isinstance(value, bytes) else fspath(value)
    text = name.decode("utf-8", errors="replace") if isinstance(name, bytes) else name
    if not isinstance(value, PathLike) and text.lstrip()[:1] in ("{", "["):
        yield from _each(_parsed(text, "the text"))
        return
    path = _existing(text)
    if path.suffix.lower() in (".parquet", ".geoparquet"):
        yield from _each(Items.from_parquet(path))
        return
    try:
        result = _parsed(path.read_text("utf-8-sig"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}", _HINT) from error
    if isinstance(result, Mapping) and result.get("type") in ("Catalog", "Collection"):
        yield from _every(_of_catalogue(str(path)))
        return
    alone = isinstance(result, Mapping) and result.get("type") != "FeatureCollection"
    for raw in _each(result):
        yield raw if raw.place else raw._replace(place=str(path), alone=alone)


def _existing(text: str) -> Path:
    local = on_disk(text) if text[:5].lower() == "file:" else None
    if "://" in text and local is None:
        raise DataError(
            f"{text!r} is an address: items are not fetched from the web here",
            "read it with pystac.Item.from_file() or pystac_client.Client, and give what comes",
        )
    try:
        path = local or Path(text).expanduser().absolute()
        there = path.is_file()
    except (OSError, ValueError, RuntimeError):  # no such account, or characters that no name has
        there = False
    if not there:
        shown = text if len(text) < 100 else text[:97] + "..."
        raise DataError(f"this is no item, and no file with items: {shown!r}", _HINT)
    return path


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is no JSON, so it holds no items: {error}", _HINT) from error


def _clean(raw: _Raw, shared: dict[str, Any], doubts: list[str]) -> Json:
    """Put an item right as `search` does, unless it is right already."""
    item = raw.item
    _refuse_incomplete(item)
    values = (item.get("bbox"), *(item.get("properties") or {}).values())
    if not all(isinstance(value, _JSON) for value in values):
        from geodes_datalab.stac.items.tables import plain

        item = plain(item)
    item = well_formed(item, doubts)
    link = self_link(item["links"])
    places = (raw.place, link) if raw.alone else (link, raw.place)
    properties = item["properties"]
    known = "identifier" in properties and "title" in properties and "dataset" not in properties
    if known and raw.mended:
        return {**item, "assets": beside(item["assets"], places)}
    return normalise(item, shared, places, doubts)


def _refuse_incomplete(item: Json) -> None:
    """Refuse what lacks a part without which it is no item."""
    name = item.get("id")
    assets, properties = item.get("assets"), item.get("properties")
    if item.get("type", "Feature") != "Feature" or not isinstance(name, str | int) or name == "":
        raise DataError(
            f"this is no item: a dictionary of the type {item.get('type')!r} with the id {name!r}",
            _HINT,
        )
    if not isinstance(assets, Mapping) or not isinstance(properties, Mapping | None):
        raise DataError(f"this is no item: {name} has no assets, or no properties", _HINT)
    for key, asset in assets.items():
        if (
            not isinstance(asset, Mapping)
            or not isinstance(asset.get("href"), str)
            or not asset["href"]
        ):
            raise DataError(f'{name} is no item: its asset "{key}" has no address (href)', _HINT)


def _no_item(value: Any) -> DataError:
    return DataError(f"this is no item: {type(value).__name__}", _HINT)

"""What catalogues send, made into clean STAC 1.1 items with one set of names.

Today's portal writes lists as texts, texts as lists, dates with none, three or six decimals, the
time of publication as ``datetime`` and file sizes in prose. `normalise` keeps all of the meaning
and none of that. Values the server gives explicitly always win over what is derived here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from geodes_datalab._types import Json
from geodes_datalab.stac.items.addresses import beside, self_link
from geodes_datalab.stac.items.assets import geodes_assets, standard_assets
from geodes_datalab.stac.items.extensions import declared
from geodes_datalab.stac.items.tiles import projection
from geodes_datalab.stac.items.wellformed import MISREAD, is_sound, mended, misread
from geodes_datalab.stac.query.conditions import tile
from geodes_datalab.stac.query.satellites import constellation, stac_constellation, stac_platform

PIXELS: Mapping[str, int] = {
    "PEPS_S2_L1C": 10,
    "THEIA_REFLECTANCE_SENTINEL2_L2A": 10,
    "THEIA_REFLECTANCE_SENTINEL2_L3A": 10,
    "THEIA_S1TILING_SENTINEL1_L1": 10,
    "THEIA_REFLECTANCE_LANDSAT8_L2A": 30,
}
"""Metres per pixel of the finest grid, for collections cut along Sentinel-2's tiles."""

_RADARS = ("SAR", "SAR-C")
_UP = ("root", "parent")
_DROPPED = frozenset(
    {
        "sar:instrument_mode",
        "sar:polarizations",
        "proj:bbox",
        "instrument",
        "dataset",
        "product:timeliness",
    }
)


def normalise(
    raw: Json,
    shared: dict[str, Any] | None = None,
    places: Iterable[str | None] | None = None,
    doubts: list[str] | None = None,
) -> Json:
    """Return a clean item.

    Parameters
    ----------
    raw
        Item as served, by today's portal or by a standard catalogue; it is not changed.
    shared
        Cache that lets equal bulky values of many items be one object.
    places
        Where the item is, for addresses that are relative to it; by default where its ``self`` link says.
    doubts
        Takes a line for each part that is of no kind that can be read, and was left out.

    Returns
    -------
    dict
        STAC 1.1 item. ``properties.datetime`` is the start of the acquisition, ``published`` the
        time of publication, ``title`` the product's name.

    Raises
    ------
    DataError
        It is no item, or cannot be understood; the text names it, and what is wrong.
    """
    try:
        if is_sound(raw):
            return _renamed(raw, shared, places)
    except MISREAD:
        pass  # what is wrong is looked for where something is
    clean = mended(raw, [] if doubts is None else doubts)
    try:
        return _renamed(clean, shared, places)
    except MISREAD as error:
        raise misread(clean, error) from error


def _renamed(raw: Json, shared: dict[str, Any] | None, places: Iterable[str | None] | None) -> Json:
    old: Json = raw["properties"]
    legacy = "identifier" in old and "dataset" in old
    properties = _from_geodes(old) if legacy else dict(old)
    properties.setdefault("identifier", raw["id"])
    properties.setdefault("title", properties["identifier"])
    collection = raw.get("collection") or old.get("dataset")
    _put_right(properties, collection)
    if shared is not None and "references" in properties:
        properties["references"] = _shared(properties["references"], shared)
    if legacy and isinstance(raw.get("centroid"), Mapping):
        properties["proj:centroid"] = {
            entry: raw["centroid"].get(entry) for entry in ("lat", "lon")
        }
    item: Json = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": raw["id"],
        "geometry": raw.get("geometry"),
        "properties": properties,
        "links": [link for link in raw["links"] if link["href"] and link["rel"] not in _UP],
        "assets": (geodes_assets if legacy else standard_assets)(_complete(raw, places)),
    }
    if collection:
        item["collection"] = collection
    if raw.get("bbox") or item["geometry"]:
        item["bbox"] = raw.get("bbox") or _bbox(item["geometry"])
    item["stac_extensions"] = declared(item, () if legacy else raw.get("stac_extensions") or ())
    return item


def _complete(raw: Json, places: Iterable[str | None] | None) -> dict[str, Json]:
    """Return the assets with complete addresses: beside the item, where they are relative."""
    if places is None:
        places = [self_link(raw["links"])]
    return beside(raw["assets"], places)


def _from_geodes(old: Json) -> Json:
    """Give the properties of today's portal their standard names and types."""
    new = {
        name: value
        for name, value in old.items()
        if (value or value == 0) and name not in _DROPPED  # neither None, "" nor []
    }
    instruments = str(old.get("instrument") or "").replace(",", " ").split()
    if instruments:
        new["instruments"] = [item.lower() for item in instruments]
    radar = any(item in _RADARS for item in instruments)
    if radar:
        new.pop("eo:cloud_cover", None)  # served as 0.0, and means nothing
    if old.get("sar:instrument_mode"):
        new["sar:instrument_mode" if radar else "geodes:instrument_mode"] = old[
            "sar:instrument_mode"
        ]
    if old.get("sar:polarizations"):
        new["sar:polarizations"] = _words(old["sar:polarizations"])
    if old.get("product:timeliness"):
        new["geodes:timeliness"] = old["product:timeliness"]  # STAC's field is a duration
    box = _numbers(old.get("proj:bbox"))
    if box:
        new["geodes:corners"] = box  # degrees: STAC's field is in the units of the projection
    _dates(new, old)
    _doi(new)
    return new


def _dates(new: Json, old: Json) -> None:
    """Make ``datetime`` the acquisition's start, as STAC means it."""
    start = old.get("start_datetime") or old.get("end_datetime")
    published = old.get("published") or old.get("datetime")
    if published:
        new["published"] = published
    if start:
        new["start_datetime"] = new["datetime"] = start
        new["end_datetime"] = old.get("end_datetime") or start
    else:
        new["datetime"] = published
        new["geodes:datetime_is"] = "publication: the catalogue gives no time of acquisition"


def _doi(new: Json) -> None:
    value = new.pop("sci:doi", None)
    texts = (
        _words(value.strip("[]\"' ").replace('"', " ")) if isinstance(value, str) else value or []
    )
    if texts:
        new["sci:doi"] = texts[0]


def _put_right(properties: Json, collection: str | None) -> None:
    """Mend values, whoever served them; what is right already stays as it is."""
    _take_older_names(properties)
    for name in _DATES:
        moment = properties.get(name)
        if isinstance(moment, str):
            properties[name] = date_text(moment)
        elif moment is not None:
            del properties[name]
    for name, mend in _MENDERS.items():
        if name not in properties:
            continue
        value = mend(properties[name])
        if value is None:
            del properties[name]
        else:
            properties[name] = value
    if "platform" in properties and "constellation" not in properties:
        family = constellation(properties["platform"])
        if family:
            properties["constellation"] = family
    if properties.get("constellation") == "sentinel-1":
        properties.pop("eo:cloud_cover", None)
        properties.setdefault("sar:frequency_band", "C")
    _project(properties, collection)


def _take_older_names(properties: Json) -> None:
    """Give properties their name of today, where a catalogue has an earlier one or its own."""
    for older, name in (("eo:platform", "platform"), ("eo:gsd", "gsd")):
        if properties.get(older) is not None:
            properties.setdefault(name, properties[older])
    if "grid:code" in properties:
        return
    for family in ("mgrs", "sentinel"):
        parts = ("utm_zone", "latitude_band", "grid_square")
        words = [properties.get(f"{family}:{part}") for part in parts]
        if all(words):
            properties["grid:code"] = "".join(map(str, words))
            return
    if properties.get("s2:mgrs_tile"):
        properties["grid:code"] = properties["s2:mgrs_tile"]


def _project(properties: Json, collection: str | None) -> None:
    if "proj:epsg" in properties:
        epsg = properties.pop("proj:epsg")
        properties.setdefault("proj:code", f"EPSG:{epsg}" if epsg else None)
    square = tile(str(properties.get("grid:code", "")))
    if square:
        wanted = PIXELS.get((collection or "").upper().replace("-", "_"))
        if "proj:shape" in properties or "proj:transform" in properties:
            wanted = None
        derived = projection(square, wanted)
        if "proj:shape" in properties or "proj:transform" in properties:
            derived.pop("proj:bbox", None)
        for name, value in derived.items():
            properties.setdefault(name, value)


def _of_text(mend: Callable[[str], str]) -> Callable[[Any], str | None]:
    return lambda value: mend(value) if isinstance(value, str) else None


def _grid(value: Any) -> str | None:
    square = tile(str(value))
    return f"MGRS-{square}" if square else str(value) or None


def _orbit_state(value: Any) -> str | None:
    text = str(value).strip().lower()
    return text if text in ("ascending", "descending", "geostationary") else None


def _percentage(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if not 0 <= number <= 100:
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) else number


def _counted(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if number >= 1 else None


def _words(value: Any) -> list[str]:
    return (
        str(value).replace(",", " ").split()
        if isinstance(value, str)
        else [str(item) for item in value or ()]
    )


def _words_or_none(value: Any) -> list[str] | None:
    return _words(value) or None


_DATES = (
    "datetime",
    "start_datetime",
    "end_datetime",
    "published",
    "created",
    "updated",
    "processing:datetime",
)

_MENDERS: Mapping[str, Callable[[Any], Any]] = {
    "platform": _of_text(stac_platform),
    "constellation": _of_text(stac_constellation),
    "grid:code": _grid,
    "sat:orbit_state": _orbit_state,
    "sat:relative_orbit": _counted,
    "sat:absolute_orbit": _counted,
    "sat:orbit_cycle": _counted,
    "eo:cloud_cover": _percentage,
    "sar:polarizations": _words_or_none,
    "sar:beam_ids": _words_or_none,
}


_CLEAN_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z")


def date_text(text: str) -> str:
    """Write a date as RFC 3339 with milliseconds, or microseconds where they are told."""
    if _CLEAN_DATE.fullmatch(text):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    detail = (
        "microseconds"
        if moment.microsecond % 1000
        else "milliseconds"
        if moment.microsecond
        else "seconds"
    )
    return moment.isoformat(timespec=detail).replace("+00:00", "Z")


def _numbers(value: Any) -> list[float] | None:
    try:
        numbers = (
            [float(item) for item in value.split(",")]
            if isinstance(value, str)
            else list(value or ())
        )
    except ValueError:
        return None
    return numbers or None


def _bbox(geometry: Json) -> list[float]:
    points = list(_points(geometry))
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return [min(xs), min(ys), max(xs), max(ys)]


def _points(value: Any) -> Iterable[list[float]]:
    if isinstance(value, Mapping):
        return _points(value.get("coordinates") or value["geometries"])
    if isinstance(value[0], int | float):
        return [value]
    return [point for part in value for point in _points(part)]


def _shared(credits_: Any, shared: dict[str, Any]) -> Any:
    """Let items have one copy of the credits that all of them repeat."""
    if shared.get("references") != credits_:
        shared["references"] = credits_
    return shared["references"]

"""Whether what a catalogue sent is an item at all: its parts are of the kinds that STAC gives them.

Nearly every item is right, and is found so in a few steps. What is wrong in another one is left out where
the rest can be used without it, and told; what is no item is refused by name.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from geodes_datalab._display import some
from geodes_datalab._types import Json
from geodes_datalab.errors import DataError, ServerQuirk

MISREAD = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What Python raises where a value is of another kind than the code expects."""

_HINT = "tell whoever made the item; search for others meanwhile, or leave it out"

_BANDS = ("bands", "eo:bands", "raster:bands")

_WITH_BANDS = frozenset(_BANDS)


def well_formed(raw: Any, doubts: list[str]) -> Json:
    """Return an item whose parts are of the right kinds.

    Parameters
    ----------
    raw
        An item as served; it is not changed.
    doubts
        Takes a line for each part that was left out.

    Returns
    -------
    dict
        The item itself where it is right.

    Raises
    ------
    DataError
        It is no item: no object, without an id, or with properties or assets of another kind.
    """
    try:
        if is_sound(raw) and all(map(_is_link, raw["links"])):
            result: Json = raw
            return result
    except MISREAD:
        pass
    return mended(raw, doubts)


def tell(doubts: Sequence[str], *, stacklevel: int) -> None:
    """Warn of what was left out, if anything."""
    if doubts:
        text = f"parts of the answer cannot be read and were left out: {some(doubts, sign='; ')}"
        warnings.warn(text, ServerQuirk, stacklevel=stacklevel + 1)


def misread(item: Json, error: Exception) -> DataError:
    """Return the error for an item that is of the right form, and cannot be understood all the same."""
    told = f"({type(error).__name__}: {error})"
    return DataError(f"the item {item.get('id')!r} cannot be understood {told}", _HINT)


def is_sound(raw: Any) -> bool:
    """Tell whether all but the links is right; what is wrong may raise as it likes. Thousands of items pass."""
    if type(raw) is not dict or type(raw["id"]) is not str or not raw["id"]:
        return False
    return (
        type(raw["properties"]) is dict
        and type(raw["assets"]) is dict
        and all(map(_is_asset, raw["assets"].values()))
        and _is_text(raw.get("collection"))
        and _is_box(raw.get("bbox"))
        and _is_geometry(raw.get("geometry"))
        and _are_texts(raw.get("stac_extensions"))
    )


def _is_text(value: Any) -> bool:
    return value is None or type(value) is str


def _are_texts(values: Any) -> bool:
    return values is None or (type(values) is list and "".join(values) is not None)


def _is_link(link: Any) -> bool:
    return type(link["rel"]) is str and type(link["href"]) is str


def _is_box(box: Any) -> bool:
    return box is None or (type(box) is list and len(box) in (4, 6) and isfinite(sum(box)))


def _is_geometry(geometry: Any) -> bool:
    """Tell whether a geometry can be drawn; what is none raises as it likes."""
    if geometry is None:
        return True
    kind = geometry["type"]
    if kind == "Polygon":
        return _are_rings(geometry["coordinates"])
    if kind == "MultiPolygon":
        return bool(geometry["coordinates"]) and all(map(_are_rings, geometry["coordinates"]))
    if kind == "GeometryCollection":
        return all(map(_is_geometry, geometry["geometries"]))
    depth = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2}[kind]
    points = [geometry["coordinates"]]
    for _ in range(depth):
        points = [item for part in points for item in part]
    return bool(points) and isfinite(sum([point[0] + point[1] for point in points]))


def _are_rings(rings: Any) -> bool:
    total = 0.0
    for ring in rings:
        if len(ring) < 3:
            return False
        total += sum([point[0] + point[1] for point in ring])
    return rings != [] and isfinite(total)


def _is_asset(asset: Any) -> bool:
    told = asset.get
    roles, size = told("roles"), told("file:size")
    if roles is not None and (type(roles) is not list or "".join(roles) is None):
        return False
    return (
        type(asset["href"]) is str
        and asset["href"] != ""
        and (size is None or (type(size) is int and size >= 0))
        and type(told("type", "")) is type(told("title", "")) is str
        and (_WITH_BANDS.isdisjoint(asset) or all(map(_are_bands, map(told, _BANDS))))
    )


def _are_bands(bands: Any) -> bool:
    return bands is None or (type(bands) is list and all(map(_is_band, bands)))


def _is_band(band: Any) -> bool:
    """Tell whether a band can be called by its names, which may be numbers."""
    return (
        type(band) is dict
        and isinstance(band.get("name"), str | int | float | None)
        and _is_text(band.get("common_name"))
    )


def mended(raw: Any, doubts: list[str]) -> Json:
    """Return the item without what is wrong in it; see `well_formed`."""
    name = _name(raw)
    properties, assets = raw.get("properties"), raw.get("assets")
    for told, value in (("properties", properties), ("assets", assets)):
        if not isinstance(value, Mapping | None):
            raise DataError(
                f"{name!r} is no item: its {told} are {type(value).__name__}, not an object", _HINT
            )
    item: Json = {**raw, "id": name, "properties": dict(properties or {})}
    for part, test in _PARTS.items():
        if not _holds(test, item.get(part)):
            doubts.append(f"{part} of {name}")
            item[part] = None
    item["links"] = [entry for entry in _listed(raw.get("links")) if _holds(_is_link, entry)]
    item["stac_extensions"] = [
        entry for entry in _listed(raw.get("stac_extensions")) if type(entry) is str
    ]
    item["assets"] = {}
    for key, asset in (assets or {}).items():
        if not (
            isinstance(asset, Mapping) and isinstance(asset.get("href"), str) and asset["href"]
        ):
            doubts.append(f'the asset "{key}" of {name}, which has no address')
            continue
        item["assets"][str(key)] = _asset(asset, f'"{key}" of {name}', doubts)
    return item


def _name(raw: Any) -> str:
    """Return the id of an item."""
    if not isinstance(raw, Mapping):
        raise DataError(f"a {type(raw).__name__} stands where an item should be", _HINT)
    name = raw.get("id")
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        near = raw.get("properties")
        title = near.get("identifier") or near.get("title") if isinstance(near, Mapping) else None
        which = f", titled {title!r}" if title else ""
        raise DataError(f"an item has no id but {name!r}{which}", _HINT)
    return str(name)


def _asset(asset: Mapping[str, Any], name: str, doubts: list[str]) -> Json:
    clean = dict(asset)
    roles = clean.get("roles")
    if roles is not None:
        clean["roles"] = [item for item in _listed(roles) if isinstance(item, str)]
    for field in ("type", "title", "description", "file:size", *_BANDS):
        if field in clean and not _holds(_FIELDS.get(field, _is_text), clean[field]):
            doubts.append(f"{field} of {name}")
            del clean[field]
    return clean


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _holds(test: Callable[[Any], bool], value: Any) -> bool:
    try:
        return test(value)
    except MISREAD:
        return False


def _is_size(size: Any) -> bool:
    return size is None or (isinstance(size, int) and size >= 0)


_PARTS: Mapping[str, Callable[[Any], bool]] = {
    "collection": _is_text,
    "bbox": _is_box,
    "geometry": _is_geometry,
}

_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "file:size": _is_size,
    **dict.fromkeys(_BANDS, _are_bands),
}

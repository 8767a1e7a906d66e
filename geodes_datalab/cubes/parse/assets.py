"""Which bands the files of an item hold, and which of them a name means.

A catalogue without a descriptor names a band in four ways: by the key of its file (``B04_10m``), by its
own name (``B04``), by the name that all sensors share (``red``), and by its place in a file of several
bands (``image.4``, ``image.nir``). Nothing is opened here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geodes_datalab._types import Json
from geodes_datalab.stac.readers import folded

_IMAGES = ("image/tiff", "image/jp2", "image/vnd.stac.geotiff", "image/x.geotiff")
_SHOWN = frozenset({"overview", "thumbnail", "visual"})
_PICTURE = re.compile(
    r"(visual|tci|true[-_]?colou?r|overview|thumbnail|preview|quicklook|browse)([-_].*)?",
    re.IGNORECASE,
)
_SIZED = re.compile(r"(.+)_\d+m", re.IGNORECASE)
"""Keys that tell the size of a pixel, as Copernicus's do."""
_COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class Held:
    """A band in a file."""

    key: str
    """Key of the file among the item's assets."""
    index: int
    """Number of the band in its file, from 1; 0 where nobody tells how many bands the file has."""
    name: str
    """What a variable of it is called: unlike all others of the item."""
    own: str | None
    """Its own name, such as ``B04``."""
    common: str | None
    """Its common name, such as ``red``."""
    picture: bool
    """Whether it is for looking at: never what a common name means."""
    rank: tuple[float, ...]
    """The less, the better a measurement among those of one name."""
    aside: bool = False
    """Whether it only tells of the product, such as how many images it is made of."""

    @property
    def stem(self) -> str | None:
        """What its file's key tells, where nothing else does: ``SCL`` of ``SCL_20m``."""
        result = None if self.own or self.common else _SIZED.fullmatch(self.key)
        return result.group(1) if result else None

    @property
    def words(self) -> set[str]:
        """What it may be called within its file."""
        told = {folded(item) for item in (self.own, self.common) if item}
        return told | {str(self.index or 1)}


def layout(item: Json) -> Hashable:
    """Return what is alike in items whose bands lie in the same files, at the same places.

    Parameters
    ----------
    item
        Item as a dictionary.
    """
    return tuple(
        (key, entry.get("type"), entry.get("gsd"), *(entry.get("roles") or ()), *_layout(entry))
        for key, entry in (item.get("assets") or {}).items()
    )


def _layout(asset: Json) -> Iterator[Hashable]:
    for name in ("bands", "raster:bands", "eo:bands"):
        for place, item in enumerate(asset.get(name) or ()):
            told = item if isinstance(item, Mapping) else {"name": item}
            common = told.get("eo:common_name") or told.get("common_name")
            yield place, told.get("name"), common


def is_image(asset: Json) -> bool:
    """Tell whether GDAL reads pixels of an asset."""
    kind = str(asset.get("type") or "").split(";")[0].strip().lower()
    named = str(asset.get("href") or "").partition("?")[0].lower()
    return kind in _IMAGES or (not kind and named.endswith((".tif", ".tiff", ".jp2")))


def entries(asset: Json, properties: Json) -> list[list[Mapping[str, Any]]]:
    """Return what is told of each band of a file: by ``bands``, ``raster:bands`` and ``eo:bands``.

    Parameters
    ----------
    asset
        Of an item.
    properties
        Of the item: in its first years, STAC listed bands there, and assets named their numbers.

    Returns
    -------
    list of list
        For each band the three tables, of which some may be empty; nothing, where none is told.
    """
    shared = [item for item in properties.get("eo:bands") or () if isinstance(item, Mapping)]
    lists = [
        [_entry(item, shared) for item in asset.get(name) or ()]
        for name in ("bands", "raster:bands", "eo:bands")
    ]
    count = max(map(len, lists))
    return [
        [item[place] if place < len(item) else item[0] if len(item) == 1 else {} for item in lists]
        for place in range(count)
    ]


def entries_of(asset: Json, properties: Json, index: int) -> Sequence[Mapping[str, Any]]:
    """Return what the three tables of `entries` tell of one band of a file.

    Parameters
    ----------
    asset, properties
        See `entries`.
    index
        Number of the band in the file, from 1; 0 where nobody tells how many bands the file has.
    """
    tables, place = entries(asset, properties), max(index, 1) - 1
    return tables[place] if place < len(tables) else ({}, {}, {})


def _entry(one: Any, shared: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    if isinstance(one, int) and 0 <= one < len(shared):
        return shared[one]
    return one if isinstance(one, Mapping) else {}


def held(item: Json) -> tuple[Held, ...]:
    """Return the bands of all images of an item, in the order in which it names them.

    Parameters
    ----------
    item
        Item as a dictionary.
    """
    properties = item.get("properties") or {}
    images = {key: entry for key, entry in (item.get("assets") or {}).items() if is_image(entry)}
    told = {key: list(_names(entries(entry, properties))) for key, entry in images.items()}
    shown = _pictures(images, told)
    taken = Counter(map(folded, images))
    for key, names in told.items():
        if len(names) > 1 and key not in shown:
            taken.update({folded(own or common or "") for own, common in names})
    result: list[Held] = []
    for place, (key, names) in enumerate(told.items()):
        rank = (*_rank(images[key], properties), place)
        roles = images[key].get("roles") or ()
        aside = "metadata" in roles and "data" not in roles
        for index, (own, common) in enumerate(names or [(None, None)], start=1):
            name = key if len(names) < 2 else _called(key, index, names, taken, key in shown)
            number = index if names else 0
            result.append(Held(key, number, name, own, common, key in shown, rank, aside))
    return tuple(result)


def _names(
    tables: Sequence[Sequence[Mapping[str, Any]]],
) -> Iterator[tuple[str | None, str | None]]:
    """Yield the own and the common name of each band."""
    for of_band in tables:
        own = (item.get("name") for item in of_band)
        common = (item.get("eo:common_name") or item.get("common_name") for item in of_band)
        yield _first(own), _first(common)


def _first(words: Iterable[Any]) -> str | None:
    """Return the first word that is told: some catalogues name bands by numbers."""
    result = next((item for item in words if item or item == 0), None)
    return None if result is None else str(result)


def _called(
    key: str,
    index: int,
    names: Sequence[tuple[Any, Any]],
    taken: Mapping[str, int],
    shown: bool,
) -> str:
    """Name a band of a file that has several: by itself if it can, after its file if it must."""
    own, common = names[index - 1]
    word = str(own or common or index)
    alike = sum(folded(str(item or other or "")) == folded(word) for item, other in names)
    if alike > 1:
        return f"{key}.{index}"
    plain = (own or common) and not shown and taken[folded(word)] == 1
    return word if plain else f"{key}.{word}"


def _pictures(
    images: Mapping[str, Json], told: Mapping[str, Sequence[tuple[Any, Any]]]
) -> frozenset[str]:
    """Tell which files are made for looking at: by role, by name, or red, green and blue once more."""
    shown = {
        key
        for key, asset in images.items()
        if _SHOWN & set(asset.get("roles") or ()) or _named_so(key, asset, told[key])
    }
    coloured = {key for key in images if key not in shown and _is_coloured(images[key], told[key])}
    others = {
        folded(word)
        for key, names in told.items()
        if key not in shown | coloured
        for pair in names
        for word in pair
        if word
    }
    again = {
        key
        for key in coloured
        if all({folded(w) for w in pair if w} & others for pair in told[key][:3])
    }
    return frozenset(shown | again)


def _named_so(key: str, asset: Json, names: Sequence[tuple[Any, Any]]) -> bool:
    """Tell whether a file has the name of a picture, and is not said to be one band of data."""
    one_band = len(names) == 1 and "data" in (asset.get("roles") or ())
    return not one_band and _PICTURE.fullmatch(key) is not None


def _is_coloured(asset: Json, names: Sequence[tuple[Any, Any]]) -> bool:
    """Tell whether a file has red, green and blue (and how opaque they are), in eight bits."""
    common = [str(common or own or "").casefold() for own, common in names]
    if sorted(common[:3]) != sorted(_COLOURS) or len(common) > 4:
        return False
    if len(common) == 4 and common[3] not in ("", "alpha", "opacity", "mask"):
        return False
    return _bits(asset) in (0, 8)


def _bits(asset: Json) -> int:
    """Return the bits of a pixel's number; 0 where they are not told."""
    tables = [*(asset.get("raster:bands") or ()), *(asset.get("bands") or ()), asset]
    kind = next(
        (t["data_type"] for t in tables if isinstance(t, Mapping) and t.get("data_type")), ""
    )
    match = re.search(r"\d+$", str(kind))
    return int(match.group()) if match else 0


def _rank(asset: Json, properties: Json) -> tuple[float, ...]:
    """Return numbers by which files of one band are sorted: what was measured, then the finest."""
    roles = " ".join(map(str, asset.get("roles") or ()))
    resampled = "sampling:upsampled" in roles or "sampling:downsampled" in roles
    copied = "jp2" in str(asset.get("type") or asset.get("href") or "").lower()
    bits, size = _bits(asset), resolution(asset, properties)
    return float(resampled), size, float(bits == 8), float(copied)


def resolution(asset: Json, properties: Json) -> float:
    """Return the size of a pixel as far as the asset tells, else the item; infinite where neither does."""
    first: list[Mapping[str, Any]] = [asset]
    for tables in entries(asset, properties)[:1]:
        first += tables
    names = ("raster:spatial_resolution", "spatial_resolution", "gsd")
    told = (place.get(name) for name in names for place in first)
    transform = list(asset.get("proj:transform") or [])
    step = abs(float(transform[0])) if len(transform) >= 6 else None
    result = next((item for item in (*told, step, properties.get("gsd")) if item), math.inf)
    return float(result)

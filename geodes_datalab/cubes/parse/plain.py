"""Descriptors for items of collections that have none: what images hold, as their assets tell it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from geodes_datalab import stac
from geodes_datalab._types import Json
from geodes_datalab.cubes.parse.assets import Held, entries_of, held, layout
from geodes_datalab.cubes.parse.values import number
from geodes_datalab.errors import UnknownBand, UnknownCollection, near
from geodes_datalab.stac.readers import folded

_MASKS = ("cloud", "cloud-shadow", "data-mask", "land-water", "snow-ice", "water-mask", "quality")
_CLASSES = ("classes", "bitfields")
_CLASS_MAPS = ("scl", "qa", "fmask")
"""Assets and bands that are known by these names hold classes, whether or not the item lists them."""

_NOWHERE = "(in no file of this item)"
"""Key of the file of a band that other items have, and this one has not: no asset is called so."""

Known = tuple[tuple[Held, stac.Band], ...]
"""Bands, and what each may be called."""


@dataclass(frozen=True)
class AssetReader(stac.Reader):
    """How to read items whose bands are the images among their assets."""

    known: Known = field(default=(), hash=False)
    """All bands, those of pictures among them, which ``bands`` leaves out."""
    by_layout: dict[Hashable, AssetReader] = field(default_factory=dict, hash=False, compare=False)
    """Readers of single items, by what their assets hold."""
    each: tuple[AssetReader, ...] = field(default=(), hash=False)
    """Where this is the reader of items that differ in what they hold: one for each kind of them."""
    of_all: AssetReader | None = field(default=None, hash=False)
    """The reader of all items, where this is that of some: it knows what they lack."""

    def for_item(self, item: Json) -> AssetReader:
        """Return the reader of one item: the same name may be another file there, or another band."""
        if not self.each:
            return self
        own = layout(item)
        if own not in self.by_layout:
            of_item = _reader(self.collection, _known(item))
            self.by_layout[own] = replace(of_item, of_all=self)
        return self.by_layout[own]

    @property
    def chosen(self) -> list[str]:
        """Names of the bands that are loaded where nobody names any: each measurement once.

        Where there is none, as in land cover, the classes are what the product is for.
        """
        meant = [item for item in self.known if not (item[0].picture or item[0].aside)]
        data = [item for item in meant if item[1].role == "data"]
        if not data and len(meant) == 1:
            return [meant[0][1].name]
        named = [item for item in data if item[0].own or item[0].common]
        best: dict[str, tuple[Held, stac.Band]] = {}
        for item in named:
            word = folded(item[0].own or item[0].common or "")
            if word not in best or item[0].rank < best[word][0].rank:
                best[word] = item
        if not data:
            keys = ", ".join(dict.fromkeys(item.key for item, _ in self.known))
            raise UnknownBand(
                f"{self.collection} holds pictures and masks only: {keys}",
                hint=f"name what to load, for example bands={self.known[0][0].key!r}",
            )
        return [band.name for _, band in list(best.values()) or data]

    def expanded(self, name: str) -> list[str]:
        """Return the names of the bands that a name stands for: all of a file, named by its key."""
        of_file = [band.name for item, band in self.known if folded(item.key) == folded(name)]
        if len(of_file) > 1:
            return of_file
        self.band(name)
        return [name]

    def band(self, name: str) -> stac.Band:
        """Return a band by its name, its file's key, its own name, its common name or its place.

        Raises
        ------
        UnknownBand
            None is called so, or several that are not the same.
        """
        for item in self.each or (self,):
            if result := item.meant(name):
                return self._typed(name, result)
        if (
            self.of_all is not None
        ):  # a file of the same key may be there, with fewer or other bands
            return replace(self.of_all.band(name), asset=_NOWHERE)
        raise self._unknown(name)

    def meant(self, name: str) -> stac.Band | None:
        """Return what a name means in items that hold the same; None where it means nothing."""
        return self._by_key(name) or self._by_place(name) or self._by_name(name)

    def _typed(self, name: str, found: stac.Band) -> stac.Band:
        """Take the type from items that tell it, where one does not."""
        if found.dtype or self.of_all is None:
            return found
        return replace(found, dtype=self.of_all.band(name).dtype)

    def _by_key(self, name: str) -> stac.Band | None:
        exact = (band for _, band in self.known if band.name == name)
        keys = (band for item, band in self.known if folded(item.key) == folded(name))
        return next(exact, None) or next(keys, None)

    def _by_place(self, name: str) -> stac.Band | None:
        """Find ``image.4`` and ``image.nir``: a band of a file that is named."""
        for item, band in self.known:
            if not folded(name).startswith(f"{folded(item.key)}."):
                continue
            word = name[len(item.key) + 1 :].strip()
            counted = not item.index or band.alone
            if counted and word.isascii() and word.isdigit() and int(word):
                return placed(band, int(word))
            if folded(word) in item.words:
                return band
        return None

    def _by_name(self, name: str) -> stac.Band | None:
        """Find the best measurement that has a name, of its own or in common with other sensors."""
        word = folded(name)
        measured = [(item, band) for item, band in self.known if not item.picture]
        fitting = [pair for pair in measured if word in _words(pair[0])]
        if not fitting:
            return None
        first = min(item.rank[:-1] for item, _ in fitting)  # the last tells files apart, no more
        best = [(item, band) for item, band in fitting if item.rank[:-1] == first]
        own = [pair for pair in best if folded(pair[0].own or "") == word]
        if len({folded(item.own or item.stem or band.name) for item, band in own or best}) > 1:
            names = [band.name for _, band in best]
            raise UnknownBand(
                f'{self.collection} calls {len(names)} bands "{name}": {", ".join(names)}',
                hint="name one of them",
            )
        return (own or best)[0][1]

    def _unknown(self, name: str) -> UnknownBand:
        words = [*self.names, *(band.common_name for band in self.bands if band.common_name)]
        hint = near(name, words) or "the bands are: " + ", ".join(dict.fromkeys(words))
        for item, band in self.known:
            if item.picture and folded(name) in item.words:
                hint = f'the picture "{item.key}" has it, for looking at: load "{band.name}"'
        return UnknownBand(f'{self.collection} has no band "{name}"', hint)


def _words(one: Held) -> set[str]:
    return {folded(word) for word in (one.own, one.common, one.stem) if word}


def plain_reader(items: Sequence[Json], error: UnknownCollection) -> stac.Reader:
    """Describe a collection by its items: what any STAC catalogue with images as assets serves.

    Parameters
    ----------
    items
        Item dictionaries. Fields of the raster, eo and projection extensions are used, in their
        older (``raster:bands``, ``eo:bands``) and newer (``bands``) spelling.
    error
        Raised if the items have no image assets.
    """
    of_each = {layout(item): item for item in reversed(items)}
    kinds = [_known(item) for item in reversed(of_each.values())]
    if not any(kinds):
        raise _unreadable(items, error) from error
    collection = str(items[0].get("collection") or "")
    each = [_reader(collection, known) for known in kinds]
    if len(each) == 1:
        return each[0]
    every: dict[str, tuple[Held, stac.Band]] = {}
    for entry, band in (pair for known in kinds for pair in known):
        every.setdefault(entry.name, (entry, band))
    return replace(_reader(collection, tuple(every.values())), each=tuple(each))


def _unreadable(items: Sequence[Json], error: UnknownCollection) -> UnknownCollection:
    """Say what items hold of which no cube is made, and what to do with them."""
    held = dict.fromkeys(
        str(asset.get("title") or asset.get("type") or key)
        for item in items[:1]
        for key, asset in (item.get("assets") or {}).items()
        if "data" in (asset.get("roles") or ["data"])
    )
    return UnknownCollection(
        f"{error.message}, whose items hold {', '.join(list(held)[:3]) or 'no data file'}",
        "download the products with geodes_datalab.download(), and open the files with what reads "
        "their format. Cubes are made of items whose files are GeoTIFF or JPEG 2000, and of what "
        "geodes_datalab.collections() lists as read",
    )


def placed(band: stac.Band, index: int) -> stac.Band:
    """Return one band of a file, of which the catalogue tells no more than of all of them."""
    return replace(band, name=f"{band.name}.{index}", asset=band.key, index=index, alone=False)


def _reader(collection: str, known: Known) -> AssetReader:
    bands = tuple(band for item, band in known if not item.picture)
    return AssetReader(collection, "asset", bands, known=known)


def _known(item: Json) -> Known:
    """Describe the bands of an item."""
    assets, properties = item.get("assets") or {}, item.get("properties") or {}
    return tuple((entry, _band(entry, assets[entry.key], properties)) for entry in held(item))


def _band(one: Held, asset: Json, properties: Json) -> stac.Band:
    first, raster, eo = entries_of(asset, properties, one.index)

    def told(name: str, *older: str, default: Any = None) -> Any:
        """Look for a field in the band, in the asset, in the item."""
        for place in (first, asset, raster, eo, properties):
            for spelling in (name, *older):
                if place.get(spelling) is not None:
                    return place[spelling]
        return default

    mask = set(asset.get("roles") or ()) & set(_MASKS)
    return stac.Band(
        name=one.name,
        gsd=number(told("raster:spatial_resolution", "spatial_resolution", "gsd")) or 0.0,
        dtype=str(told("data_type", default="")),
        member="",
        common_name=told("eo:common_name", "common_name"),
        wavelength=told("eo:center_wavelength", "center_wavelength"),
        width=told("eo:full_width_half_max", "full_width_half_max"),
        scale=number(told("raster:scale", "scale")) or 1.0,
        offset=number(told("raster:offset", "offset")) or 0.0,
        nodata=number(told("nodata", "raster:nodata")),
        units=str(told("unit", default="1")),
        description=_description(one, asset),
        role="mask" if mask or _classified(one, (asset, first, raster)) else "data",
        asset=None if one.name == one.key else one.key,
        index=one.index,
        alone=one.index == 1 and one.name == one.key,
    )


def _classified(one: Held, told: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a band's numbers are classes or bits, which no scale makes physical."""
    if any(place.get(f"classification:{kind}") for place in told for kind in _CLASSES):
        return True
    names = (one.own, one.key if one.name == one.key else None)
    return any(str(name).partition("_")[0].casefold() in _CLASS_MAPS for name in names if name)


def _description(one: Held, asset: Json) -> str:
    title = str(asset.get("title") or one.key)
    return title if one.name == one.key else f"{title}: {one.own or one.common or one.index}"

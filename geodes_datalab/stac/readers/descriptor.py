"""What describes the products of a collection: the kind of their files, and their bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from geodes_datalab._display import table
from geodes_datalab._inputs.words import BANDS
from geodes_datalab._language import gettext
from geodes_datalab._types import Json
from geodes_datalab.errors import UnknownBand, near
from geodes_datalab.stac.readers.bands import Band, folded
from geodes_datalab.stac.readers.baselines import since_baseline
from geodes_datalab.stac.readers.kinds import VERBS, Layout, Status


@dataclass(frozen=True)
class Shift:
    """An offset that depends on the processing baseline."""

    since: str
    """First baseline that has it, such as ``04.00``."""
    offset: float
    """In physical units."""


@dataclass(frozen=True)
class Variant:
    """One of the kinds of products that a collection mixes."""

    reader: Reader
    """How to read them."""
    type: str = ""
    """Part of ``product:type``."""
    name: str = ""
    """Pattern (fnmatch) of the product's name, in capitals, where the type is not told."""
    since: str = ""
    """First day of acquisition (ISO 8601), where products changed at a date."""
    until: str = ""
    """First day of acquisition that is not meant any more."""

    def is_told(self, item: Json) -> bool:
        """Tell whether an item says that it is of this kind."""
        properties = item.get("properties") or {}
        told = properties.get("product:type") or properties.get("sar:product_type")
        if self.type:
            return self.type in str(told or "").upper()
        if not (self.since or self.until):
            return False
        day = str(properties.get("start_datetime") or properties.get("datetime") or "")[:10]
        return bool(day) and self.since <= day and not (self.until and day >= self.until)

    def is_named(self, item: Json) -> bool:
        """Tell whether an item has a name of this kind."""
        properties = item.get("properties") or {}
        names = (properties.get("identifier"), properties.get("title"), item.get("id"))
        return any(fnmatchcase(str(entry).upper(), self.name) for entry in names if entry)


@dataclass(frozen=True)
class Reader:
    """How to read the products of a collection."""

    collection: str
    """Collection id."""
    kind: str
    """Kind of its files, of `KINDS`. ``zip``: bands are members of an archive; ``file``: files are bands."""
    bands: tuple[Band, ...]
    """Data bands by wavelength, then masks."""
    description: str = ""
    """What the products are."""
    source: str = ""
    """Where the facts are from."""
    status: Status = "confirmed"
    """How sure the description is."""
    layout: Layout = "map"
    """Where the values lie."""
    lies: str = "on a map"
    """The same in words, such as ``in radar geometry``."""
    instead: str = ""
    """What to do with products that are no cube."""
    where: str = "GEODES"
    """Which catalogue has the collection, or why none has."""
    licence: str = ""
    """Under which the products may be used, where it is not the catalogue's to tell."""
    products: tuple[str, ...] = ()
    """Patterns (fnmatch) of products' names, by which they are known where the collection is not."""
    sample: str = ""
    """What the sample catalogue has of it: ``real``, ``simulated``, or nothing."""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What the reader of its kind needs to know beyond the bands."""
    variants: tuple[Variant, ...] = ()
    """Kinds of products, where the collection holds several; `for_item` tells which."""
    shift: Shift | None = None
    """Offset by processing baseline; `for_item` puts it into the bands."""
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Further names of bands."""

    @property
    def geocoded(self) -> bool:
        """Whether the values lie on a map grid: others are no cube."""
        return self.layout in ("map", "grid")

    @property
    def verbs(self) -> tuple[str, ...]:
        """What reads the products: ``load`` makes cubes, ``open`` gives them as they are.

        Examples
        --------
        >>> from geodes_datalab.stac import reader
        >>> reader("PEPS_S2_L1C").verbs
        ('load',)
        """
        return VERBS[self.layout]

    @property
    def names(self) -> list[str]:
        """Names of all bands."""
        return [band.name for band in self.bands]

    @property
    def chosen(self) -> list[str]:
        """Names of the bands that are loaded where nobody names any: measurements, each once.

        Of products that are maps of classes, those.
        """
        data = [band for band in self.bands if band.role == "data"]
        data = data or [band for band in self.bands if band.classes]
        common = [band for band in data if band.common_name]  # leaves variants of a band out
        return [band.name for band in common or data]

    def expanded(self, name: str) -> list[str]:
        """Return the names of the bands that a name stands for: those of a file that has several.

        Raises
        ------
        UnknownBand
            With the names that are near.

        Examples
        --------
        >>> from geodes_datalab.stac import reader
        >>> reader("PEPS_S2_L1C").expanded("MSK_CLASSI")
        ['MSK_CLASSI.opaque_clouds', 'MSK_CLASSI.cirrus', 'MSK_CLASSI.snow']
        """
        result = self.band(name)
        return [f"{result.name}.{item}" for item in result.layers] or [name]

    def band(self, name: str) -> Band:
        """Return a band by its name, common name or alias, or a layer of one (``"NAME.2"``).

        Names that other sensors use for the same are understood: ``"swir1"`` is ``"swir16"``.

        Raises
        ------
        UnknownBand
            With the names that are near.

        Examples
        --------
        >>> from geodes_datalab.stac import reader
        >>> reader("PEPS_S2_L1C").band("red").name, reader("PEPS_S2_L1C").band("b4").name
        ('B04', 'B04')
        """
        known = {folded(other): target for other, target in self.aliases.items()}
        known |= {folded(band.common_name): band.name for band in self.bands if band.common_name}
        known |= {folded(band.name): band.name for band in self.bands}
        same = (folded(other) for other in (name, *BANDS.get(name.strip().lower(), ())))
        target = next((known[other] for other in same if other in known), None)
        for band in self.bands:
            if band.name == target:
                return band
        whole, dot, layer = name.rpartition(".")
        if dot and folded(whole) in known and (item := self.band(whole).layer(layer)):
            return item
        words = [*self.names, *(band.common_name for band in self.bands if band.common_name)]
        hint = near(name, words) or "the bands are: " + ", ".join(words)
        raise UnknownBand(f'{self.collection} has no band "{name}"', hint)

    def for_item(self, item: Json) -> Reader:
        """Return the reader with the values that hold for one item.

        Parameters
        ----------
        item
            Normalised item. Its processing baseline decides the offset of Sentinel-2 L1C, its type
            the bands of Sentinel-1.

        Examples
        --------
        >>> from geodes_datalab.stac import reader
        >>> one = reader("PEPS_S1_L1").for_item({"properties": {"product:type": "SLC"}})
        >>> one.names[:2]
        ['IW1_VV', 'IW1_VH']
        """
        told = (entry.reader for entry in self.variants if entry.is_told(item))
        named = (entry.reader for entry in self.variants if entry.is_named(item))
        if kind := next(told, None) or next(named, None):
            return kind
        if self.shift is None or not since_baseline(item, self.shift.since):
            return self
        return self._shifted

    @cached_property
    def _shifted(self) -> Reader:
        """The reader of products that have the offset: one for all of them."""
        offset = self.shift.offset if self.shift else 0.0
        bands = tuple(
            replace(item, offset=offset) if item.role == "data" else item for item in self.bands
        )
        return replace(self, bands=bands)

    def __repr__(self) -> str:
        """Return the collection and the bands' names."""
        return f"Reader({self.collection}: {', '.join(self.names)})"

    def _repr_html_(self) -> str:
        """Return a table of the bands."""
        headers = (
            gettext("band"), gettext("common name"), gettext("wavelength (um)"), gettext("resolution (m)"),
            gettext("scale"), gettext("offset"), gettext("nodata"), gettext("units"), gettext("role"),
            gettext("what the values mean"),
        )  # fmt: skip
        rows = [
            (
                item.name, item.common_name, item.wavelength, f"{item.gsd:g}", item.scale, item.offset,
                item.nodata, item.units, item.role, item.description,
            )
            for item in self.bands
        ]  # fmt: skip
        return table(rows, headers, caption=f"{self.collection}: {self.description}")

"""Reader descriptors: what the files of a collection hold, and where in the archive it lies.

The descriptors are data (``data/readers.toml``); nothing here opens a file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from geodes_datalab._display import table
from geodes_datalab._inputs.words import BANDS
from geodes_datalab._language import gettext
from geodes_datalab._types import Json
from geodes_datalab.errors import UnknownBand, UnknownCollection, near


@dataclass(frozen=True)
class Band:
    """One band of a product: what it measures, how it is stored, where its file is."""

    name: str
    """Name in the product, such as ``B04``."""
    gsd: float
    """Ground sample distance in metres."""
    dtype: str
    """Type of the stored values (numpy's name)."""
    member: str
    """Pattern (fnmatch) of the path in the archive, or of the file's name."""
    common_name: str | None = None
    """Name shared by all sensors, such as ``red`` (STAC eo extension)."""
    wavelength: float | None = None
    """Centre in micrometres."""
    width: float | None = None
    """Full width at half maximum in micrometres."""
    scale: float = 1.0
    """Physical value = stored value * ``scale`` + ``offset``."""
    offset: float = 0.0
    """In physical units."""
    nodata: float | None = None
    """Stored value that means "nothing"; one in the file's header wins."""
    units: str = "1"
    """Units of the physical value; ``1`` for a ratio."""
    description: str = ""
    """What the values mean, where the name does not tell."""
    role: str = "data"
    """``data`` or ``mask``."""
    asset: str | None = None
    """Key of the file among an item's assets, where that is not the band's name."""
    index: int = 1
    """Number of the band in its file, from 1; 0 where nobody tells how many bands the file has."""
    layers: tuple[str, ...] = ()
    """Names of the bands of a file that has several: this one then stands for all of them."""
    alone: bool = False
    """Whether a catalogue tells of no other band in its file: one that has several is refused."""

    @property
    def key(self) -> str:
        """Key of the file among an item's assets."""
        return self.asset or self.name

    @property
    def number(self) -> int:
        """Number of the band in its file, from 1; 0 where the file should have but one."""
        return 0 if self.alone else self.index

    def layer(self, name: str) -> Band | None:
        """Return one of the bands of a file that has several, by its name or its number.

        Examples
        --------
        >>> reader("PEPS_S2_L1C").band("MSK_CLASSI").layer("snow").index
        3
        """
        words = [folded(item) for item in self.layers]
        number = int(name) if name.isascii() and name.isdigit() else 0
        if folded(name) in words:
            number = words.index(folded(name)) + 1
        if not 1 <= number <= len(words):
            return None
        own = self.layers[number - 1]
        described = f"{own.replace('_', ' ')}: {self.description}" if self.description else own
        return replace(
            self, name=f"{self.name}.{own}", asset=self.asset, index=number, layers=(),
            description=described,
        )  # fmt: skip

    def matches(self, path: str) -> bool:
        """Tell whether a path in an archive, or a file's name, is this band's file.

        Examples
        --------
        >>> tiles = reader("THEIA_S1TILING_SENTINEL1_L1")
        >>> tiles.band("VV").matches("s1a_31TCH_vv_DES_110_20200101t054321.tif")
        True
        """
        return fnmatchcase(path, self.member)


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

    type: str
    """Part of ``product:type``."""
    name: str
    """Pattern (fnmatch) of the product's name, where the type is not told."""
    reader: Reader
    """How to read them."""

    def is_told(self, item: Json) -> bool:
        """Tell whether an item says that it is of this kind."""
        properties = item.get("properties") or {}
        told = properties.get("product:type") or properties.get("sar:product_type")
        return self.type in str(told or "").upper()

    def is_named(self, item: Json) -> bool:
        """Tell whether an item has a name of this kind."""
        properties = item.get("properties") or {}
        names = (properties.get("identifier"), properties.get("title"), item.get("id"))
        return any(fnmatchcase(str(entry or "").upper(), self.name) for entry in names)


@dataclass(frozen=True)
class Reader:
    """How to read the products of a collection."""

    collection: str
    """Collection id."""
    container: str
    """``zip``: bands are members of an archive; ``file``: the data file is the band."""
    bands: tuple[Band, ...]
    """Data bands by wavelength, then masks."""
    description: str = ""
    """What the products are."""
    source: str = ""
    """Where the facts are from."""
    geocoded: bool = True
    """Whether the pixels lie on a map grid: others are no cube."""
    lies: str = "on a map"
    """Where the pixels lie, such as ``in radar geometry``."""
    instead: str = ""
    """What to do with products that are no cube."""
    variants: tuple[Variant, ...] = ()
    """Kinds of products, where the collection holds several; `for_item` tells which."""
    shift: Shift | None = None
    """Offset by processing baseline; `for_item` puts it into the bands."""
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Further names of bands."""

    @property
    def names(self) -> list[str]:
        """Names of all bands."""
        return [band.name for band in self.bands]

    @property
    def chosen(self) -> list[str]:
        """Names of the bands that are loaded where nobody names any: measurements, each once."""
        data = [band for band in self.bands if band.role == "data"]
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
        >>> one = reader("PEPS_S1_L1").for_item({"properties": {"product:type": "SLC"}})
        >>> one.names[:2]
        ['IW1_VV', 'IW1_VH']
        """
        told = (entry.reader for entry in self.variants if entry.is_told(item))
        named = (entry.reader for entry in self.variants if entry.is_named(item))
        if kind := next(told, None) or next(named, None):
            return kind
        if self.shift is None or not _since(item, self.shift.since):
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


def reader(collection: str) -> Reader:
    """Return the reader descriptor of a collection.

    Parameters
    ----------
    collection
        Id, in today's form (``PEPS_S2_L1C``) or the next generation's (``peps-s2-l1c``).

    Raises
    ------
    UnknownCollection
        There is no descriptor; the hint names those that there are.

    Examples
    --------
    >>> reader("PEPS_S2_L1C").band("nir").gsd
    10
    """
    result = readers().get(collection.upper().replace("-", "_"))
    if result is None:
        known = sorted(readers())
        raise UnknownCollection(
            f'there is no reader for the collection "{collection}"',
            near(collection, known) or "there are readers for: " + ", ".join(known),
        )
    return result


@cache
def readers() -> Mapping[str, Reader]:
    """Return all reader descriptors by collection id."""
    text = files("geodes_datalab.stac").joinpath("data/readers.toml").read_text("utf-8")
    return {name: _reader(name, table) for name, table in tomllib.loads(text).items()}


def _reader(collection: str, table: dict[str, Any]) -> Reader:
    bands = tuple(
        _band({**table["defaults"], **item}, swath)
        for swath in table.get("swaths", [""])
        for item in table["bands"]
    )
    variants = table.get("variants", ())
    whole = {name: value for name, value in table.items() if name != "variants"}
    return Reader(
        collection=collection,
        container=table["container"],
        bands=bands,
        description=table["description"],
        source=table["source"],
        geocoded=table.get("geocoded", True),
        lies=table.get("lies", "on a map"),
        instead=table.get("instead", ""),
        variants=tuple(
            Variant(item["type"], item["name"], _reader(collection, {**whole, **item}))
            for item in variants
        ),
        shift=Shift(**table["shift"]) if "shift" in table else None,
        aliases=table.get("aliases", {}),
    )


def _band(values: dict[str, Any], swath: str = "") -> Band:
    name = values["name"]
    member = values["member"].replace("{name}", name).replace("{lower}", name.lower())
    member = member.replace("{swath}", swath.lower())
    nodata = None if values["nodata"] == "none" else values["nodata"]
    layers = tuple(values.get("layers", ()))
    name = f"{swath}_{name}" if swath else name
    return Band(**{**values, "name": name, "member": member, "nodata": nodata, "layers": layers})


def folded(name: str) -> str:
    """Return a name without case and without zeros in front of its number."""
    return re.sub(r"^b0(\d)$", r"b\1", name.strip().casefold())


def baseline(item: Json) -> str:
    """Return the processing baseline of a Sentinel-2 product, as in ``04.00``; empty where nothing tells it."""
    properties = item.get("properties", {})
    told = map(properties.get, ("processing:version", "s2:processing_baseline"))
    if result := next(filter(None, map(as_baseline, told)), ""):
        return result
    match = re.search(r"_N(\d\d)(\d\d)_", str(properties.get("identifier") or item.get("id")))
    return f"{match.group(1)}.{match.group(2)}" if match else ""


def as_baseline(told: Any) -> str:
    """Return a baseline as in ``04.00``, however it is told; empty where it is none.

    Examples
    --------
    >>> as_baseline("04.00"), as_baseline(5.1), as_baseline("2.14"), as_baseline("none")
    ('04.00', '05.10', '02.14', '')
    """
    match = re.fullmatch(r"(\d?\d)\.(\d\d?)", str(told))
    # of a number, the last digit is lost where it is 0
    return f"{match.group(1):0>2}.{match.group(2):0<2}" if match else ""


def baseline_is_guessed(item: Json) -> bool:
    """Tell whether nothing but an early date speaks for a baseline before 04.00.

    Later acquisitions all have the offset; of earlier ones, those do that were processed again.
    """
    return not baseline(item) and not _is_late(item)


def _since(item: Json, since: str) -> bool:
    """Tell whether an item was processed with a baseline or a later one; where none is told, by its date."""
    result = baseline(item)
    return result >= since if result else _is_late(item)


def _is_late(item: Json) -> bool:
    """Tell whether an acquisition is of the days of baseline 04.00."""
    return str(item.get("properties", {}).get("datetime") or "") >= "2022-01-25"

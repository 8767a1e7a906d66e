"""What catalogues tell of the numbers in each item's files, item by item: type, nodata, scale, offset.

Collections that have a reader of their own are known. Of all others nothing is taken for granted, and
above all not that what the first item tells holds for the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from geodes_datalab import stac
from geodes_datalab._display import some
from geodes_datalab._types import Json
from geodes_datalab.cubes import notice
from geodes_datalab.cubes.numbers import Facts
from geodes_datalab.cubes.parse.assets import entries_of
from geodes_datalab.errors import CubeError, ValuesInDoubt
from geodes_datalab.stac.readers import as_baseline, baseline_is_guessed

_FLAG = "boa_offset_applied"
_MISTOLD = "earthsearch:boa_offset_applied"
"""Known to say "not applied" of items whose pixels were shifted (Element84's earth-search issues 24, 66, 71)."""
_SAID = {"true": True, "false": False} | {"1": True, "0": False, "1.0": True, "0.0": False}
"""A flag as catalogues write it, and as it comes out of tables."""
_SHIFTED_SINCE = "04.00"


class Told(NamedTuple):
    """What a catalogue tells of the numbers in one file; None, or no type, where it does not."""

    dtype: str = ""
    nodata: float | None = None
    scale: float | None = None
    offset: float | None = None
    units: str | None = None
    masked: bool = False
    """Whether the file has a mask of its own, where it was looked at."""

    @property
    def scaled(self) -> bool:
        """Whether somebody says how stored numbers become physical values."""
        return self.scale is not None or self.offset is not None

    @property
    def physical_units(self) -> str | None:
        """Units of physical values: those told, or those of a ratio where they are scaled."""
        return self.units or ("1" if self.scaled else None)

    @property
    def in_doubt(self) -> bool:
        """Whether nobody says what integers mean: neither their scale nor their units."""
        integers = np.dtype(self.dtype or "uint16").kind in "iu"
        return integers and self.physical_units is None

    def lacks(self, *, stored: bool) -> bool:
        """Tell whether the file itself must be asked, for what is stored or for physical values."""
        if not self.dtype:
            return True
        return self.nodata is None if stored else self.in_doubt

    def with_file(self, facts: Facts) -> Told:
        """Return what is known once the file has told what the catalogue does not."""
        own = (self.scale, self.offset) if self.scaled else (facts.scale, facts.offset)
        nodata = facts.nodata if self.nodata is None else self.nodata
        return Told(facts.dtype, nodata, *own, self.units or facts.units, facts.masked)

    def like(self, other: Told | None) -> Told:
        """Return what is said of a file that nobody asked, where one of the same band was asked."""
        if other is None:
            return self
        return self._replace(
            dtype=self.dtype or other.dtype, units=self.units or other.physical_units
        )


Words = Mapping[str, Told]
"""By the name of the band; items that tell the same share it."""


def completed(words: Sequence[Words], facts: Mapping[tuple[int, str], Facts]) -> list[Words]:
    """Return what is known once some files have been asked.

    Parameters
    ----------
    words
        What the catalogue tells of each product.
    facts
        What files tell, by the number of the product and the name of the band.
    """
    asked: dict[str, Told] = {}
    for (index, name), item in facts.items():
        asked.setdefault(name, words[index][name].with_file(item))
    made: dict[Any, Words] = {}
    result = []
    for index, known in enumerate(words):
        full = {
            name: told.with_file(matches)
            if (matches := facts.get((index, name)))
            else told.like(asked.get(name))
            for name, told in known.items()
        }
        result.append(made.setdefault(tuple(full.items()), full))
    return result


class Teller:
    """Reads what items tell; those that tell the same get the same object.

    Parameters
    ----------
    container
        Of the collection's reader: files of ``"asset"`` are described by the items themselves.
    """

    def __init__(self, container: str) -> None:
        self._own = container == "asset"
        self._known: dict[Any, Words] = {}
        self._last: dict[str, tuple[Any, Told]] = {}

    def __call__(self, item: Json, bands: Mapping[str, stac.Band]) -> Words:
        """Return what is told of each band of an item."""
        if not self._own:
            return self._shared(
                id(bands), lambda: {name: _described(band) for name, band in bands.items()}
            )
        properties, assets = item.get("properties") or {}, item.get("assets") or {}
        flag = _applied(properties)
        common = tuple(map(properties.get, _SHARED)), flag is not None and flag[1]
        result = tuple(
            (name, self._told(name, assets.get(band.key), properties, (*common, band.index)))
            for name, band in bands.items()
        )
        return self._shared(result, lambda: dict(result))

    def _shared(self, key: Any, make: Callable[[], Words]) -> Words:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def _told(self, name: str, asset: Json | None, properties: Json, common: Any) -> Told:
        if asset is None:
            return Told()
        _, subtracted, index = common
        key = *map(asset.get, _OWN), common
        last = self._last.get(name)
        if last is None or last[0] != key:  # thousands of assets are asked, and most tell the same
            told = _read(asset, properties, index)
            if subtracted and told.offset:
                told = told._replace(offset=0.0)  # what was subtracted is not there any more
            self._last[name] = last = key, told
        return last[1]


def _described(band: stac.Band) -> Told:
    return Told(band.dtype, band.nodata, band.scale, band.offset, band.units)


_FIELDS: Mapping[str, tuple[str, ...]] = {
    "dtype": ("data_type",),
    "nodata": ("nodata", "raster:nodata"),
    "scale": ("raster:scale", "scale"),
    "offset": ("raster:offset", "offset"),
    "units": ("unit",),
}
_SPELLINGS = tuple(spelling for spellings in _FIELDS.values() for spelling in spellings)
_SHARED = (*_SPELLINGS, "eo:bands")
_OWN = (*_SHARED, "bands", "raster:bands")
"""Fields of an item, and of an asset, that tell what numbers mean."""


def _read(asset: Json, properties: Json, index: int) -> Told:
    """Read what is told of a band of a file: by itself, by its asset, for all assets."""
    places = (*entries_of(asset, properties, index), asset, properties)

    def value(field: str) -> Any:
        for place in places:
            for spelling in _FIELDS[field]:
                if place.get(spelling) is not None:
                    return place[spelling]
        return None

    units = value("units")
    return Told(
        _dtype(value("dtype")),
        number(value("nodata")),
        _finite(value("scale")) or None,
        _finite(value("offset")),
        None if units is None else str(units),
    )


def number(value: Any) -> float | None:
    """Read a number, "nan" and "inf" among them; what is none is not told."""
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _finite(value: Any) -> float | None:
    result = number(value)
    return result if result is not None and math.isfinite(result) else None


def _dtype(value: Any) -> str:
    try:
        kind = np.dtype(str(value)) if value else None
    except TypeError:
        return ""
    return kind.name if kind is not None and kind.kind in "iuf" else ""


def _applied(properties: Json) -> tuple[str, bool] | None:
    """Return the flag that says whether the offset was subtracted from the pixels already."""
    for name, value in properties.items():
        said = _SAID.get(str(value).casefold()) if name.endswith(_FLAG) else None
        if said is not None:
            return name, said
    return None


class Asked(NamedTuple):
    """What the user wants of the numbers."""

    raw: bool
    masked: bool = False
    """Raw, with missing pixels as NaN: a former release's way."""


def asked(raw: bool, *, masked: bool | None, scaled: bool | None) -> Asked:
    """Read how numbers are wanted, in this release's words or in the former's.

    Raises
    ------
    CubeError
        Both, and they do not fit together.
    """
    if masked is None and scaled is None:
        return Asked(raw)
    if raw and (scaled or masked):
        raise CubeError(
            "raw=True leaves numbers as they are stored, and masked= and scaled= change them",
            hint="give raw=True alone, or none of them for physical values",
        )
    if scaled:
        wanted, instead = Asked(raw=False), "leave scaled=True out: it is the default now"
    elif masked:
        wanted = Asked(raw=True, masked=True)
        instead = (
            "write ops.mask_nodata(load(..., raw=True)) for masked=True, or leave it out to have "
        )
        instead += "physical values, which are masked as well"
    else:
        wanted, instead = Asked(raw=True), "write raw=True for stored numbers"
    notice.warn(f"masked= and scaled= will be gone in the next release: {instead}", FutureWarning)
    return wanted


def contradictions(items: Sequence[tuple[Json, Mapping[str, stac.Band]]]) -> list[str]:
    """Say where items tell two things of their offset that cannot both be true.

    Parameters
    ----------
    items
        Item dictionaries, of files described by themselves, each with its bands that are loaded.
    """
    result: dict[str, list[str]] = {}
    for item, bands in items:
        flag = _applied(item.get("properties") or {})
        doubt = None if flag is None else _contradiction(item, flag, bands)
        if doubt:
            result.setdefault(doubt, []).append(str(item.get("id")))
    return [f"{some(ids)}: {doubt}" for doubt, ids in result.items()]


def _contradiction(
    item: Json, flag: tuple[str, bool], bands: Mapping[str, stac.Band]
) -> str | None:
    name, applied = flag
    properties, assets = item.get("properties") or {}, item.get("assets") or {}
    told = {
        called: _read(assets[band.key], properties, band.index)
        for called, band in bands.items()
        if band.role == "data" and band.key in assets
    }
    shifted = _listed({called: entry.offset for called, entry in told.items() if entry.offset})
    if applied and shifted:
        return (
            f"{name} says that the offset was subtracted from the pixels, and the bands still tell "
            f"{shifted}; it is not subtracted again"
        )
    if (
        not applied
        and not shifted
        and _is_late(properties)
        and any(entry.scale for entry in told.values())
    ):
        return f"{name} says that the offset was not subtracted, and the bands tell none; none is"
    if name == _MISTOLD and not applied and shifted and item.get("collection") == "sentinel-2-l2a":
        return (
            f"{name} says that the offset was not subtracted, which this catalogue also says of "
            f"pixels where it was; {shifted} is added, as the bands tell. Dark water tells which "
            "it is, or take sentinel-2-c1-l2a"
        )
    return None


def _listed(offsets: Mapping[str, float]) -> str:
    """Write offsets down, each with the names of its bands."""
    names: dict[float, list[str]] = {}
    for name, offset in offsets.items():
        names.setdefault(offset, []).append(name)
    return ", ".join(f"{offset:g} ({some(bands)})" for offset, bands in names.items())


def _is_late(properties: Json) -> bool:
    """Tell whether pixels had an offset when they left ESA."""
    return as_baseline(properties.get("s2:processing_baseline")) >= _SHIFTED_SINCE


def undated(items: Sequence[Json]) -> list[str]:
    """Say of which products nothing tells the processing baseline, so that their date alone speaks of it."""
    ids = [str(item.get("id")) for item in items if baseline_is_guessed(item)]
    if not ids:
        return []
    doubt = (
        "neither processing:version nor the name tells the processing baseline; the offset is that of "
        "the date, which is wrong for products that were processed again"
    )
    return [f"{some(ids)}: {doubt}"]


def late_and_early(items: Iterable[Json]) -> bool:
    """Tell whether items lie on both sides of the processing baseline that brought the offset."""
    baselines = {
        result >= _SHIFTED_SINCE
        for item in items
        if (result := as_baseline((item.get("properties") or {}).get("s2:processing_baseline")))
    }
    return len(baselines) > 1


def warn(doubts: Sequence[str]) -> None:
    """Warn once of all that is in doubt."""
    if doubts:
        notice.warn("; ".join(doubts), ValuesInDoubt)

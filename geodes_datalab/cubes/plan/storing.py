"""How each variable of a cube holds its numbers: physical values, or raw as they are stored.

Physical values are one thing whatever the files hold: each file is made physical where it is read. Raw
numbers are the files' own, so all files must store alike. Where only their types differ, the cube has one
that holds them all; where only their offsets do, a coordinate tells them; what differs otherwise is
refused. A raw cube needs a number for "nothing" only if something may be missing. Where nobody set one
aside, it takes the next wider type, so that no number that is a value has to serve.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from odc.geo.geobox import GeoBox

from geodes_datalab import stac
from geodes_datalab.cubes.numbers import Meaning, holdable
from geodes_datalab.cubes.parse.products import Parsed
from geodes_datalab.cubes.parse.values import Told, Words, contradictions, late_and_early, undated
from geodes_datalab.cubes.plan.model import Product
from geodes_datalab.cubes.read.pixels import Source
from geodes_datalab.errors import StoredOtherwise
from geodes_datalab.ops.packing import STORED_UNITS

MASK_FILL = 255
"""Fill of the quality masks of known collections: all bits set, so such pixels are bad."""


@dataclass(frozen=True)
class Frame:
    """What all variables of a cube have in common."""

    geobox: GeoBox
    products: Sequence[Product]
    groups: Sequence[Sequence[int]]
    words: Sequence[Words]
    """What is told of each product's numbers."""
    collection: str = ""
    raw: bool = False
    clipped: bool = False
    """Whether pixels will be made missing."""
    described: bool = False
    """Whether the items describe their files themselves: nothing else is known of them."""
    shifts: tuple[float, ...] = ()
    """Offsets that products of the collection may have, where they are known to differ in that."""


@dataclass(frozen=True)
class Stored:
    """What the numbers of one variable mean."""

    band: stac.Band
    collection: str
    dtype: str
    fill: float
    """Of pixels that no product has."""
    nodata: float | None = None
    """Number that means "missing", where there is one."""
    scale: float | None = None
    offset: float | None = None
    units: str | None = None
    physical_units: str | None = None
    offsets: tuple[float | None, ...] | None = None
    """One for each time step of a raw variable; None where no product has it."""
    marked: bool = False
    """Whether the offset is told by a coordinate, because it may differ elsewhere."""
    units_told: tuple[str, ...] = ()
    """All units that products tell."""
    possible: tuple[float, ...] = ()
    """All offsets that there are in the collection, where that is known."""


def stored(name: str, band: stac.Band, frame: Frame) -> Stored:
    """Decide how a variable holds its numbers.

    Raises
    ------
    StoredOtherwise
        Raw numbers that do not mean the same in all products.
    """
    there = [
        index for index, product in enumerate(frame.products) if name in product.sources
    ] or list(range(len(frame.products)))
    distinct = {id(frame.words[index]): frame.words[index] for index in there}
    told = list(dict.fromkeys(words[name] for words in distinct.values()))
    if band.role != "mask" and not frame.raw:
        return _physical(band, frame.collection, told)
    _refuse_other_scales(name, band, told)
    own, nodata = _type(told), _nodata(name, told)
    dtype, fill, shown = _room(own, nodata, band, name, frame)
    if band.role == "mask":
        return Stored(band, frame.collection, dtype, fill, shown, units="1")
    marked = bool(frame.shifts) or (
        frame.described and any(item.scaled for words in _each(frame) for item in words.values())
    )
    return Stored(
        band, frame.collection, dtype, fill, shown,
        scale=told[0].scale, offset=None if marked else told[0].offset, units=STORED_UNITS,
        physical_units=told[0].physical_units, offsets=_offsets(name, told, there, frame), marked=marked,
        possible=frame.shifts,
    )  # fmt: skip


def _each(frame: Frame) -> Iterable[Words]:
    return {id(words): words for words in frame.words}.values()


def _physical(band: stac.Band, collection: str, told: Sequence[Told]) -> Stored:
    kinds = {item.dtype for item in told if item.dtype}
    wide = any(not np.can_cast(kind, "float32") for kind in kinds)
    named = next((item.physical_units for item in told if item.physical_units), None)
    if any(item.in_doubt for item in told):
        named = STORED_UNITS
    all_units = tuple(dict.fromkeys(item.units for item in told if item.units))
    dtype = "float64" if wide else "float32"
    return Stored(band, collection, dtype, math.nan, units=named, units_told=all_units)


def _refuse_other_scales(name: str, band: stac.Band, told: Sequence[Told]) -> None:
    scales = {item.scale or 1.0 for item in told}
    if band.role != "mask" and len(scales) > 1:
        raise StoredOtherwise(
            f"band {name} is stored with different scales: {_listed(scales)}",
            hint="load physical values (without raw=True), or load the products in parts",
        )


def _type(told: Sequence[Told]) -> str:
    return np.result_type(*(item.dtype for item in told)).name


def _nodata(name: str, told: Sequence[Told]) -> float | None:
    """Return the one number that means "nothing" in all products; None where none does."""
    marks: set[float | None] = {
        None if result is None or math.isnan(result) else result
        for item in told
        if (result := holdable(item.nodata, item.dtype)) is not None
        or np.dtype(item.dtype).kind in "iu"
    }
    if len(marks) > 1:
        raise StoredOtherwise(
            f"different numbers mean that a pixel of band {name} is missing: {_listed(marks)}",
            hint="load physical values (without raw=True), or load the products in parts",
        )
    return next(iter(marks), None)


def _listed(values: Iterable[Any]) -> str:
    texts = sorted("none" if item is None else f"{item:g}" for item in values)
    return ", ".join(texts)


def _room(
    own: str, nodata: float | None, band: stac.Band, name: str, frame: Frame
) -> tuple[str, float, float | None]:
    """Return the type, what fills pixels that no product has, and what says that one is missing."""
    kind = np.dtype(own)
    if kind.kind == "f":
        fill = math.nan if nodata is None else float(nodata)
        return own, fill, None if nodata is None else fill
    if nodata is not None:
        return own, int(nodata), int(nodata)
    if band.role == "mask" and not frame.described:
        return own, MASK_FILL, MASK_FILL
    if _is_covered(name, frame):
        return own, 0, None
    if kind.itemsize == 8:  # no type holds all of them and one more
        return "float64", math.nan, None
    wider = np.dtype(f"i{kind.itemsize * 2}")
    # of a mask, all bits are set, so that such pixels count as bad
    fill = -1 if band.role == "mask" and kind.kind == "u" else int(np.iinfo(wider).min)
    return wider.name, fill, fill


def _is_covered(name: str, frame: Frame) -> bool:
    """Tell whether each time step has one product, with all pixels of the cube."""
    if frame.clipped or any(len(group) != 1 for group in frame.groups):
        return False
    if any(words[name].masked for words in _each(frame)):
        return False
    whole = shapely.box(*frame.geobox.boundingbox.bbox)
    slack = 1e-6 * abs(frame.geobox.resolution.x)
    return all(
        name in frame.products[index].sources
        and frame.products[index].grid.crs == frame.geobox.crs
        and shapely.box(*frame.products[index].grid.boundingbox.bbox).buffer(slack).covers(whole)
        for (index,) in frame.groups
    )


def _offsets(
    name: str, told: Sequence[Told], indices: Sequence[int], frame: Frame
) -> tuple[float | None, ...]:
    """Return the offset of each time step.

    Raises
    ------
    StoredOtherwise
        It is not the same for all products of one.
    """
    if len({item.offset for item in told}) == 1 and len(indices) == len(frame.products):
        return (told[0].offset or 0.0,) * len(frame.groups)
    steps: list[float | None] = []
    there = set(indices)
    for group in frame.groups:
        result = {frame.words[index][name].offset or 0.0 for index in group if index in there}
        if len(result) > 1:
            raise StoredOtherwise(
                f"products of one time step store band {name} with different offsets (processing "
                f"baselines): {_listed(result)}",
                hint='load physical values (without raw=True), give groupby="id", or leave out the '
                'older version of each product (versions="newest" does, where names tell)',
            )
        steps.append(next(iter(result), None))
    return tuple(steps)


def doubts(parsed: Sequence[Parsed], variables: Mapping[str, Stored]) -> list[str]:
    """Say what is in doubt of the numbers of a cube."""
    items = [item.item for item in parsed]
    if parsed[0].container != "asset":
        measured = any(item.band.role == "data" for item in variables.values())
        return undated(items) if measured and parsed[0].shifts else []
    result = contradictions([(item.item, _loaded(item, variables)) for item in parsed])
    unscaled = [
        name
        for name, item in variables.items()
        if item.offsets is None and item.units == STORED_UNITS
    ]
    result += [
        f"products tell different units of {name}: {', '.join(item.units_told)}; nothing is converted"
        for name, item in variables.items()
        if len(item.units_told) > 1
    ]
    if unscaled:
        result.append(
            f"nobody tells what the integers of {', '.join(unscaled)} mean, neither scale nor units: "
            "they are handed out as they are stored. raw=True says the same without this warning"
        )
        if late_and_early(items):
            result.append(
                "products on both sides of Sentinel-2's processing baseline 04.00 store 1000 more or "
                "less for the same reflectance"
            )
    return result


def _loaded(one: Parsed, variables: Mapping[str, Stored]) -> dict[str, stac.Band]:
    """Return those bands of an item that are loaded; the same name may be another band of another item."""
    return {name: one.bands.get(name, stored.band) for name, stored in variables.items()}


class Meant(Mapping[str, Source]):
    """The files of a product by band, with what their numbers mean; each made when it is asked for."""

    __slots__ = ("_meanings", "_sources")

    def __init__(self, sources: Mapping[str, Source], meanings: Mapping[str, Meaning]) -> None:
        self._sources, self._meanings = sources, meanings

    def __getitem__(self, name: str) -> Source:
        return self._sources[name]._replace(meaning=self._meanings[name])

    def __contains__(self, name: object) -> bool:
        return name in self._sources

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def meant(frame: Frame, variables: Mapping[str, Stored]) -> list[Product]:
    """Return the products with what the numbers in each of their files mean."""
    known = {
        id(words): {
            name: _meaning(words[name], item, physical=not frame.raw and item.band.role != "mask")
            for name, item in variables.items()
        }
        for words in _each(frame)
    }
    return [
        product._replace(sources=Meant(product.sources, known[id(words)]))
        for product, words in zip(frame.products, frame.words, strict=True)
    ]


def _meaning(told: Told, one: Stored, *, physical: bool) -> Meaning:
    nodata = told.nodata
    if nodata is None and one.fill == MASK_FILL == one.nodata:  # of known masks, it is no value
        nodata = one.nodata
    return Meaning(nodata, told.scale, told.offset, physical)

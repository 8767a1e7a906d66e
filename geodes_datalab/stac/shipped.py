"""The public collections of GEODES, as shipped with the package."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from geodes_datalab._types import Json
from geodes_datalab.errors import UnknownCollection, near
from geodes_datalab.stac.readers import Reader, reader

RENAMED: Mapping[str, str] = {
    "MUSCATE_SENTINEL2_SENTINEL2_L2A": "THEIA_REFLECTANCE_SENTINEL2_L2A",
    "MUSCATE_WaterQual_SENTINEL2_L2B-WATER": "THEIA_WATERQUAL_SENTINEL2_L2B",
    "MUSCATE_Snow_SENTINEL2_L2B-SNOW": "THEIA_SNOW_SENTINEL2_L2B",
}
"""Ids that the portal renamed in November 2025; many scripts and tutorials still hold them."""

_OLD = "MUSCATE_"


@dataclass(frozen=True)
class Collection:
    """A collection of the catalogue."""

    id: str
    """What `search` takes."""
    title: str
    """Name."""
    description: str = ""
    """What the products are."""
    keywords: tuple[str, ...] = ()
    """Words to find it by."""
    constellation: str | None = None
    """Satellites."""
    instruments: tuple[str, ...] = ()
    """Sensors."""
    level: str | None = None
    """Processing level."""
    start: str | None = None
    """First day, where the catalogue tells."""
    end: str | None = None
    """Last day, where the catalogue tells."""
    license: str | None = None
    """As the catalogue says; check it with the provider (imagery of SPOT is under another one)."""
    items: int | None = None
    """Number of products, where known."""

    @property
    def reader(self) -> Reader | None:
        """What describes the products' files; None where nothing does."""
        with suppress(UnknownCollection):
            return reader(self.id)
        return None

    @property
    def readable(self) -> bool:
        """Whether `geodes_datalab.load` knows how to read the products."""
        return "load" in self.verbs

    @property
    def verbs(self) -> tuple[str, ...]:
        """What reads the products: ``load`` (cubes), ``open`` (as they are), both, or nothing."""
        described = self.reader
        return described.verbs if described else ()

    @property
    def status(self) -> str:
        """How sure it is that they are read: ``confirmed``, ``documented`` or ``provisional``; or nothing."""
        described = self.reader
        return described.status if described else ""


@cache
def shipped() -> tuple[Collection, ...]:
    """Return the public collections of GEODES, as shipped."""
    content = files("geodes_datalab.stac").joinpath("data/collections.json").read_text("utf-8")
    return tuple(_collection(item) for item in json.loads(content)["collections"])


def _collection(values: Json) -> Collection:
    fields: Json = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return Collection(**fields)


def shipped_ids() -> frozenset[str]:
    """Return the ids of the shipped collections."""
    return frozenset(item.id for item in shipped())


def unknown(name: str, known: Iterable[str]) -> UnknownCollection:
    """Make the error for an id that the catalogue does not have."""
    renamed = {old.casefold(): new for old, new in RENAMED.items()}.get(name.casefold())
    if renamed:
        return UnknownCollection(f'the collection "{name}" was renamed', f'use "{renamed}"')
    hint = near(name.replace(_OLD, "THEIA_"), known)
    if name.upper().startswith(_OLD):
        return UnknownCollection(
            f'the portal renamed its MUSCATE collections in November 2025, among them "{name}"',
            hint or "find the new id with geodes_datalab.collections()",
        )
    hint = hint or "list them with geodes_datalab.collections(), or search them by words"
    return UnknownCollection(f'the catalogue has no collection "{name}"', hint)

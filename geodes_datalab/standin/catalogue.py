"""The products that a stand-in serves: packed samples, recorded real items, bulk metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from geodes_datalab.standin import bulk, missions, records
from geodes_datalab.standin.profiles import Profile
from geodes_datalab.standin.samples import Product, ProductFile, build


@dataclass(frozen=True)
class Catalogue:
    """An immutable list of products, and the folder that their files lie in.

    Catalogues add up: ``Catalogue.samples() + Catalogue.bulk(5000)``.
    """

    products: tuple[Product, ...] = ()
    """Every product."""
    roots: tuple[Path, ...] = ()
    """Folders that file paths are looked up in."""
    _records: dict[str, tuple[records.Record, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def samples(cls, cache: Path | str | None = None, *, recorded: bool = True) -> Catalogue:
        """Return the sample products, packing them at the first call.

        Parameters
        ----------
        cache
            Folder of the packed archives; ``~/.cache/geodes-datalab`` when None.
        recorded
            Whether to add the two recorded real items (their files are not held: "on tape").
        """
        built = build(cache)
        extra = recorded_products() if recorded else ()
        return cls((*built.products, *extra), (built.root,))

    @classmethod
    def missions(cls, cache: Path | str | None = None) -> Catalogue:
        """Return the sample products of further missions, writing them at the first call.

        Parameters
        ----------
        cache
            Folder of the products; ``~/.cache/geodes-datalab`` when None.
        """
        built = missions.build(cache)
        return cls(built.products, (built.root,))

    @classmethod
    def bulk(cls, count: int) -> Catalogue:
        """Return `count` metadata-only Sentinel-2 items, for search benchmarks; deterministic."""
        (model,) = (item for item in recorded_products() if item.collection == "PEPS_S2_L1C")
        return cls(tuple(bulk.products(model, count)))

    def __add__(self, other: Catalogue) -> Catalogue:
        """Return both catalogues as one."""
        return Catalogue(self.products + other.products, self.roots + other.roots)

    def records(self, profile: Profile) -> tuple[records.Record, ...]:
        """Return every product in the wire form of a profile; made once per profile."""
        if profile.name not in self._records:
            made = tuple(records.record(product, profile) for product in self.products)
            self._records[profile.name] = made
        return self._records[profile.name]

    def render(self, profile: Profile) -> None:
        """Serialise every record now, so that answers cost no more than joining them."""
        for record in self.records(profile):
            len(record.text)

    @cached_property
    def by_urn(self) -> dict[str, Product]:
        """Products by legacy item id, which also stands in download addresses."""
        return {records.urn_of(product): product for product in self.products}

    @cached_property
    def on_tape(self) -> frozenset[str]:
        """Legacy item ids of the products whose data file cannot be read at once."""
        return frozenset(
            urn
            for urn, product in self.by_urn.items()
            if product.on_tape or product.files[0].path is None
        )

    def locate(self, file: ProductFile) -> Path | None:
        """Return where the bytes of a file are, or None when there are none."""
        if file.path is None:
            return None
        return next((root / file.path for root in self.roots if (root / file.path).is_file()), None)


def recorded_products() -> tuple[Product, ...]:
    """Return the recorded real items (one Sentinel-1 GRD, one Sentinel-2 L1C) as products."""
    folder = files("geodes_datalab.standin.samples") / "data" / "records"
    names = ("PEPS_S1_L1.item.json", "PEPS_S2_L1C.item.json")
    return tuple(_from_item(json.loads((folder / name).read_text("utf-8"))) for name in names)


def _from_item(item: dict[str, Any]) -> Product:
    assets = sorted(item["assets"].values(), key=lambda asset: asset["roles"] != ["data"])
    return Product(
        collection=item["collection"],
        identifier=item["properties"]["identifier"],
        geometry=item["geometry"],
        properties=item["properties"],
        files=tuple(_from_asset(asset) for asset in assets),
        on_tape=True,
        urn=item["id"],
        extra={key: item[key] for key in ("properties", "centroid", "bbox", "assets", "links")},
    )


def _from_asset(asset: dict[str, Any]) -> ProductFile:
    told = dict(_pairs(asset["description"].split("\n\n")))
    return ProductFile(
        name=asset["title"],
        path=None,
        size=int(told["File size"].split()[0]),
        md5=told["Checksum MD5"],
        type=asset["type"],
        datatype=told["Datatype"],
    )


def _pairs(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        key, _, value = line.partition(": ")
        yield key, value

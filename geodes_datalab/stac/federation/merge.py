"""Items of several catalogues as one list: each product once, with its copies; of each acquisition the newest version.

Nothing is dropped: copies stand in the item that is shown under `ALTERNATES`, older versions under `VERSIONS`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from geodes_datalab._types import Json
from geodes_datalab.stac.federation.identity import Identity, identity
from geodes_datalab.stac.items.versions import version

SOURCE = "geodes_datalab:source"
"""Property of an item: the catalogue that described it."""

SHARED = "geodes_datalab:product"
"""Property of an item: the name that all catalogues have for what it is (``"sentinel-2-l2a"``)."""

ALTERNATES = "geodes_datalab:alternates"
"""Member of an item: copies of the same product in other catalogues, each with source, id, collection, assets."""

VERSIONS = "geodes_datalab:versions"
"""Member of an item: other versions of the same acquisition, newest first, in the same form."""

_COMPARED = ("eo:cloud_cover", "processing:version", "s2:processing_baseline", "updated")
"""Properties of copies that are kept where they differ."""


@dataclass
class _Product:
    """Copies of one product."""

    identity: Identity
    copies: list[Json] = field(default_factory=list)

    def takes(self, item: Json, told: Identity) -> bool:
        """Tell whether an item is a copy: of another catalogue than those that are here."""
        known = {copy["properties"][SOURCE] for copy in self.copies}
        return self.identity.is_same_product(told) and item["properties"][SOURCE] not in known

    def add(self, item: Json, told: Identity) -> None:
        self.copies.append(item)
        own, strip = self.identity.version or told.version, self.identity.strip or told.strip
        self.identity = self.identity._replace(version=own, strip=strip)


def merged(found: Sequence[tuple[str, Sequence[Json]]]) -> list[Json]:
    """Return the items of several catalogues, each product once.

    Parameters
    ----------
    found
        Id of each catalogue and its normalised items, the preferred catalogue first. Items are not changed.

    Returns
    -------
    list of dict
        In the order in which products were first met; of an acquisition, the newest version stands for all.
    """
    scenes: dict[str, list[_Product]] = defaultdict(list)
    order: list[_Product | Json] = []
    for source, items in found:
        for raw in items:
            item = {**raw, "properties": {**raw["properties"], SOURCE: source}}
            told = identity(raw)
            if told is None:
                order.append(item)
                continue
            products = scenes[told.scene]
            product = next((one for one in products if one.takes(item, told)), None)
            if product is None:
                product = _Product(told)
                products.append(product)
                order.append(product)
            product.add(item, told)
    older = {id(one) for products in scenes.values() for one in _older(products)}
    return [
        _shown(one, scenes) if isinstance(one, _Product) else one
        for one in order
        if id(one) not in older
    ]


def _older(products: Sequence[_Product]) -> list[_Product]:
    """Return the products that a newer version replaces."""
    return [one for group in _acquisitions(products) for one in group[1:]]


def _acquisitions(products: Sequence[_Product]) -> list[list[_Product]]:
    """Sort products of one scene by datastrip, each group with the newest version first.

    One that tells no datastrip belongs to the only one that there is; where there are two, it stays by itself.
    """
    strips = {one.identity.strip for one in products if one.identity.strip}
    groups: dict[Any, list[_Product]] = defaultdict(list)
    for one in products:
        lone = one.identity.strip or (next(iter(strips)) if len(strips) == 1 else "")
        key: Any = lone if lone or not strips else id(one)
        groups[key].append(one)
    return [sorted(group, key=_newest, reverse=True) for group in groups.values()]


def _newest(product: _Product) -> tuple[Any, ...]:
    told = version(product.copies[0])
    return product.identity.version, told.number, told.made, told.published


def _shown(product: _Product, scenes: dict[str, list[_Product]]) -> Json:
    """Return the item that stands for a product: its preferred copy, with the others and older versions."""
    first, *others = sorted(product.copies, key=_readable)
    result = dict(first)
    if others:
        result[ALTERNATES] = [_copy(item, first) for item in others]
    group = next(
        group for group in _acquisitions(scenes[product.identity.scene]) if group[0] is product
    )
    if group[1:]:
        result[VERSIONS] = [_copy(item, first) for one in group[1:] for item in one.copies]
    return result


def _readable(item: Json) -> tuple[bool, bool]:
    """Sort copies: those on tape last, then archives after files of which windows are read; else as they came."""
    assets = (item.get("assets") or {}).values()
    tape = any(asset.get("geodes:online") is False for asset in assets)
    packed = not any(
        "tiff" in str(asset.get("type")) or "zarr" in str(asset.get("type")) for asset in assets
    )
    return tape, packed


def _copy(item: Json, shown: Json) -> Json:
    properties, told = item["properties"], shown["properties"]
    differing = {
        name: properties[name]
        for name in _COMPARED
        if properties.get(name) is not None and properties[name] != told.get(name)
    }
    return {
        "source": properties[SOURCE], "id": item["id"], "collection": item.get("collection"),
        "assets": item.get("assets") or {}, "properties": differing,
    }  # fmt: skip

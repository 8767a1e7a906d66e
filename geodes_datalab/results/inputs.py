"""What results were made of: links to the inputs, their dates, and what their licences ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from geodes_datalab import stac
from geodes_datalab._display import some
from geodes_datalab._types import Json
from geodes_datalab.errors import UnknownCollection
from geodes_datalab.stac.items.held import ItemsLike, as_dicts

MOST = 200
"""Links to inputs in one item: of more, the first ones are linked, and the lineage tells their number."""


@dataclass(frozen=True)
class Inputs:
    """Items that results were made of."""

    items: Sequence[Json] = ()

    @classmethod
    def of(cls, items: ItemsLike | None) -> Inputs:
        """Read items in whichever form they are held."""
        return cls() if items is None else cls(tuple(as_dicts(items)))

    @property
    def licences(self) -> Mapping[str, list[str]]:
        """What is said of a licence, each with the collections that it covers."""
        result: dict[str, list[str]] = {}
        for item in self.items:
            name = str(item.get("collection") or item["id"])
            for text in _licences(item):
                if name not in result.setdefault(text, []):
                    result[text].append(name)
        return result

    @property
    def span(self) -> tuple[str, str] | None:
        """First and last moment of the inputs; None where they tell none."""
        told = [item["properties"] for item in self.items]
        starts = [one.get("start_datetime") or one.get("datetime") for one in told]
        ends = [one.get("end_datetime") or one.get("datetime") for one in told]
        if not told or not all(starts) or not all(ends):
            return None
        return min(map(str, starts)), max(map(str, ends))

    def during(self, when: tuple[str, str]) -> Inputs:
        """Return the inputs of a result of one day, or all where none is of that day, or it is of several."""
        first, last = when[0][:10], when[1][:10]
        same = [item for item in self.items if first == last and _day(item) == first]
        return Inputs(tuple(same)) if same else self

    def links(self) -> list[Json]:
        """Return a link to each input whose address is known; addresses hold no key and no signature."""
        result: list[Json] = []
        for item in self.items:
            href = next((one["href"] for one in item["links"] if one["rel"] == "self"), "")
            if (plain := _plain(str(href))) and len(result) < MOST:
                title = str(item["properties"].get("title") or item["id"])
                result.append(
                    {
                        "rel": "derived_from",
                        "href": plain,
                        "type": "application/geo+json",
                        "title": title,
                    }
                )
        return result

    def lineage(self) -> str:
        """Say in a sentence what the inputs are; empty where there are none."""
        if not self.items:
            return ""
        names = [str(item["properties"].get("title") or item["id"]) for item in self.items]
        collections = sorted({str(item.get("collection") or "?") for item in self.items})
        return f"made of {len(names)} products of {', '.join(collections)}: {some(names, 20)}"


def _licences(item: Json) -> list[str]:
    """Return what is said of an item's licence: by its description here, or by the item.

    The portal of GEODES calls all of its collections "Apache-2.0", which is the licence of its software:
    what is known of a collection here goes before.
    """
    with suppress(UnknownCollection):
        described = stac.reader(str(item.get("collection") or "")).for_item(item)
        return [described.licence] if described.licence else []
    told: Any = item["properties"].get("license")
    return [told] if isinstance(told, str) and told and told != "other" else []


def _day(item: Json) -> str:
    properties = item["properties"]
    return str(properties.get("start_datetime") or properties.get("datetime") or "")[:10]


def _plain(href: str) -> str:
    """Return an address without a query, a user or a password; empty where it is not on the web."""
    parts = urlsplit(href)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))

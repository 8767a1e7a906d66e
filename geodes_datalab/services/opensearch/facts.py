"""What both answers say of an item: its time, its files, its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from geodes_datalab._types import Json
from geodes_datalab.errors import DataError
from geodes_datalab.services.opensearch.catalogue import Window
from geodes_datalab.services.opensearch.description import Place
from geodes_datalab.services.opensearch.parameters import Asked
from geodes_datalab.stac.items.assets import data_asset, quicklook_asset

_SECRET = frozenset(
    {"sig", "signature", "token", "access_token", "apikey", "api_key", "key", "x-api-key", "password"}
)  # fmt: skip
"""Names in addresses whose values open what is locked."""


@dataclass(frozen=True)
class Answer:
    """What is answered with."""

    place: Place
    asked: Asked
    window: Window
    given: tuple[tuple[str, str], ...]
    """The parameters, as they came."""
    title: str

    @property
    def updated(self) -> str:
        """The newest time of all items; a beginning of time where there are none."""
        return max((moment(one) for one in self.window.items), default="1970-01-01T00:00:00Z")

    def pages(self) -> dict[str, int]:
        """Return where other pages begin, from 1, by their relation to this one."""
        first, count, matched = self.asked.begin + 1, self.asked.count, self.window.matched
        found = {"first": 1}
        if first > 1:
            found["previous"] = max(1, first - count)
        full = len(self.window.items) == count
        if self.window.items and (full if matched is None else first + count <= matched):
            found["next"] = first + count
        if matched:
            found["last"] = (matched - 1) // count * count + 1
        return found


def moment(item: Json) -> str:
    """Return when an item changed last, where told; else when it was acquired."""
    told = item["properties"]
    names = ("updated", "published", "created", "start_datetime", "datetime")
    return next((str(told[name]) for name in names if told.get(name)), "1970-01-01T00:00:00Z")


def span(item: Json) -> str:
    """Return the time of acquisition as ``start/end``, or one moment."""
    told = item["properties"]
    start = told.get("start_datetime") or told.get("datetime")
    end = told.get("end_datetime")
    return f"{start}/{end}" if start and end else str(start or "")


def name(item: Json) -> str:
    """Return the name of the product."""
    return str(item["properties"].get("identifier") or item["id"])


def data(item: Json) -> Json | None:
    """Return the file to work with, where it may be told."""
    try:
        found = data_asset(item)[1]
    except DataError:
        return None
    return found if public(found["href"]) else None


def picture(item: Json) -> Json | None:
    """Return the small picture, where it may be told."""
    found = quicklook_asset(item)
    return found if found is not None and public(found["href"]) else None


def itself(item: Json) -> str:
    """Return the address of the STAC item, where it has one."""
    links = (link["href"] for link in item["links"] if link["rel"] == "self")
    return next((href for href in links if public(href)), "")


def public(href: str) -> bool:
    """Tell whether an address is one of the web and holds no secret.

    Examples
    --------
    >>> [public(one) for one in ("https://a.example/b", "https://a.example/b?X-Amz-Signature=1", "/home/b")]
    [True, False, False]
    """
    try:
        parts = urlsplit(href)
        names = {key.lower() for key, _ in parse_qsl(parts.query, keep_blank_values=True)}
    except ValueError:
        return False
    signed = names & _SECRET or any(one.startswith(("x-amz-", "x-goog-")) for one in names)
    return parts.scheme in ("http", "https", "s3") and "@" not in parts.netloc and not signed


def first(value: Any) -> str:
    """Return a text, or the first of several."""
    found = value[0] if isinstance(value, list) and value else value
    return (
        str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else ""
    )


METADATA: Mapping[str, str] = {
    "platform": "platform",
    "instrument": "instruments",
    "sensorMode": "sar:instrument_mode",
    "productType": "product:type",
    "processingLevel": "processing:level",
    "orbitNumber": "sat:absolute_orbit",
    "track": "sat:relative_orbit",
    "orbitDirection": "sat:orbit_state",
    "cloudCover": "eo:cloud_cover",
}
"""Name in OGC 13-026 -> property of an item."""


def metadata(item: Json) -> dict[str, str]:
    """Return what is told of an item, by the names of OGC 13-026."""
    told = item["properties"]
    found = {theirs: first(told.get(ours)) for theirs, ours in METADATA.items()}
    found["orbitDirection"] = found["orbitDirection"].upper()
    channels = told.get("sar:polarizations")
    found["polarisationChannels"] = ", ".join(channels) if isinstance(channels, list) else ""
    found["parentIdentifier"] = str(item.get("collection") or "")
    return {key: value for key, value in found.items() if value}

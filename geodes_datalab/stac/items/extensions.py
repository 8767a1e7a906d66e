"""Which STAC extensions an item really uses: declared ones are what validators and tools go by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from geodes_datalab._types import Json

_ROOT = "https://stac-extensions.github.io"
_URL = re.compile(r"https://stac-extensions\.github\.io/([\w-]+)/v([\d.]+)/schema\.json#?")

_VERSIONS: Mapping[str, str] = {
    "eo": "2.0.0",
    "file": "2.1.0",
    "grid": "1.1.0",
    "processing": "1.2.0",
    "product": "1.0.0",
    "projection": "2.0.0",
    "sar": "1.1.0",
    "sat": "1.1.0",
    "scientific": "1.0.0",
    "sentinel-2": "1.0.0",
    "timestamps": "1.1.0",
    "version": "1.2.0",
    "view": "1.0.0",
}

_PREFIXES: Mapping[str, str] = {
    "eo": "eo",
    "file": "file",
    "grid": "grid",
    "processing": "processing",
    "product": "product",
    "proj": "projection",
    "sar": "sar",
    "sat": "sat",
    "sci": "scientific",
    "s2": "sentinel-2",
    "view": "view",
}
_BARE: Mapping[str, str] = {
    "published": "timestamps",
    "expires": "timestamps",
    "version": "version",
}
_SAR_NEEDS = ("sar:instrument_mode", "sar:frequency_band", "sar:polarizations")


def declared(item: Json, served: Iterable[str]) -> list[str]:
    """Return the extensions of an item, by what it holds.

    Parameters
    ----------
    item
        Normalised item.
    served
        Extensions that the catalogue declared; unknown ones, and the versions of known ones, are
        kept.

    Returns
    -------
    list of str
        Addresses of the schemas, sorted.
    """
    names: list[str] = []
    for asset in item["assets"].values():
        names += asset
        for band in asset.get("bands") or ():
            names += band
    return list(_declared((*item["properties"],), tuple(names), tuple(served)))


@lru_cache(maxsize=1024)
def _declared(
    properties: tuple[str, ...], assets: tuple[str, ...], served: tuple[str, ...]
) -> tuple[str, ...]:
    """Decide by names alone: the items of a search share a few sets of them."""
    versions = {match.group(1): match.group(2) for url in served if (match := _URL.fullmatch(url))}
    if "proj:code" in properties:
        versions.pop("projection", None)  # proj:code came with version 2
    known = {
        f"{_ROOT}/{name}/v{versions.get(name, _VERSIONS[name])}/schema.json"
        for name in _used(properties, assets)
    }
    return tuple(sorted(known | {url for url in served if not _is_known(url)}))


def _used(properties: tuple[str, ...], assets: tuple[str, ...]) -> set[str]:
    used = {_BARE[name] for name in properties if name in _BARE}
    for name in (*properties, *assets):
        prefix, colon, _ = name.partition(":")
        if colon and prefix in _PREFIXES:
            used.add(_PREFIXES[prefix])
    if not all(name in properties for name in _SAR_NEEDS):
        used.discard("sar")
    return used


def _is_known(url: str) -> bool:
    match = _URL.fullmatch(url)
    return match is not None and match.group(1) in _VERSIONS

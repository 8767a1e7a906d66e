"""Where the files of an item are: addresses are completed beside the item, and refused where unreadable.

A relative address is relative to the item: to its ``self`` link, or to the file it was read from. It is
never looked for in the folder in which the notebook happens to run: a file of the same name there is
another file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from geodes_datalab._types import Json
from geodes_datalab.errors import AddressError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_STORES = {
    "s3": "S3",
    "gs": "Google Cloud Storage",
    "gcs": "Google Cloud Storage",
    "az": "Azure Blob Storage",
    "abfs": "Azure Blob Storage",
    "abfss": "Azure Blob Storage",
    "oss": "Alibaba Cloud OSS",
    "swift": "OpenStack Swift",
}
_WEB = ("http", "https")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
"""How a path on a machine with Windows begins: with a drive, or with a server."""


def is_relative(href: str) -> bool:
    """Tell whether an address says where a file is only together with another one.

    Examples
    --------
    >>> [is_relative(one) for one in ("./B04.tif", "https://a.example/B04.tif", "/data/B04.tif", "s3://a/b")]
    [True, False, False, False]
    """
    if href[:5].lower() == "file:":
        return href[5:6] != "/"
    return not (href.startswith("/") or _SCHEME.match(href) or _WINDOWS.match(href))


def beside(assets: Mapping[str, Json], places: Iterable[str | None]) -> dict[str, Json]:
    """Complete relative addresses.

    Parameters
    ----------
    assets
        Assets of an item; they are not changed.
    places
        Where the item is: its file, its ``self`` link; the first that is known counts. Of several, a
        file on disk counts only where the asset lies beside it.

    Returns
    -------
    dict
        The assets; what cannot be completed stays relative, and `readable` refuses it.
    """
    if not any(_incomplete(asset["href"]) for asset in assets.values()):
        return dict(assets)
    known = [place for place in places if place and not is_relative(place) and not _guessed(place)]
    return {
        key: {**asset, "href": _completed(asset["href"], known)}
        if known and _incomplete(asset["href"])
        else asset
        for key, asset in assets.items()
    }


def _incomplete(href: str) -> bool:
    """Tell whether an address may depend on the item's: it is relative, or has but no server."""
    if href.startswith(("https://", "http://")):
        return False  # as most are
    return is_relative(href) or (href.startswith("/") and not href.startswith("/vsi"))


def self_link(links: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the address that an item gives itself."""
    return next(
        (str(item["href"]) for item in links if item.get("rel") == "self" and item.get("href")),
        None,
    )


def on_disk(href: str) -> Path | None:
    """Return the path of a file on this machine; None where it is elsewhere, or not said where."""
    if href[:6].lower() == "file:/":
        path = href[5:]
        if path.startswith("//"):  # then the machine, mostly left out
            path = "/" + path[2:].partition("/")[2]
        return Path(unquote(path))
    return Path(href) if href.startswith("/") and not href.startswith("/vsi") else None


def readable(asset: Json, product: str) -> str:
    """Return the address of a file that GDAL can be given: on the web or on this machine.

    Raises
    ------
    AddressError
        It is incomplete, or lies in a store that is not read from here.
    """
    href = str(asset["href"])
    if is_relative(href):
        raise AddressError(
            f"{product}: it is not known where {href} lies: the address is relative, and neither the "
            "item's self link nor the file it was read from is known",
            "give the path of the item's file, items read by pystac.Item.from_file(), or items with "
            "complete addresses",
        )
    if _WINDOWS.match(href):
        raise AddressError(
            f"{product}: {href} is a path of Windows, and this machine has another system",
            "give the path that the file has here, or write the item with addresses relative to it",
        )
    scheme = href.partition(":")[0].lower() if _SCHEME.match(href) else "file"
    if scheme not in (*_WEB, "file"):
        raise _unsupported(asset, product, scheme)
    return href.replace(" ", "%20") if scheme in _WEB else href


def downloadable(asset: Json, product: str) -> str:
    """Return the address of a file on the web.

    Raises
    ------
    AddressError
        It is no such address.
    """
    href = readable(asset, product)
    if not href.lower().startswith(("http://", "https://")):
        raise AddressError(
            f"{product}: {href} is on this machine: there is nothing to download",
            "load it as it is",
        )
    return href


def _guessed(place: str) -> bool:
    """Tell a place that pystac made of a relative ``self`` link: in the folder of the notebook.

    Items that were read from a file there have one.
    """
    path = on_disk(place)
    return path is not None and path.is_relative_to(Path.cwd()) and not path.is_file()


def _completed(href: str, places: list[str]) -> str:
    if not is_relative(href):  # of a server, unless it is here
        web = [place for place in places if place.partition(":")[0].lower() in _WEB]
        return urljoin(web[0], href) if web and not Path(href).exists() else href
    relative = href[5:] if href[:5].lower() == "file:" else href
    result = [_joined(place, relative.replace("\\", "/")) for place in places]
    there = (item for item in result if (path := on_disk(item)) is not None and path.exists())
    elsewhere = (item for item in result if on_disk(item) is None)
    return next(there, next(elsewhere, result[0]))


def _joined(place: str, href: str) -> str:
    """Return the address of a file that lies beside another one."""
    path = on_disk(place)
    if path is not None:
        return str((path.parent / href).resolve())
    if place.partition(":")[0].lower() in _WEB:
        return urljoin(place, href)
    if place.startswith("/vsicurl/"):
        return "/vsicurl/" + urljoin(place.removeprefix("/vsicurl/"), href)
    scheme, mark, rest = place.rpartition("://")  # urljoin knows the web alone
    return (
        f"{scheme}{mark}{urljoin('/' + rest.lstrip('/'), './' + href).lstrip('/' if mark else '')}"
    )


def _unsupported(asset: Json, product: str, scheme: str) -> AddressError:
    href = str(asset["href"])
    store = _STORES.get(scheme)
    if store is None:
        return AddressError(
            f"{product}: addresses of the kind {scheme}: are not supported ({href})",
            "give items whose files have http(s) addresses or lie on this machine",
        )
    bucket = urlsplit(href).netloc
    other = _alternate(asset)
    advice = (
        f"the item names another address, {other}: put it into the asset's href; or "
        if other
        else ""
    )
    return AddressError(
        f"{product} lies in an object store ({href}), and {store} addresses are not supported: reading "
        f'it needs access to the bucket "{bucket}" (keys of that store, and its endpoint), not the network '
        "alone",
        f"{advice}use a catalogue that gives http(s) addresses; or fetch the file with the store's own "
        "tools and give its folder as archives=; or give locator= something that knows the store",
    )


def _alternate(asset: Json) -> str | None:
    """Return the address on the web that the alternate-assets extension tells of, if any."""
    others = asset.get("alternate")
    for item in others.values() if isinstance(others, Mapping) else ():
        href = str(item.get("href", "")) if isinstance(item, Mapping) else ""
        if href.startswith(("http://", "https://")):
            return href
    return None

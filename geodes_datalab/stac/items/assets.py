"""Files of an item: stable keys, and size and checksum as fields instead of prose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from geodes_datalab._types import Json
from geodes_datalab.errors import DataError

MD5_PREFIX = "d50110"
"""Multihash code and length that precede an MD5 digest in ``file:checksum``."""

_NAMES = ("File size", "Is reference", "Is online", "Datatype", "Checksum MD5")
_FACT = re.compile(rf"^({'|'.join(_NAMES)}): *(\w+)", re.MULTILINE)
_FACTS = re.compile(r"\s+".join(rf"{name}: *(\w+)(?: bytes)?" for name in _NAMES))
"""All five, as the portal writes them: read in one go, a third of the time."""
_MD5 = re.compile(r"/files/([0-9a-fA-F]{32})(?:\?|$)")


def geodes_assets(raw: Mapping[str, Json]) -> dict[str, Json]:
    """Normalise the assets of today's portal, whose keys are file names.

    Parameters
    ----------
    raw
        Assets as served.

    Returns
    -------
    dict
        The file to work with under ``data``; ``quicklook``, ``thumbnail`` and ``metadata`` where
        there are any; further files under their names. Fields: ``href``, ``title`` (file name),
        ``type``, ``roles``, ``file:size`` (bytes), ``file:checksum`` (multihash), ``geodes:md5``,
        ``geodes:online`` (as told by the catalogue, which says little: ask `availability`),
        ``geodes:datatype``, ``geodes:reference``, ``geodes:key`` (the key served, where it is more
        than the file name).
    """
    main = _main(raw)
    result: dict[str, Json] = {}
    for key, asset in raw.items():
        clean = _asset(key, asset)
        name = "data" if key == main else _role_key(clean)
        if name is None or name in result:
            name = clean["title"] if clean["title"] not in result else key
        result[name] = clean
    return dict(sorted(result.items(), key=lambda pair: pair[0] != "data"))


def standard_assets(raw: Mapping[str, Json]) -> dict[str, Json]:
    """Normalise the assets of a standard catalogue: keys stay, MD5 digests are spelled out."""
    result: dict[str, Json] = {}
    for key, asset in raw.items():
        clean = dict(asset)
        checksum = str(clean.get("file:checksum", ""))
        if checksum.startswith(MD5_PREFIX) and len(checksum) == len(MD5_PREFIX) + 32:
            clean["geodes:md5"] = checksum.removeprefix(MD5_PREFIX)
        if key == "overview" and "quicklook" not in raw:
            key = "quicklook"  # noqa: PLW2901 - GEODES's next generation: one name in both dialects
        result[key] = clean
    return result


def data_asset(item: Any) -> tuple[str, Json]:
    """Return the file to work with.

    Parameters
    ----------
    item
        An item, as a dictionary or as ``pystac.Item``.

    Returns
    -------
    key, asset
        The asset's key and its dictionary.

    Raises
    ------
    DataError
        The item has no data file.
    """
    assets = _assets_of(item)
    if "data" in assets:
        return "data", assets["data"]
    main = _main(assets)
    if main is None:
        name = item["id"] if isinstance(item, Mapping) else item.id
        raise DataError(f"{name} has no data file", "look at its assets, and name one of them")
    return main, assets[main]


def quicklook_asset(item: Any) -> Json | None:
    """Return the small picture of an item, or None."""
    assets = _assets_of(item)
    for key in ("quicklook", "thumbnail", "overview"):
        if key in assets:
            return assets[key]
    shown = ("overview", "thumbnail")
    return next(
        (
            entry
            for entry in assets.values()
            if any(role in shown for role in entry.get("roles") or ())
        ),
        None,
    )


def file_name(text: str) -> str:
    """Return a safe file name from what a server calls a file.

    Examples
    --------
    >>> file_name("2025/04/02/S2A/quicklook.jpg"), file_name("../../etc/passwd")
    ('quicklook.jpg', 'passwd')
    """
    name = PurePosixPath(text.replace("\\", "/")).name
    name = "".join(character for character in name if character.isprintable())
    if name in ("", ".", ".."):
        raise DataError(
            f"{text!r} is no file name",
            "tell the catalogue's operator; name other assets meanwhile",
        )
    return name


def _assets_of(item: Any) -> Mapping[str, Json]:
    if isinstance(item, Mapping):
        result: Mapping[str, Json] = item["assets"]
        return result
    return {key: asset.to_dict() for key, asset in item.assets.items()}


def _asset(key: str, asset: Mapping[str, Any]) -> Json:
    title = str(asset.get("title") or key)
    clean: Json = {"href": asset["href"], "title": title.rpartition("/")[2] or title}
    for name in ("type", "roles"):
        if asset.get(name):
            clean[name] = asset[name]
    clean.update(_facts(str(asset.get("description") or ""), str(asset["href"])))
    for name, value in asset.items():
        if name not in clean and name != "description" and value is not None:
            clean[name] = value
    if key != clean["title"]:
        clean["geodes:key"] = key
    return clean


def _facts(description: str, href: str) -> Json:
    """Read the five lines of a description."""
    all_five = _FACTS.fullmatch(description)
    told = all_five.groups() if all_five else _found(description)
    size, reference, online, kind, md5 = told
    facts: Json = {}
    if size and size.isdigit():
        facts["file:size"] = int(size)
    md5 = md5 or ((match := _MD5.search(href)) and match.group(1))
    if md5:
        facts["geodes:md5"] = md5 = md5.lower()
        facts["file:checksum"] = MD5_PREFIX + md5
    if online:
        facts["geodes:online"] = online.lower() == "true"
    if reference:
        facts["geodes:reference"] = reference.lower() == "true"
    if kind:
        facts["geodes:datatype"] = kind
    if description and not any(told):
        facts["description"] = description
    return facts


def _found(description: str) -> tuple[str | None, ...]:
    """Return those of the five lines that are there."""
    texts = dict(_FACT.findall(description))
    return tuple(map(texts.get, _NAMES))


def _main(assets: Mapping[str, Json]) -> str | None:
    """Return the key of the data file: an archive before a loose file, XML sidecars never."""
    candidates = [
        key
        for key, asset in assets.items()
        if "data" in (asset.get("roles") or ()) and "xml" not in str(asset.get("type", ""))
    ]
    archives = [
        key
        for key in candidates
        if key.lower().endswith(".zip") or "zip" in str(assets[key].get("type", ""))
    ]
    return next(iter(archives or candidates), None)


def _role_key(asset: Json) -> str | None:
    datatype, roles = asset.get("geodes:datatype", ""), asset.get("roles") or ()
    if datatype.startswith("QUICKLOOK") or "overview" in roles:
        return "quicklook"
    if datatype == "THUMBNAIL" or "thumbnail" in roles:
        return "thumbnail"
    if (
        datatype in ("DOCUMENT", "DESCRIPTION")
        or "metadata" in roles
        or "xml" in asset.get("type", "")
    ):
        return "metadata"
    return None

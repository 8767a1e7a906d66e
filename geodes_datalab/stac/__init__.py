"""Searching GEODES and other STAC catalogues: queries, items, collections, downloads.

No module here bears the name of a verb: importing it would hide the verb.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_NAMES = {
    "Account": "account",
    "Band": "readers",
    "Collection": "shipped",
    "Collections": "catalogue",
    "Items": "items",
    "Query": "query",
    "Quota": "account",
    "Reader": "readers",
    "Status": "account",
    "availability": "online",
    "collections": "catalogue",
    "data_asset": "assets",
    "download": "fetch",
    "login": "account",
    "quicklook_asset": "assets",
    "quota": "account",
    "reader": "readers",
    "search": "find",
    "status": "account",
}

if TYPE_CHECKING:
    from geodes_datalab.stac.account import Account, Quota, Status, login, quota, status
    from geodes_datalab.stac.assets import data_asset, quicklook_asset
    from geodes_datalab.stac.catalogue import Collections, collections
    from geodes_datalab.stac.fetch import download
    from geodes_datalab.stac.find import search
    from geodes_datalab.stac.items import Items
    from geodes_datalab.stac.online import availability
    from geodes_datalab.stac.query import Query
    from geodes_datalab.stac.readers import Band, Reader, reader
    from geodes_datalab.stac.shipped import Collection

__all__ = [
    "Account",
    "Band",
    "Collection",
    "Collections",
    "Items",
    "Query",
    "Quota",
    "Reader",
    "Status",
    "availability",
    "collections",
    "data_asset",
    "download",
    "login",
    "quicklook_asset",
    "quota",
    "reader",
    "search",
    "status",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

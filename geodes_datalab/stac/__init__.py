"""Searching GEODES and other STAC catalogues: queries, items, collections, downloads.

No module here bears the name of a verb: importing it would hide the verb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geodes_datalab._lazy import attach

_NAMES = {
    "Account": "account",
    "Band": "readers",
    "Collection": "shipped",
    "Collections": "catalogue",
    "Items": "items.sequence",
    "Query": "query.canonical",
    "Quota": "account",
    "Reader": "readers",
    "Status": "account",
    "availability": "online",
    "collections": "catalogue",
    "data_asset": "items.assets",
    "download": "fetch",
    "login": "account",
    "logout": "account",
    "quicklook_asset": "items.assets",
    "quota": "account",
    "reader": "readers",
    "search": "find",
    "sources": "federation.sources",
    "status": "account",
}

if TYPE_CHECKING:
    from geodes_datalab.stac.account import Account, Quota, Status, login, logout, quota, status
    from geodes_datalab.stac.catalogue import Collections, collections
    from geodes_datalab.stac.federation.sources import sources
    from geodes_datalab.stac.fetch import download
    from geodes_datalab.stac.find import search
    from geodes_datalab.stac.items.assets import data_asset, quicklook_asset
    from geodes_datalab.stac.items.sequence import Items
    from geodes_datalab.stac.online import availability
    from geodes_datalab.stac.query.canonical import Query
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
    "logout",
    "quicklook_asset",
    "quota",
    "reader",
    "search",
    "sources",
    "status",
]

__getattr__, __dir__ = attach(__name__, _NAMES)

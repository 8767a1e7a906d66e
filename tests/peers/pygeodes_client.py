"""Drives pygeodes against a stand-in, in its own process, as it patches the json module.

Called with: portal root, API key, identifier. Prints one JSON object as its last line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from loopback import only_loopback

only_loopback()

from pygeodes import Config, Geodes  # noqa: E402
from pygeodes.utils.profile import Profile  # noqa: E402


def main(url: str, api_key: str, identifier: str) -> None:
    # It would write its profile into the installed package.
    Profile._filepath = Path("profile.json")
    config = Config(api_key=api_key, download_dir=".", use_async_requests=False)
    geodes = Geodes(conf=config, base_url=f"{url}/")
    collections = geodes.search_collections(return_df=False, quiet=True)
    everything = geodes.search_items(
        query={"dataset": {"in": ["PEPS_S2_L1C"]}},
        sortBy=[{"field": "start_datetime", "direction": "asc"}],
        get_all=True, return_df=False, quiet=True,
    )  # fmt: skip
    (item,) = geodes.search_items(
        query={"identifier": {"eq": identifier}}, return_df=False, quiet=True
    )
    geodes.download_item_archive(item, outfile="product.zip")
    members = geodes.list_item_files(item)
    told = {
        "collections": len(collections),
        "items": [one.find("identifier") for one in everything],
        "checksum": item.data_asset_checksum,
        "size": item.filesize,
        "members": [str(name) for name in members],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])

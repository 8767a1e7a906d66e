"""Drives eodag's provider `geodes` against a stand-in, in its own process and home.

Called with: portal root, API key, start, end. Prints one JSON object as its last line.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from loopback import only_loopback

only_loopback()
os.environ["EODAG_PROVIDERS_WHITELIST"] = '["geodes"]'
os.environ["EODAG_EXT_COLLECTIONS_CFG_URI"] = ""

from eodag import EODataAccessGateway  # noqa: E402


def main(url: str, api_key: str, start: str, end: str) -> None:
    gateway = EODataAccessGateway()
    gateway.update_providers_config(
        dict_conf={
            "geodes": {
                "search": {"api_endpoint": f"{url}/api/stac/search"},
                "auth": {"matching_url": url, "credentials": {"apikey": api_key}},
                "download": {"output_dir": str(Path.cwd()), "extract": False},
            }
        }
    )
    found = gateway.search(
        provider="geodes", collection="S2_MSI_L1C", start=start, end=end,
        geom=[-67.67, -47.87, -67.62, -47.84], raise_errors=True, count=True,
    )  # fmt: skip
    online = [product for product in found if product.properties["order:status"] == "succeeded"]
    path = gateway.download(online[0])
    told = {
        "number": found.number_matched,
        "products": [product.properties["title"] for product in found],
        "status": [product.properties["order:status"] for product in found],
        "tile": sorted({product.properties["grid:code"] for product in found}),
        "downloaded": online[0].properties["title"],
        "path": path,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])

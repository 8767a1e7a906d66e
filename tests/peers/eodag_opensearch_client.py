"""Drives eodag's search of OpenSearch services against ours, in its own process and home.

Called with: root of the service, collection. Prints one JSON object as its last line.
"""

from __future__ import annotations

import json
import os
import sys

from loopback import only_loopback

only_loopback()
os.environ["EODAG_PROVIDERS_WHITELIST"] = '["datalab"]'
os.environ["EODAG_EXT_COLLECTIONS_CFG_URI"] = ""

from eodag import EODataAccessGateway  # noqa: E402

PROVIDER = """
datalab:
  search:
    type: QueryStringSearch
    api_endpoint: 'URL/opensearch/search.json'
    need_auth: false
    results_entry: features
    pagination:
      next_page_url_tpl: '{url}?{search}&count={limit}&startPage={next_page_token}'
      total_items_nb_key_path: '$.properties.totalResults'
      next_page_token_key: page
      max_limit: 80
    discover_metadata:
      auto_discovery: false
    metadata_mapping:
      _collection: ['parentIdentifier={_collection}', '$.properties.parentIdentifier']
      id: ['uid={id}', '$.properties.identifier']
      title: '$.properties.title'
      geometry: ['bbox={geometry#to_bounds_str}', '$.geometry']
      start_datetime: ['startDate={start_datetime#to_iso_utc_datetime}', '$.properties.acquisitionInformation[0].acquisitionParameters.beginningDateTime']
      end_datetime: ['endDate={end_datetime#to_iso_utc_datetime}', '$.properties.acquisitionInformation[0].acquisitionParameters.endingDateTime']
      eo:cloud_cover: ['cloudCover=[0,{eo:cloud_cover}]', '$.properties.productInformation.cloudCover']
      eodag:download_link: '$.properties.links.data[0].href'
  products:
    GENERIC_COLLECTION:
      _collection: '{collection}'
  download:
    type: HTTPDownload
"""


def main(url: str, collection: str) -> None:
    gateway = EODataAccessGateway()
    gateway.update_providers_config(PROVIDER.replace("URL", url))
    every = gateway.search_all(provider="datalab", collection=collection, limit=3)
    some = gateway.search(
        provider="datalab", collection=collection, geom=[-68, -48, -67, -47], start="2021-11-01",
        end="2022-12-01", raise_errors=True, count=True, **{"eo:cloud_cover": 10},
    )  # fmt: skip
    told = {
        "every": [product.properties["id"] for product in every],
        "number": some.number_matched,
        "some": [product.properties["id"] for product in some],
        "clouds": [product.properties["eo:cloud_cover"] for product in some],
        "link": [product.properties["eodag:download_link"] for product in some],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])

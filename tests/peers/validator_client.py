"""Drives stac-api-validator against a catalogue, in its own process: it asks for schemas that are elsewhere.

Called with: address of the catalogue, a collection. Prints one JSON object as its last line.
"""

from __future__ import annotations

import json
import logging
import sys

from loopback import only_loopback

only_loopback()

from urllib3.util import Retry  # noqa: E402

Retry.sleep = lambda *_: None  # what cannot be reached is not waited for

from stac_api_validator.validations import QueryConfig, validate_api  # noqa: E402

AREA = {
    "type": "Polygon",
    "coordinates": [[[-70, -50], [-60, -50], [-60, -40], [-70, -40], [-70, -50]]],
}


def main(url: str, collection: str) -> None:
    logging.disable(logging.CRITICAL)
    warnings, errors = validate_api(
        root_url=url, ccs_to_validate=["core", "item-search", "features", "collections"],
        collection=collection, geometry=json.dumps(AREA), auth_bearer_token=None, auth_query_parameter=None,
        fields_nested_property=None, validate_pagination=True, query_config=QueryConfig(*[None] * 13),
        transaction_collection=None, headers={}, stac_check_config=None,
    )  # fmt: skip
    print(json.dumps({"warnings": list(warnings), "errors": list(errors)}))


if __name__ == "__main__":
    main(*sys.argv[1:])

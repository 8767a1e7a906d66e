"""Whether an item or a collection is right: by STAC's own schemas, which pystac brings. Nothing is fetched."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urljoin

from geodes_datalab._optional import need
from geodes_datalab._types import Json
from geodes_datalab.errors import PublishError
from geodes_datalab.stac.items.wellformed import MISREAD


def check(told: Json) -> None:
    """Refuse an item or a collection that STAC 1.1 does not allow.

    Schemas of extensions lie on the web: what this package writes of them is checked by its own tests.

    Raises
    ------
    PublishError
        With what is wrong, and where.
    MissingDependency
        ``jsonschema`` is not installed.
    """
    need("jsonschema", extra="results")
    import pystac

    kind = pystac.Item if told["type"] == "Feature" else pystac.Collection
    core = {**json.loads(json.dumps(told)), "stac_extensions": [], "links": _links(told)}
    try:
        kind.from_dict(core, migrate=False).validate()
    except (pystac.STACError, pystac.STACValidationError, *MISREAD) as error:
        raise PublishError(
            f"{told['id']} would be no valid STAC: {_reason(error)}",
            "look at what was given, and at the attributes of the variables; dry_run=True shows the item",
        ) from error


def _links(told: Json) -> list[Json]:
    """Return the links that can be looked at alone: pystac would open what lies above."""
    return [
        {**one, "href": urljoin(_HERE, str(one["href"]))}
        for one in told["links"]
        if one["rel"] not in ("root", "parent")
    ]


_HERE = "https://results.invalid/"
"""Stands for the place of what is checked; nothing is ever asked there."""


def _reason(error: Any) -> str:
    found = getattr(error, "source", None) or []
    first = found[0] if isinstance(found, list) and found else error
    where = "/".join(map(str, getattr(first, "absolute_path", ())))
    text = str(getattr(first, "message", first))[:300]
    return f"{where}: {text}" if where else text

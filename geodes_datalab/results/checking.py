"""Whether an item or a collection is right: by STAC's own schemas, which pystac brings. Nothing is fetched."""

from __future__ import annotations

import json
from typing import Any

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
    from pystac import STACError, STACObjectType, STACValidationError
    from pystac.validation import validate_dict

    kind = STACObjectType.ITEM if told["type"] == "Feature" else STACObjectType(told["type"])
    core = {**json.loads(json.dumps(told)), "stac_extensions": []}
    try:
        validate_dict(core, kind, "1.1.0", extensions=[])
    except (STACError, STACValidationError, *MISREAD) as error:
        raise PublishError(
            f"{told['id']} would be no valid STAC: {_reason(error)}",
            "look at what was given, and at the attributes of the variables; dry_run=True shows the item",
        ) from error


def _reason(error: Any) -> str:
    found = getattr(error, "source", None) or []
    first = found[0] if isinstance(found, list) and found else error
    where = "/".join(map(str, getattr(first, "absolute_path", ())))
    text = str(getattr(first, "message", first))[:300]
    return f"{where}: {text}" if where else text

"""Check objects against Kubernetes' own OpenAPI (scripts/make_kubernetes_schema.py)."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

DATA = Path(__file__).parent.parent / "data/kubernetes.json"


def problems(obj: dict[str, Any]) -> list[str]:
    """Return what Kubernetes would refuse in an object, or ignore."""
    try:
        validator = _validator(f"{obj['apiVersion']}/{obj['kind']}")
    except KeyError:
        return [f"{obj.get('apiVersion')}/{obj.get('kind')} is no kind that the chart may render"]
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(obj)]


@functools.cache
def _document() -> dict[str, Any]:
    return dict(json.loads(DATA.read_text()))


@functools.cache
def _validator(kind: str) -> Draft7Validator:
    document = _document()
    return Draft7Validator({**document["kinds"][kind], "definitions": document["definitions"]})

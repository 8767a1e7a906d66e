"""What a file's format cannot hold of a cube, as text beside it: `open` reads it, other tools pass it by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from geodes_datalab.errors import CubeError

NAME = "geodes_datalab"
"""Attribute, or tag of a GeoTIFF, that holds the text."""

_KIND, _VALUES = "numpy", "values"


def written(facts: Any, what: str) -> str:
    """Write facts as text; numpy's arrays and numbers keep their type.

    Parameters
    ----------
    facts
        Dictionaries, lists, texts, numbers, and numpy's own.
    what
        Whose facts they are, for a message.

    Raises
    ------
    CubeError
        Something among them cannot be written.

    Examples
    --------
    >>> read(written({"flags": np.array([1, 2], "uint8")}, "a mask"))["flags"]
    array([1, 2], dtype=uint8)
    """
    try:
        return json.dumps(facts, default=_plain, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise CubeError(
            f"an attribute of {what} cannot be saved: {error}",
            hint="make it a text or a number, or delete it from .attrs",
        ) from error


def read(text: Any) -> Any:
    """Return the facts that `written` wrote; none where there is no text."""
    return json.loads(text, object_hook=_restored) if text else {}


def _plain(value: Any) -> Any:
    if not isinstance(value, np.ndarray | np.generic):
        raise TypeError(f"{value!r} is of type {type(value).__name__}")
    texts = value.dtype.kind == "O" and all(isinstance(item, str) for item in value.flat)
    if value.dtype.kind not in "biufMmU" and not texts:
        raise TypeError(f"{value!r} is of type {value.dtype}")
    dtype = value.dtype.str
    if value.dtype.kind in "Mm":  # whole numbers of the unit that the type tells
        value = value.astype("int64")
    return {_KIND: dtype, _VALUES: value.tolist()}


def _restored(facts: dict[str, Any]) -> Any:
    if facts.keys() != {_KIND, _VALUES}:
        return facts
    dtype, values = np.dtype(facts[_KIND]), facts[_VALUES]
    array = np.array(values, "int64" if dtype.kind in "Mm" else dtype).astype(dtype)
    return array if isinstance(values, list) else array[()]


def holdable(attrs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split attributes into what any file holds, and what has to be noted.

    Returns
    -------
    attributes
        As a file may hold them: texts, numbers and lists of them; others as JSON.
    noted
        Those that would come back as something else.
    """
    held: dict[str, Any] = {}
    noted: dict[str, Any] = {}
    for name, value in attrs.items():
        if type(value) in (str, int, float):
            held[name] = value
            continue
        noted[name] = value
        held[name] = value if _is_row(value) else written(value, f"{name!r}")
    return held, noted


def _is_row(value: Any) -> bool:
    """Tell whether a value is a number, or a row of numbers."""
    if isinstance(value, bool):
        return False
    result = (
        np.asarray(value) if isinstance(value, list | tuple | np.ndarray | np.generic) else None
    )
    return result is not None and result.dtype.kind in "iuf" and result.ndim < 2 and result.size > 0

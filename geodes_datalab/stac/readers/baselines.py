"""Processing baselines of Sentinel-2, of which the offset of its numbers depends."""

from __future__ import annotations

import re
from typing import Any

from geodes_datalab._types import Json


def baseline(item: Json) -> str:
    """Return the processing baseline of a Sentinel-2 product, as in ``04.00``; empty where nothing tells it."""
    properties = item.get("properties", {})
    told = map(properties.get, ("processing:version", "s2:processing_baseline"))
    if result := next(filter(None, map(as_baseline, told)), ""):
        return result
    match = re.search(r"_N(\d\d)(\d\d)_", str(properties.get("identifier") or item.get("id")))
    return f"{match.group(1)}.{match.group(2)}" if match else ""


def as_baseline(told: Any) -> str:
    """Return a baseline as in ``04.00``, however it is told; empty where it is none.

    Examples
    --------
    >>> as_baseline("04.00"), as_baseline(5.1), as_baseline("2.14"), as_baseline("none")
    ('04.00', '05.10', '02.14', '')
    """
    match = re.fullmatch(r"(\d?\d)\.(\d\d?)", str(told))
    # of a number, the last digit is lost where it is 0
    return f"{match.group(1):0>2}.{match.group(2):0<2}" if match else ""


def baseline_is_guessed(item: Json) -> bool:
    """Tell whether nothing but an early date speaks for a baseline before 04.00.

    Later acquisitions all have the offset; of earlier ones, those do that were processed again.
    """
    return not baseline(item) and not _is_late(item)


def since_baseline(item: Json, since: str) -> bool:
    """Tell whether an item was processed with a baseline or a later one; where none is told, by its date."""
    result = baseline(item)
    return result >= since if result else _is_late(item)


def _is_late(item: Json) -> bool:
    """Tell whether an acquisition is of the days of baseline 04.00."""
    return str(item.get("properties", {}).get("datetime") or "") >= "2022-01-25"

"""What users are told of beside a result: warnings that name their line, and lists that are not endless."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence


def warn(text: str, category: type[Warning]) -> None:
    """Warn at the line of somebody else's code that called ours, however many of our functions lie between."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("geodes_datalab."):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


def some(names: Sequence[str], limit: int = 3) -> str:
    """Name a few of many.

    Examples
    --------
    >>> some(["B02", "B03", "B04", "B08", "B11"])
    'B02, B03, B04 and 2 more'
    """
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more

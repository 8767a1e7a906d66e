"""What users are told of beside a result: warnings that name their line."""

from __future__ import annotations

import inspect
import warnings


def warn(text: str, category: type[Warning]) -> None:
    """Warn at the line of somebody else's code that called ours, however many of our functions lie between."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("geodes_datalab."):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)

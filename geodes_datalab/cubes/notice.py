"""What users are told of beside a result: warnings that name their line, and that are heard.

rasterio hides all warnings for a moment wherever it warps, and filters are the process's: what
another thread warns of in that moment is lost. Of two threads that hide them at once, one may put
back what the other has hidden, and leave all of the session without warnings.
"""

from __future__ import annotations

import inspect
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

_SILENCE = ("ignore", None, Warning, None, 0)
"""The filter that hides all warnings."""

_lock = threading.Lock()
_readers = 0
_before: Literal["heard", "perhaps hidden", "hidden"] = "heard"
"""What warnings were when the first of these readers began: hidden for long, or perhaps for a moment."""

PATIENCE = 1.0
"""Seconds after which what hides warnings is the user's wish, and not another thread's moment."""


def warn(text: str, category: type[Warning]) -> None:
    """Warn at the line of somebody else's code that called ours, however many of our functions lie between."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("geodes_datalab."):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


@contextmanager
def reading() -> Iterator[None]:
    """Read in one of many threads: warnings are hidden after it where they were before, and only there."""
    global _readers, _before  # noqa: PLW0603 - filters are the process's
    with _lock:
        if _SILENCE not in warnings.filters:
            _before = (
                "heard"  # also where another reader still goes on that began in a moment of silence
            )
        elif not _readers:
            _before = "perhaps hidden"
        _readers += 1
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if not _readers and _before == "heard":
                while _SILENCE in warnings.filters:
                    warnings.filters.remove(_SILENCE)  # type: ignore[attr-defined]  # it is a list


def warn_from_thread(text: str, category: type[Warning]) -> None:
    """Warn while reading, or from a Dask worker at its user's, whatever other threads hide."""
    if _in_worker():
        sys.modules["distributed"].warn(text, category, stacklevel=2)
        return
    match _action(text, category, _filters()):
        case "ignore":
            pass
        case "error":
            raise category(text)
        case _:
            warnings.showwarning(category(text), category, __file__, 0)


def _filters() -> list[Any]:
    """Return the user's filters: without what a thread that reads hides, and soon without what another does."""
    global _before  # noqa: PLW0603 - filters are the process's
    until = time.monotonic() + PATIENCE
    while True:
        filters = list(warnings.filters)
        if _readers and _before == "heard":
            return [item for item in filters if item != _SILENCE]
        if _SILENCE not in filters or _before == "hidden" or time.monotonic() > until:
            break
        time.sleep(0.001)
    if _readers and _SILENCE in filters:
        _before = "hidden"
    return filters


def _in_worker() -> bool:
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


def _action(text: str, category: type[Warning], filters: Sequence[Any]) -> str:
    """Return what filters want to be done, as `warnings.warn_explicit` decides it."""
    for action, message, kind, module, line in filters:
        if line or not issubclass(category, kind):
            continue
        if _fits(message, text) and _fits(module, __name__):
            return str(action)
    return "default"


def _fits(pattern: Any, text: str) -> bool:
    """Match as filters do: by a regular expression, or, in those of the interpreter itself, by all of a text."""
    if pattern is None or isinstance(pattern, str):
        return pattern in (None, text)
    return bool(pattern.match(text))

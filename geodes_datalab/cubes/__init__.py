"""Cubes: items in, a lazy xarray Dataset out.

`load` works in stages: `products` (what the items' metadata tell), `planning` (grid, time steps,
files), an engine (lazy arrays), `attributes` (CF). Pixels are read by `reading`, in the process that
needs them, with the credentials of `credentials`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_NAMES = {
    "CHUNKS": "loading",
    "Finder": "locate",
    "Locator": "locate",
    "MissingMember": "locate",
    "load": "loading",
}

if TYPE_CHECKING:
    from geodes_datalab.cubes.loading import CHUNKS, load
    from geodes_datalab.cubes.locate import Finder, Locator, MissingMember

__all__ = ["CHUNKS", "Finder", "Locator", "MissingMember", "load"]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Maps for notebooks: footprints to explore, cubes to look at; behind the hub and offline.

>>> from geodes_datalab import maps
>>> "explore" in dir(maps)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

_PLACES = {
    "Explorer": "geodes_datalab.maps.explorer",
    "explore": "geodes_datalab.maps.explorer",
    "show": "geodes_datalab.maps.overlay",
}

if TYPE_CHECKING:
    from geodes_datalab.maps.explorer import Explorer, explore
    from geodes_datalab.maps.overlay import show

__all__ = ["Explorer", "explore", "show"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

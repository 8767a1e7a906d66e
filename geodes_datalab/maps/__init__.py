"""Maps for notebooks: footprints to explore, cubes to look at; behind the hub and offline.

>>> from geodes_datalab import maps
>>> "explore" in dir(maps)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geodes_datalab._lazy import attach

_PLACES = {
    "Animation": "animation",
    "Explorer": "explorer",
    "animate": "animation",
    "explore": "explorer",
    "show": "overlay",
    "titled": "figures",
}

if TYPE_CHECKING:
    from geodes_datalab.maps.animation import Animation, animate
    from geodes_datalab.maps.explorer import Explorer, explore
    from geodes_datalab.maps.figures import titled
    from geodes_datalab.maps.overlay import show

__all__ = ["Animation", "Explorer", "animate", "explore", "show", "titled"]

__getattr__, __dir__ = attach(__name__, _PLACES)

"""How much lies around the products: cubes of mostly nothing are refused before they are built."""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import shapely

from geodes_datalab import _display
from geodes_datalab.cubes import notice
from geodes_datalab.cubes.grid import seam
from geodes_datalab.cubes.grid.boxes import extent
from geodes_datalab.cubes.plan.model import Plan
from geodes_datalab.errors import CubeError, CubeWarning

_UNASKED = 100e9
"""Bytes below which nobody asks how much of a cube is empty."""

_REFUSED, _LEAST = 1e12, 0.01
"""A cube of so many bytes, of which the products have less than this share, is refused."""

_ENDLESS = 2e14
"""Bytes from which on no cube is built, however full: its chunks alone would take hours to name."""

_TOLD = 0.05
"""Share below which a large cube is told to be mostly empty."""

_VAST = 50e12
"""Bytes from which on a cube is told to be large, however full it is."""


def check(plan: Plan, *, now: bool) -> None:
    """Refuse, or tell of, cubes that are far larger than what products have.

    Parameters
    ----------
    plan
        What would be read onto which pixels; nothing is built yet.
    now
        Whether it is read at once, into memory.

    Raises
    ------
    CubeError
        The cube would be of terabytes, and next to none of it would have values, or of hundreds of
        them; or it would not fit into memory and is read at once.
    """
    size = _bytes(plan)
    if size > _UNASKED:
        share = _share(plan)
        what = f"the cube would be {_display.size(size)}: {_told(plan)}"
        empty = f"{what}, of which the products have {_percent(share)}"
        if size > _ENDLESS or (size > _REFUSED and share < _LEAST):
            raise CubeError(empty, hint=_hint(plan))
        if share < _TOLD:
            notice.warn(f"{empty}. To make it smaller, {_hint(plan)}", CubeWarning)
        elif size > _VAST:
            notice.warn(f"{what}. To make it smaller, {_SMALLER}", CubeWarning)
    memory = _memory()
    if now and memory is not None and size > memory:
        raise CubeError(
            f"{_display.size(size)} of pixels would be read at once, and this machine's memory is "
            f"{_display.size(memory)}",
            hint=f"leave threads= out for a lazy cube, or {_SMALLER}",
        )


_SMALLER = "give a smaller bbox, fewer bands or items, or a coarser resolution"


def _bytes(plan: Plan) -> int:
    rows, columns = plan.geobox.shape
    each = sum(np.dtype(layer.dtype).itemsize for layer in plan.layers)
    return int(rows) * int(columns) * len(plan.groups) * each


def _told(plan: Plan) -> str:
    rows, columns = plan.geobox.shape
    steps, bands = len(plan.groups), len(plan.layers)
    return (
        f"{steps} time step{'s' * (steps > 1)} of {bands} band{'s' * (bands > 1)} of "
        f"{rows:,} x {columns:,} pixels"
    )


def _percent(share: float) -> str:
    return (
        f"{share:.0%}"
        if share > 0.01
        else f"{100 * share:.1g} %"
        if share > 1e-6
        else "next to nothing"
    )


def _share(plan: Plan) -> float:
    """Return which share of the cube lies in the products, as far as their outlines tell."""
    cube = shapely.box(*plan.geobox.boundingbox)
    times = Counter(product.grid for product in plan.products)
    covered = sum(
        count * shapely.make_valid(shape.geom).intersection(cube).area
        for grid, count in times.items()
        for shape in seam.outlines(grid, plan.geobox)
    )
    return float(min(1.0, covered / cube.area / len(plan.groups)))


def _hint(plan: Plan) -> str:
    west, south, east, north = extent([product.grid for product in plan.products])
    return f"{_SMALLER}; the products lie within bbox=({west:.3f}, {south:.3f}, {east:.3f}, {north:.3f})"


def _memory() -> int | None:
    """Return the memory of this machine, where the system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None

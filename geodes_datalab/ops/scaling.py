"""Scale and offset as arithmetic: whole numbers stay whole."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt


def shift(scale: float, offset: float) -> float:
    """Return an offset in stored units, as the whole number that it mostly is.

    Examples
    --------
    >>> shift(0.0001, -0.1)
    -1000.0
    """
    steps = offset / (scale or 1.0)
    if not math.isfinite(steps):
        return float(steps)
    whole = round(steps)
    return float(whole) if abs(steps - whole) < 1e-6 * max(1.0, abs(steps)) else float(steps)


def physical_numbers(
    stored: npt.NDArray[Any],
    scale: float,
    offset: float,
    *,
    dtype: str = "float32",
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Return ``stored * scale + offset`` of an array in memory, without copies in between.

    The offset is added first, in stored units, where it is a whole number: no rounding around zero.

    Parameters
    ----------
    stored
        Numbers of any type.
    scale, offset
        What they mean.
    dtype
        Of the result: float32 or float64.
    out
        Where to put it.

    Examples
    --------
    >>> physical_numbers(np.array([1000, 3500], "uint16"), 0.0001, -0.1)
    array([0.  , 0.25], dtype=float32)
    """
    kind = np.dtype(dtype)
    result = np.empty(stored.shape, kind) if out is None else out
    steps, source = shift(scale, offset), stored
    if steps:
        np.add(stored, kind.type(steps), out=result, dtype=kind, casting="unsafe")
        source = result
    if scale != 1:
        np.multiply(source, kind.type(scale), out=result, dtype=kind, casting="unsafe")
    elif not steps:
        np.copyto(result, stored, casting="unsafe")
    return result

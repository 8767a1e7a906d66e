"""Random lumps of several sizes, in whole numbers: what clouds and fields are textured with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


def lumps(shape: tuple[int, int], octaves: Iterable[tuple[int, int]], seed: int) -> Any:
    """Return the mean of smooth random fields: 0 to 30,000, about 15,000.

    Parameters
    ----------
    shape
        Rows and columns.
    octaves
        Size in pixels and weight of each field.
    seed
        Of the random numbers.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    total, weights = np.zeros(shape, "int64"), 0
    for cell, weight in octaves:
        size = (shape[0] // cell + 4, shape[1] // cell + 4)
        coarse = generator.integers(0, 30_000, size, dtype="int64")
        top, left = generator.integers(0, cell, 2)
        fine = np.kron(coarse, np.ones((cell, cell), "int64"))
        smooth = _box_mean(_box_mean(fine, cell), cell)
        total += weight * smooth[top : top + shape[0], left : left + shape[1]]
        weights += weight
    return total // weights


def blur(values: Any, size: int) -> Any:
    """Return the mean of each pixel's neighbours in a square of an odd size."""
    return _box_mean(np.pad(values, size // 2, mode="edge"), size)


def mean_of_four(values: Any) -> Any:
    """Return whole numbers at half the resolution."""
    return (values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]) // 4


def _box_mean(values: Any, size: int) -> Any:
    padded = np.pad(np.cumsum(np.cumsum(values, 0), 1), ((1, 0), (1, 0)))
    window = padded[size:, size:] - padded[:-size, size:] - padded[size:, :-size]
    return (window + padded[:-size, :-size]) // (size * size)

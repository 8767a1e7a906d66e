"""Values told at some lines and pixels of an image, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Knots:
    """A table of values by line and pixel; between two of them, values change in proportion."""

    lines: Floats
    """Lines of the image, ascending."""
    pixels: Floats
    """Pixels of the image, ascending."""
    values: Floats
    """By line and pixel."""

    @classmethod
    def of(cls, vectors: Sequence[tuple[float, Floats, Floats]]) -> Knots:
        """Make one table of vectors (line, pixels, values), which may name other pixels each."""
        ordered = sorted(vectors, key=lambda one: one[0])
        pixels = np.unique(np.concatenate([one[1] for one in ordered]))
        values = np.array([np.interp(pixels, one[1], one[2]) for one in ordered])
        return cls(np.array([one[0] for one in ordered]), pixels, values)

    def at(self, lines: Any, pixels: Any) -> Floats:
        """Return the values at some lines, by some pixels; beyond the rim, those of the rim."""
        upper, share = _between(self.lines, np.asarray(lines))
        rows = self.values[upper - 1] * (1 - share)[:, None] + self.values[upper] * share[:, None]
        right, share = _between(self.pixels, np.asarray(pixels))
        return rows[:, right - 1] * (1 - share) + rows[:, right] * share

    def lazy(self, lines: Any, pixels: Any, dtype: str = "float32") -> Any:
        """Return the values of all lines and pixels as a lazy array, by blocks of these."""
        return da.blockwise(
            _block, "ij", lines, "i", pixels, "j", knots=self, kind=dtype, dtype=dtype,
            meta=np.empty((0, 0), dtype),
        )  # fmt: skip


def _block(lines: Any, pixels: Any, knots: Knots, kind: str) -> Any:
    return knots.at(lines, pixels).astype(kind)


def _between(told: Floats, asked: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
    """Return the knot after each position, and its weight against the one before."""
    if told.size == 1:
        return np.zeros(asked.size, np.intp), np.zeros(asked.size)
    after = np.clip(np.searchsorted(told, asked, "right"), 1, told.size - 1)
    step = told[after] - told[after - 1]
    return after, np.clip((asked - told[after - 1]) / step, 0.0, 1.0)

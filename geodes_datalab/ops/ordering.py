"""Order statistics along time: medians and percentiles of stacks of images, block by block.

Images of a stack are compared whole against whole, in the order of a sorting network: each step is the
minimum and the maximum of two planes, which a processor does for dozens of pixels at a time. No pixel is
treated by itself, and nothing is converted: integers stay as they are until one of them is the result.

References
----------
K. E. Batcher (1968), Sorting networks and their applications, Proc. AFIPS Spring Joint Computer
Conference 32, 307-314: the network is his odd-even merge sort.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

WORKING_SET = 2**21
"""Bytes of a block of all planes: about what a processor's own cache holds."""

LEAST = 2**15
"""Pixels of a block, at least: below, calls cost more than their work."""


class Step(NamedTuple):
    """Compare two planes of a network."""

    low: int
    """Where the minimum goes; -1 where nobody needs it."""
    high: int
    """Where the maximum goes; -1 where nobody needs it."""
    pair: tuple[int, int]
    """The planes."""


@dataclass(frozen=True)
class Rule:
    """Which quantile, of what."""

    share: float
    """0 to 1; 0.5 is the median."""
    dtype: str
    """Of the result: float32 or float64."""
    missing: float | None = None
    """Stored number that means "no data"; NaN always does."""
    shifts: tuple[int, ...] | None = None
    """To add to each plane, where stored numbers do not mean the same at all times."""


def quantile(stack: Array | Sequence[Array], rule: Rule) -> Array:
    """Return a quantile along the first axis, without missing values.

    The result is numpy's: ``nanmedian`` or ``nanpercentile`` of the numbers in double precision, with
    missing ones as NaN, rounded to ``rule.dtype``. For integers of up to 32 bits that is exact.

    Parameters
    ----------
    stack
        (time, ...), or several such arrays, one after the other in time; only read.
    rule
        Which quantile.

    Returns
    -------
    numpy.ndarray
        (...), NaN where nothing is valid. Beside it, memory is used for one block: a few MB, and 64 kB
        for each plane, however large the planes are.

    Examples
    --------
    >>> stack = np.array([[0, 1], [7, 2], [9, 4]], "uint16")
    >>> quantile(stack, Rule(0.5, "float32", missing=0))
    array([8., 2.], dtype=float32)
    """
    planes = [
        plane for part in ([stack] if isinstance(stack, np.ndarray) else stack) for plane in part
    ]
    shape = np.shape(planes[0])
    planes = [np.atleast_1d(plane) for plane in planes]
    result = np.empty(planes[0].shape, rule.dtype)
    work = _Work(planes, rule)
    with np.errstate(invalid="ignore"):  # between infinite numbers, where no valid one is
        for rows in work.blocks():
            result[rows] = work.reduced(rows)
    return result.reshape(shape)


class _Work:
    """Memory for one block of all planes, used again for each.

    Integers are compared without their sign: the sign's bit is turned over when they come and when they
    go. So the largest and the smallest number are all bits and none, which replace missing ones without
    a branch.
    """

    def __init__(self, planes: list[Array], rule: Rule) -> None:
        self._planes, self._rule = planes, rule
        kind = _kind(planes[0].dtype, rule)
        self._bits = np.dtype(f"u{kind.itemsize}") if kind.kind in "iu" else kind
        self._kind = kind
        self._sign = kind.type(np.iinfo(kind).min) if kind.kind == "i" else None
        width = max(1, int(np.prod(planes[0].shape[1:])))
        pixels = max(LEAST, WORKING_SET // ((len(planes) + 1) * kind.itemsize))
        self._rows = max(1, min(pixels // width, len(planes[0])))
        self._memory = np.empty((len(planes) + 1, self._rows, *planes[0].shape[1:]), self._bits)

    def blocks(self) -> Iterator[slice]:
        """Yield the rows of each block."""
        total = len(self._planes[0])
        for first in range(0, total, self._rows):
            yield slice(first, min(first + self._rows, total))

    def reduced(self, rows: slice) -> Array:
        """Return the quantile of a block."""
        count = len(self._planes)
        memory = self._memory[:, : rows.stop - rows.start]
        half = self._rule.share == 0.5
        valid = self._fill(memory, rows, both_ends=half)
        if half:
            return self._middle(memory, valid)
        if int(valid.min(initial=count)) < count:
            return self._gathered(memory, _arranged(memory, network(count)), valid)
        low, high, share = _ranks(count, self._rule.share)
        where = _arranged(memory, network(count, (low, high)))
        return self._between(memory[where[low]], memory[where[high]], share)

    def _fill(self, memory: Array, rows: slice, *, both_ends: bool) -> Array:
        """Copy a block; return how many values are valid, for each pixel.

        Missing ones become the largest number there is; with ``both_ends``, every second of a pixel's
        becomes the smallest, so that the middle stays in the middle.
        """
        valid = np.full(memory.shape[1:], len(self._planes), "uint16")
        turn = np.zeros(memory.shape[1:], "bool")
        for index, plane in enumerate(self._planes):
            part = plane[rows]
            bad = self._missing(part)
            self._copy(part, memory[index], index)
            if bad is not None:
                valid -= bad
                np.logical_xor(turn, bad, out=turn)
                self._replace(memory[index], bad, bad & turn if both_ends else bad)
        return valid

    def _copy(self, part: Array, into: Array, index: int) -> None:
        numbers = into.view(self._kind)
        if self._rule.shifts is None:
            numbers[...] = part
        else:
            np.add(part, self._rule.shifts[index], out=numbers, dtype=numbers.dtype)
        if self._sign is not None:
            numbers ^= self._sign

    def _replace(self, values: Array, bad: Array, largest: Array) -> None:
        if self._kind.kind == "f":
            np.copyto(values, -np.inf, where=bad)
            np.copyto(values, np.inf, where=largest)
            return
        signed = np.dtype(f"i{self._kind.itemsize}")
        bits = values.view(signed)
        bits &= bad.view("int8") - np.int8(1)  # no bits where bad, all of them elsewhere
        bits |= -largest.view("int8")

    def _missing(self, part: Array) -> Array | None:
        """Tell which numbers are missing; None where all are there."""
        missing = self._rule.missing
        bad = None
        if missing is not None and not np.isnan(missing):
            bad = np.equal(part, missing)
        if part.dtype.kind == "f":
            nan = np.isnan(part)
            bad = nan if bad is None else bad | nan
        return bad if bad is not None and bad.any() else None

    def _middle(self, memory: Array, valid: Array) -> Array:
        """Return the median, where missing values lie evenly at both ends."""
        count = len(self._planes)
        if count == 1:
            result = self._back(memory[0]).astype(self._rule.dtype)
        else:
            ranks = (count // 2 - 1, count // 2)
            where = _arranged(memory, network(count, ranks))
            low, high = (self._back(memory[where[rank]]) for rank in ranks)
            single = (valid & 1).astype("bool")  # an odd number of values has one in the middle
            result = low.astype("float64")
            result += high
            result *= 0.5
            np.copyto(result, high if count % 2 else low, where=single)
        result = result.astype(self._rule.dtype, copy=False)
        result[valid == 0] = np.nan
        return result

    def _gathered(self, memory: Array, where: list[int], valid: Array) -> Array:
        """Take the two ranks of each pixel, by how many values it has."""
        table = [_ranks(count, self._rule.share) for count in range(len(where) + 1)]
        size, flat = self._memory[0].size, self._memory.reshape(-1)
        place = np.arange(valid.size).reshape(valid.shape)
        low, high = (
            flat.take(np.array([where[rank] * size for rank in ranks]).take(valid) + place)
            for ranks in ([row[0] for row in table], [row[1] for row in table])
        )
        share = np.array([row[2] for row in table]).take(valid)
        result = self._between(low, high, share)
        result[valid == 0] = np.nan
        return result

    def _between(self, low: Array, high: Array, share: Any) -> Array:
        """Interpolate, in the very order of numpy's operations."""
        low, high = self._back(low).astype("float64"), self._back(high).astype("float64")
        step = high - low
        near = np.where(np.less(share, 0.5), low + step * share, high - step * (1 - share))
        result: Array = near.astype(self._rule.dtype)
        return result

    def _back(self, values: Array) -> Array:
        """Return numbers as they are, of what they are compared as."""
        numbers = values.view(self._kind)
        return numbers ^ self._sign if self._sign is not None else numbers


def _kind(stored: np.dtype[Any], rule: Rule) -> np.dtype[Any]:
    """Return the type in which numbers are compared."""
    if rule.shifts is None:
        return stored
    return np.dtype("int32" if stored.itemsize < 4 else "int64")


def _ranks(count: int, share: float) -> tuple[int, int, float]:
    """Return between which ranks of so many a quantile lies, and how far from the lower."""
    place = max(count - 1, 0) * share
    low = int(place)
    return low, min(low + 1, max(count - 1, 0)) if place > low else low, place - low


def _arranged(memory: Array, steps: Sequence[Step]) -> list[int]:
    """Run a network over planes; the last of ``memory`` is spare. Return where each rank lies now.

    Nothing is copied: planes change their names instead.
    """
    where, spare = list(range(len(memory) - 1)), len(memory) - 1
    for low, high, (item, other) in steps:
        a, b = memory[where[item]], memory[where[other]]
        if low < 0:
            np.maximum(a, b, out=b)
        elif high < 0:
            np.minimum(a, b, out=a)
        else:
            np.minimum(a, b, out=memory[spare])
            np.maximum(a, b, out=b)
            where[item], spare = spare, where[item]
    return where


@lru_cache(maxsize=256)
def network(count: int, ranks: tuple[int, ...] | None = None) -> tuple[Step, ...]:
    """Return the comparisons that sort so many planes, or as many as some ranks need.

    Parameters
    ----------
    count
        Planes.
    ranks
        Which of the sorted planes will be looked at; all where not given.

    Examples
    --------
    >>> len(network(12)), len(network(12, (5, 6)))
    (42, 35)
    """
    needed = set(range(count)) if ranks is None else set(ranks)
    steps = []
    for item, other in reversed(list(_comparisons(count))):
        if item in needed or other in needed:
            low, high = item if item in needed else -1, other if other in needed else -1
            steps.append(Step(low, high, (item, other)))
            needed |= {item, other}
    return tuple(reversed(steps))


def _comparisons(count: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs of Batcher's odd-even merge sort, for any number of planes."""
    size = 1
    while size < count:
        step = size
        while step >= 1:
            for begin in range(step % size, count - step, 2 * step):
                for item in range(begin, min(begin + step, count - step)):
                    if item // (2 * size) == (item + step) // (2 * size):
                        yield item, item + step
            step //= 2
        size *= 2

"""What was asked of a cluster, checked before anything is started."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from geodes_datalab.errors import ClusterError

_UNITS = {"": 2**30, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@dataclass(frozen=True)
class Request:
    """A cluster as asked for."""

    low: int
    """Fewest workers."""
    high: int
    """Most workers; more than ``low`` means that the number follows the work."""
    cores: float | None = None
    """Cores of each worker; None leaves it to the backend."""
    memory: int | None = None
    """Memory of each worker in bytes; None leaves it to the backend."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of scheduler and workers."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further options of the gateway."""
    patience: float = 120.0
    """Seconds to wait for the scheduler."""
    queue_counts: bool = True
    """Whether time in a centre's queue counts as waiting."""
    show: bool | None = None
    """Show what is waited for; None: in notebooks and terminals."""

    @property
    def adaptive(self) -> bool:
        """Whether the number of workers follows the work."""
        return self.low != self.high


def workers(value: int | tuple[int, int]) -> tuple[int, int]:
    """Return fewest and most workers.

    Raises
    ------
    ClusterError
        Not a positive number, nor a pair in order.

    Examples
    --------
    >>> workers(4), workers((0, 10))
    ((4, 4), (0, 10))
    """
    pair: tuple[object, ...] = value if isinstance(value, tuple) else (value, value)
    if len(pair) != 2 or not all(type(n) is int for n in pair):
        raise ClusterError(f"workers={value!r} is no number of workers", hint=_WORKERS_HINT)
    low, high = value if isinstance(value, tuple) else (value, value)
    if low < 0 or high < 1 or high < low:
        raise ClusterError(f"workers={value!r} cannot be", hint=_WORKERS_HINT)
    return low, high


_WORKERS_HINT = "give a number, as in workers=4, or fewest and most, as in workers=(0, 10)"


def memory(value: str | float | None) -> int | None:
    """Return a size of memory in bytes.

    Parameters
    ----------
    value
        A number counts GiB; a text carries its unit (``"4 GB"``, ``"512MiB"``).

    Raises
    ------
    ClusterError
        Not a size.

    Examples
    --------
    >>> memory(2), memory("512 MB"), memory("1GiB"), memory(None)
    (2147483648, 512000000, 1073741824, None)
    """
    if value is None:
        return None
    result = re.fullmatch(
        r"\s*([0-9]*\.?[0-9]+)\s*(?:([KMGT])(i?)B?)?\s*", str(value), re.IGNORECASE
    )
    size = 0
    if result:
        unit = (result[2] or "").upper()
        size = int(float(result[1]) * (_BINARY if result[3] else _UNITS)[unit])
    if size <= 0:
        raise ClusterError(
            f"worker_memory={value!r} is no size of memory",
            hint='give GiB as a number, as in worker_memory=4, or a text such as "4 GB"',
        )
    return size


def cores(value: float | None) -> float | None:
    """Return a number of cores.

    Raises
    ------
    ClusterError
        Not a positive number.
    """
    if value is None:
        return None
    if type(value) not in (int, float) or value <= 0:
        raise ClusterError(
            f"worker_cores={value!r} is no number of cores",
            hint="give a number, as in worker_cores=2",
        )
    return value

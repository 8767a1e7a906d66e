"""Calls of a function on many values, some at a time, a little ahead of whoever reads the results."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

WINDOW = 2
"""Calls begun or waiting, in terms of those at a time: while the reader works, no thread is idle."""

T = TypeVar("T")
R = TypeVar("R")


def ahead(function: Callable[[T], R], values: Iterable[T], workers: int) -> Iterator[R]:
    """Yield a function's results in the order of the values, of which there may be no end.

    The first failure ends it, as do Ctrl-C and a reader who stops: what has not begun is not called.

    Parameters
    ----------
    function
        Called in threads.
    values
        Taken one by one, in the reader's thread, no further ahead than the window.
    workers
        Calls at a time.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="geodes-http")
    rest = iter(values)
    try:
        coming: deque[Future[R]] = deque(
            pool.submit(function, value) for value in islice(rest, WINDOW * workers)
        )
        while coming:
            result = coming.popleft().result()
            coming.extend(pool.submit(function, value) for value in islice(rest, 1))
            yield result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)

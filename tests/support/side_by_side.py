"""Cases that wait more than they calculate: all begin together, and each test asks what came of its own.

A test of such a case stays a test with a name of its own, that can be chosen and fails alone; what is shared is
the time. A module says how many may run at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

import pytest

Case: TypeAlias = partial[None]
Outcome: TypeAlias = Callable[[Case], None]


def cases(look: Callable[..., None], of: Iterable[str]) -> pytest.MarkDecorator:
    """Mark a test as one of cases, each a function that is bound to a word.

    Parameters
    ----------
    look
        Is called with the word, and then with what is lent to the case.
    of
        The words, which are the names of the cases.
    """
    return pytest.mark.parametrize("case", [pytest.param(partial(look, one), id=one) for one in of])


@contextmanager
def begun(
    request: pytest.FixtureRequest, run: Callable[[Case], None], at_once: int
) -> Iterator[Outcome]:
    """Begin all cases of a module that were chosen, and yield a way to wait for the outcome of one.

    Parameters
    ----------
    request
        Of a fixture of the module.
    run
        Runs a case, in a thread.
    at_once
        How many run at the same time.
    """
    with ThreadPoolExecutor(at_once) as pool:
        running = {each: pool.submit(run, each) for each in _chosen(request)}
        try:
            yield lambda case: running[case].result()
        finally:
            pool.shutdown(cancel_futures=True)


def _chosen(request: pytest.FixtureRequest) -> Iterator[Case]:
    for item in request.session.items:
        params: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
        skipped = any(mark.args[0] for mark in item.iter_markers("skipif"))
        if item.path == request.path and "case" in params and not skipped:
            yield params["case"]

"""The parallel map: in order, a little ahead of its reader, and over when the reader is."""

from __future__ import annotations

import gc
import itertools
import threading
from collections.abc import Iterator

import pytest
from support.waiting import eventually, minutes

from geodes_datalab import config
from geodes_datalab._http import Client
from geodes_datalab._http.client import MOST_PAGES

WINDOW = 2 * MOST_PAGES


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(config.load()) as made:
        yield made


class Counted:
    """Numbers without end that know how many were taken, and by whom."""

    def __init__(self, count: int | None = None) -> None:
        self.taken: list[int] = []
        self.threads: set[int] = set()
        self.called: list[int] = []
        self._numbers = itertools.count() if count is None else iter(range(count))

    def __iter__(self) -> Iterator[int]:
        for number in self._numbers:
            self.taken.append(number)
            self.threads.add(threading.get_ident())
            yield number

    def square(self, number: int) -> int:
        self.called.append(number)
        return number * number


def test_no_more_is_fetched_than_a_window_ahead_of_the_reader(client: Client) -> None:
    numbers = Counted()
    results = client.map(numbers.square, numbers)
    assert not numbers.taken
    for read in range(1, 100):
        assert next(results) == (read - 1) ** 2
        assert len(numbers.taken) == WINDOW + read
    results.close()  # type: ignore[attr-defined]
    assert numbers.threads == {threading.get_ident()}


def test_all_results_come_in_order(client: Client) -> None:
    for count in (0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 100):
        numbers = Counted(count)
        assert list(client.map(numbers.square, numbers)) == [one * one for one in range(count)]


@pytest.mark.parametrize("ending", ["failure", "Ctrl-C", "the reader stops", "the reader forgets"])
def test_what_has_not_begun_is_never_called_once_it_is_over(client: Client, ending: str) -> None:
    """All threads wait in their first call; what waits behind them is cancelled."""
    go, begun = threading.Event(), []

    def work(number: int) -> int:
        begun.append(number)
        if number == 0 and ending == "failure":
            raise RuntimeError("the first one")
        if number == 0 and ending == "Ctrl-C":
            raise KeyboardInterrupt
        if number > 0:
            go.wait(minutes(1))
        return number

    results = client.map(work, itertools.count())
    try:
        if ending in ("failure", "Ctrl-C"):
            with pytest.raises(RuntimeError if ending == "failure" else KeyboardInterrupt):
                next(results)
        else:
            assert next(results) == 0
            if ending == "the reader stops":
                results.close()  # type: ignore[attr-defined]
            del results
            gc.collect()
    finally:
        go.set()
    eventually(lambda: not working(), "the end of the threads", within=1)
    assert len(begun) <= MOST_PAGES + 1


def working() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("geodes-http")]


def test_values_that_cannot_be_had_end_it_too(client: Client) -> None:
    def values() -> Iterator[int]:
        yield from range(WINDOW + 2)
        raise ValueError("no more")

    results = client.map(lambda value: value, values())
    found: list[int] = []
    with pytest.raises(ValueError, match="no more"):
        found.extend(results)
    assert found == [0, 1]

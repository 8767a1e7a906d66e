"""Waiting for a scheduler: what the bar in a notebook is left with."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from tqdm import tqdm

from geodes_datalab.compute import reasons, scheduler
from geodes_datalab.compute.request import Request
from geodes_datalab.errors import ClusterError

REQUEST = Request(1, 1, show=True)


class Gateway:
    """One whose cluster goes from state to state, one for each time it is asked."""

    address = "http://gateway.example.org"

    def __init__(self, *states: str) -> None:
        self.states = list(states)

    def get_cluster(self, name: str) -> Any:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return SimpleNamespace(name=name, status=SimpleNamespace(name=state))


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the bars that are shown, as they come."""
    shown: list[Any] = []

    def progress(*, total: int, label: str, unit: str, enabled: bool | None) -> Any:
        shown.append(tqdm(total=total, desc=label, unit=unit, file=io.StringIO()))
        return shown[-1]

    monkeypatch.setattr(scheduler, "progress", progress)
    return shown


def test_the_bar_is_full_when_the_scheduler_runs(bars: list[Any]) -> None:
    """Of one that is not, a notebook keeps the picture for good: it takes it for a failure."""
    scheduler.wait(Gateway("PENDING", "RUNNING"), "one", REQUEST)
    assert [(bar.n, bar.total) for bar in bars] == [(1, 1)]


def test_the_bar_of_a_failure_is_not_full(bars: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "waiting", lambda *_: {})
    with pytest.raises(ClusterError, match="failed"):
        scheduler.wait(Gateway("FAILED"), "one", REQUEST)
    assert [bar.n for bar in bars] == [0]

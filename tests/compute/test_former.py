"""Which of the clusters opened before a new request takes, closes, or leaves: decided by what each one tells."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import distributed
import pytest

from geodes_datalab.compute import held
from geodes_datalab.compute.request import Request
from geodes_datalab.errors import ClusterWarning

REQUEST = Request(0, 1)


class Opened:
    """A cluster as far as it is asked."""

    kind, name, status, loose, request = "gateway", "datalab.1", "running", True, REQUEST

    def __init__(self, *futures: str, known: bool = True) -> None:
        told = {str(number): SimpleNamespace(status=one) for number, one in enumerate(futures)}
        self.client = SimpleNamespace(status="running", futures=told, processing=dict)
        self.known = known

    def failure(self) -> None:
        if not self.known:
            raise ValueError(f"Cluster {self.name} not found")

    def close(self) -> None:
        self.status = "closed"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client made since is the current one, and nothing else is open."""
    monkeypatch.setattr(held, "opened", set())
    monkeypatch.setattr(distributed, "default_client", object)


@pytest.mark.parametrize(
    ("cluster", "status", "words"),
    [
        (Opened("finished", "pending"), "running", "computes and is left open"),
        (Opened("finished"), "closed", "is closed"),
        (Opened("pending", known=False), "closed", "is closed"),
    ],
    ids=["waits-for-workers", "done", "forgotten-by-the-gateway"],
)
def test_what_becomes_of_a_former_cluster(cluster: Any, status: str, words: str) -> None:
    held.opened.add(cluster)
    with pytest.warns(ClusterWarning, match=words):
        assert held.former("gateway", REQUEST) is None
    assert cluster.status == status

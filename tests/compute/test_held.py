"""A cell that opens a cluster is run again: no cluster is left behind, and none is lost that is in use."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.waiting import eventually, minutes

import geodes_datalab as gd
from geodes_datalab.compute.held import opened
from geodes_datalab.errors import ClusterWarning


@pytest.fixture(autouse=True)
def nothing_left(gateway: Any) -> Iterator[None]:
    """Close while the gateway is still named."""
    yield
    for cluster in list(opened):
        cluster.close()


def test_the_same_again_gives_back_what_is_open(gateway: Any, capfd: Any) -> None:
    first = gd.open_cluster((0, 1), progress=False)
    again = gd.open_cluster((0, 1), timeout=minutes(3), progress=False)
    assert again is first
    assert gateway.running() == [first.name]
    assert again.client.submit(sum, [1, 2]).result(minutes(3)) == 3
    assert again.client.status == "running"


def test_nobody_need_keep_the_first_one(gateway: Any) -> None:
    """As in a cell of one line, whose value is thrown away."""
    name = gd.open_cluster((0, 1), progress=False).name
    assert gd.open_cluster((0, 1), progress=False).name == name
    assert gateway.running() == [name]


def test_another_request_takes_the_place_of_the_former(gateway: Any) -> None:
    first = gd.open_cluster((0, 1), progress=False)
    with pytest.warns(ClusterWarning, match=f"{first.name}, opened before, is closed"):
        second = gd.open_cluster((0, 1), environment={"A": "1"}, progress=False)
    assert first.status == "closed"
    assert gateway.running() == [second.name]


def test_two_on_purpose(gateway: Any) -> None:
    with gd.open_cluster((0, 1), progress=False) as first:  # held by the statement
        second = gd.open_cluster((0, 1), progress=False)
        assert sorted(gateway.running()) == sorted([first.name, second.name])
        second.close()
        beside = gd.open_cluster((0, 1), another=True, progress=False)
        assert sorted(gateway.running()) == sorted([first.name, beside.name])
    assert gateway.running() == [beside.name]
    third = gd.open_cluster((0, 1), progress=False)
    assert sorted(gateway.running()) == sorted([beside.name, third.name])


def test_one_that_computes_is_not_closed(gateway: Any) -> None:
    first = gd.open_cluster(1, progress=False, timeout=minutes(3))
    running = first.client.submit(time.sleep, 600)
    eventually(lambda: any(first.client.processing().values()), "it computes")
    with pytest.warns(ClusterWarning, match=f"{first.name}, opened before, computes and is left"):
        second = gd.open_cluster((0, 1), progress=False)
    assert sorted(gateway.running()) == sorted([first.name, second.name])
    running.release()


def test_one_that_ended_is_replaced(gateway: Any) -> None:
    from dask_gateway import Gateway

    first = gd.open_cluster((0, 1), progress=False)
    with Gateway() as other:  # as another notebook would
        other.stop_cluster(first.name)
    eventually(lambda: not gateway.running(), "it is over")
    with pytest.warns(ClusterWarning, match="is closed"):
        second = gd.open_cluster((0, 1), progress=False)
    assert gateway.running() == [second.name]


def test_joined_ones_stay(gateway: Any) -> None:
    from dask_gateway import Gateway

    with Gateway() as other:
        name = other.submit()
        eventually(lambda: other.get_cluster(name).status.name == "RUNNING", "it runs")
        joined = gd.clusters().connect(name)
        own = gd.open_cluster((0, 1), progress=False)
        assert sorted(gateway.running()) == sorted([name, own.name])
        assert joined.status == "running"
        other.stop_cluster(name)

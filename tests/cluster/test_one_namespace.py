"""The simple layout: everything in one namespace, beside a second release of the same chart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Cluster
from trials import Release, audit, packets, people
from trials.packets import Target

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]


def make(cluster: Cluster, name: str) -> Release:
    return Release(cluster, name=name, namespace="simple", dask_namespace="simple")


@pytest.fixture(scope="module")
def releases(cluster: Cluster) -> Iterator[tuple[Release, Release]]:
    pair = make(cluster, "one"), make(cluster, "two")
    for release in pair:
        release.install()
    yield pair
    for release in pair:
        release.uninstall()
    cluster.kubectl("delete", "namespace", "simple", "--wait=false")


def test_both_work_side_by_side(releases: tuple[Release, Release]) -> None:
    for release in releases:
        visitor = release.visitor(f"zoe-{release.name}")
        people.settle(visitor)
        kernel = people.with_cluster(visitor, workers=1)
        assert float(kernel.run("print(works())")) < 60


def test_neighbours_do_not_reach_each_other(releases: tuple[Release, Release]) -> None:
    one, two = releases
    targets = {
        f"{component} {port}": Target(packets.address(two.pod(component)), port)
        for component, port in (
            ("hub", 8081), ("proxy", 8001), ("proxy", 8000), ("gateway-api", 8000),
            ("gateway-proxy", 8000), ("user", 8888), ("dask-scheduler", 8786),
        )
    }  # fmt: skip
    for component in ("hub", "proxy", "gateway-api", "gateway-proxy", "user", "dask-worker"):
        seen = packets.from_pod(one, one.pod(component), targets)
        assert set(seen.values()) == {"dropped"}, (component, seen)


def test_everything_ends_with_the_servers(releases: tuple[Release, Release]) -> None:
    for release in releases:
        people.leave(release.visitor(f"zoe-{release.name}"))


def test_nothing_was_refused_here_either(
    cluster: Cluster, releases: tuple[Release, Release]
) -> None:
    account = audit.account(cluster, ["simple"])
    assert account.refused == []
    assert sum(account.used.values()) > 50

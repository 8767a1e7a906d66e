"""Kill one part after another while a cluster computes: what goes on, what is lost, how long.

The table goes to artifacts/cluster-faults.md; docs/explanation/kubernetes.md holds a measured copy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from harness import Cluster
from support.visitor import Kernel, Visitor
from support.waiting import minutes, throughout
from trials import Release, Table, is_ready, people
from trials.desk import Desk

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

TITLES = ["Broken", "Goes on meanwhile", "Lost", "Whole again after"]


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    table = Table("cluster-faults", TITLES)
    yield table
    print(f"\n{table}")


@pytest.fixture(scope="module")
def desk(release: Release, alice: Visitor) -> Iterator[Desk]:
    """Of the whole module: whoever needs a new one breaks it last."""
    desk = Desk.open(release, alice)
    yield desk
    desk.close()


def restarts(release: Release, component: str) -> int:
    pod = release.pod(component)
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


def crash(release: Release, component: str) -> Callable[[], bool]:
    """Kill the processes of a component; return a check that its next start is ready."""
    before = restarts(release, component)
    release.crash(release.pod(component))

    def ready() -> bool:
        return restarts(release, component) > before and is_ready(release.pod(component))

    return ready


def test_hub(desk: Desk, release: Release, table: Table) -> None:
    # Servers believe what the hub told them for five minutes: what it told a moment ago is enough.
    visitor = release.visitor("alice")
    release.until(visitor.server_answers, "alice's server")
    began = time.monotonic()
    ready = crash(release, "hub")
    assert Kernel(visitor, desk.kernel.id).run("remembered") == "42"  # while there is no hub
    release.until(ready, "the hub")
    seconds = time.monotonic() - began
    desk.goes_on()
    # The old cookie, and the server was found again.
    release.until(desk.visitor.server_answers, "alice's server")
    release.visitor("alice")
    table.add("hub", "servers, kernels, clusters; no new log-in", "nothing", seconds)


def test_proxy(desk: Desk, release: Release, table: Table) -> None:
    began = time.monotonic()
    ready = crash(release, "proxy")
    release.until(ready, "the proxy")
    up = time.monotonic() - began
    release.until(desk.visitor.server_answers, "alice's route")
    seconds = time.monotonic() - began
    desk.goes_on()
    what = f"CHP (its process; up after {up:.1f} s)"
    table.add(what, "servers, kernels, clusters", "open connections of browsers", seconds)


def test_proxy_pod(desk: Desk, release: Release, table: Table) -> None:
    """A new pod has a new address and no routes at all."""
    began = time.monotonic()
    release.lose(release.pod("proxy"))
    release.until(lambda: any(map(is_ready, release.pods("proxy"))), "the proxy")
    release.until(desk.visitor.server_answers, "alice's route")
    seconds = time.monotonic() - began
    desk.goes_on()
    table.add("CHP (its pod)", "servers, kernels, clusters", "open connections", seconds)


def test_gateway_api(desk: Desk, release: Release, table: Table) -> None:
    began = time.monotonic()
    ready = crash(release, "gateway-api")
    desk.kernel.run("works()")
    release.until(ready, "the gateway's API")
    listed = "print([one.name for one in gateway.list_clusters()])"
    release.until(lambda: desk.cluster in desk.kernel.run(listed), "the list of clusters")
    seconds = time.monotonic() - began
    desk.goes_on()
    table.add(
        "gateway API", "clusters and their work", "nothing; opening and scaling wait", seconds
    )


def test_controller(desk: Desk, release: Release, table: Table) -> None:
    began = time.monotonic()
    ready = crash(release, "gateway-controller")
    desk.kernel.run("works()")
    release.until(ready, "the controller")
    three = f"cluster.scale(3); client.wait_for_workers(3, timeout={minutes(5)})"
    desk.kernel.run(three, timeout=minutes(6))
    seconds = time.monotonic() - began
    desk.kernel.run("cluster.scale(2)")

    def two() -> bool:
        pods = release.dask_pods("dask-worker", desk.cluster)
        return len(pods) == people.workers(desk.kernel) == 2

    release.until(two, "two workers")
    desk.goes_on()
    what = "nothing; new workers wait (time: until one asked for is there)"
    table.add("gateway controller", "clusters and their work", what, seconds)


def test_gateway_proxy(desk: Desk, release: Release, table: Table) -> None:
    """Dask itself forgets what a client submitted when the client's connection ends."""
    pods = {pod["metadata"]["uid"] for pod in release.dask_pods("dask-worker", desk.cluster)}
    began = time.monotonic()
    crash(release, "gateway-proxy")
    release.until(lambda: desk.kernel.run("print(works(60))"), "a result", within=10)
    seconds = time.monotonic() - began
    desk.server_goes_on()
    assert {p["metadata"]["uid"] for p in release.dask_pods("dask-worker", desk.cluster)} == pods
    assert desk.resume(), "it is the same Dask client"
    desk.goes_on()
    what = "connections of clients, and with them what they had submitted (time: until a result)"
    table.add("gateway proxy", "servers, kernels, schedulers and workers", what, seconds)


def test_worker(desk: Desk, release: Release, table: Table) -> None:
    names = {pod["metadata"]["name"] for pod in release.dask_pods("dask-worker", desk.cluster)}
    assert len(names) == 2
    began = time.monotonic()
    release.lose(release.dask_pods("dask-worker", desk.cluster)[0])

    def replaced() -> bool:
        pods = release.dask_pods("dask-worker", desk.cluster)
        new = [pod for pod in pods if pod["metadata"]["name"] not in names]
        return bool(new) and people.workers(desk.kernel) == 2

    release.until(replaced, "a new worker")
    seconds = time.monotonic() - began
    desk.goes_on()
    table.add("a Dask worker", "all else; its tasks run again", "its results, made anew", seconds)


def test_the_node_s_own_parts(desk: Desk, release: Release, cluster: Cluster, table: Table) -> None:
    """Kubelet and containerd at once: what starts needs both, and what runs needs neither."""
    nobody_for_eve(release)
    with without(cluster, "containerd", "kubelet"):
        watch(desk.goes_on)
        began = time.monotonic()
    seconds = until_a_server_starts(release, began)
    desk.goes_on()
    what = "nothing; nothing new starts (time: from their return to a new server)"
    table.add("kubelet and containerd", "everything that runs", what, seconds)


NAMES = """
import socket
from urllib.parse import urlsplit
try:
    socket.getaddrinfo(urlsplit(gateway.address).hostname, 80)
    print("known")
except OSError as error:
    print(error)
"""
"""The cluster's name service loses what it knows when the API server returns, for a moment."""


def test_apiserver(desk: Desk, release: Release, cluster: Cluster, table: Table) -> None:
    def works() -> None:
        assert desk.kernel.run("remembered") == "42"
        desk.kernel.run("works()")

    nobody_for_eve(release)
    with without(cluster, "apiserver"):
        watch(works)
        began = time.monotonic()
    seconds = until_a_server_starts(release, began)
    desk.goes_on()
    release.until(lambda: desk.kernel.run(NAMES).strip() == "known", "names are known again")
    what = "nothing; nothing new starts (time: from its return to a new server)"
    table.add("Kubernetes' API server", "everything that runs", what, seconds)


@contextmanager
def without(cluster: Cluster, *parts: str) -> Iterator[None]:
    """Stop parts of the node for a while; whatever happens meanwhile, they come back."""
    try:
        for part in parts:
            cluster.stop_part(part)
        yield
    finally:
        for part in parts:
            cluster.start_part(part)


def watch(goes_on: Callable[[], None]) -> None:
    """See that all goes on, for as long as those who ask the missing part need to notice."""

    def still() -> bool:
        goes_on()
        return True

    throughout(still, "all goes on", seconds=20)


def nobody_for_eve(release: Release) -> None:
    """Stop eve's server: it is the new one, in the tests of what starts."""
    eve = release.visitor("eve")
    if people.active(eve):
        people.leave(eve)


def until_a_server_starts(release: Release, began: float) -> float:
    """Start eve's server, as soon as that works; return the seconds since."""

    def started() -> bool:
        eve = release.visitor("eve")
        people.settle(eve)
        return eve.server_answers()

    release.until(started, "a new server", within=15)
    return time.monotonic() - began


def test_scheduler(desk: Desk, release: Release, table: Table) -> None:
    """Another cluster of the same user goes on."""
    second = people.with_cluster(desk.visitor, workers=1)
    name = people.cluster_name(second)
    began = time.monotonic()
    release.lose(release.dask_pods("dask-scheduler", name)[0])
    listed = f"print({name!r} in [one.name for one in gateway.list_clusters()])"
    release.until(lambda: desk.kernel.run(listed).strip() == "False", "the cluster's failure")
    seconds = time.monotonic() - began
    release.until(lambda: not release.dask_pods("dask-worker", name), "the end of its workers")
    desk.goes_on()
    people.close_clusters(second)
    what = "this cluster (time: until it is called failed)"
    table.add("a Dask scheduler", "all else, other clusters too", what, seconds)


def test_user_server(desk: Desk, release: Release, table: Table) -> None:
    eve = release.visitor("eve")
    people.settle(eve)  # it may run: the last fault but one ended with its start
    eve.kernel().run("open('kept.txt', 'w').write('kept')")
    began = time.monotonic()
    release.lose(release.user_pod("eve"))
    release.until(lambda: not people.active(eve), "the hub's notice of it")
    people.settle(eve)
    seconds = time.monotonic() - began
    assert eve.kernel().run("open('kept.txt').read()") == "'kept'"
    people.leave(eve)
    desk.goes_on()
    what = "that user's kernels; files are kept (time: started again at once)"
    table.add("a user's server (its pod)", "everybody else", what, seconds)


def test_node(desk: Desk, release: Release, cluster: Cluster, table: Table) -> None:
    """The last one: the only node of this cluster ends without a warning, and starts again."""
    desk.kernel.run("open('before.txt', 'w').write('node')")
    cluster.stop_part("node")
    began = time.monotonic()
    cluster.start_part("node")
    release.ready()
    seconds = until_a_server_starts(release, began)
    alice = release.visitor("alice")
    release.until(lambda: not people.model(alice)["pending"], "the hub's work for alice")
    people.settle(alice)
    kernel = alice.kernel()
    assert kernel.run("open('before.txt').read()") == "'node'"
    again = people.with_cluster(alice, workers=1)
    people.close_clusters(again)
    what = "kernels and clusters; homes, database and log-ins are kept"
    table.add("the whole (only) node", "nothing", what, seconds)

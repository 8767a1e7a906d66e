"""Kill one part after another while a cluster computes: what goes on, what is lost, how long.

The table goes to artifacts/cluster-faults.md; docs/explanation/kubernetes.md holds a measured copy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from harness import Cluster, ClusterError
from support.visitor import Failure, Visitor, wait_for
from trials import Release, Table, is_ready, people
from trials.desk import Desk

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]

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
    began = time.monotonic()
    ready = crash(release, "hub")
    desk.server_goes_on()  # through the proxy, while there is no hub
    wait_for(ready, "the hub", timeout=240)
    seconds = time.monotonic() - began
    desk.goes_on()
    assert desk.visitor.server_answers()  # the old cookie, and the server was found again
    release.visitor("alice")
    table.add("hub", "servers, kernels, clusters; no new log-in", "nothing", seconds)


def test_proxy(desk: Desk, release: Release, table: Table) -> None:
    began = time.monotonic()
    ready = crash(release, "proxy")
    wait_for(ready, "the proxy")
    up = time.monotonic() - began
    wait_for(desk.visitor.server_answers, "alice's route")
    seconds = time.monotonic() - began
    desk.goes_on()
    what = f"CHP (its process; up after {up:.1f} s)"
    table.add(what, "servers, kernels, clusters", "open connections of browsers", seconds)


def test_proxy_pod(desk: Desk, release: Release, table: Table) -> None:
    """A new pod has a new address and no routes at all."""
    began = time.monotonic()
    release.lose(release.pod("proxy"))
    wait_for(lambda: any(map(is_ready, release.pods("proxy"))), "the proxy")
    wait_for(desk.visitor.server_answers, "alice's route")
    seconds = time.monotonic() - began
    desk.goes_on()
    table.add("CHP (its pod)", "servers, kernels, clusters", "open connections", seconds)


def test_gateway_api(desk: Desk, release: Release, table: Table) -> None:
    began = time.monotonic()
    ready = crash(release, "gateway-api")
    assert float(desk.kernel.run("print(works())")) < 60
    wait_for(ready, "the gateway's API")
    listed = "print([one.name for one in gateway.list_clusters()])"
    wait_for(lambda: desk.cluster in told(desk, listed), "the list of clusters")
    seconds = time.monotonic() - began
    desk.goes_on()
    table.add(
        "gateway API", "clusters and their work", "nothing; opening and scaling wait", seconds
    )


def test_controller(desk: Desk, release: Release, table: Table) -> None:
    began = time.monotonic()
    ready = crash(release, "gateway-controller")
    assert float(desk.kernel.run("print(works())")) < 60
    wait_for(ready, "the controller")
    desk.kernel.run("cluster.scale(3); client.wait_for_workers(3, timeout=120)", timeout=180)
    seconds = time.monotonic() - began
    desk.kernel.run("cluster.scale(2)")

    def two() -> bool:
        pods = release.dask_pods("dask-worker", desk.cluster)
        return len(pods) == people.workers(desk.kernel) == 2

    wait_for(two, "two workers", timeout=120)
    desk.goes_on()
    what = "nothing; new workers wait (time: until one asked for is there)"
    table.add("gateway controller", "clusters and their work", what, seconds)


def test_gateway_proxy(desk: Desk, release: Release, table: Table) -> None:
    """Dask itself forgets what a client submitted when the client's connection ends."""
    pods = {pod["metadata"]["uid"] for pod in release.dask_pods("dask-worker", desk.cluster)}
    began = time.monotonic()
    crash(release, "gateway-proxy")
    wait_for(lambda: bool(told(desk, "print(works())")), "a result", timeout=240)
    seconds = time.monotonic() - began
    desk.server_goes_on()
    assert {p["metadata"]["uid"] for p in release.dask_pods("dask-worker", desk.cluster)} == pods
    assert desk.resume(), "it is the same Dask client"
    desk.goes_on()
    what = "connections of clients, and with them what they had submitted (time: until a result)"
    table.add("gateway proxy", "servers, kernels, schedulers and workers", what, seconds)


def told(desk: Desk, code: str) -> str:
    """Run code that may fail while something is down."""
    try:
        return desk.kernel.run(code)
    except Failure:
        return ""


def test_worker(desk: Desk, release: Release, table: Table) -> None:
    names = {pod["metadata"]["name"] for pod in release.dask_pods("dask-worker", desk.cluster)}
    assert len(names) == 2
    began = time.monotonic()
    release.lose(release.dask_pods("dask-worker", desk.cluster)[0])

    def replaced() -> bool:
        pods = release.dask_pods("dask-worker", desk.cluster)
        new = [pod for pod in pods if pod["metadata"]["name"] not in names]
        return bool(new) and people.workers(desk.kernel) == 2

    wait_for(replaced, "a new worker", timeout=240)
    seconds = time.monotonic() - began
    desk.goes_on()
    table.add("a Dask worker", "all else; its tasks run again", "its results, made anew", seconds)


@pytest.mark.parametrize("part", ["kubelet", "containerd"])
def test_the_node_s_own_parts(
    part: str, desk: Desk, release: Release, cluster: Cluster, table: Table
) -> None:
    with without(cluster, part):
        desk.goes_on()
        time.sleep(20)
        desk.goes_on()
        began = time.monotonic()
    seconds = until_a_server_starts(release, began)
    desk.goes_on()
    what = "nothing; nothing new starts (time: from its return to a new server)"
    table.add(part, "everything that runs", what, seconds)


def test_apiserver(desk: Desk, release: Release, cluster: Cluster, table: Table) -> None:
    with without(cluster, "apiserver"):
        time.sleep(20)
        assert desk.kernel.run("remembered") == "42"
        assert float(desk.kernel.run("print(works())")) < 60
        began = time.monotonic()
    seconds = until_a_server_starts(release, began)
    desk.goes_on()
    what = "nothing; nothing new starts (time: from its return to a new server)"
    table.add("Kubernetes' API server", "everything that runs", what, seconds)


@contextmanager
def without(cluster: Cluster, part: str) -> Iterator[None]:
    """Stop a part of the node for a while; whatever happens meanwhile, it comes back."""
    cluster.stop_part(part)
    try:
        yield
    finally:
        cluster.start_part(part)


def until_a_server_starts(release: Release, began: float) -> float:
    """Start a server for somebody else, as soon as that works; return the seconds since."""
    last: list[BaseException] = []

    def started() -> bool:
        try:
            visitor = release.visitor("fault-probe")
            people.settle(visitor)
        except (Failure, ClusterError) as error:
            last[:] = [error]
            return False
        return visitor.server_answers()

    try:
        wait_for(started, "a new server", timeout=400)
    except Failure as failure:
        raise Failure(f"{failure}: {last}") from None
    seconds = time.monotonic() - began
    people.leave(release.visitor("fault-probe"))
    return seconds


def test_scheduler(desk: Desk, release: Release, table: Table) -> None:
    """Another cluster of the same user goes on."""
    second = people.with_cluster(desk.visitor, workers=1)
    name = people.cluster_name(second)
    began = time.monotonic()
    release.lose(release.dask_pods("dask-scheduler", name)[0])
    listed = f"print({name!r} in [one.name for one in gateway.list_clusters()])"
    wait_for(lambda: told(desk, listed).strip() == "False", "the cluster's failure")
    seconds = time.monotonic() - began
    wait_for(lambda: not release.dask_pods("dask-worker", name), "the end of its workers")
    desk.goes_on()
    people.close_clusters(second)
    what = "this cluster (time: until it is called failed)"
    table.add("a Dask scheduler", "all else, other clusters too", what, seconds)


def test_user_server(desk: Desk, release: Release, table: Table) -> None:
    eve = release.visitor("eve")
    people.settle(eve)
    eve.kernel().run("open('kept.txt', 'w').write('kept')")
    began = time.monotonic()
    release.lose(release.user_pod("eve"))
    wait_for(lambda: not people.active(eve), "the hub's notice of it")
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
    release.ready(timeout=400)
    seconds = until_a_server_starts(release, began)
    alice = release.visitor("alice")
    wait_for(lambda: not people.model(alice)["pending"], "the hub's work for alice")
    people.settle(alice)
    kernel = alice.kernel()
    assert kernel.run("open('before.txt').read()") == "'node'"
    again = people.with_cluster(alice, workers=1)
    people.close_clusters(again)
    what = "kernels and clusters; homes, database and log-ins are kept"
    table.add("the whole (only) node", "nothing", what, seconds)

"""The end of servers and clusters: asked for, idle, or prevented by work; and homes that are full."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from harness import Cluster
from playwright.sync_api import expect
from support.lab import Lab, chromium
from support.visitor import Visitor
from support.waiting import throughout
from trials import Release, Table, of_cluster, people
from trials.browse import log_in, open_login, shoot

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

HOURS = "import time; time.sleep(10_800)"


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    table = Table("cluster-lifecycle", ["what", "seconds"])
    yield table
    print(f"\n{table}")


@pytest.fixture
def dave(release: Release) -> Visitor:
    visitor = release.visitor("dave")
    people.settle(visitor)
    return visitor


def test_the_clusters_end_with_the_server(dave: Visitor, release: Release, table: Table) -> None:
    """The hub's hook stops them as soon as the server has stopped."""
    kernel = people.with_cluster(dave, workers=2)
    name = people.cluster_name(kernel)
    assert len(release.dask_pods("dask-worker", name)) == 2
    kernel.run("cluster.shutdown_on_close = False")  # else the kernel closes it when it ends
    people.leave(dave)

    def gone() -> bool:
        pods = release.dask_pods("dask-scheduler", name) + release.dask_pods("dask-worker", name)
        return not pods

    seconds = release.until(gone, "end of the cluster")
    table.add("a cluster whose owner's server was stopped", seconds)
    # By the hub's hook: the reaper would have found it as well, but later.
    said = "Stopped 1 Dask clusters of dave"
    release.until(lambda: said in release.logs("hub"), "the hook's word")
    release.until(
        lambda: not release.get("secrets,services", of_cluster(name)),
        "end of its Secret and Service",
    )


def test_an_orphaned_cluster_is_reaped(dave: Visitor, release: Release, table: Table) -> None:
    """A server that vanished while the hub was away leaves clusters to the reaper."""
    kernel = people.with_cluster(dave, workers=1)
    name = people.cluster_name(kernel)
    hub = release.pod("hub")
    scale(release, "hub", 0)
    release.lose(release.user_pod("dave"))
    scale(release, "hub", 1)
    assert release.pod("hub")["metadata"]["uid"] != hub["metadata"]["uid"]
    seconds = release.until(
        lambda: not release.dask_pods("dask-scheduler", name), "the reaper's work"
    )
    table.add("a cluster without an owner, after the hub's return", seconds)
    release.until(lambda: not people.active(dave), "the hub's notice of the loss")


def scale(release: Release, component: str, replicas: int) -> None:
    """Let a component have no pod, or one again."""
    name = f"deployment/{release.name}-{component}"
    where = ("-n", release.namespace, name)
    release.cluster.kubectl("scale", *where, f"--replicas={replicas}")
    if replicas:
        release.rolled_out()
    else:
        release.until(lambda: not release.pods(component), f"the end of {component}")


@pytest.fixture(scope="module")
def impatient(release: Release) -> Iterator[Release]:
    """The release with a culler that waits 90 s for servers, and a minute for clusters."""
    with release.changed({"cull.timeout": 90, "cull.every": 5, "gateway.idleMinutes": 1}):
        yield release


@dataclass
class Crowd:
    """People who went away, and the Dask clusters that they left."""

    visitors: dict[str, Visitor]
    clusters: dict[str, str] = field(default_factory=dict)
    began: float = 0.0
    """When the last of them went away."""

    def alive(self) -> set[str]:
        """Return whose servers run."""
        return {name for name, visitor in self.visitors.items() if people.active(visitor)}


@pytest.fixture(scope="module")
def crowd(impatient: Release) -> Iterator[Crowd]:
    """Six who go away while nobody culls, so that however long it takes nobody is late: the idle one last."""
    names = ("busy", "waits", "computes", "dreams", "types", "idle")
    crowd = Crowd({name: impatient.visitor(name) for name in names})
    try:
        with without_culler(impatient):
            gather(crowd)
        yield crowd
    finally:
        for name in crowd.alive():
            people.leave(crowd.visitors[name])


@contextmanager
def without_culler(release: Release) -> Iterator[None]:
    """Culling pauses: its Deployment has no pod."""
    scale(release, "culler", 0)
    try:
        yield
    finally:
        scale(release, "culler", 1)


def gather(crowd: Crowd) -> None:
    """Busy in silence, waiting for a cluster, computing on one, having an idle one, with a job, idle."""
    for visitor in crowd.visitors.values():
        people.begin(visitor, {"profile": "small"})
    for visitor in crowd.visitors.values():
        people.settle(visitor)
    # No output, no message: only the state of the kernel tells that it is busy.
    crowd.visitors["busy"].kernel().begin(HOURS)
    # Submitted before there are workers: these clusters are never idle.
    work = "work = client.submit(time.sleep, 10_800, pure=False)"
    waits = people.with_cluster(crowd.visitors["waits"], workers=1, first=work)
    crowd.clusters["waits"] = people.cluster_name(waits)
    waits.begin("work.result()")
    # An idle kernel, and work on the cluster.
    computes = people.with_cluster(crowd.visitors["computes"], workers=1, first=work)
    crowd.clusters["computes"] = people.cluster_name(computes)
    # A busy kernel keeps the server, and its cluster has no work.
    dreams = people.with_cluster(crowd.visitors["dreams"], workers=1)
    crowd.clusters["dreams"] = people.cluster_name(dreams)
    dreams.begin(HOURS)
    # A job in a terminal whose page is closed; it writes each second, as in the report.
    crowd.visitors["types"].type("while :; do date >>job; sleep 1; done")
    assert crowd.visitors["idle"].server_answers()
    crowd.began = time.monotonic()


def test_an_idle_cluster_ends(crowd: Crowd, impatient: Release, table: Table) -> None:
    name = crowd.clusters["dreams"]
    impatient.until(
        lambda: not impatient.dask_pods("dask-scheduler", name), "end of an idle cluster", within=10
    )
    table.add(
        "an idle cluster (idleMinutes: 1), after the last had gone", time.monotonic() - crowd.began
    )
    assert people.active(crowd.visitors["dreams"]), "it ended by itself, not with its server"


def test_culling_ends_the_idle_and_spares_the_busy(
    crowd: Crowd, impatient: Release, table: Table
) -> None:
    """Who went away last and is idle was culled: the others had been silent for longer."""
    idle = crowd.visitors["idle"]
    impatient.until(lambda: not people.active(idle), "the culling of idle", within=10)
    table.add("an idle server (timeout: 90 s), after it was left", time.monotonic() - crowd.began)
    spared = {"busy", "waits", "computes", "dreams", "types"}
    throughout(lambda: crowd.alive() == spared, "three more looks spare the busy", seconds=15)
    for name in ("waits", "computes"):
        assert len(impatient.dask_pods("dask-worker", crowd.clusters[name])) == 1


@pytest.fixture
def tiny_home(release: Release, cluster: Cluster) -> Iterator[str]:
    """A user whose home is a volume of 8 MiB that is full when it is full."""
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"{release.name}-home-full", "namespace": release.namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
            "storageClassName": "small",
        },
    }
    volume = f"full-home-{time.time_ns()}"
    cluster.add_volume(volume, size_mib=8, storage_class="small")
    cluster.kubectl("apply", "-f", "-", input=json.dumps(claim))
    yield "full"
    cluster.kubectl(
        "delete", "pvc", f"{release.name}-home-full", "-n", release.namespace, "--wait=false"
    )
    cluster.kubectl("delete", "pv", volume, "--wait=false")


def test_a_full_home_starts_in_rescue_mode(tiny_home: str, release: Release, table: Table) -> None:
    visitor = release.visitor(tiny_home)
    people.settle(visitor)
    pod = release.user_pod(tiny_home)
    fill = (
        "import os\n"
        "with open('/home/jovyan/big', 'wb', 0) as file:\n"
        "    try:\n"
        "        while True: file.write(bytes(4096))\n"
        "    except OSError as error: print(error.errno)"
    )
    assert release.run_in(pod, fill).strip() == "28"  # no space left
    assert visitor.kernel().run("print(6 * 7)").strip() == "42"  # the server that runs is of use
    people.leave(visitor)
    table.add("a server on a full home, to its Lab", people.settle(visitor))
    kernel = visitor.kernel()
    said = kernel.run(
        "import os; print(os.environ['HOME']); print(open('note.txt', 'w').write('x'))"
    )
    home, written = said.split()
    assert home != "/home/jovyan"
    assert written == "1"
    page = visitor.send("GET", "api/contents/RESCUE-MODE.md?type=file").json()["content"]
    assert "rescue mode" in page
    assert "my-home/big" in page  # what takes the space
    with chromium() as browser:
        tab = open_login(browser, release)
        log_in(tab, release, tiny_home)
        lab = Lab(tab)
        lab.wait_ready()
        expect(tab.get_by_role("heading", name="Your server runs in rescue mode")).to_be_visible()
        shoot(tab, "rescue")
    # Space is made from inside the rescue, and the next start is a normal one.
    kernel.run("import os; os.remove('/home/jovyan/big')")
    people.leave(visitor)
    people.settle(visitor)
    assert visitor.kernel().run("import os; print(os.environ['HOME'])").strip() == "/home/jovyan"
    people.leave(visitor)

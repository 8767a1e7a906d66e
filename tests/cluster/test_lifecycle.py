"""The end of servers and clusters: asked for, idle, or prevented by work; and homes that are full."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from harness import Cluster
from playwright.sync_api import expect
from support.lab import Lab, chromium
from support.visitor import Visitor, wait_for
from trials import Release, of_cluster, people
from trials.tables import ARTIFACTS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]


def dask_pods(release: Release) -> list[str]:
    pods = [*release.pods("dask-scheduler"), *release.pods("dask-worker")]
    return [str(pod["metadata"]["name"]) for pod in pods]


@pytest.fixture
def dave(release: Release) -> Visitor:
    visitor = release.visitor("dave")
    people.settle(visitor)
    return visitor


def test_the_clusters_end_with_the_server(dave: Visitor, release: Release) -> None:
    """The hub's hook stops them as soon as the server has stopped."""
    name = people.cluster_name(people.with_cluster(dave, workers=2))
    assert len(release.dask_pods("dask-worker", name)) == 2
    people.leave(dave)
    began = time.monotonic()

    def gone() -> bool:
        pods = release.dask_pods("dask-scheduler", name) + release.dask_pods("dask-worker", name)
        return not pods

    wait_for(gone, "end of the cluster", timeout=30)
    print(f"\ncluster gone {time.monotonic() - began:.1f} s after its owner's server")
    wait_for(
        lambda: not release.get("secrets,services", of_cluster(name)),
        "end of its Secret and Service",
        timeout=30,
    )


def test_an_orphaned_cluster_is_reaped(dave: Visitor, release: Release) -> None:
    """A server that vanished while the hub was away leaves clusters to the reaper."""
    kernel = people.with_cluster(dave, workers=1)
    name = people.cluster_name(kernel)
    hub = release.pod("hub")
    release.cluster.kubectl(
        "scale", "-n", release.namespace, f"deployment/{release.name}-hub", "--replicas=0"
    )
    wait_for(lambda: not release.pods("hub"), "end of the hub")
    release.lose(release.user_pod("dave"))
    release.cluster.kubectl(
        "scale", "-n", release.namespace, f"deployment/{release.name}-hub", "--replicas=1"
    )
    release.rolled_out()
    assert release.pod("hub")["metadata"]["uid"] != hub["metadata"]["uid"]
    wait_for(lambda: not release.dask_pods("dask-scheduler", name), "the reaper's work", timeout=90)
    wait_for(lambda: not people.active(dave), "the hub's notice of the loss")


@pytest.fixture(scope="module")
def impatient(release: Release) -> Iterator[Release]:
    """The release with a culler that waits 90 s for servers, and half a minute for clusters."""
    release.upgrade({"cull.timeout": 90, "cull.every": 5, "gateway.idleMinutes": 0.5})
    yield release
    for key in ("cull.timeout", "cull.every", "gateway.idleMinutes"):
        del release.changes[key]
    release.upgrade()


def test_culling_ends_the_idle_and_spares_the_busy(impatient: Release) -> None:
    """Four people, nobody looks: idle, silently busy, waiting for a cluster, computing on one."""
    visitors = {name: impatient.visitor(name) for name in ("busy", "waits", "computes", "idle")}
    people.settle(visitors["busy"])
    # No output, no message: only the state of the kernel tells that it is busy.
    visitors["busy"].kernel().begin("import time; time.sleep(600)")
    people.settle(visitors["waits"])
    waits = people.with_cluster(visitors["waits"], workers=1)
    names = {"waits": people.cluster_name(waits)}
    waits.begin("client.submit(__import__('time').sleep, 600, pure=False).result()")
    people.settle(visitors["computes"])
    computes = people.with_cluster(visitors["computes"], workers=1)
    # An idle kernel, and work on the cluster.
    computes.run("work = client.submit(__import__('time').sleep, 600, pure=False)")
    names["computes"] = people.cluster_name(computes)
    people.settle(visitors["idle"])
    began = time.monotonic()
    wait_for(lambda: not people.active(visitors["idle"]), "the culling of idle", timeout=240)
    print(f"\nidle server culled after {time.monotonic() - began:.0f} s")
    time.sleep(max(0.0, began + 190 - time.monotonic()))  # past every limit, twice
    alive = {name for name, visitor in visitors.items() if people.active(visitor)}
    assert alive == {"busy", "waits", "computes"}
    for name in names.values():
        assert len(impatient.dask_pods("dask-worker", name)) == 1
    for name in alive:
        people.leave(visitors[name])


def test_an_idle_cluster_ends(impatient: Release) -> None:
    visitor = impatient.visitor("dreamer")
    people.settle(visitor)
    name = people.cluster_name(people.with_cluster(visitor, workers=1))
    seconds = wait_for(
        lambda: not impatient.dask_pods("dask-scheduler", name), "end of an idle cluster",
        timeout=120,
    )  # fmt: skip
    print(f"\nidle cluster ended after {seconds:.0f} s")
    people.leave(visitor)


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


def test_a_full_home_starts_in_rescue_mode(tiny_home: str, release: Release) -> None:
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
    people.leave(visitor)
    seconds = people.settle(visitor)
    print(f"\nserver on a full home: Lab after {seconds:.1f} s")
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
        tab = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        tab.goto(release.url)
        tab.get_by_label("Username").fill(tiny_home)
        tab.get_by_label("Password").fill(release.secret("auth.password"))
        tab.get_by_role("button", name="Sign in").click()
        lab = Lab(tab)
        lab.wait_ready()
        expect(tab.get_by_role("heading", name="Your server runs in rescue mode")).to_be_visible()
        tab.screenshot(path=ARTIFACTS / "cluster-rescue.png")
    # Space is made from inside the rescue, and the next start is a normal one.
    kernel.run("import os; os.remove('/home/jovyan/big')")
    people.leave(visitor)
    people.settle(visitor)
    assert visitor.kernel().run("import os; print(os.environ['HOME'])").strip() == "/home/jovyan"
    people.leave(visitor)

"""The cluster itself: what the other tests here take for granted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from harness import Cluster, ClusterError, cleanup, images, parts
from support.waiting import Hopeless, eventually, minutes

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(3600),
    pytest.mark.allow_hosts(["127.0.0.1", "10.245.0.1"]),
]

FOLDERS = (Path(__file__).parent, Path(__file__).parents[1])  # of harness and support
MANIFESTS = Path(__file__).parent / "manifests"
WORLDS = [f"http://{world.name}.test" for world in Cluster.outside.values()]
NODE = ["tls:kubernetes.default:443", "tls:10.245.0.1:6443", "tcp:10.245.0.1:10250"]
START = "import sys; from harness import Cluster; Cluster(*sys.argv[1:]).up(tied=True)"

READY = (
    *("-n", "harness", "wait", "--for=condition=Ready", "pod", "--all"),
    f"--timeout={minutes(5):.0f}s",
)


@pytest.fixture(scope="module")
def own(shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A cluster of this module's own, not started; skips where one is in use."""
    cluster = Cluster(cache=shared_cache / "cluster", report=print)
    if reason := cluster.why_not():
        pytest.skip(f"no test cluster on this machine: {reason}")
    if cluster.in_use():
        pytest.skip("the machine's cluster is in use: scripts/cluster down lets this run")
    return cluster


@pytest.fixture(scope="module")
def bare(own: Cluster) -> Iterator[Cluster]:
    """The same, started, without any image of ours."""
    try:
        own.up(tied=True)
        own.kubectl("apply", "-f", str(MANIFESTS / "harness.yaml"))
        own.kubectl(*READY)
        # kube-proxy learns of a ready pod within a moment, and nothing tells when it has.
        eventually(lambda: reached(own, "stranger", "http://web/page"), "the page")
        yield own
    finally:
        own.down()  # raises when anything is left


@pytest.fixture
def policies(bare: Cluster) -> Iterator[None]:
    file = str(MANIFESTS / "harness-policies.yaml")
    bare.kubectl("apply", "-f", file)
    bare.police_udp_dns(True)
    # The engine learns of policies within a moment, and nothing tells when it has.
    eventually(lambda: not reached(bare, "stranger", "http://web/page"), "the policies")
    yield
    bare.police_udp_dns(False)
    bare.kubectl("delete", "-f", file, "--ignore-not-found")
    eventually(lambda: reached(bare, "stranger", "http://web/page"), "the end of the policies")


def reached(cluster: Cluster, pod: str, *targets: str) -> set[str]:
    """Which of the targets a pod gets an answer from, in a time that is long for a working network."""
    command = [str(cluster.places.binary("kubectl")), "-n", "harness", "exec", pod, "--"]
    told = subprocess.run(
        [*command, "probe", "-timeout", "5s", *targets],
        env=cluster.environment(),
        capture_output=True,
        text=True,
    )
    verdicts = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(verdicts) == len(targets), told.stderr
    return {verdict["target"] for verdict in verdicts if verdict["reached"]}


def page(cluster: Cluster) -> str:
    """What the machine gets when it asks for the page: an answer, silence, or a refusal."""
    address = f"http://{cluster.node_address}:30088/page"
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # patience: for silence, too
            return "answer" if answer.read().startswith(b"kept") else "another page"
    except (TimeoutError, urllib.error.URLError) as error:
        return "silence" if "timed out" in str(error) else str(error)


def wait_for_page(cluster: Cluster) -> None:
    """A restarted kubelet takes pods for unready until it has probed them."""
    eventually(lambda: page(cluster) == "answer", "the page", scene=lambda: page(cluster))


def pod(cluster: Cluster, name: str, path: str) -> str:
    return cluster.kubectl("-n", "harness", "get", "pod", name, f"-o=jsonpath={{{path}}}")


def test_what_a_crash_leaves_is_removed(own: Cluster) -> None:
    arguments = [str(own.places.state), str(own.places.cache.parent)]
    start = START.replace("*sys.argv[1:]", "*map(__import__('pathlib').Path, sys.argv[1:])")
    child = subprocess.Popen(
        [sys.executable, "-c", start, *arguments],
        env=own.environment() | {"PYTHONPATH": os.pathsep.join(map(str, FOLDERS))},
    )

    def kubelet_runs() -> bool:
        if child.poll() is not None:
            raise Hopeless(f"the start ended with {child.returncode}")
        return own.running()["kubelet"]

    try:
        eventually(kubelet_runs, "kubelet", within=5)
    finally:
        child.kill()
        child.wait()
    assert any(line.startswith("process") for line in cleanup.left(own.places))
    assert any(line.startswith("network namespace") for line in cleanup.left(own.places))
    own.down()
    assert cleanup.left(own.places) == []
    assert [path.name for path in own.places.state.iterdir()] == ["log"]


def test_a_second_start_does_nothing(bare: Cluster) -> None:
    assert bare.up() is False


def test_logs_begin_with_the_cluster(bare: Cluster) -> None:
    """The one before left records as well; rights that it used say nothing of this one's."""
    began = (bare.places.run / "etcd.pid").stat().st_mtime
    first = next(iter(bare.audit()))["requestReceivedTimestamp"]
    assert datetime.fromisoformat(first).timestamp() > began


def test_another_folder_gets_no_second_cluster(bare: Cluster, tmp_path: Path) -> None:
    other = Cluster(tmp_path, bare.places.cache.parent)
    with pytest.raises(ClusterError, match=f"state in {bare.places.state}"):
        other.up()
    assert bare.healthy()


def test_pod_security_is_enforced(bare: Cluster) -> None:
    plain = ["run", "plain", "--image=localhost/cluster/busybox:1", "--", "sleep", "9"]
    with pytest.raises(ClusterError, match='violates PodSecurity "restricted:latest"'):
        bare.kubectl("-n", "harness", *plain)


def test_without_a_policy_everything_is_reached(bare: Cluster) -> None:
    everything = {"http://web/page", "http://web.harness/page", *WORLDS, *NODE}
    everything.add(f"{bare.geodes_url}/api/stac")
    eventually(lambda: reached(bare, "stranger", *everything) == everything, "everything")


def test_policies_drop_packets(bare: Cluster, policies: None) -> None:
    targets = ["http://web/page", "http://10.245.0.1:30088/page", *WORLDS, *NODE]
    pages = {"http://web/page", "http://10.245.0.1:30088/page"}
    strangers: list[set[str]] = []

    def friend_sees_pages() -> bool:
        """Asked after the stranger, with the same patience: else a slow network would look closed."""
        strangers.append(reached(bare, "stranger", *targets))
        return reached(bare, "friend", *targets) == pages

    eventually(friend_sees_pages, "the friend's pages", within=5)
    assert not any(strangers)
    assert pod(bare, "server", ".status.conditions[?(@.type=='Ready')].status") == "True"


def test_name_look_ups_are_policed_too(bare: Cluster, policies: None) -> None:
    eventually(lambda: reached(bare, "friend", "name:web"), "the name")
    bare.kubectl("-n", "harness", "delete", "networkpolicy", "dns")
    eventually(lambda: not reached(bare, "friend", "name:web"), "the end of names")
    bare.police_udp_dns(False)
    eventually(lambda: reached(bare, "friend", "name:web"), "the name again")


def test_the_machine_reaches_node_ports(bare: Cluster) -> None:
    wait_for_page(bare)


def test_a_small_volume_gets_full(bare: Cluster) -> None:
    bare.add_volume("tiny", size_mib=1, storage_class="small")
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "tiny", "namespace": "harness"},
        "spec": {
            "storageClassName": "small",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}},
        },
    }
    bare.kubectl("apply", "-f", "-", input=json.dumps(claim))
    bound = ("--for=jsonpath={.status.phase}=Bound", "pvc/tiny", f"--timeout={minutes(5):.0f}s")
    bare.kubectl("-n", "harness", "wait", *bound)
    with pytest.raises(OSError, match="No space left"):
        (bare.places.volumes / "tiny" / "file").write_bytes(bytes(2 << 20))


def test_the_audit_tells_who_was_refused(bare: Cluster) -> None:
    account = "system:serviceaccount:harness:default"
    with pytest.raises(ClusterError, match="cannot list resource"):
        bare.kubectl("-n", "harness", "get", "secrets", f"--as={account}")
    refused = [
        record
        for record in bare.audit()
        if record["responseStatus"].get("code") == 403
        and record.get("impersonatedUser", {}).get("username") == account
    ]
    assert {record["objectRef"]["resource"] for record in refused} == {
        "secrets"
    }  # kubectl asks twice


def test_an_image_is_brought_once(bare: Cluster, tmp_path: Path) -> None:
    archive = str(images.archive(bare.places, "busybox"))
    assert bare.load(archive) is False
    broken = tmp_path / "broken.tar"
    broken.write_bytes(b"no archive")
    with pytest.raises(ClusterError, match="is no image"):
        bare.load(str(broken))


@pytest.mark.parametrize("name", [name for name in parts.NAMES if name != "policy-engine"])
def test_pods_outlive_every_part(bare: Cluster, name: str) -> None:
    identity = ".metadata.uid} {.status.containerStatuses[0].restartCount"
    before = pod(bare, "server", identity)
    wait_for_page(bare)
    bare.stop_part(name)
    try:
        assert bare.running()[name] is False
        wait_for_page(bare)
    finally:
        bare.start_part(name)
    eventually(bare.healthy, "the cluster's health")
    assert pod(bare, "server", identity) == before


def test_nothing_new_passes_without_the_policy_engine(bare: Cluster) -> None:
    wait_for_page(bare)
    bare.stop_part("policy-engine")

    def silent() -> bool:
        """Kubelet, restarted above, may still call the pod unready: then kube-proxy refuses."""
        if (seen := page(bare)) == "answer":
            raise Hopeless("the page was answered")
        return seen == "silence"

    try:
        eventually(silent, "silence")
    finally:
        bare.start_part("policy-engine")
    wait_for_page(bare)


def test_an_unknown_part_is_named(bare: Cluster) -> None:
    with pytest.raises(ClusterError, match=r"no part is called 'cubelet' -> one of etcd, "):
        bare.stop_part("cubelet")


def test_a_node_comes_back_with_what_it_kept(bare: Cluster) -> None:
    before = pod(bare, "server", ".metadata.uid")
    bare.stop_part("node")
    assert not any(bare.running().values())
    bare.start_part("node")
    restarted = "--for=jsonpath={.status.containerStatuses[0].restartCount}=1"
    bare.kubectl("-n", "harness", "wait", restarted, "pod/server", f"--timeout={minutes(5):.0f}s")
    bare.kubectl(*READY)
    assert pod(bare, "server", ".metadata.uid") == before
    eventually(lambda: reached(bare, "friend", "http://web/page"), "the page")
    content = bare.kubectl("-n", "harness", "exec", "server", "--", "cat", "/data/page")
    assert content == "kept\nkept\n", "the first life's line, and the second's"


def test_a_volume_goes_with_its_claim(bare: Cluster) -> None:
    volume = bare.kubectl("-n", "harness", "get", "pvc", "data", "-o=jsonpath={.spec.volumeName}")
    assert list(bare.places.volumes.glob(f"{volume}*"))
    bare.kubectl("-n", "harness", "delete", "pod/server", "pvc/data")
    eventually(
        lambda: not list(bare.places.volumes.glob(f"{volume}*")), "the volume's end", within=5
    )

"""Every pair of a source and a target, tried with packets: NetworkPolicies are not believed.

The table goes to artifacts/cluster-packets.md. TCP connections and UDP look-ups are tried from
inside of the pods; what is not listed in `MAY` must be dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from harness import Cluster
from support.visitor import Kernel, Visitor
from support.waiting import minutes
from trials import IMAGES, Release, packets, people
from trials.packets import Matrix, Target
from trials.tables import ARTIFACTS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

DNS = {"DNS by UDP", "DNS by TCP"}
API = {"API server (service)", "API server (node)"}
USER = DNS | {"hub 8081", "gateway proxy 8000", "gateway proxy 8786", "catalogue", "internet"}
SCHEDULER = DNS | {"gateway API 8000", "catalogue", "internet"}
WORKER = DNS | {"scheduler A 8786", "scheduler B 8786", "catalogue", "internet"}
WORKERS = {"worker A any port", "worker B any port"}
# TCP lets workers of one release reach each other's schedulers and workers, whoever owns them: which
# cluster a pod belongs to is decided by its certificate (test_a_stranger_has_no_certificate).
MAY = {
    "user A": USER,
    "user B": USER,
    "scheduler A": SCHEDULER | WORKERS,
    "worker A": WORKER | WORKERS,
    "worker B": WORKER | WORKERS,
    "hub": DNS | API | {"user A 8888", "user B 8888", "CHP 8001", "gateway proxy 8000"},
    "CHP": DNS | {"hub 8081", "user A 8888", "user B 8888"},
    "culler": DNS | {"hub 8081"},
    "gateway API": DNS | API | {"hub 8081", "scheduler A 8788", "scheduler B 8788"},
    "controller": DNS | API,
    "gateway proxy": DNS
    | {"gateway API 8000"}
    | {f"scheduler {who} {port}" for who in "AB" for port in (8786, 8787)},
}


@pytest.fixture(scope="module")
def dns_policed(cluster: Cluster) -> Iterator[None]:
    cluster.police_udp_dns(True)
    yield
    cluster.police_udp_dns(False)


@pytest.fixture(scope="module")
def names(desk: Kernel, bobs_desk: Kernel) -> dict[str, str]:
    """Dask clusters of both users."""
    return {"A": people.cluster_name(desk), "B": people.cluster_name(bobs_desk)}


@pytest.fixture(scope="module")
def pods(release: Release, names: dict[str, str]) -> dict[str, dict[str, Any]]:
    found = {
        "user A": release.user_pod("alice"),
        "user B": release.user_pod("bob"),
        "hub": release.pod("hub"),
        "CHP": release.pod("proxy"),
        "culler": release.pod("culler"),
        "gateway API": release.pod("gateway-api"),
        "controller": release.pod("gateway-controller"),
        "gateway proxy": release.pod("gateway-proxy"),
    }
    for who, name in names.items():
        found[f"scheduler {who}"] = release.dask_pods("dask-scheduler", name)[0]
        found[f"worker {who}"] = release.dask_pods("dask-worker", name)[0]
    return found


@pytest.fixture(scope="module")
def targets(
    release: Release, cluster: Cluster, pods: dict[str, dict[str, Any]]
) -> dict[str, Target]:
    ip = {name: packets.address(pod) for name, pod in pods.items()}
    node = cluster.node_address
    coredns = cluster.kubectl(
        "get", "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns",
        "-o", "jsonpath={.items[0].status.podIP}",
    )  # fmt: skip
    inside = {f"{name} 8888": Target(ip[name], 8888) for name in ("user A", "user B")}
    inside |= {f"{name} 40000": Target(ip[name], 40000) for name in ("user A", "user B")}
    inside |= {
        "hub 8081": Target(ip["hub"], 8081),
        "CHP 8000": Target(ip["CHP"], 8000),
        "CHP 8001": Target(ip["CHP"], 8001),
        "gateway API 8000": Target(ip["gateway API"], 8000),
        "controller 8000": Target(ip["controller"], 8000),
        "gateway proxy 8000": Target(ip["gateway proxy"], 8000),
        "gateway proxy 8786": Target(ip["gateway proxy"], 8786),
        "culler any port": Target(ip["culler"], 8080),
    }
    for who in "AB":
        for port in (8786, 8787, 8788):
            inside[f"scheduler {who} {port}"] = Target(ip[f"scheduler {who}"], port)
        inside[f"worker {who} any port"] = Target(ip[f"worker {who}"], 43210)
    outside = {name: world.host for name, world in cluster.outside.items()}
    return inside | {
        "DNS by UDP": Target("10.96.0.10", 53, "udp"),
        "DNS by TCP": Target("10.96.0.10", 53),
        "CoreDNS 8181": Target(coredns, 8181),
        "API server (service)": Target("10.96.0.1", 443),
        "API server (node)": Target(node, 6443),
        "kubelet": Target(node, 10250),
        "NodePort of the proxy": Target(node, int(release.url.rsplit(":", 1)[1].strip("/"))),
        "metadata address": Target(outside["metadata"], 80),
        "internet": Target(outside["internet"], 80),
        "catalogue": Target(outside["private"], 8080),
        "private network": Target(outside["private"], 80),
    }


@pytest.fixture(scope="module")
def matrix(
    release: Release,
    pods: dict[str, dict[str, Any]],
    targets: dict[str, Target],
    dns_policed: None,
) -> Matrix:
    sources = {name: pods[name] for name in MAY}
    found = Matrix.probe(release, sources, targets, expected=MAY)
    text = found.markdown(targets)
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "cluster-packets.md").write_text(text + "\n", "utf-8")
    pairs = sum(len(row) for row in found.seen.values())
    print(f"\n{pairs} pairs\n{text}")
    return found


def test_every_pair_is_as_expected(matrix: Matrix) -> None:
    assert matrix.wrong() == []


def test_names_are_told_to_all(matrix: Matrix) -> None:
    """Else the verdicts above would show a network that is down."""
    assert {source for source, row in matrix.seen.items() if row["DNS by UDP"] == "open"} == set(
        MAY
    )


def test_a_foreign_pod_reaches_nothing(
    release: Release, cluster: Cluster, targets: dict[str, Target], matrix: Matrix
) -> None:
    """A pod of another namespace, which no policy of ours selects."""
    ours = {
        name: target
        for name, target in targets.items()
        if target.host.startswith("10.244.") and not name.startswith("CoreDNS")
    }
    namespace = f"{release.namespace}-foreign"
    cluster.kubectl("create", "namespace", namespace)
    try:
        cluster.kubectl(
            "run", "foreign", "-n", namespace, f"--image={IMAGES[0]}", "--command", "--",
            "sleep", "86400",
        )  # fmt: skip
        cluster.kubectl(
            "wait",
            "pod/foreign",
            "-n",
            namespace,
            "--for=condition=Ready",
            f"--timeout={minutes(5):.0f}s",
        )
        pod = json.loads(cluster.kubectl("get", "pod/foreign", "-n", namespace, "-o", "json"))
        seen = packets.from_pod(release, pod, ours)
    finally:
        cluster.kubectl("delete", "namespace", namespace, "--wait=false")
    assert len(seen) > 15
    assert {name for name, verdict in seen.items() if verdict != "dropped"} == set()


def test_the_world_reaches_the_proxy_only(
    cluster: Cluster, targets: dict[str, Target], matrix: Matrix
) -> None:
    """A machine on the internet, with a route to the pods."""
    pods = {
        name: target
        for name, target in targets.items()
        if target.host.startswith("10.244.") and not name.startswith("CoreDNS")
    }
    asked = pods | {"NodePort of the proxy": targets["NodePort of the proxy"]}
    proxy = {"CHP 8000", "NodePort of the proxy"}
    seen = packets.from_world(
        cluster.outside["internet"], asked, wanted=proxy, control=targets["NodePort of the proxy"]
    )
    assert {name for name, verdict in seen.items() if verdict != "dropped"} == proxy


def test_a_stranger_has_no_certificate(desk: Kernel, bobs_desk: Kernel, release: Release) -> None:
    """TCP reaches another user's scheduler from a worker; TLS ends it there."""
    scheduler = packets.address(
        release.dask_pods("dask-scheduler", people.cluster_name(bobs_desk))[0]
    )
    code = (
        "def knock():\n"
        "    import ssl, socket, glob\n"
        "    folder = glob.glob('/etc/dask-credentials')[0]\n"
        "    context = ssl.create_default_context(cafile=f'{folder}/dask.crt')\n"
        "    context.check_hostname = False\n"
        "    context.load_cert_chain(f'{folder}/dask.crt', f'{folder}/dask.pem')\n"
        f"    raw = socket.create_connection(({scheduler!r}, 8786), {minutes(1)})\n"
        "    try:\n"
        "        with context.wrap_socket(raw) as wrapped:\n"
        "            wrapped.send(b'x'); wrapped.recv(1)\n"
        "            return 'in'\n"
        "    except ssl.SSLError as error:\n"
        "        return 'refused: ' + str(error)\n"
        "print(client.submit(knock, pure=False).result(timeout=240))"
    )
    assert desk.run(code).strip().startswith("refused:")


@pytest.mark.parametrize("path", ["status", "profile", "health"])
def test_workers_serve_no_pages(
    release: Release, pods: dict[str, dict[str, Any]], path: str
) -> None:
    """A worker's dashboard would know no owner, and other users' workers reach its ports."""
    address = f"http://{pods['worker A']['status']['podIP']}:8787/{path}"
    code = (
        "import sys, urllib.request\n"
        "try: print(urllib.request.urlopen(sys.argv[1], timeout=120).status)\n"
        "except OSError as error: print(error)"
    )
    assert "Connection refused" in release.run_in(pods["worker B"], code, address)


def test_user_pods_have_no_token(alice: Visitor, release: Release) -> None:
    code = "import os; print(os.path.exists('/var/run/secrets/kubernetes.io'))"
    assert release.run_in(release.user_pod("alice"), code).strip() == "False"


def test_a_new_policy_takes_effect_at_once(
    release: Release, pods: dict[str, dict[str, Any]], targets: dict[str, Target]
) -> None:
    """Egress to a private network opens by one entry of values, and closes with it."""
    entry = {"for": ["user"], "cidrs": [f"{targets['private network'].host}/32"], "ports": [80]}
    one = {"private network": targets["private network"]}

    def verdict(*wanted: str) -> str:
        seen = packets.from_pod(release, pods["user A"], one, wanted=wanted)
        return seen["private network"]

    assert verdict() == "dropped"
    release.upgrade({"networkPolicy.egress.archive": entry})
    try:
        release.until(lambda: verdict(*one) == "open", "the new policy")
    finally:
        del release.changes["networkPolicy.egress.archive"]
        release.upgrade()
    release.until(lambda: verdict() == "dropped", "the old policy")

"""An HPC centre seen from a notebook in a pod: its gateway through the egress policy, and no other port.

A pod of another namespace plays the login node: real Slurm and our gateway run in its network, with
TLS. Its neighbour, and its own further ports, stay out of reach.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from harness import Cluster
from hpc.centre import why_not
from support.lab import assert_shows_bars, chromium
from support.visitor import Kernel, Visitor
from support.waiting import eventually, minutes
from trials import IMAGES, Release, packets, people
from trials.browse import log_in, open_login, shoot
from trials.packets import Target

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

FOLDERS = (Path(__file__).parents[1] / "slurm", Path(__file__).parents[1])  # of hpc and support
NAMESPACE = "login-node"
NAME = f"login.{NAMESPACE}.svc.cluster.local"
PEER = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
    "podSelector": {"matchLabels": {"app": "login"}},
}
OTHER = "import http.server; http.server.HTTPServer(('', 9000), None).serve_forever()"
"""One more program of each pod, whose port nobody may reach."""

COMPUTE = """
import getpass, geodes_datalab as gd
cluster = gd.open_cluster(2, backend="hpda", progress=False)
client = cluster.client
print(client.submit(sum, range(10)).result(240), *{*client.run(getpass.getuser).values()})
"""
LISTING = """
import json
print(json.dumps([[one.kind, one.state, one.workers] for one in gd.clusters()]))
"""


def pod(name: str) -> dict[str, Any]:
    closed = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "login",
        "image": IMAGES[0],
        "imagePullPolicy": "Never",
        "command": ["python3", "-c", OTHER],
        "securityContext": closed,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }


SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "login", "namespace": NAMESPACE},
    "spec": {"clusterIP": "None", "selector": {"app": "login"}},
}


@pytest.fixture(scope="module")
def pods(cluster: Cluster) -> Iterator[dict[str, dict[str, Any]]]:
    """The pod that plays the login node, and a neighbour in its namespace."""
    if reason := why_not():
        pytest.skip(f"no Slurm on this machine: {reason}")
    cluster.kubectl("create", "namespace", NAMESPACE)
    try:
        for what in (pod("login"), pod("neighbour"), SERVICE):
            cluster.kubectl("apply", "-f", "-", input=json.dumps(what))
        cluster.kubectl(
            "wait",
            "-n",
            NAMESPACE,
            "pods",
            "--all",
            "--for=condition=Ready",
            f"--timeout={minutes(5):.0f}s",
        )
        found = json.loads(cluster.kubectl("get", "pods", "-n", NAMESPACE, "-o", "json"))["items"]
        yield {one["metadata"]["name"]: one for one in found}
    finally:
        cluster.kubectl("delete", "namespace", NAMESPACE)


class LoginNode:
    """A centre and its gateway, in the network of a pod."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def jobs(self) -> list[dict[str, str]]:
        """Return what Slurm knows."""
        return list(json.loads(self._ask("jobs\n")))

    def _ask(self, line: str) -> str:
        assert self.process.stdin
        assert self.process.stdout
        limit = threading.Timer(
            minutes(15), self.process.kill
        )  # then there is no line, and no wait
        limit.start()
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
            return self.process.stdout.readline()
        finally:
            limit.cancel()

    @classmethod
    @contextmanager
    def running(cls, where: dict[str, Any], wish: dict[str, str]) -> Iterator[LoginNode]:
        network = f"--net=/proc/{holder(where)}/ns/net"
        process = subprocess.Popen(
            ["nsenter", network, sys.executable, "-m", "hpc"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, FOLDERS))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        node = cls(process)
        try:
            assert node._ask(json.dumps(wish) + "\n") == "ready\n"
            yield node
        finally:
            with suppress(BrokenPipeError):
                process.communicate(timeout=minutes(5))


def holder(where: dict[str, Any]) -> str:
    """Return the number of the process that holds a pod's network."""
    marks = (where["metadata"]["uid"], where["metadata"]["uid"].replace("-", "_"))
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            groups = (entry / "cgroup").read_text("utf-8")
            pause = (entry / "cmdline").read_bytes().startswith(b"/bin/pause")
            if pause and any(mark in groups for mark in marks):
                return entry.name
    raise AssertionError(f"nothing holds the network of {where['metadata']['name']}")


@pytest.fixture(scope="module")
def targets(pods: dict[str, dict[str, Any]]) -> dict[str, Target]:
    return {
        f"{name} {port}": Target(packets.address(one), port)
        for name, one in pods.items()
        for port in (8443, 8786, 9000, 22)
    }


@pytest.fixture(scope="module")
def before(release: Release, bob: Visitor, targets: dict[str, Target]) -> dict[str, str]:
    """What a user's pod reaches of the centre before the chart names it."""
    return packets.from_pod(release, release.user_pod("bob"), targets)


@pytest.fixture(scope="module")
def node(
    release: Release, pods: dict[str, dict[str, Any]], before: dict[str, str]
) -> Iterator[LoginNode]:
    """The login node, named in the chart."""
    authority = trustme.CA()
    address = packets.address(pods["login"])
    certificate = authority.issue_cert(NAME, address)
    ca = authority.cert_pem.bytes().decode()
    changes = {
        "hpda.enabled": True,
        "hpda.address": f"https://{NAME}:8443",
        "hpda.schedulerAddress": f"{NAME}:8786",
        "hpda.peers": [PEER],
        "global.caBundle.content": ca,
        "networkPolicy.publicAccess.from": {"login": PEER},  # it asks the hub whose a token is
    }
    wish = {
        "address": address,
        "hub": release.url.rstrip("/"),
        "token": release.secret("hpda.token"),
        "cert": b"".join(one.bytes() for one in certificate.cert_chain_pems).decode(),
        "key": certificate.private_key_pem.bytes().decode(),
        "ca": ca,
    }
    with LoginNode.running(pods["login"], wish) as node, release.changed(changes):
        yield node


@pytest.fixture(scope="module")
def ada(release: Release, node: LoginNode) -> Visitor:
    """Ada's server, started after the centre was named."""
    people.start_afresh(release, "ada")
    visitor = release.visitor("ada")
    people.settle(visitor)
    return visitor


@pytest.fixture(scope="module")
def notebook(ada: Visitor) -> Iterator[Kernel]:
    yield (kernel := ada.kernel())
    people.close_clusters(kernel)


def test_nothing_of_it_is_reached_before_it_is_named(before: dict[str, str]) -> None:
    assert set(before.values()) == {"dropped"}


def test_its_two_ports_are_reached_and_nothing_beside_them(
    release: Release, ada: Visitor, targets: dict[str, Target]
) -> None:
    may = {"login 8443", "login 8786"}
    expected = {name: "open" if name in may else "dropped" for name in targets}
    user = release.user_pod("ada")
    release.until(
        lambda: packets.from_pod(release, user, targets, wanted=may) == expected, "the policy"
    )
    for component in ("hub", "gateway-api", "culler"):
        other = release.pod(component)
        assert set(packets.from_pod(release, other, targets).values()) == {"dropped"}, component


def test_a_notebook_computes_on_jobs_of_its_owner(notebook: Kernel, node: LoginNode) -> None:
    assert notebook.run(COMPUTE, timeout=minutes(10)).split() == ["45", "ada"]
    running = [one for one in node.jobs() if one["state"] == "RUNNING"]
    assert [one["user"] for one in running] == ["ada"] * 3
    assert people.reply(notebook.run(LISTING)) == [["hpda", "running", 2]]


def test_its_dashboard_is_seen_by_the_owner_alone(
    release: Release, notebook: Kernel, bob: Visitor
) -> None:
    link = notebook.run("print(cluster.dashboard_link)").strip()
    assert link.startswith("/user/ada/proxy/hpda/clusters/")
    with chromium() as browser:
        page = open_login(browser, release)
        log_in(page, release, "ada")
        page.wait_for_url("**/user/ada/**")
        page.goto(release.url.rstrip("/") + link)
        assert_shows_bars(page)
        shoot(page, "hpda-dashboard")
    inside = link.removeprefix("/user/ada/")
    answer = bob.get(inside, user="ada", allow_redirects=True)
    assert answer.status_code in (403, 404)
    assert bob.websocket_status(f"{inside}/ws", user="ada") in (302, 403, 404)
    for path in ("proxy/hpda/api/v1/clusters/", "proxy/hpda/clusters/%2e%2e/api/v1/clusters/"):
        assert notebook.visitor.get(path, allow_redirects=True).status_code == 404


def test_the_dask_panel_offers_the_centre(ada: Visitor, bob: Visitor, node: LoginNode) -> None:
    """Its options come by HTTPS from the login node, for the owner alone."""
    told = ada.get("geodes-datalab/hpda/options").json()
    assert {"partition", "walltime", "worker_cores"} <= {one["field"] for one in told}
    page = ada.get("lab").text
    assert re.search(r'"geodesDatalabHpda":\s*true', page)
    assert '"name": "geodes-datalab"' in page
    answer = bob.get("geodes-datalab/hpda/clusters", user="ada", allow_redirects=True)
    assert answer.status_code in (403, 404)


def test_jobs_end_with_their_owners_server(ada: Visitor, node: LoginNode) -> None:
    """The gateway on the login node asks the hub whose server runs."""
    assert node.jobs()
    people.leave(ada)
    eventually(lambda: not node.jobs(), "the end of ada's jobs", within=10)

"""Upgrade, roll back, uninstall and install again under a user who works.

No home, token, database or running server is lost; what must not stay behind does not.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest
from harness import Cluster
from support.visitor import Visitor
from support.waiting import minutes
from trials import IMAGES, Release, Table, people
from trials.desk import Desk
from trials.release import image_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

NEXT = "next"
# What an uninstallation keeps: homes, the hub's database, the Secret; and the policies of people's
# servers and clusters, which go on.
KEPT = {"networkpolicies", "persistentvolumeclaims", "secrets"}
POLICIES = ("dask-default-deny", "dask-scheduler", "dask-worker", "default-deny", "user")
# Kubernetes' own, in every namespace, and traces that expire.
ALWAYS = {"configmaps/kube-root-ca.crt", "serviceaccounts/default"}
TRACES = {"events", "events.events.k8s.io"}


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    table = Table("cluster-upgrade", ["step", "whole again after"])
    yield table
    print(f"\n{table}")


@pytest.fixture(scope="module")
def desk(release: Release, alice: Visitor) -> Iterator[Desk]:
    desk = Desk.open(release, alice)
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def token(alice: Visitor) -> str:
    return people.token(alice)


def workers(release: Release, desk: Desk) -> set[str]:
    return {pod["metadata"]["uid"] for pod in release.dask_pods("dask-worker", desk.cluster)}


def uids(release: Release) -> dict[str, str]:
    return {
        component: release.pod(component)["metadata"]["uid"]
        for component in ("hub", "proxy", "gateway-api", "gateway-proxy")
    }


def test_an_upgrade_without_changes_restarts_nothing(
    release: Release, desk: Desk, token: str, table: Table
) -> None:
    before = uids(release)
    table.add("helm upgrade, nothing changed", release.upgrade())
    assert uids(release) == before
    desk.lost_nothing(token)


def test_changed_values(release: Release, desk: Desk, token: str, table: Table) -> None:
    before = uids(release)
    told = "Maintenance on Friday"
    changes = {"hub.announcement": told, "gateway.limits.clusters": 3}
    table.add("helm upgrade, values changed", release.upgrade(changes))
    after = uids(release)
    assert after["hub"] != before["hub"]
    assert after["proxy"] == before["proxy"]  # its routes and connections are nobody's toy
    desk.lost_nothing(token)
    page = desk.visitor.session.get(f"{release.url}hub/home", timeout=minutes(2))
    assert told in page.text
    code = "extra = [gateway.new_cluster() for _ in range(2)]\n[one.shutdown() for one in extra]"
    desk.kernel.run(code, timeout=minutes(10))  # three at once


def test_rollback(release: Release, desk: Desk, token: str, table: Table) -> None:
    table.add("helm rollback", release.rollback())
    release.changes.clear()
    desk.lost_nothing(token)
    page = desk.visitor.session.get(f"{release.url}hub/home", timeout=minutes(2))
    assert "Maintenance on Friday" not in page.text


def test_a_new_image(
    release: Release, cluster: Cluster, desk: Desk, token: str, table: Table
) -> None:
    """The images under new tags: old servers keep theirs, new ones get the new one."""
    for image in IMAGES:
        retag(cluster, image, f"{image.rsplit(':', 1)[0]}:{NEXT}")
    changes = {"singleuser.image.tag": NEXT, "hub.image.tag": NEXT}
    before = workers(release, desk)
    table.add("helm upgrade, new images", release.upgrade(changes))
    assert image_of(release.pod("hub")).endswith(f":{NEXT}")
    desk.lost_nothing(token, new_proxy=True)
    assert workers(release, desk) == before
    assert not image_of(release.user_pod("alice")).endswith(f":{NEXT}")

    frank = release.visitor("frank")
    people.settle(frank)
    assert image_of(release.user_pod("frank")).endswith(f":{NEXT}")
    kernel = people.with_cluster(frank, workers=1)
    new = release.dask_pods("dask-worker", people.cluster_name(kernel))
    assert image_of(new[0]).endswith(f":{NEXT}")
    people.leave(frank)


def retag(cluster: Cluster, old: str, new: str) -> None:
    socket = str(cluster.places.containerd_socket)
    command = ["ctr", "-a", socket, "-n", "k8s.io", "images", "tag", "--force", old, new]
    subprocess.run(command, check=True, capture_output=True)


def test_uninstall_and_install_again(
    release: Release, cluster: Cluster, desk: Desk, token: str, table: Table
) -> None:
    password = release.secret("auth.password")
    before = workers(release, desk)
    release.uninstall()
    left = left_behind(release, cluster)
    print("\nleft by helm uninstall while a server and a cluster run:", *left, sep="\n  ")
    began = time.monotonic()
    release.install()
    release.until(desk.visitor.server_answers, "alice's server")
    table.add("helm uninstall, helm install", time.monotonic() - began)
    assert release.secret("auth.password") == password
    desk.lost_nothing(token, new_proxy=True)
    assert workers(release, desk) == before


def test_uninstall_leaves_only_what_must_not_be_lost(
    release: Release, cluster: Cluster, desk: Desk
) -> None:
    """When nobody works: homes, the hub's database and the Secret."""
    everybody = release.visitor("admin").hub("GET", "users?state=active").json()
    for user in everybody:
        visitor = release.visitor(user["name"])
        people.leave(visitor)
    release.until(lambda: not release.pods("dask-scheduler"), "end of the clusters")
    release.until(lambda: not release.get("daskclusters"), "end of their records", within=10)
    release.uninstall()
    release.until(lambda: not release.get("pods"), "end of the pods")  # helm does not wait for them
    try:
        left = left_behind(release, cluster)
        print("\nleft by helm uninstall:", *left, sep="\n  ")
        assert {name.split("/")[0] for name in left} == KEPT
        secrets = [name for name in left if name.startswith("secrets/")]
        assert secrets == [f"secrets/{release.name}-secrets"]
        policies = [name for name in left if name.startswith("networkpolicies/")]
        assert policies == [f"networkpolicies/{release.name}-{name}" for name in POLICIES]
        claims = [name for name in left if name.startswith("persistentvolumeclaims/")]
        assert f"persistentvolumeclaims/{release.name}-hub-db" in claims
        assert f"persistentvolumeclaims/{release.name}-home-alice" in claims
    finally:
        release.changes.clear()
        release.install()


def left_behind(release: Release, cluster: Cluster) -> list[str]:
    """List every object of the release's namespaces that a bare namespace does not have."""
    kinds = cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").split()
    asked = ",".join(kind for kind in kinds if kind not in TRACES)
    found = []
    for namespace in release.namespaces:
        listed = cluster.kubectl(
            "get", asked, "-n", namespace, "--ignore-not-found", "-o",
            'jsonpath={range .items[*]}{.kind}/{.metadata.name}{"\\n"}{end}',
        )  # fmt: skip
        found += [_plural(line) for line in listed.splitlines() if line]
    return sorted(name for name in set(found) if name not in ALWAYS)


def _plural(line: str) -> str:
    kind, name = line.split("/", 1)
    plural = kind.lower().removesuffix("y") + ("ies" if kind.endswith("y") else "s")
    return f"{plural}/{name}"

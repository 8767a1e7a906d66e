"""The simple layout: everything in one namespace, beside a second release of the same chart."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from harness import Cluster
from support.waiting import minutes
from trials import IMAGES, Release, audit, packets, people
from trials.packets import Target

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]


HOMES = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: homes}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
"""


@pytest.fixture(scope="module")
def releases(cluster: Cluster) -> Iterator[tuple[Release, Release]]:
    """Two datalabs: one of the usual choices, one of the others."""
    namespace = os.environ.get("CLUSTER_NAMESPACE", "") + "simple"
    one = Release(cluster, name="one", namespace=namespace, dask_namespace=namespace)
    values = ("small.yaml", "other-choices.yaml")
    two = replace(one, name="two", values=values, site_key=False)
    one.make_namespaces()
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=HOMES)
    try:
        for release in (one, two):
            release.install()
        yield one, two
        for release in (one, two):
            release.uninstall()
    finally:
        cluster.kubectl("delete", "namespace", namespace, "--wait=false")


def test_both_work_side_by_side(releases: tuple[Release, Release]) -> None:
    for release in releases:
        visitor = release.visitor(f"zoe-{release.name}")
        people.settle(visitor)
        kernel = people.with_cluster(visitor, workers=1)
        kernel.run("works()")


def test_a_job_made_the_secrets(releases: tuple[Release, Release]) -> None:
    _, two = releases
    assert len(two.secret("hub.cookie-secret")) == 64
    assert two.secret("proxy.token") != releases[0].secret("proxy.token")


def test_homes_are_folders_of_one_claim(releases: tuple[Release, Release]) -> None:
    _, two = releases
    spec = two.user_pod("zoe-two")["spec"]
    mounts = spec["containers"][0]["volumeMounts"]
    home = next(mount for mount in mounts if mount["mountPath"] == "/home/jovyan")
    assert home["subPath"] == "people/zoe-two"
    volume = next(one for one in spec["volumes"] if one["name"] == home["name"])
    assert volume["persistentVolumeClaim"]["claimName"] == "homes"
    code = "import os; open('/home/jovyan/x', 'w').close(); print(os.stat('/home/jovyan').st_uid)"
    assert two.run_in(two.user_pod("zoe-two"), code).strip()


def test_an_administrator_reads_a_home_and_is_noted(releases: tuple[Release, Release]) -> None:
    """One pod mounts the claim, and cannot write there; no user gets in; the log tells who looked."""
    _, two = releases
    page = f"{two.url}services/homes/home/zoe-two/"
    admin, zoe = two.visitor("admin").session, two.visitor("zoe-two").session
    for session in (admin, zoe):
        session.headers["Sec-Fetch-Mode"] = "navigate"
    assert "notebooks/" in admin.get(page, timeout=minutes(2)).text
    assert zoe.get(page, timeout=minutes(2)).status_code == 403
    noted = [line for line in two.logs("homes").splitlines() if '"home-view"' in line]
    assert any('"admin": "admin"' in line and '"home": "zoe-two"' in line for line in noted)
    write = "import os; os.open('/homes/people/zoe-two/y', os.O_CREAT | os.O_WRONLY)"
    attempt = f"try:\n {write}\nexcept OSError as error:\n print(error.errno)"
    assert two.run_in(two.pod("homes"), attempt).strip() == str(errno.EROFS)


def test_people_see_how_full_their_home_is(releases: tuple[Release, Release]) -> None:
    _, two = releases
    zoe = two.visitor("zoe-two")
    assert zoe.server_answers()  # which lets this browser in

    def measured() -> bool:
        return zoe.get("geodes-datalab/home").json()["used"] is not None

    two.until(measured, "the home is measured")


def test_an_image_may_be_typed_from_the_list_only(releases: tuple[Release, Release]) -> None:
    _, two = releases
    yves = two.visitor("yves")
    typed = "image--unlisted-choice"
    said = people.refusal(yves, {"profile": "small", typed: "docker.io/library/x:1"})
    assert "not allowed" in said
    people.begin(yves, {"profile": "small", typed: IMAGES[1]})
    two.until(yves.server_answers, "yves's Lab", within=15)
    assert two.user_pod("yves")["spec"]["containers"][0]["image"] == IMAGES[1]
    people.leave(yves)


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
    account = audit.account(cluster, releases[0].namespaces)
    assert account.refused == []
    assert sum(account.used.values()) > 50

"""A closed site whose only way out is a web proxy with a password: log-in, servers, and Dask clusters."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from harness import Cluster, processes
from support.visitor import Visitor
from support.waiting import eventually, minutes
from trials import Release, beyond, people

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]
NAME = "web-proxy"


@pytest.fixture(scope="module")
def asked(cluster: Cluster) -> Iterator[Path]:
    """Run proxy and provider beyond the cluster; return where they write what they are asked for."""
    world = cluster.outside["private"]
    program = [sys.executable, beyond.__file__, world.host]
    log = cluster.places.logs / f"{NAME}.log"
    processes.start(cluster.places, NAME, processes.entered(world.netns, program), {})
    try:
        eventually(lambda: processes.pid(cluster.places, NAME), "the proxy runs")
        yield log
    finally:
        processes.stop(cluster.places, NAME)


@pytest.fixture(scope="module")
def behind(release: Release, cluster: Cluster, asked: Path) -> Iterator[Release]:
    """The release on a site whose way out is the proxy, and whose log-in is the provider's."""
    values = beyond.values(cluster.outside["private"].host)
    values["hub.publicUrl"] = release.url.rstrip("/")
    release.changes["secrets.values"] = {"oauth.client-secret": "x"}
    try:
        with release.changed(values):
            yield release
    finally:
        release.changes.pop("secrets.values")


@pytest.fixture(scope="module")
def ada(behind: Release) -> Iterator[Visitor]:
    """Somebody whom the provider knows, sent there and back as by a browser; her server ends in the end."""
    ada = Visitor(behind.url, "ada")
    ada.session.trust_env = False
    page = f"{ada.url}hub/oauth_login"
    sent = ada.session.get(page, allow_redirects=False, timeout=minutes(2))
    there = parse_qs(urlsplit(sent.headers["Location"]).query)
    answer = ada.session.get(
        f"{ada.url}hub/oauth_callback",
        params={"code": "from-the-provider", "state": there["state"][0]},
        allow_redirects=False,
        timeout=minutes(2),
    )
    assert answer.status_code == 302, answer.text
    yield ada
    if people.active(ada):
        people.leave(ada)


def test_log_in_goes_through_the_proxy(ada: Visitor, asked: Path) -> None:
    assert ada.hub("GET", "user").json()["name"] == "ada"
    told = [json.loads(line) for line in asked.read_text().splitlines() if line.startswith("[")]
    targets = {target for _, target, _ in told}
    assert {f"http://{beyond.HOST}/token", f"http://{beyond.HOST}/userinfo"} <= targets
    assert {credentials for *_, credentials in told} == {beyond.CREDENTIALS}


def test_a_dask_cluster_opens_and_knows_the_way_out(ada: Visitor, asked: Path) -> None:
    people.settle(ada)
    kernel = people.with_cluster(ada, workers=1)
    kernel.run("works()")
    ask = (
        "import requests\n"
        f"get = lambda: requests.get('http://{beyond.HOST}/userinfo', timeout=60).status_code\n"
        "print(get(), list(client.run(get).values()))"
    )
    assert kernel.run(ask).split() == ["200", "[200]"]


def test_the_password_stands_in_secrets_alone(ada: Visitor, behind: Release) -> None:
    word = beyond.CREDENTIALS.partition(":")[2].replace("@", "%40")
    for kind in ("configmap", "deployment", "pod", "daskcluster"):
        for namespace in behind.namespaces:
            assert word not in json.dumps(behind.get(kind, namespace=namespace)), kind

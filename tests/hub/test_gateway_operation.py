"""Dask Gateway on Kubernetes: its owner's server, its operator, its notebooks, replaced parts."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
import requests
from support.kubernetes_gateway import GatewayParts
from support.waiting import minutes

from geodes_datalab.compute import gateway as compute_gateway
from geodes_datalab.compute import scheduler
from geodes_datalab.compute.request import Request
from geodes_datalab.errors import ClusterError

QUOTA = (
    'pods "{}" is forbidden: exceeded quota: dask, requested: requests.cpu=1, '
    "used: requests.cpu=4, limited: requests.cpu=4"
)


def test_a_cluster_ends_when_its_owner_has_no_server(gateway: GatewayParts) -> None:
    hers, his = gateway.open("ada"), gateway.open("bob")
    gateway.hub.with_server = {"bob"}
    gateway.sees(lambda: gateway.waiting(hers)["status"] == "STOPPED", "the cluster is ended")
    assert gateway.ask("GET", "/api/v1/clusters/", "bob").json().keys() == {his}


def test_a_hub_in_trouble_ends_nothing(gateway: GatewayParts) -> None:
    name = gateway.open("ada")
    gateway.hub.with_server = set()
    gateway.hub.trouble = True
    gateway.sees(
        lambda: "datalab_gateway_reaper_up 0.0" in gateway.metrics(),
        "the reaper tells of the trouble",
    )
    seen = gateway.hub.refused
    gateway.sees(lambda: gateway.hub.refused >= seen + 3, "the reaper asks three times more")
    assert gateway.waiting(name)["status"] == "PENDING"


def test_metrics(gateway: GatewayParts) -> None:
    gateway.ask("POST", "/api/v1/clusters/", json={"cluster_options": {"size": "none-such"}})
    name = gateway.open(size="large")
    token = gateway.run_scheduler(name)
    gateway.want(name, token, 2)
    gateway.sees(
        lambda: 'datalab_gateway_waiting{reason="starting",user="ada"} 2.0' in gateway.metrics(),
        "the waiting pods are counted",
    )
    text = gateway.metrics()
    assert 'datalab_gateway_clusters{status="running",user="ada"} 1.0' in text
    assert 'datalab_gateway_workers{state="wanted",user="ada"} 2.0' in text
    assert 'datalab_gateway_cores{user="ada"} 8.1' in text
    assert 'datalab_gateway_refused_total{reason="size"}' in text
    assert "refused: 401" in gateway.metrics("token-of-ada")


def test_an_administrator_ends_the_clusters_of_a_class(gateway: GatewayParts) -> None:
    hers, his = gateway.open("ada"), gateway.open("bob")
    assert told(gateway, "--list").count("pending") == 2
    assert hers in told(gateway, "--user", "ada")
    gateway.sees(lambda: gateway.waiting(hers)["status"] == "STOPPED", "the cluster is ended")
    assert gateway.ask("GET", f"/api/v1/clusters/{his}", "bob").json()["status"] == "PENDING"
    assert told(gateway).endswith("1 cluster(s) ended\n")
    stranger = requests.post(
        f"{gateway.proxy}/api/v1/stop",
        json={},
        headers={"Authorization": "Bearer token-of-ada"},
        timeout=minutes(2),
    )
    assert stranger.status_code == 401


def told(parts: GatewayParts, *arguments: str) -> str:
    command = [sys.executable, "-m", "geodes_datalab.hub.gateway.stop_all", *arguments]
    return subprocess.run(
        command,
        env=parts.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=minutes(2),
    ).stdout


def test_withdrawn_rights_are_soon_withdrawn(gateway: GatewayParts) -> None:
    """A client's cookie stands for its token, but not for long."""
    with requests.Session() as notebook:
        notebook.headers["Authorization"] = "jupyterhub token-of-ada"

        def status() -> int:
            page = f"{gateway.proxy}/api/v1/clusters/"
            return notebook.get(page, timeout=minutes(2)).status_code

        assert (status(), len(notebook.cookies)) == (200, 1)
        gateway.hub.scope = "self"
        gateway.sees(lambda: status() == 401, "the gateway asks the hub again")


def test_the_name_alone_opens_no_dashboard(gateway: GatewayParts) -> None:
    """The proxy asks nobody who comes, and names of clusters stand in logs."""
    name = gateway.open(size="small")
    gateway.run_scheduler(name)
    gateway.sees(lambda: dashboard(gateway, name) == "routed", "the dashboard is routed")
    for path in (f"/clusters/{name}/status", f"/clusters/{name}/{'0' * 32}/status"):
        assert requests.get(gateway.proxy + path, timeout=minutes(2)).status_code == 404


@pytest.mark.parametrize("part", ["api", "proxy", "controller"])
def test_a_replaced_part_finds_everything_again(gateway: GatewayParts, part: str) -> None:
    name = gateway.open(size="small")
    token = gateway.run_scheduler(name)
    gateway.want(name, token, 2)
    gateway.sees(lambda: len(gateway.workers(name)) == 2, "two worker pods")
    assert dashboard(gateway, name) == "routed"
    gateway.kill(part)
    gateway.restart(part)
    gateway.sees(gateway.healthy, "the gateway answers")
    gateway.sees(lambda: dashboard(gateway, name) == "routed", "the dashboard is routed again")
    gateway.want(name, token, 3)
    gateway.sees(lambda: len(gateway.workers(name)) == 3, "three worker pods")
    other = gateway.open(size="small")
    gateway.run_scheduler(other)
    gateway.sees(lambda: dashboard(gateway, other) == "routed", "the other dashboard is routed")
    assert "Traceback" not in gateway.logs()


def test_no_answer_comes_before_all_clusters_are_known(gateway: GatewayParts) -> None:
    """Or a notebook that asks after a restart hears that its cluster is not there."""
    names = {gateway.open(size="small") for _ in range(2)}
    for name in names:
        gateway.run_scheduler(name)
    gateway.kube.slow = 0.5
    gateway.kill("api")
    gateway.restart("api")
    gateway.sees(gateway.healthy, "the gateway answers")
    assert gateway.ask("GET", "/api/v1/clusters/").json().keys() == names


def test_a_cluster_without_its_secret_keeps_nobody_waiting(gateway: GatewayParts) -> None:
    """Somebody is deleting it: its owner's other cluster is known all the same."""
    ending, name = gateway.open(size="small"), gateway.open(size="small")
    for one in (ending, name):
        gateway.run_scheduler(one)
    short = ending.partition(".")[2]
    gateway.kube.remove("secrets", f"dask-credentials-{short}")
    gateway.kill("api")
    gateway.restart("api")
    gateway.sees(gateway.healthy, "the gateway answers")
    assert gateway.ask("GET", "/api/v1/clusters/").json().keys() == {name}
    gateway.kube.remove("daskclusters", short)


def dashboard(parts: GatewayParts, name: str) -> str:
    """Tell whether the proxy sends a cluster's path to its dashboard, which nobody serves here."""
    try:
        link = parts.ask("GET", f"/api/v1/clusters/{name}").json()["dashboard_route"]
        status = requests.get(parts.proxy + link, timeout=minutes(2)).status_code
    except requests.RequestException:
        return "no proxy"
    return {502: "routed", 404: "not routed"}.get(status, str(status))


@pytest.fixture
def notebook(gateway: GatewayParts, monkeypatch: pytest.MonkeyPatch) -> Iterator[GatewayParts]:
    """Be a notebook of ada's, behind the hub."""
    import dask
    import dask_gateway  # noqa: F401  # its defaults, before the environment

    monkeypatch.setenv("DASK_GATEWAY__ADDRESS", gateway.proxy)
    monkeypatch.setenv("DASK_GATEWAY__AUTH__TYPE", "jupyterhub")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "token-of-ada")
    monkeypatch.setattr(scheduler, "LOOK_AT_REASONS", 0.1)
    monkeypatch.setattr(scheduler, "PATIENCE", 0.5)
    dask.config.refresh()
    yield gateway
    monkeypatch.undo()
    dask.config.refresh()


class Clock:
    """Stands still until something is so, at its first look in any case, and then is an hour on."""

    sleep = staticmethod(time.sleep)

    def __init__(self, until: Callable[[], object]) -> None:
        self._until = until
        self._began = False

    def monotonic(self) -> float:
        before, self._began = self._began, True
        return 3600.0 if before and self._until() else 0.0


def test_a_notebook_reads_why_the_scheduler_waits(
    notebook: GatewayParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> bool:
        return any(map(notebook.reasons, notebook.ask("GET", "/api/v1/clusters/").json()))

    monkeypatch.setattr(scheduler, "time", Clock(told))
    notebook.kube.refuse = lambda pod: (403, QUOTA.format("p"))
    with pytest.raises(
        ClusterError, match=r"within 2 s: the scheduler waits: the quota of .*4 of 4"
    ):
        compute_gateway.start(Request(1, 1, patience=2))  # patience: of the product
    notebook.sees(lambda: not notebook.ask("GET", "/api/v1/clusters/").json(), "nothing is left")


def test_a_notebook_does_not_wait_for_what_cannot_come(notebook: GatewayParts) -> None:
    refused = 'pods "p" is forbidden: violates PodSecurity "restricted:latest"'
    notebook.kube.refuse = lambda pod: (403, refused)
    with pytest.raises(ClusterError, match=r"could not start the cluster: .*security rules"):
        compute_gateway.start(Request(1, 1, patience=minutes(5)))


def test_a_notebook_chooses_a_size_by_figures(notebook: GatewayParts) -> None:
    with pytest.raises(ClusterError, match="no worker of this gateway has 64 cores") as told:
        compute_gateway.start(Request(1, 1, cores=64))
    for size in ("small (1 core and 2 GiB of memory)", "large (4 cores and 16 GiB of memory)"):
        assert size in str(told.value)
    with pytest.raises(ClusterError, match="by name and in figures"):
        compute_gateway.start(Request(1, 1, cores=1, options={"size": "small"}))
    with pytest.raises(ClusterError, match=r"choose .*large"):
        compute_gateway.start(Request(1, 1, options={"size": "hug"}))
    ask = Request(1, 1, cores=2, memory=3 * 2**30, patience=1)  # patience: of the product
    with pytest.raises(ClusterError, match="did not start"):
        compute_gateway.start(ask)
    sizes = [one["spec"]["options"]["size"] for one in notebook.kube.listed("daskclusters")]
    assert sizes[-1] == "large"

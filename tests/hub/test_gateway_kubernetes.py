"""Dask Gateway's API and controller, as their pods run them, against a Kubernetes API in memory."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web

from geodes_datalab.hub import load
from geodes_datalab.hub.gateway import stop_all
from geodes_datalab.testing.kubernetes_api import KubernetesApi, Serving

FILES = Path(sys.modules["geodes_datalab.hub"].__file__ or "").parent / "files"
NAMESPACE = "datalab-dask"
QUOTA = (
    'pods "{}" is forbidden: exceeded quota: dask, requested: requests.cpu=1, '
    "used: requests.cpu=4, limited: requests.cpu=4"
)
SCOPE = "access:services!service=dask-gateway"


class Hub(Serving):
    """Says who bears a token, and who has a server."""

    def __init__(self) -> None:
        super().__init__()
        self.with_server = {"ada", "bob"}
        self.trouble = False

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/hub/api/user", self._who),
            web.get("/hub/api/users/{name}", self._servers),
        ]

    async def _who(self, request: web.Request) -> web.Response:
        name = request.headers["Authorization"].removeprefix("token token-of-")
        return web.json_response({"name": name, "kind": "user", "scopes": [SCOPE]})

    async def _servers(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "token gateway-secret"
        if self.trouble:
            return web.json_response({}, status=503)
        servers = {"": {"ready": True}} if request.match_info["name"] in self.with_server else {}
        return web.json_response({"name": request.match_info["name"], "servers": servers})


@dataclass
class Parts:
    """The running gateway, and what it talks to."""

    kube: KubernetesApi
    hub: Hub
    settings: dict[str, Any]
    folder: Path
    proxy: str
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command], env=self.environment, stdout=log, stderr=log
            )

    def restart(self, name: str) -> None:
        self.start(name, *self.processes[name].args[2:])

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait(10)

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def ask(self, method: str, path: str, user: str = "ada", **more: Any) -> requests.Response:
        headers = {"Authorization": f"jupyterhub token-of-{user}"}
        return requests.request(method, self.proxy + path, headers=headers, timeout=30, **more)

    def open(self, user: str = "ada", **options: Any) -> str:
        answer = self.ask("POST", "/api/v1/clusters/", user, json={"cluster_options": options})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["name"])

    def waiting(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/api/v1/clusters/{name}/waiting").json()
        return found

    def reasons(self, name: str) -> list[tuple[str, str, int]]:
        told = self.waiting(name)["waiting"]
        return [(one["component"], one["reason"], one["count"]) for one in told]

    def run_scheduler(self, name: str) -> str:
        """Let the scheduler's pod run, and return the cluster's own token."""
        short = name.partition(".")[2]
        pod = f"dask-scheduler-{short}"
        assert until(lambda: pod in self.kube.objects.get("pods", {})), self.logs()
        self.kube.update("pods", pod, status=running("dask-scheduler"))
        service = f"dask-{short}"
        assert until(lambda: service in self.kube.objects.get("services", {})), self.logs()
        (made,) = [
            one for one in self.kube.listed("services") if one["metadata"]["name"] == service
        ]
        meta = {"name": service, "labels": made["metadata"]["labels"]}
        subsets = [{"addresses": [{"ip": "127.0.0.1"}]}]
        self.kube.put("endpoints", {"metadata": meta, "subsets": subsets})
        assert until(lambda: self.waiting(name)["status"] == "RUNNING"), self.logs()
        secrets = {one["metadata"]["name"]: one for one in self.kube.listed("secrets")}
        return b64decode(secrets[f"dask-credentials-{short}"]["data"]["api-token"]).decode()

    def want(self, name: str, token: str, count: int) -> None:
        """Ask for workers, as a scheduler does."""
        beat = {"count": count, "active_workers": [], "closing_workers": [], "closed_workers": []}
        answer = requests.post(
            f"{self.proxy}/api/v1/clusters/{name}/heartbeat",
            json=beat,
            headers={"Authorization": f"token {token}"},
            timeout=30,
        )
        assert answer.ok, answer.text

    def workers(self, name: str) -> list[dict[str, Any]]:
        label = name.partition(".")[2]
        return [
            pod
            for pod in self.kube.listed("pods")
            if pod["metadata"]["labels"]["gateway.dask.org/cluster"] == label
            and pod["metadata"]["name"].startswith("dask-worker")
        ]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    folder = tmp_path_factory.mktemp("gateway-kubernetes")
    with KubernetesApi(NAMESPACE) as kube, Hub() as hub:
        found = prepared(folder, kube, hub)
        api = ("dask_gateway_server", "--config", str(FILES / "dask_gateway_config.py"))
        proxy = (
            "dask_gateway_server",
            "proxy",
            "--config",
            str(FILES / "dask_gateway_proxy_config.py"),
        )
        controller = "geodes_datalab.hub.gateway.kubernetes.controller"
        try:
            found.start("api", *api)
            found.start("proxy", *proxy)
            found.start(
                "controller",
                controller,
                "--config",
                str(FILES / "dask_gateway_controller_config.py"),
            )
            assert until(lambda: healthy(found)), found.logs()
            yield found
        finally:
            for process in found.processes.values():
                process.terminate()
                process.wait(30)


def prepared(folder: Path, kube: KubernetesApi, hub: Hub) -> Parts:
    ports = free_ports(4)
    for name in ("gateway", "gateway-proxy", "monitoring"):
        (folder / name).write_text(f"{name}-secret")
    settings = {
        "hub": {
            "bind_url": hub.address,
            "monitoring_token": {"file": str(folder / "monitoring")},
        },
        "gateway": {
            "backend": "kubernetes",
            "token": {"file": str(folder / "gateway")},
            "proxy_token": {"file": str(folder / "gateway-proxy")},
            "api_address": f"127.0.0.1:{ports[0]}",
            "proxy_address": f"127.0.0.1:{ports[1]}",
            "scheduler_address": f"127.0.0.1:{ports[2]}",
            "limits": {"clusters": 3, "workers": 6, "cores": 10, "memory_gib": 64},
            "reaper_seconds": 0.5,
            "kubernetes": {
                "namespace": NAMESPACE,
                "instance": "datalab",
                "api_url": f"http://127.0.0.1:{ports[0]}",
                "controller_address": f"127.0.0.1:{ports[3]}",
                "image": "registry.example.org/lab:1",
                "allowed_images": ["registry.example.org/team/*"],
                "sizes": {
                    "small": {"cores": 1, "memory_gib": 2, "threads": 1, "default": True},
                    "large": {"cores": 4, "cores_limit": 4, "memory_gib": 16, "threads": 4},
                },
                "labels": {"app.kubernetes.io/instance": "datalab"},
            },
        },
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "kubeconfig").write_text(kube.kubeconfig())
    environment = {
        **os.environ,
        "GEODES_DATALAB_SETTINGS": str(folder / "settings.json"),
        "KUBECONFIG": str(folder / "kubeconfig"),
    }
    address = f"http://127.0.0.1:{ports[1]}/services/dask-gateway"
    return Parts(kube, hub, settings, folder, address, environment)


def healthy(parts: Parts) -> bool:
    alive = [process.poll() is None for process in parts.processes.values()]
    assert all(alive), parts.logs()
    try:
        return parts.ask("GET", "/api/health").ok
    except requests.RequestException:
        return False


@pytest.fixture
def gateway(parts: Parts) -> Iterator[Parts]:
    """The same parts, with no cluster before and after."""
    yield parts
    parts.kube.refuse = nothing
    parts.hub.with_server = {"ada", "bob"}
    parts.hub.trouble = False
    settings = load(parts.settings)
    asyncio.run(stop_all.ask(settings))
    assert until(lambda: not parts.kube.listed("pods")), parts.logs()
    assert until(lambda: not parts.ask("GET", "/api/v1/clusters/").json())


def status(phase: str, container: str, **state: Any) -> dict[str, Any]:
    """Return the status of a pod, as complete as the client wants it."""
    told = {"name": container, "image": "x", "imageID": "x", "ready": phase == "Running"}
    return {"phase": phase, "containerStatuses": [{**told, "restartCount": 0, "state": state}]}


def running(container: str) -> dict[str, Any]:
    return status("Running", container, running={})


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def until(condition: Callable[[], Any], *, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def nothing(pod: dict[str, Any]) -> None:
    """Refuse no pod."""


def test_life_of_a_cluster(gateway: Parts) -> None:
    gateway.kube.requests.clear()
    name = gateway.open(size="large", environment={"GDAL_CACHEMAX": "64"})
    token = gateway.run_scheduler(name)
    gateway.want(name, token, 2)
    assert until(lambda: len(gateway.workers(name)) == 2), gateway.logs()
    for pod in gateway.workers(name):
        gateway.kube.update("pods", pod["metadata"]["name"], status=running("dask-worker"))
    assert until(lambda: gateway.waiting(name)["workers"].get("running") == 2)
    assert gateway.reasons(name) == []
    gateway.ask("DELETE", f"/api/v1/clusters/{name}")
    assert until(lambda: not gateway.kube.listed("pods"))
    assert until(lambda: gateway.waiting(name)["status"] == "STOPPED")
    assert {path for _, path, status in gateway.kube.requests if status == 403} == set()
    kinds = {path.split("/")[-1] for _, path, _ in gateway.kube.requests}
    assert "events" not in kinds


def test_what_the_pods_are(gateway: Parts) -> None:
    name = gateway.open(size="large", image="registry.example.org/team/own:2")
    gateway.want(name, gateway.run_scheduler(name), 1)
    assert until(lambda: gateway.workers(name)), gateway.logs()
    pods = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod
        for pod in gateway.kube.listed("pods")
    }
    for pod in pods.values():
        restricted(pod)
        labels = pod["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "datalab"
        assert labels["app.kubernetes.io/name"] == "geodes-datalab"
        assert labels["gateway.dask.org/instance"] == "datalab"
        assert pod["metadata"]["annotations"]["hub.jupyter.org/username"] == "ada"
        assert pod["spec"]["containers"][0]["image"] == "registry.example.org/team/own:2"
    (worker,) = pods["dask-worker"]["spec"]["containers"]
    assert worker["args"][:2] == ["dask", "worker"]
    assert worker["args"][worker["args"].index("--nthreads") + 1] == "4"
    memory = str(16 * 2**30)
    assert worker["resources"]["limits"] == {"cpu": "4.000", "memory": memory}
    assert worker["resources"]["requests"] == {"cpu": "4.000", "memory": memory}
    (scheduler,) = pods["dask-scheduler"]["spec"]["containers"]
    assert scheduler["args"][:4] == ["dask", "scheduler", "--preload", "geodes_datalab.compute.tls"]
    assert scheduler["resources"]["requests"]["cpu"] == "0.100"


def restricted(pod: dict[str, Any]) -> None:
    """Hold a pod against Pod Security "restricted", and a read-only root."""
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert {"name": mounts["/tmp"], "emptyDir": {}} in spec["volumes"]
    values = {one["name"]: one.get("value") for one in container["env"]}
    assert values["HOME"] == "/tmp"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": "larg"}, r'there is no worker size .larg. here: did you mean "large"'),
        ({"image": "evil.example.org/x:1"}, "is not allowed for Dask here; allowed are: .*team"),
        ({"environment": {"LD_PRELOAD": "x"}}, "LD_PRELOAD may not be set"),
        ({"worker_memory": 3}, "Unknown fields .*worker_memory"),
    ],
)
def test_what_is_refused(gateway: Parts, options: dict[str, Any], said: str) -> None:
    answer = gateway.ask("POST", "/api/v1/clusters/", json={"cluster_options": options})
    assert answer.status_code == 422
    assert re.search(said, answer.json()["error"]), answer.text


def test_limits_per_user(gateway: Parts) -> None:
    first = gateway.open(size="small")
    token = gateway.run_scheduler(first)
    gateway.want(first, token, 5)
    assert until(lambda: len(gateway.workers(first)) == 5), gateway.logs()
    answer = gateway.ask("POST", "/api/v1/clusters/", json={"cluster_options": {"size": "large"}})
    assert answer.status_code == 201  # 5.1 of 10 cores are taken, 4.1 more fit
    answer = gateway.ask("POST", "/api/v1/clusters/", json={"cluster_options": {"size": "large"}})
    assert answer.status_code == 201
    second, third = (
        name for name in gateway.ask("GET", "/api/v1/clusters/").json() if name != first
    )
    gateway.want(second, gateway.run_scheduler(second), 7)  # workers: one is left of six
    assert until(lambda: len(gateway.workers(second)) == 1), gateway.logs()
    answer = gateway.ask("POST", "/api/v1/clusters/", json={"cluster_options": {}})
    assert answer.status_code == 422
    assert "already have 3 active" in answer.json()["error"]
    gateway.ask("DELETE", f"/api/v1/clusters/{third}")
    assert until(lambda: len(gateway.ask("GET", "/api/v1/clusters/").json()) == 2)
    answer = gateway.ask("POST", "/api/v1/clusters/", json={"cluster_options": {"size": "large"}})
    assert "you may hold 10" in answer.json()["error"]
    assert gateway.open("bob", size="large")  # another user has a share of his own


def test_two_starts_at_once_do_not_pass_one_limit(gateway: Parts) -> None:
    with ThreadPoolExecutor(8) as pool:
        body = {"cluster_options": {"size": "small"}}
        starts = [
            pool.submit(gateway.ask, "POST", "/api/v1/clusters/", "ada", json=body)
            for _ in range(8)
        ]
        answers = sorted(start.result().status_code for start in starts)
    assert answers == [201] * 3 + [422] * 5


def test_a_quota_is_told_and_workers_come_when_it_ends(gateway: Parts) -> None:
    name = gateway.open(size="small")
    token = gateway.run_scheduler(name)
    gateway.kube.refuse = lambda pod: (403, QUOTA.format(pod["metadata"].get("generateName")))
    gateway.want(name, token, 3)
    assert until(lambda: gateway.reasons(name) == [("worker", "quota", 3)]), gateway.waiting(name)
    text = gateway.waiting(name)["waiting"][0]["text"]
    assert "requests.cpu: 4 of 4 used, 1 more needed" in text
    assert "dask-worker" not in text
    gateway.kube.refuse = nothing
    assert until(lambda: len(gateway.workers(name)) == 3), gateway.logs()
    assert until(lambda: gateway.reasons(name) == [("worker", "starting", 3)]), gateway.waiting(
        name
    )


def test_a_refused_scheduler_is_told(gateway: Parts) -> None:
    message = 'pods "x" is forbidden: violates PodSecurity "restricted:latest": seccompProfile'
    gateway.kube.refuse = lambda pod: (403, message)
    name = gateway.open(size="small")
    assert until(lambda: gateway.reasons(name) == [("scheduler", "pod_security", 1)]), (
        gateway.logs()
    )
    gateway.kube.refuse = nothing
    assert gateway.run_scheduler(name)
    assert gateway.reasons(name) == []


def test_workers_without_a_machine_are_told_and_go_when_unwanted(gateway: Parts) -> None:
    """Upstream never learns of pods without containers, and cannot take them back."""
    name = gateway.open(size="small")
    token = gateway.run_scheduler(name)
    gateway.want(name, token, 3)
    assert until(lambda: len(gateway.workers(name)) == 3)
    for pod in gateway.workers(name):
        gateway.kube.update("pods", pod["metadata"]["name"], status=unschedulable())
    assert until(lambda: gateway.reasons(name) == [("worker", "unschedulable", 3)]), gateway.logs()
    assert "not enough" not in gateway.waiting(name)["waiting"][0]["text"]
    assert "no machine has enough free memory" in gateway.waiting(name)["waiting"][0]["text"]
    gateway.want(name, token, 1)
    assert until(lambda: len(gateway.workers(name)) == 1), gateway.logs()
    gateway.want(name, token, 0)
    assert until(lambda: gateway.workers(name) == []), gateway.logs()
    assert until(lambda: gateway.reasons(name) == [])


def unschedulable() -> dict[str, Any]:
    message = "0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available"
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
    }
    return {"phase": "Pending", "conditions": [condition]}


def test_a_cluster_stopped_at_once_leaves_nothing(gateway: Parts) -> None:
    """Upstream forgets a scheduler whose name has not reached the status yet."""
    for _ in range(5):
        name = gateway.open(size="small")
        gateway.ask("DELETE", f"/api/v1/clusters/{name}")
        assert until(lambda one=name: gateway.waiting(one)["status"] == "STOPPED"), gateway.logs()
    assert until(lambda: not gateway.kube.listed("pods")), gateway.logs()
    assert until(lambda: not gateway.kube.listed("secrets")), gateway.logs()


def test_a_lost_worker_is_told_and_replaced(gateway: Parts) -> None:
    name = gateway.open(size="small")
    token = gateway.run_scheduler(name)
    gateway.want(name, token, 1)
    assert until(lambda: len(gateway.workers(name)) == 1)
    (pod,) = gateway.workers(name)
    ended = status("Failed", "dask-worker", terminated={"exitCode": 137, "reason": "OOMKilled"})
    gateway.kube.update("pods", pod["metadata"]["name"], status=ended)
    assert until(
        lambda: [one["reason"] for one in gateway.waiting(name)["lost"]] == ["out_of_memory"]
    )
    assert until(
        lambda: (
            {one["metadata"]["name"] for one in gateway.workers(name)} - {pod["metadata"]["name"]}
        )
    )


def test_a_failed_scheduler_ends_the_cluster_with_the_reason(gateway: Parts) -> None:
    name = gateway.open(size="small")
    gateway.run_scheduler(name)
    why = {"exitCode": 1, "reason": "Error", "message": "line\nImportError: dask"}
    ended = status("Failed", "dask-scheduler", terminated=why)
    gateway.kube.update("pods", f"dask-scheduler-{name.partition('.')[2]}", status=ended)
    assert until(lambda: gateway.waiting(name)["status"] == "FAILED"), gateway.logs()
    failure = gateway.waiting(name)["failure"]
    assert failure["reason"] == "crashed"
    assert "ImportError: dask" in failure["text"]


def test_an_owner_only_sees_the_reasons(gateway: Parts) -> None:
    name = gateway.open()
    assert gateway.ask("GET", f"/api/v1/clusters/{name}/waiting", "bob").status_code == 404


def test_a_cluster_ends_when_its_owner_has_no_server(gateway: Parts) -> None:
    hers, his = gateway.open("ada"), gateway.open("bob")
    gateway.hub.with_server = {"bob"}
    assert until(lambda: gateway.waiting(hers)["status"] == "STOPPED"), gateway.logs()
    assert gateway.ask("GET", "/api/v1/clusters/", "bob").json().keys() == {his}


def test_a_hub_in_trouble_ends_nothing(gateway: Parts) -> None:
    name = gateway.open("ada")
    gateway.hub.with_server = set()
    gateway.hub.trouble = True
    assert until(lambda: "datalab_gateway_reaper_up 0.0" in metrics(gateway))
    time.sleep(1.5)  # three looks
    assert gateway.waiting(name)["status"] == "PENDING"


def metrics(parts: Parts, token: str = "monitoring-secret") -> str:
    answer = requests.get(
        f"{parts.proxy}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    return answer.text if answer.ok else f"refused: {answer.status_code}"


def test_metrics(gateway: Parts) -> None:
    name = gateway.open(size="large")
    token = gateway.run_scheduler(name)
    gateway.want(name, token, 2)
    assert until(
        lambda: 'datalab_gateway_waiting{reason="starting",user="ada"} 2.0' in metrics(gateway)
    )
    text = metrics(gateway)
    assert 'datalab_gateway_clusters{status="running",user="ada"} 1.0' in text
    assert 'datalab_gateway_workers{state="wanted",user="ada"} 2.0' in text
    assert 'datalab_gateway_cores{user="ada"} 8.1' in text
    assert 'datalab_gateway_refused_total{reason="size"}' in text
    assert "refused: 401" in metrics(gateway, "token-of-ada")


def test_an_administrator_ends_the_clusters_of_a_class(gateway: Parts) -> None:
    hers, his = gateway.open("ada"), gateway.open("bob")
    assert told(gateway, "--list").count("pending") == 2
    assert hers in told(gateway, "--user", "ada")
    assert until(lambda: gateway.waiting(hers)["status"] == "STOPPED")
    assert gateway.ask("GET", f"/api/v1/clusters/{his}", "bob").json()["status"] == "PENDING"
    assert told(gateway).endswith("1 cluster(s) ended\n")
    stranger = requests.post(
        f"{gateway.proxy}/api/v1/stop",
        json={},
        headers={"Authorization": "Bearer token-of-ada"},
        timeout=30,
    )
    assert stranger.status_code == 401


def told(parts: Parts, *arguments: str) -> str:
    command = [sys.executable, "-m", "geodes_datalab.hub.gateway.stop_all", *arguments]
    return subprocess.run(
        command, env=parts.environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_the_name_alone_opens_no_dashboard(gateway: Parts) -> None:
    """The proxy asks nobody who comes, and names of clusters stand in logs."""
    name = gateway.open(size="small")
    gateway.run_scheduler(name)
    assert until(lambda: dashboard(gateway, name) == "routed")
    for path in (f"/clusters/{name}/status", f"/clusters/{name}/{'0' * 32}/status"):
        assert requests.get(gateway.proxy + path, timeout=30).status_code == 404


@pytest.mark.parametrize("part", ["api", "proxy", "controller"])
def test_a_replaced_part_finds_everything_again(gateway: Parts, part: str) -> None:
    name = gateway.open(size="small")
    token = gateway.run_scheduler(name)
    gateway.want(name, token, 2)
    assert until(lambda: len(gateway.workers(name)) == 2)
    assert dashboard(gateway, name) == "routed"
    gateway.kill(part)
    gateway.restart(part)
    assert until(lambda: healthy(gateway)), gateway.logs()
    assert until(lambda: dashboard(gateway, name) == "routed"), gateway.logs()
    gateway.want(name, token, 3)
    assert until(lambda: len(gateway.workers(name)) == 3), gateway.logs()
    other = gateway.open(size="small")
    gateway.run_scheduler(other)
    assert until(lambda: dashboard(gateway, other) == "routed"), gateway.logs()
    assert "Traceback" not in gateway.logs()


def dashboard(parts: Parts, name: str) -> str:
    """Tell whether the proxy sends a cluster's path to its dashboard, which nobody serves here."""
    try:
        link = parts.ask("GET", f"/api/v1/clusters/{name}").json()["dashboard_route"]
        status = requests.get(parts.proxy + link, timeout=30).status_code
    except requests.RequestException:
        return "no proxy"
    return {502: "routed", 404: "not routed"}.get(status, str(status))

"""The gateway of a datalab on Kubernetes as its three pods run it, on a Kubernetes API in memory.

The real API, controller and proxy of Dask Gateway, each by the command line of its pod; a hub in name
only; and pods of which a test says what becomes of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests
from aiohttp import web
from support.kubernetes_api import KubernetesApi, Serving
from support.ports import free_ports
from support.waiting import Hopeless, eventually, minutes

from geodes_datalab import hub

T = TypeVar("T")
FILES = Path(hub.__file__).parent / "files"
NAMESPACE = "datalab-dask"
SIZES = {
    "small": {"cores": 1, "memory_gib": 2, "threads": 1, "default": True},
    "large": {"cores": 4, "cores_limit": 4, "memory_gib": 16, "threads": 4},
}
SCOPE = "access:services!service=dask-gateway"


class HubStandIn(Serving):
    """Says who bears a token, and who has a server."""

    def __init__(self) -> None:
        self.with_server = {"ada", "bob"}
        """Users whose server runs."""
        self.scope = SCOPE
        """What every token may do; the gateway remembers its last answer for a while."""
        self.trouble = False
        """Whether it answers nothing but errors."""
        self.refused = 0
        """How often it did."""

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        return [
            web.get("/hub/api/user", self._who),
            web.get("/hub/api/users/{name}", self._servers),
        ]

    async def _who(self, request: web.Request) -> web.Response:
        name = request.headers["Authorization"].removeprefix("token token-of-")
        return web.json_response({"name": name, "kind": "user", "scopes": [self.scope]})

    async def _servers(self, request: web.Request) -> web.Response:
        check(request.headers["Authorization"] == "token gateway-secret", "a stranger asks")
        if self.trouble:
            self.refused += 1
            return web.json_response({}, status=503)
        servers = {"": {"ready": True}} if request.match_info["name"] in self.with_server else {}
        return web.json_response({"name": request.match_info["name"], "servers": servers})


@dataclass
class GatewayParts:
    """The running gateway, and what it talks to."""

    kube: KubernetesApi
    hub: HubStandIn
    settings: dict[str, Any]
    folder: Path
    proxy: str
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _commands: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> None:
        """Start a part, with its words in a log."""
        self._commands[name] = command
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command], env=self.environment, stdout=log, stderr=log
            )

    def restart(self, name: str) -> None:
        """Start a part again, as it was started before."""
        self.start(name, *self._commands[name])

    def kill(self, name: str) -> None:
        """End a part at once."""
        self.processes[name].kill()
        self.processes[name].wait(minutes(2))

    def logs(self) -> str:
        """Return what all parts said."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def sees(self, check: Callable[[], T], what: str) -> T:
        """Wait until something is so; what all parts said is told if it does not come to be.

        Parameters
        ----------
        check
            Asked again and again.
        what
            What is waited for, in the words of the failure.
        """
        return eventually(check, what, within=3, scene=self.logs).value

    def ask(
        self,
        method: str,
        path: str,
        user: str = "ada",
        *,
        json: Any = None,
        data: str | None = None,
    ) -> requests.Response:
        """Ask the gateway as a user."""
        headers = {"Authorization": f"jupyterhub token-of-{user}"}
        return requests.request(
            method, self.proxy + path, headers=headers, json=json, data=data, timeout=minutes(2)
        )

    def open(self, user: str = "ada", **options: Any) -> str:
        """Open a cluster, and return its name."""
        answer = self.ask("POST", "/api/v1/clusters/", user, json={"cluster_options": options})
        check(answer.status_code == 201, answer.text)
        return str(answer.json()["name"])

    def waiting(self, name: str) -> dict[str, Any]:
        """Return what the gateway says of a cluster's pods."""
        found: dict[str, Any] = self.ask("GET", f"/api/v1/clusters/{name}/waiting").json()
        return found

    def reasons(self, name: str) -> list[tuple[str, str, int]]:
        """Return component, reason and count of what waits."""
        told = self.waiting(name)["waiting"]
        return [(one["component"], one["reason"], one["count"]) for one in told]

    def run_scheduler(self, name: str) -> str:
        """Let the scheduler's pod run, and return the cluster's own token."""
        short = name.partition(".")[2]
        pod = f"dask-scheduler-{short}"
        self.sees(lambda: pod in self.kube.objects.get("pods", {}), "the scheduler's pod is made")
        self.kube.update("pods", pod, status=running("dask-scheduler"))
        service = f"dask-{short}"
        self.sees(lambda: service in self.kube.objects.get("services", {}), "its service is made")
        (made,) = [
            one for one in self.kube.listed("services") if one["metadata"]["name"] == service
        ]
        meta = {"name": service, "labels": made["metadata"]["labels"]}
        subsets = [{"addresses": [{"ip": "127.0.0.1"}]}]
        self.kube.put("endpoints", {"metadata": meta, "subsets": subsets})
        self.sees(lambda: self.waiting(name)["status"] == "RUNNING", "the cluster runs")
        secrets = {one["metadata"]["name"]: one for one in self.kube.listed("secrets")}
        return b64decode(secrets[f"dask-credentials-{short}"]["data"]["api-token"]).decode()

    def beat(self, name: str, token: str, count: str) -> requests.Response:
        """Send a heartbeat that nobody checked."""
        return requests.post(
            f"{self.proxy}/api/v1/clusters/{name}/heartbeat",
            data=f'{{"count": {count}, "active_workers": [], "closing_workers": [], "closed_workers": []}}',
            headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
            timeout=minutes(2),
        )

    def want(self, name: str, token: str, count: int) -> None:
        """Ask for workers, as a scheduler does."""
        beat: dict[str, Any] = {
            "count": count,
            "active_workers": [],
            "closing_workers": [],
            "closed_workers": [],
        }
        answer = requests.post(
            f"{self.proxy}/api/v1/clusters/{name}/heartbeat",
            json=beat,
            headers={"Authorization": f"token {token}"},
            timeout=minutes(2),
        )
        check(answer.ok, answer.text)

    def metrics(self, token: str = "monitoring-secret") -> str:
        """Return what Prometheus reads, or how it was refused."""
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.get(f"{self.proxy}/metrics", headers=headers, timeout=minutes(2))
        return answer.text if answer.ok else f"refused: {answer.status_code}"

    def workers(self, name: str) -> list[dict[str, Any]]:
        """Return a cluster's worker pods."""
        label = name.partition(".")[2]
        return [
            pod
            for pod in self.kube.listed("pods")
            if pod["metadata"]["labels"]["gateway.dask.org/cluster"] == label
            and pod["metadata"]["name"].startswith("dask-worker")
        ]

    def healthy(self) -> bool:
        """Tell whether the gateway answers; there is no hope once a part has ended."""
        ended = [name for name, process in self.processes.items() if process.poll() is not None]
        if ended:
            raise Hopeless(f"{', '.join(ended)} ended")
        return self.ask("GET", "/api/health").ok


@contextmanager
def running_gateway(folder: Path) -> Iterator[GatewayParts]:
    """Start everything, and end it afterwards.

    Parameters
    ----------
    folder
        For settings, secrets and logs.
    """
    with KubernetesApi(NAMESPACE) as kube, HubStandIn() as hub:
        parts = _prepared(folder, kube, hub)
        gateway, controller = (
            "dask_gateway_server",
            "geodes_datalab.hub.gateway.kubernetes.controller",
        )
        try:
            parts.start("api", gateway, "--config", _file("dask_gateway_config.py"))
            parts.start(
                "proxy", gateway, "proxy", "--config", _file("dask_gateway_proxy_config.py")
            )
            parts.start(
                "controller", controller, "--config", _file("dask_gateway_controller_config.py")
            )
            parts.sees(parts.healthy, "the gateway answers")
            yield parts
        finally:
            for process in parts.processes.values():
                process.terminate()
                process.wait(minutes(2))


def _settings(folder: Path, hub: HubStandIn, ports: list[int]) -> dict[str, Any]:
    return {
        "hub": {"bind_url": hub.address, "monitoring_token": {"file": str(folder / "monitoring")}},
        "gateway": {
            "kind": "kubernetes",
            "token": {"file": str(folder / "gateway")},
            "proxy_token": {"file": str(folder / "gateway-proxy")},
            "api_address": f"127.0.0.1:{ports[0]}",
            "proxy_address": f"127.0.0.1:{ports[1]}",
            "scheduler_address": f"127.0.0.1:{ports[2]}",
            "limits": {"clusters": 3, "workers": 6, "cores": 10, "memory_gib": 64},
            "reaper_seconds": 0.5,
            "config": {"JupyterHubAuthenticator": {"cache_max_age": 1}},
            "sizes": SIZES,
            "backend": {
                "namespace": NAMESPACE,
                "instance": "datalab",
                "api_url": f"http://127.0.0.1:{ports[0]}",
                "controller_address": f"127.0.0.1:{ports[3]}",
                "image": {"reference": "registry.example.org/lab:1"},
                "labels": {"app.kubernetes.io/instance": "datalab"},
            },
        },
        "singleuser": {"allowed_images": {"team": "registry.example.org/team/*"}},
    }


def _file(name: str) -> str:
    return str(FILES / name)


def _prepared(folder: Path, kube: KubernetesApi, hub: HubStandIn) -> GatewayParts:
    ports = free_ports(4)
    for name in ("gateway", "gateway-proxy", "monitoring"):
        (folder / name).write_text(f"{name}-secret")
    settings = _settings(folder, hub, ports)
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "kubeconfig").write_text(kube.kubeconfig())
    environment = {
        **os.environ,
        "GEODES_DATALAB_SETTINGS": str(folder / "settings.json"),
        "KUBECONFIG": str(folder / "kubeconfig"),
    }
    address = f"http://127.0.0.1:{ports[1]}/services/dask-gateway"
    return GatewayParts(kube, hub, settings, folder, address, environment)


def status(phase: str, container: str, state: dict[str, Any]) -> dict[str, Any]:
    """Return the status of a pod, as complete as the client wants it."""
    told = {"name": container, "image": "x", "imageID": "x", "ready": phase == "Running"}
    return {"phase": phase, "containerStatuses": [{**told, "restartCount": 0, "state": state}]}


def running(container: str) -> dict[str, Any]:
    """Return the status of a pod that runs."""
    return status("Running", container, {"running": {}})


def check(right: bool, said: str) -> None:
    """Fail with what the parts said."""
    if not right:
        raise AssertionError(said)

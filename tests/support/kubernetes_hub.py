"""A real hub whose pods live in a Kubernetes API in memory; tests play the kubelet."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import requests
from aiohttp import web
from support.kubernetes_api import KubernetesApi, Serving
from support.ports import free_ports
from support.waiting import Hopeless, eventually, minutes

T = TypeVar("T")
CONFIG = (
    Path(sys.modules["geodes_datalab"].__file__ or "").parent / "hub/files/jupyterhub_config.py"
)
WAITS = 15
PATIENCE = f"""
def shorter(spawner):
    if spawner.user.name in ("may", "moe"):
        spawner.start_timeout = {WAITS}

c.Spawner.pre_spawn_hook = shorter
"""


class Proxy(Serving):
    """The API of the proxy: keeps routes, forwards nothing."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def routes(self) -> list[web.RouteDef]:
        path = "/api/routes{path:.*}"
        return [web.get(path, self._get), web.post(path, self._post), web.delete(path, self._gone)]

    async def _get(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        if path.strip("/"):
            return (
                web.json_response(self.known[path])
                if path in self.known
                else web.Response(status=404)
            )
        return web.json_response(self.known)

    async def _post(self, request: web.Request) -> web.Response:
        self.known[request.match_info["path"]] = await request.json()
        return web.Response(status=201)

    async def _gone(self, request: web.Request) -> web.Response:
        self.known.pop(request.match_info["path"], None)
        return web.Response(status=204)


class Server(Serving):
    """What answers in a pod that runs."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/user/{name}/{rest:.*}", self._version)]

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": "2"}, headers={"X-JupyterHub-Version": "6.1.1"})


@dataclass
class Hub:
    """The running hub and its cluster."""

    kube: KubernetesApi
    address: str
    log: Path

    def api(self, method: str, path: str, token: str = "tester", **more: Any) -> requests.Response:
        headers = {"Authorization": f"token {token}-secret"}
        url = f"{self.address}/hub/api{path}"
        return requests.request(method, url, headers=headers, timeout=minutes(2), **more)

    def user(self, name: str, *groups: str) -> str:
        assert self.api("POST", f"/users/{name}").status_code in {201, 409}
        for group in groups:
            self.api("POST", f"/groups/{group}")
            self.api("POST", f"/groups/{group}/users", json={"users": [name]})
        return f"/users/{name}/server"

    def start(self, name: str, options: dict[str, Any] | None = None) -> requests.Response:
        return self.api("POST", self.user(name), json=options)

    def pod(self, name: str) -> dict[str, Any]:
        """The user's pod, as soon as it is there."""
        pod = f"jupyter-{name}"
        return self.sees(lambda: dict(self.kube.objects["pods"][pod]), f"the pod {pod}")

    def sees(self, check: Callable[[], T], what: str) -> T:
        """Wait until something is so; the hub's log is told if it does not come to be."""
        return eventually(check, what, within=3, scene=self.log.read_text).value

    def status(self, name: str, **status: Any) -> None:
        self.kube.update("pods", f"jupyter-{name}", status={"phase": "Pending", **status})

    def event(self, name: str, reason: str, message: str, kind: str = "Warning") -> None:
        self.kube.put(
            "events",
            {
                "metadata": {"name": f"jupyter-{name}.{time.monotonic_ns()}"},
                "involvedObject": {"name": f"jupyter-{name}", "kind": "Pod"},
                "type": kind,
                "reason": reason,
                "message": message,
                "lastTimestamp": "2026-01-01T00:00:00Z",
            },
        )

    def telling(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield what the progress page shows when it comes, until it ends."""
        with self.api("GET", f"/users/{name}/server/progress", stream=True) as answer:
            for line in answer.iter_lines(chunk_size=1):
                if line.startswith(b"data:"):
                    yield json.loads(line.removeprefix(b"data:"))

    def progress(self, name: str) -> list[dict[str, Any]]:
        """Everything that the progress page shows, until it ends."""
        return list(self.telling(name))

    def refusal(self, name: str, options: dict[str, Any]) -> tuple[int | None, str]:
        """Why somebody gets no server: the status, if the hub had looked at the options by its answer, and the words.

        It answers after half a second, with 202, or with 201 where it looked between its last wait and its answer.
        """
        answer = self.start(name, options)
        if answer.status_code not in (201, 202):
            return answer.status_code, answer.json()["message"]
        last = self.progress(name)[-1]
        assert last.get("failed"), last
        return None, last["message"]

    def failures(self, reason: str) -> float:
        text = self.api("GET", "/metrics", "monitoring").text
        found = re.search(rf'geodes_datalab_spawn_failures_total{{reason="{reason}"}} (\S+)', text)
        assert found, text
        return float(found[1])

    def browser(self, name: str) -> requests.Session:
        session = requests.Session()
        page = session.get(f"{self.address}/hub/login", timeout=minutes(2))
        form = {"username": name, "password": "user-password", "_xsrf": session.cookies["_xsrf"]}
        assert page.ok
        url = f"{self.address}/hub/login?next=%2Fhub%2Fhome"
        answer = session.post(url, data=form, allow_redirects=False, timeout=minutes(2))
        assert answer.status_code == 302, answer.text
        return session


@contextmanager
def running_hub(folder: Path, profiles: Mapping[str, Any] | None = None) -> Iterator[Hub]:
    """Start the hub in a folder of its own, and stop it at the end.

    Parameters
    ----------
    folder
        For its settings, secrets and log.
    profiles
        Kinds of servers that people choose between, as in the settings.
    """
    with KubernetesApi("datalab") as kube, Proxy() as proxy, Server() as server:
        (port,) = free_ports(1)
        told = settings(folder, port, proxy, server)
        if profiles is not None:
            told["singleuser"]["profiles"] = dict(profiles)
        (folder / "kubeconfig").write_text(kube.kubeconfig())
        (folder / "settings.json").write_text(json.dumps(told))
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "KUBECONFIG": str(folder / "kubeconfig"),
            "GEODES_DATALAB_SETTINGS": str(folder / "settings.json"),
        }
        command = [sys.executable, "-m", "jupyterhub", "--config", str(CONFIG)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        found = Hub(kube, f"http://127.0.0.1:{port}", folder / "log")
        try:
            found.sees(lambda: healthy(found, process), "the hub answers")
            yield found
        finally:
            process.terminate()
            process.wait(minutes(2))


def settings(folder: Path, port: int, proxy: Proxy, server: Server) -> dict[str, Any]:
    """Return settings of a datalab on Kubernetes, its secrets in files of a folder."""
    for name in ("proxy", "monitoring", "tester"):
        (folder / name).write_text(f"{name}-secret")
    (folder / "password").write_text("user-password")
    (folder / "extra").mkdir()
    (folder / "extra" / "patience.py").write_text(PATIENCE)
    return {
        "hub": {
            "public_url": "http://datalab.example.org/",
            "bind_url": f"http://127.0.0.1:{port}",
            "announcement": "Maintenance <b>on Friday</b>",
            "monitoring_token": {"file": str(folder / "monitoring")},
            "concurrent_spawn_limit": 2,
            "extra_config_folder": str(folder / "extra"),
            "services": {"tester": {"api_token": {"file": str(folder / "tester")}}},
            "load_roles": {
                "tester": {
                    "services": ["tester"],
                    "scopes": ["admin:users", "admin:servers", "admin:groups", "read:hub"],
                }
            },
            "config": {"KubeSpawner": {"port": int(server.address.rpartition(":")[2])}},
        },
        "proxy": {"api_url": proxy.address, "token": {"file": str(folder / "proxy")}},
        "auth": {"password": {"file": str(folder / "password")}},
        "gateway": {"enabled": False},
        "cull": {"enabled": False},
        "spawner": {"kind": "kubernetes"},
        "singleuser": {
            "start_timeout": round(minutes(5)),
            "namespace": "datalab",
            "image": {"reference": "registry.example.org/datalab/notebook:1"},
            "storage": {"type": "none"},
            "profiles": {"small": {"default": True}, "big": {"groups": ["big-users"]}},
        },
    }


def healthy(hub: Hub, process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a hub answers, as long as its process runs."""
    if process.poll() is not None:
        raise Hopeless(f"it ended with {process.returncode}")
    return requests.get(f"{hub.address}/hub/health", timeout=minutes(1)).ok


def waiting(
    reason: str, message: str, image: str = "registry.example.org/datalab/notebook:1"
) -> dict[str, Any]:
    """Return the status of a pod whose container waits."""
    state = {"waiting": {"reason": reason, "message": message}}
    return {
        "containerStatuses": [{"name": "notebook", "ready": False, "image": image, "state": state}]
    }

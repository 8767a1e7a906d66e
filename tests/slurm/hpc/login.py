"""The login node: our gateway under an account of its own, installed as its how-to says."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from support.kubernetes_gateway import FILES, HubStandIn
from support.ports import free_ports
from support.waiting import Hopeless, eventually, minutes

from geodes_datalab.hub import load
from geodes_datalab.hub.gateway.slurm import site
from hpc.centre import Centre, identity
from hpc.files import DATALAB

SERVICE = "dask-gateway-hpda"
ENDED = ("STOPPED", "FAILED")
DASK = shlex.split(os.environ.get("SLURM_DASK", "")) or [sys.executable, "-m", "dask"]
"""How jobs start Dask: in this environment, or as ``SLURM_DASK`` says (in an Apptainer image, say)."""
SLURM: dict[str, Any] = {
    "listen": "127.0.0.1",
    "partitions": ["normal", "urgent", "other"],
    "constraints": ["skylake"],
    "gpus": 1,
    "extra_options": {"nice": "[0-9]{1,4}", "begin": "now[+][0-9]{1,4}"},
    "look_seconds": 1.0,
    "start_seconds": minutes(4),  # a scheduler of Dask takes its time where others compute too
}

HEARTBEAT = {
    "cluster_heartbeat_period": 3,
    # Upstream's two periods, six seconds, would end the clusters of a slow machine.
    "cluster_heartbeat_timeout": minutes(3),
    "check_timeouts_period": 3,
}


class Login:
    """Installs launcher and sudo rule, and runs the gateway's two processes."""

    def __init__(
        self,
        centre: Centre,
        hub_url: str,
        *,
        slurm: dict[str, Any] | None = None,
        gateway: dict[str, Any] | None = None,
    ) -> None:
        self.centre = centre
        self.verify: str | bool = True
        self.folder = centre.root / f"login-{secrets.token_hex(4)}"
        api, http, tcp = free_ports(3)
        self.url = f"http://127.0.0.1:{http}/services/{SERVICE}"
        self.tcp = f"gateway://127.0.0.1:{tcp}"
        self.launcher = self.folder / "libexec" / "geodes-datalab-launcher"
        self.values = {
            "hub": {"bind_url": hub_url, "connect_url": hub_url},
            "gateway": {
                "kind": "slurm",
                "service": SERVICE,
                "token": self._secret("gateway-secret"),
                "proxy_token": self._secret("proxy-secret"),
                "encryption_key": self._secret(b64encode(secrets.token_bytes(32)).decode()),
                "database": f"sqlite:///{self.folder}/gateway.sqlite",
                "api_address": f"127.0.0.1:{api}",
                "proxy_address": f"127.0.0.1:{http}",
                "scheduler_address": f"127.0.0.1:{tcp}",
                "workers": {"memory_gib": 0.5, "max_cores": 4},
                "scheduler_memory_gib": 0.5,
                "limits": {"clusters": 3, "workers": 0},
                "reaper_seconds": 0,
                "config": {"DBBackendBase": HEARTBEAT},
                "slurm": {
                    **SLURM,
                    "launcher_path": str(self.launcher),
                    "launcher_config": str(self.folder / "libexec" / "launcher.json"),
                    "dask": DASK,
                    **(slurm or {}),
                },
                **(gateway or {}),
            },
        }
        self.settings = load(self.values)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def _secret(self, text: str) -> dict[str, str]:
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"secret-{secrets.token_hex(4)}"
        path.write_text(text)
        os.chown(path, 61000, 61000)
        path.chmod(0o600)
        return {"file": str(path)}

    def install(self) -> None:
        """Do as root what the how-to says."""
        self.launcher.parent.mkdir()
        slurm = self.settings.gateway.slurm
        assert slurm is not None
        site.write_launcher(self.launcher, config=slurm.launcher_config, python="/usr/bin/python3")
        site.write_config(slurm.launcher_config, self.settings)
        rule = self.centre.sudoers / self.folder.name
        rule.write_text(site.sudo_rule(self.launcher, account="dask", group=DATALAB))
        rule.chmod(0o440)
        self.centre.run("visudo", "-cf", str(rule))
        (self.folder / "settings.json").write_text(json.dumps(self.values))
        os.chown(self.folder, 61000, 61000)

    def start(self, *names: str, wait: bool = True) -> None:
        """Start the gateway's API and its proxy, or one of them; wait until they answer."""
        config = str(FILES / "dask_gateway_config.py")
        words = {"api": ["-f", config], "proxy": ["proxy", "-f", config]}
        for name in names or words:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "dask_gateway_server", *words[name]],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env={
                        **self.centre.environment("dask"),
                        "GEODES_DATALAB_SETTINGS": str(self.folder / "settings.json"),
                        "PYTHONUNBUFFERED": "1",
                    },
                    **identity("dask"),
                )
        if wait:
            eventually(self.answers, "the gateway", scene=self.log)

    def stop(self, *names: str) -> None:
        """End the gateway's processes."""
        for name in names or list(self.processes):
            process = self.processes.pop(name)
            process.terminate()
            try:
                process.wait(minutes(1))
            except subprocess.TimeoutExpired:
                process.kill()
                raise

    def answers(self) -> bool:
        """Tell whether the gateway's API is reached through its proxy; both must live."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise Hopeless(f"{name} ended with {process.returncode}")
        address = f"{self.url}/api/health"
        return requests.get(address, timeout=minutes(0.5), verify=self.verify).status_code == 200

    def ask(self, method: str, path: str, user: str = "ada", json: Any = None) -> requests.Response:
        """Ask the gateway as a user of the hub."""
        headers = {"Authorization": f"jupyterhub token-of-{user}"}
        return requests.request(
            method, self.url + path, headers=headers, json=json, timeout=minutes(2)
        )

    def open(self, user: str = "ada", **options: Any) -> str:
        """Open a cluster without waiting for it, and return its name."""
        answer = self.ask("POST", "/api/v1/clusters/", user, json={"cluster_options": options})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["name"])

    def told(self, name: str, user: str = "ada") -> dict[str, Any]:
        """Return what the gateway tells of a cluster."""
        answer = self.ask("GET", f"/api/v1/clusters/{name}/waiting", user)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def becomes(self, name: str, status: str, user: str = "ada", *, within: float = 3) -> None:
        """Wait until a cluster has a status, but for one that it will never have."""

        def has() -> bool:
            found = self.told(name, user)["status"]
            if found in ENDED and found != status:
                raise Hopeless(f"it is {found}: {self.told(name, user)}")
            return bool(found == status)

        eventually(has, f"{name} {status}", within=within, scene=self.scene(name, user))

    def scene(self, name: str, user: str = "ada") -> Callable[[], str]:
        """Return what describes a cluster: for waits that fail."""
        return lambda: f"{self.told(name, user)}\n{self.log()[-3000:]}\n{self.centre.tails()}"

    def scale(self, name: str, workers: int, user: str = "ada") -> None:
        """Ask for a number of workers."""
        path = f"/api/v1/clusters/{name}/scale"
        answer = self.ask("POST", path, user, json={"count": workers})
        assert answer.ok, answer.text

    def close(self, name: str, user: str = "ada") -> None:
        """Stop a cluster and wait for its end."""
        self.ask("DELETE", f"/api/v1/clusters/{name}", user)
        self.becomes(name, "STOPPED", user)

    def log(self) -> str:
        """Return what the gateway's API said."""
        return (self.folder / "api.log").read_text()

    def client_environment(self, user: str = "ada") -> dict[str, str]:
        """Return what the hub would tell a user's server."""
        return {
            "DASK_GATEWAY_HPDA__ADDRESS": self.url,
            "DASK_GATEWAY_HPDA__PROXY_ADDRESS": self.tcp,
            "JUPYTERHUB_API_TOKEN": f"token-of-{user}",
            "DASK_GATEWAY__CLUSTER__OPTIONS__IMAGE": "of-the-server",  # the other gateway's option
        }


@contextmanager
def running(centre: Centre, **slurm: Any) -> Iterator[Login]:
    """Run a gateway beside a hub in name only; no job or process may be left at its end."""
    with HubStandIn() as hub:
        hub.scope = f"access:services!service={SERVICE}"
        login = Login(centre, hub.address, slurm=slurm)
        login.install()
        try:
            login.start()
            yield login
            for user in ("ada", "ben"):
                for name in login.ask("GET", "/api/v1/clusters/", user).json():
                    login.close(name, user)
            centre.wait_quiet()
        finally:
            login.stop()


def staging(centre: Centre, account: str) -> Path:
    """Return the folder of an account's clusters."""
    return centre.home(account) / ".geodes-datalab" / "clusters"

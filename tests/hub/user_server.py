"""Jupyter Server as a user's server runs it, without the Lab."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from support.ports import free_ports
from support.waiting import Hopeless, eventually, minutes

from geodes_datalab.hub.steps.singleuser import LAB

RUN = """
import runpy, signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)
runpy.run_module("jupyter_server", run_name="__main__", alter_sys=True)
"""
"""Jobs end with their terminal, also where these tests run under ``nohup``, which is inherited."""


TOKEN = {"Authorization": "token secret"}
"""What a page of its user's says to the server."""


class UserServer:
    """Asks a running server."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        """Return what its API answers."""
        answer = self.raw(method, path, **more)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def raw(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> requests.Response:
        """Return an answer as it is."""
        told = {**TOKEN, **(headers or {})}
        return requests.request(method, self.url + path, headers=told, timeout=minutes(5), **more)

    def answers(self) -> bool:
        """Tell whether it is there."""
        return bool(self("GET", "/api"))


@contextmanager
def server(folder: Path, *, keep: Collection[str] = (), **environment: str) -> Iterator[UserServer]:
    """Run a server with our extensions and those to keep, and yield a way to ask its API."""
    (port,) = free_ports(1)
    without_others(folder, keep)
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", RUN, f"--port={port}", "--no-browser"),
                *("--IdentityProvider.token=secret", "--allow-root", "--ip=127.0.0.1"),
            ],
            cwd=folder,
            stdout=output,
            stderr=output,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(folder),
                "JUPYTER_CONFIG_PATH": str(LAB),
                "JUPYTERHUB_ACTIVITY_INTERVAL": "1",
                **environment,
            },
        )

    ask = UserServer(port)

    def answers() -> bool:
        if process.poll() is not None:
            raise Hopeless(f"it ended with {process.returncode}")
        return ask.answers()

    try:
        eventually(answers, "the server answers", within=5, scene=log.read_text)
        yield ask
        assert "Traceback" not in log.read_text()
    finally:
        process.terminate()
        process.wait(minutes(2))


@contextmanager
def with_terminals(folder: Path, shell: str, **environment: str) -> Iterator[UserServer]:
    """Run a server with terminals, in which a shell runs."""
    with server(folder, keep=["jupyter_server_terminals"], SHELL=shell, **environment) as ask:
        yield ask


def without_others(folder: Path, keep: Collection[str]) -> None:
    """Leave the Lab and its extensions out: they take long to import, and do not matter here."""
    installed = Path(sys.prefix, "etc/jupyter/jupyter_server_config.d").glob("*.json")
    names = [
        name
        for path in installed
        for name in json.loads(path.read_text())["ServerApp"]["jpserver_extensions"]
        if name not in keep
    ]
    place = folder / ".jupyter" / "jupyter_server_config.json"
    place.parent.mkdir()
    off = {"ServerApp": {"jpserver_extensions": dict.fromkeys(names, False)}}
    place.write_text(json.dumps(off))

"""Run the shipped notebooks against the stand-in and a real Dask Gateway."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
import requests
from nbclient import NotebookClient

from geodes_datalab.testing.geodes import StandIn, serve
from geodes_datalab.testing.samples import SampleSet, build

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTICE = "sample catalogue, not GEODES"

GATEWAY = """
c.DaskGateway.address = "127.0.0.1:{api}"
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.SimpleAuthenticator"
c.Proxy.address = "127.0.0.1:{http}"
c.Proxy.tcp_address = "127.0.0.1:{tcp}"
c.ClusterConfig.scheduler_cmd = [{python!r}, "-m", "dask", "scheduler"]
c.ClusterConfig.worker_cmd = [{python!r}, "-m", "dask", "worker"]
c.ClusterConfig.scheduler_memory = c.ClusterConfig.worker_memory = "1 G"
c.ClusterConfig.environment = {{
    "DASK_DISTRIBUTED__SCHEDULER__PRELOAD": '["geodes_datalab.compute.tls"]',
    "DASK_DISTRIBUTED__WORKER__PRELOAD": '["geodes_datalab.compute.tls"]',
}}
"""


@dataclass(frozen=True)
class Executed:
    """A notebook that was run from top to bottom."""

    cells: list[nbformat.NotebookNode]
    folder: Path
    """Where it was run: the files that it wrote are here."""
    text: str
    """The whole notebook with its outputs, as JSON."""

    def printed(self) -> str:
        """Return what was printed, and the plain text of the values shown."""
        found = [
            output.get("text") or output.get("data", {}).get("text/plain", "")
            for output in self.outputs()
        ]
        return "\n".join(found)

    def outputs(self) -> list[nbformat.NotebookNode]:
        return [output for cell in self.cells for output in cell.get("outputs", [])]

    def count(self, media_type: str) -> int:
        return sum(media_type in output.get("data", {}) for output in self.outputs())


@pytest.fixture(scope="session")
def samples(shared_cache: Path) -> SampleSet:
    return build(shared_cache)


@pytest.fixture(scope="session")
def catalogue(shared_cache: Path) -> Iterator[StandIn]:
    with serve(cache=shared_cache) as standin:
        yield standin


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run a Dask Gateway; return what a hub would tell a notebook of it."""
    folder = tmp_path_factory.mktemp("gateway")
    api, http, tcp = free_ports(3)
    settings = GATEWAY.format(api=api, http=http, tcp=tcp, python=sys.executable)
    (folder / "config.py").write_text(settings)
    command = [sys.executable, "-m", "dask_gateway_server", "--config", str(folder / "config.py")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, env={**os.environ, "TMPDIR": str(folder)}, stdout=log, stderr=log
        )
        try:
            wait_for(f"http://127.0.0.1:{http}/api/health", process, folder / "log")
            yield {
                "DASK_GATEWAY__ADDRESS": f"http://127.0.0.1:{http}",
                "DASK_GATEWAY__PROXY_ADDRESS": f"gateway://127.0.0.1:{tcp}",
                "DASK_GATEWAY__AUTH__TYPE": "basic",
                "DASK_GATEWAY__AUTH__KWARGS": '{"username": "ada"}',
                "DASK_DISTRIBUTED__CLIENT__PRELOAD": '["geodes_datalab.compute.tls"]',
                "DASK_LOGGING": '{"distributed.preloading": "warning"}',
            }
        finally:
            process.terminate()
            process.wait(30)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            if requests.get(address, timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def execute(
    catalogue: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Executed]:
    """Return a function that runs a notebook in a fresh kernel, in a folder of its own."""

    def run(name: str, environment: dict[str, str] | None = None) -> Executed:
        home = tmp_path_factory.mktemp("home")
        key = home / "key"
        key.write_text(catalogue.api_key)
        folder = home / "notebooks" / Path(name).parent
        folder.mkdir(parents=True)
        shutil.copy(FOLDER / name, folder)
        notebook = nbformat.read(folder / Path(name).name, as_version=4)
        client = NotebookClient(
            notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        told = {
            "HOME": str(home),
            "GEODES_PORTAL": catalogue.url,
            "GEODES_API_KEY_FILE": str(key),
            "GEODES_CATALOGUE_NOTICE": NOTICE,
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            **(environment or {}),
        }
        client.execute(env={**os.environ, **told})
        return Executed(notebook.cells, folder, nbformat.writes(notebook))

    return run

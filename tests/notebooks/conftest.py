"""Run the shipped notebooks against the stand-in and a real Dask Gateway."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from support import dask_gateway
from support.cells import Cells
from support.exercises import exercises
from support.waiting import minutes

from geodes_datalab.hub.steps.singleuser import RECONNECTING, TLS_GUARD
from geodes_datalab.standin import StandIn, serve
from geodes_datalab.standin.samples import SampleSet, build

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTICE = "sample catalogue, not GEODES"

GATEWAY = """
c.ClusterConfig.scheduler_memory = c.ClusterConfig.worker_memory = "1 G"
# A cluster that starts slowly, or is silent for a moment, is none that failed.
c.DBBackendBase.cluster_start_timeout = c.DBBackendBase.worker_start_timeout = 600
c.DBBackendBase.cluster_heartbeat_timeout = 300
c.ClusterConfig.environment = {
    "DASK_DISTRIBUTED__SCHEDULER__PRELOAD": '["geodes_datalab.compute.tls"]',
    "DASK_DISTRIBUTED__WORKER__PRELOAD": '["geodes_datalab.compute.tls"]',
}
"""


@dataclass(frozen=True)
class Executed:
    """A notebook that was run from top to bottom."""

    cells: Cells
    folder: Path
    """Where it was run: the files that it wrote are here."""
    solved: Cells
    """The solutions of its exercises, run after its own cells in the same kernel."""
    text: str
    """The whole notebook with its outputs, and the solutions with theirs, as JSON."""

    def printed(self) -> str:
        """Return what was printed, and the plain text of the values shown."""
        found = [
            output.get("text") or output.get("data", {}).get("text/plain", "")
            for output in self.outputs()
        ]
        return "\n".join(found)

    def outputs(self) -> list[nbformat.NotebookNode]:
        return [output for cell in self.cells for output in cell.get("outputs", [])]

    def answer(self, number: int) -> str:
        """Return what the solution of an exercise printed, without progress bars."""
        [cell] = [one for one in self.solved if one.id == f"exercise-{number}-solved"]
        return "".join(one.text for one in cell.outputs if one.get("name") == "stdout")

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
    with dask_gateway.serve(tmp_path_factory.mktemp("gateway"), GATEWAY) as server:
        yield {
            "DASK_GATEWAY__ADDRESS": server.address,
            "DASK_GATEWAY__PROXY_ADDRESS": server.proxy_address,
            "DASK_GATEWAY__AUTH__TYPE": "basic",
            "DASK_GATEWAY__AUTH__KWARGS": '{"username": "ada"}',
            "DASK_DISTRIBUTED__CLIENT__PRELOAD": json.dumps([TLS_GUARD, RECONNECTING]),
            "DASK_LOGGING": '{"distributed.preloading": "warning"}',
        }


Run = Callable[..., Executed]


@pytest.fixture(scope="session")
def execute(catalogue: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a function that runs a notebook and its solutions in a fresh kernel, in a folder of its own."""

    def run(name: str, environment: dict[str, str] | None = None) -> Executed:
        home = tmp_path_factory.mktemp("home")
        key = home / "key"
        key.write_text(catalogue.api_key)
        folder = home / "notebooks" / Path(name).parent
        folder.mkdir(parents=True)
        shutil.copy(FOLDER / name, folder)
        notebook = nbformat.read(folder / Path(name).name, as_version=4)
        own = len(notebook.cells)
        notebook.cells += [one.as_cell() for one in exercises(notebook.cells)]
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            timeout=int(minutes(10)),
            startup_timeout=int(minutes(5)),
            iopub_timeout=int(minutes(2)),  # outputs that come later are lost
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
        cells = notebook.cells
        return Executed(cells[:own], folder, cells[own:], nbformat.writes(notebook))

    return run


@pytest.fixture(scope="session")
def first(execute: Run) -> Executed:
    return execute("01-start/01-first-steps.ipynb")


@pytest.fixture(scope="session")
def search(execute: Run) -> Executed:
    return execute("02-search/01-finding-products.ipynb")


@pytest.fixture(scope="session")
def archives(execute: Run) -> Executed:
    return execute("03-cubes/02-inside-archives.ipynb")


@pytest.fixture(scope="session")
def dask(execute: Run, gateway: dict[str, str]) -> Executed:
    return execute("04-scale/01-dask-gateway.ipynb", gateway)

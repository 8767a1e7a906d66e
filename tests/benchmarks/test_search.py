"""Searching 5,000 items at 80 per page and 100 ms per page, against the clients that people use.

``make bench`` prints the ratios. Every client runs in a process of its own against one stand-in
(itself a process), is warmed up by one small search, and is measured inside, without its start.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.waiting import Hopeless, eventually

COUNT = 5000
LATENCY = 0.1
ROUNDS = 3
START, END = "2016-01-01T00:00:00Z", "2024-12-31T23:59:59Z"

OURS = f"""
import geodes_datalab as gd
def search(limit=None):
    return gd.search("PEPS_S2_L1C", datetime="{START}/{END}", limit=limit, progress=False).dicts
search(1)
"""

PYSTAC_CLIENT = f"""
import os, warnings
warnings.simplefilter("ignore")
from pystac_client import Client
client = Client.open(os.environ["GEODES_PORTAL"] + "/api/stac")
def search(limit=None):
    asked = client.search(
        collections=["PEPS_S2_L1C"], limit=80, max_items=limit,
        query={{"end_datetime": {{"gte": "{START}"}}, "start_datetime": {{"lte": "{END}"}}}},
        sortby=[{{"field": "start_datetime", "direction": "asc"}}, {{"field": "identifier", "direction": "asc"}}],
    )
    return list(asked.items() if BUILT else asked.items_as_dicts())
search(1)
"""

PYGEODES = f"""
import os
from pathlib import Path
from pygeodes import Config, Geodes
from pygeodes.utils.profile import Profile
Profile._filepath = Path("profile.json")
conf = Config(api_key="none", download_dir=".", use_async_requests=False, nb_max_items=100_000)
client = Geodes(conf=conf, base_url=os.environ["GEODES_PORTAL"] + "/")
def search(limit=None):
    return client.search_items(
        collections=["PEPS_S2_L1C"], get_all=limit is None, return_df=False, quiet=True,
        query={{"end_datetime": {{"gte": "{START}"}}, "start_datetime": {{"lte": "{END}"}}}},
        sortBy=[{{"field": "start_datetime", "direction": "asc"}}, {{"field": "identifier", "direction": "asc"}}],
    )
search(1)
"""

MEASURE = """
import json, time
begin, cpu = time.perf_counter(), time.process_time()
found = search()
told = {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu, "items": len(found)}
print(json.dumps(told))
"""

CLIENTS = {
    "geodes_datalab": OURS,
    "pystac-client, dictionaries": "BUILT = False" + PYSTAC_CLIENT,
    "pystac-client, items": "BUILT = True" + PYSTAC_CLIENT,
    "pygeodes": PYGEODES,
}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("stand-in")
    command = [
        sys.executable, "-m", "geodes_datalab.standin", "--port", "0", "--bulk", str(COUNT),
        "--latency", str(LATENCY), "--cache", str(folder), "--api-key-file", str(folder / "key"),
    ]  # fmt: skip
    said = folder / "said"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}

    def address() -> str:
        if process.poll() is not None:
            raise Hopeless(f"it ended with {process.returncode}")
        found = re.search(r"http://[\d.:]+(?=\s)", said.read_text())
        return found.group() if found else ""

    with said.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, env=environment)
    try:
        yield eventually(address, "the stand-in GEODES", within=5, scene=said.read_text).value
    finally:
        process.terminate()
        process.wait()


def measured(client: str, portal: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", CLIENTS[client] + MEASURE],
        env={**os.environ, "GEODES_PORTAL": portal}, cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.benchmark
@pytest.mark.timeout(3600)  # a busy machine may take its time
def test_search_against_the_peers(
    portal: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Clients take turns, so that a busy machine is busy for all of them; medians are compared."""
    runs: dict[str, list[dict[str, Any]]] = {client: [] for client in CLIENTS}
    for _ in range(ROUNDS):
        for client in CLIENTS:
            runs[client].append(measured(client, portal, tmp_path))
    seconds = {
        client: statistics.median(run["seconds"] for run in found) for client, found in runs.items()
    }
    with capsys.disabled():
        print(
            f"\n{COUNT} items, 80 per page, {LATENCY * 1000:.0f} ms per page, median of {ROUNDS}, load {os.getloadavg()[0]:.1f}"
        )
        for client, took in seconds.items():
            cpu = statistics.median(run["cpu"] for run in runs[client])
            ratio = took / seconds["geodes_datalab"]
            print(f"  {client:28} {took:6.2f} s   {cpu:5.2f} CPU-s   {ratio:4.1f}x")
    assert {run["items"] for found in runs.values() for run in found} <= {COUNT, COUNT + 8}
    assert len({run["items"] for found in runs.values() for run in found}) == 1

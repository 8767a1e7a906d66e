"""Dask's workers in a server whose libraries were told their number of threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from support.control_groups import limited
from support.waiting import minutes

from geodes_datalab import _limits
from geodes_datalab.server.start import prepare

TOLD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "PYTHON_CPU_COUNT")
BARE = """
import json, os
from distributed import Client
if __name__ == "__main__":
    with Client(n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0") as client:
        told = client.submit(lambda: {name: os.environ.get(name) for name in TOLD}).result()
    print(json.dumps(told))
""".replace("TOLD", repr(TOLD))
OPENED = """
import json, os, warnings
import geodes_datalab as gd
if __name__ == "__main__":
    with warnings.catch_warnings(record=True) as said, gd.open_cluster(WORKERS) as one:
        warnings.simplefilter("always")
        seen = one.client.scheduler_info(n_workers=-1)["workers"].values()
        told = one.client.submit(lambda: {name: os.environ.get(name) for name in TOLD}).result()
    threads, memory = sum(w["nthreads"] for w in seen), sum(w["memory_limit"] for w in seen)
    said = [str(each.message) for each in said]
    print(json.dumps({"told": told, "threads": threads, "memory": memory, "said": said}))
""".replace("TOLD", repr(TOLD))


def run(code: str, cores: float, home: Path, **environment: str) -> dict[str, object]:
    """Run Python as a kernel of a pod of so many cores and 4 GiB does."""
    bare = {
        name: value
        for name, value in os.environ.items()
        if name not in (*_limits.THREADS, "DASK_GATEWAY__ADDRESS")
    }
    told = {"CPU_LIMIT": f"{cores}", "MEM_LIMIT": f"{2**32}", "HOME": str(home)}
    script = home / "script.py"
    script.write_text(code)
    with limited(cores) as group:
        enter = ["sh", "-ec", 'echo $$ >"$1"; shift; exec "$@"', "sh", f"{group}/cgroup.procs"]
        done = subprocess.run(
            [*enter, sys.executable, str(script)],
            env=prepare({**bare, **told, **environment}),
            cwd=home,
            capture_output=True,
            text=True,
            timeout=minutes(5),
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_cluster_made_with_dask_alone_computes_in_its_own_threads(tmp_path: Path) -> None:
    """Else each of its threads would start as many of linear algebra as the pod has cores."""
    found = run(BARE, 2, tmp_path)
    assert found == dict(zip(TOLD, ("1", "1", "2", "2"), strict=True))
    own = run(BARE, 2, tmp_path, OMP_NUM_THREADS="3")
    assert (own["OMP_NUM_THREADS"], own["OPENBLAS_NUM_THREADS"]) == ("3", "1")


def test_a_cluster_of_a_pod_of_one_core(tmp_path: Path) -> None:
    found = run(OPENED.replace("WORKERS", "progress=False"), 1, tmp_path)
    assert found["said"] == []
    assert (found["threads"], found["told"]) == (1, dict.fromkeys(TOLD, "1"))
    memory = found["memory"]
    assert isinstance(memory, int)
    assert 2**29 <= memory <= 2**32 - 2**29, "an eighth is left to the server and its kernels"


def test_more_workers_than_cores_are_not_had_in_a_pod(tmp_path: Path) -> None:
    found = run(OPENED.replace("WORKERS", "4, progress=False"), 1, tmp_path)
    assert found["threads"] == 1
    assert "this machine has 1 core, which serve 1 worker (one to a core)" in str(found["said"])

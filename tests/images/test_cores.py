"""A container of one core: what its libraries start, where the machine has more."""

from __future__ import annotations

import json
import os

import pytest
from inside import Image

pytestmark = [
    pytest.mark.images,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(
        (os.cpu_count() or 1) < 2, reason="a limit shows on two cores and more only"
    ),
]

COUNT = r"""
import concurrent.futures, json, multiprocessing, os, subprocess
import joblib, numba, numcodecs.blosc, numexpr, numpy, pyarrow, scipy.linalg, threadpoolctl
import dask.system, duckdb, sklearn.cluster
numpy.ones((300, 300)) @ numpy.ones((300, 300))
said = {
    "os.cpu_count": os.cpu_count(),
    "multiprocessing": multiprocessing.cpu_count(),
    "concurrent.futures": concurrent.futures.ProcessPoolExecutor()._max_workers,
    "joblib": joblib.cpu_count(),
    "numba": numba.get_num_threads(),
    "numexpr": numexpr.get_num_threads(),
    "pyarrow": pyarrow.cpu_count(),
    "blosc": numcodecs.blosc.get_nthreads(),
    "dask": dask.system.cpu_count(),
    "duckdb": duckdb.sql("select current_setting('threads')").limit(1).fetchall()[0][0],
    "nproc": int(subprocess.check_output("nproc")),
}
for pool in threadpoolctl.threadpool_info():
    said[f"{pool['internal_api']} ({os.path.basename(pool['filepath'])})"] = pool["num_threads"]
print(json.dumps(said))
"""


def counted(
    notebook: Image, *before: str, cores: float | None = None, **given: str
) -> dict[str, int]:
    done = notebook.run(*before, "python", "-", text=COUNT, cores=cores, **given)
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    print(f"\n{before or 'no start command'}, {cores or 'all'} cores: {found}")
    return found


@pytest.mark.parametrize("cores", [1, 0.5])
def test_libraries_start_as_many_threads_as_a_server_has_cores(
    notebook: Image, cores: float
) -> None:
    found = counted(notebook, "datalab-start", cores=cores)
    assert len([name for name in found if name.startswith(("openblas", "openmp"))]) >= 3
    assert {name: count for name, count in found.items() if count != 1} == {}


def test_a_value_of_the_site_wins(notebook: Image) -> None:
    found = counted(notebook, "datalab-start", cores=1, OMP_NUM_THREADS="2", NUMBA_NUM_THREADS="2")
    assert (found["numba"], found["pyarrow"], found["os.cpu_count"]) == (2, 2, 1)
    assert {count for name, count in found.items() if "blas (" in name} == {2}


def test_without_a_limit_nothing_changes(notebook: Image) -> None:
    assert counted(notebook, "datalab-start") == counted(notebook)

"""Clusters on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests
from support.waiting import Hopeless, eventually, minutes

import geodes_datalab as gd
from geodes_datalab.compute import machine
from geodes_datalab.compute.request import Request
from geodes_datalab.errors import ClusterError, ClusterWarning


@pytest.fixture(autouse=True)
def no_gateway() -> Iterator[None]:
    import dask

    with dask.config.set({"gateway.address": None}):
        yield


def test_folders_of_other_accounts_are_not_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask imports modules from its folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "dask-scratch-space").mkdir(mode=0o777)
    own = Path(machine.scratch())
    assert (own.parent, own.stat().st_mode & 0o777) == (tmp_path, 0o700)
    assert machine.scratch() == str(own)
    with gd.open_cluster(1, worker_memory="600MB", progress=False) as cluster:
        paths = cluster.client.run(lambda: sys.path[:4])
        assert not [one for one in [*paths, *sys.path] if one.startswith(f"{tmp_path}/dask")]
        assert all(any(one.startswith(str(own)) for one in some) for some in paths.values())
    own.chmod(0o755)  # as somebody else would have it
    assert Path(machine.scratch()).parent == tmp_path
    assert machine.scratch() != str(own)
    shutil.rmtree(own)
    own.symlink_to(tmp_path / "dask-scratch-space")
    assert machine.scratch() != str(own)


def test_life_of_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> tuple[str | None, bool]:
        return os.environ.get("ANSWER"), "geodes_datalab.compute.tls" in sys.modules

    with gd.open_cluster(
        1, worker_memory="600MB", environment={"ANSWER": "42"}, progress=False
    ) as cluster:
        assert (cluster.kind, cluster.workers) == ("local", 1)
        assert cluster.client.scheduler.address.startswith("tls://127.0.0.1:")
        assert list(cluster.client.run(told).values()) == [("42", True)]
        link = cluster.dashboard_link
        assert link is not None
        assert link.startswith("http://127.0.0.1:")
        assert requests.get(link, timeout=minutes(2)).status_code == 200
        monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
        port = link.split(":")[2].split("/")[0]
        assert cluster.dashboard_link == f"/user/ada/proxy/{port}/status"
        assert f'href="/user/ada/proxy/{port}/status"' in cluster._repr_html_()
        assert [(one.name, one.kind) for one in gd.clusters()] == [(cluster.name, "local")]
        cluster.scale(2)
        assert cluster.wait(timeout=minutes(2), progress=False) == 2
        cluster.adapt(0, 1)
        gd.clusters().stop(cluster.name)
        assert cluster.status == "closed"
    assert len(gd.clusters()) == 0
    assert "closed" in repr(cluster)
    cluster.close()


def test_what_does_not_fit_is_told_before_anything_starts() -> None:
    ask = Request(8, 8, memory=6_000_000_000)
    assert machine.most_workers(ask, 4, 20_000_000_000)[0] == 3
    count, why = machine.most_workers(Request(8, 8, cores=2), 4, 20_000_000_000)
    assert (count, why) == (2, "this machine has 4 cores, which serve 2 workers of 2 cores each")
    with pytest.raises(ClusterError, match="one such worker is more than this machine has"):
        gd.open_cluster(1, worker_memory="9999 GB")


def test_fewer_workers_than_asked_for_are_explained() -> None:
    total = machine._total()[1]
    with (
        pytest.warns(ClusterWarning, match=r"1 of 2 workers came: this machine has .* of memory"),
        gd.open_cluster(2, worker_memory=total / 2**30 * 0.7, progress=False) as cluster,
    ):
        assert cluster.workers == 1


SCRIPT = """
import geodes_datalab as gd

if __name__ == "__main__":
    gd.open_cluster(1, progress=False)
    print("open", flush=True)
    import time
    time.sleep(600)
"""


def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    said = tmp_path / "said"
    with (
        said.open("wb") as output,
        subprocess.Popen(
            [sys.executable, str(script)],
            stdout=output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process,
    ):

        def there() -> bool:
            if process.poll() is not None:
                raise Hopeless(f"it ended with {process.returncode}")
            return said.read_text() == "open\n"

        eventually(there, "the cluster is open", within=5)
        process.send_signal(signal.SIGINT)
        process.wait(minutes(2))
    left = lambda: [one for one in members(process.pid) if running(one)]  # noqa: E731
    eventually(lambda: not left(), "no process is left", scene=lambda: str(left()))


def members(group: int) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == group:
                yield process


def running(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False

"""Clusters of a real Dask Gateway: life, limits, failures, interruptions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from support.waiting import eventually, minutes

import geodes_datalab as gd
from geodes_datalab.errors import ClusterError, ClusterWarning

KEY = "key-that-must-not-be-seen"


def test_life_of_a_cluster(gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_API_KEY", KEY)
    with pytest.warns(ClusterWarning, match=r"2 of 4 workers came: the gateway limits") as told:
        cluster = gd.open_cluster(4, worker_cores=1, worker_memory="512MiB", progress=False)
    assert len(told) == 1
    with cluster:
        assert cluster.kind == "gateway"
        assert cluster.workers == 2
        computes_on_workers_with_the_key(cluster)
        guard_is_loaded_everywhere(cluster)
        assert requests.get(cluster.dashboard_link, timeout=minutes(2)).status_code == 200
        shows_no_key(cluster)
        listing_knows(cluster)
        with pytest.warns(ClusterWarning, match=r"2 of 3 workers are allowed"):
            cluster.scale(3)
        cluster.scale(1)
        eventually(lambda: cluster.workers == 1, "one worker is left")
        cluster.adapt(0, 2)
        eventually(lambda: cluster.workers == 0, "the workers are gone")
        assert cluster.client.submit(sum, [3, 4]).result(minutes(2)) == 7
    assert cluster.status == "closed"
    with pytest.raises(ClusterError, match="is closed"):
        cluster.client  # noqa: B018


def computes_on_workers_with_the_key(cluster: gd.compute.Cluster) -> None:  # type: ignore[name-defined]
    import dask

    def key_length() -> int:
        from geodes_datalab import auth

        found = auth.find()
        return len(found.key.reveal()) if found and found.source == "this process" else 0

    assert dask.delayed(sum)([1, 2]).compute() == 3  # Dask's own verbs go to the current client
    assert set(cluster.client.run(key_length).values()) == {len(KEY)}


def guard_is_loaded_everywhere(cluster: Any) -> None:
    def loaded() -> bool:
        return "geodes_datalab.compute.tls" in sys.modules

    assert cluster.client.run_on_scheduler(loaded)
    assert set(cluster.client.run(loaded).values()) == {True}


def shows_no_key(cluster: Any) -> None:
    shown = [
        repr(cluster),
        cluster._repr_html_(),
        repr(cluster.client),
        cluster.client._repr_html_(),
    ]
    shown.append(str(cluster.client.scheduler_info()))
    shown.append(str(cluster.client.get_scheduler_logs()))
    shown.append(str(cluster.client.get_worker_logs()))
    shown.append(str(cluster.client.run(lambda: dict(os.environ))))
    assert not [text for text in shown if KEY in text]
    assert "2 of 2 asked for" in cluster._repr_html_()
    assert cluster.dashboard_link in cluster._repr_html_()


def listing_knows(cluster: Any) -> None:
    listed = gd.clusters()
    assert [(one.name, one.state, one.workers) for one in listed] == [(cluster.name, "running", 2)]
    assert cluster.name in listed._repr_html_()
    with pytest.raises(ClusterError, match="no running cluster is called 'none-such'"):
        listed.stop("none-such")


def test_an_exception_inside_closes_and_another_process_may_stop(gateway: Any) -> None:
    def fail() -> None:
        with gd.open_cluster((0, 1), progress=False):
            assert len(gateway.running()) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert gateway.running() == []

    from dask_gateway import Gateway

    with Gateway() as other:  # as another notebook would
        name = other.submit(broken="worker")
        listed = gd.clusters()
        assert [one.name for one in listed] == [name]
        listed.stop(name[:8])
    assert len(gd.clusters()) == 0


def test_a_failed_start_is_told_and_the_next_one_works(gateway: Any) -> None:
    with pytest.raises(ClusterError, match="could not start the cluster"):
        gd.open_cluster(1, options={"broken": "scheduler"}, progress=False)
    with gd.open_cluster((0, 1), progress=False) as cluster:
        assert cluster.client.submit(sum, [1, 2]).result(minutes(2)) == 3


def test_no_worker_in_time_is_an_error_and_leaves_nothing(gateway: Any) -> None:
    with pytest.raises(ClusterError, match=r"0 of 2 workers came: the gateway is still starting"):
        gd.open_cluster(
            2, options={"broken": "worker"}, timeout=1, progress=False
        )  # patience: of the product


def installed(folder: Path, package: str, version: str) -> dict[str, str]:
    """Return an environment in which another version of a package stands first on Python's path."""
    info = folder / f"{package}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    return {"PYTHONPATH": str(folder)}


def test_another_numpy_is_a_warning(gateway: Any, tmp_path: Path) -> None:
    other = installed(tmp_path, "numpy", "1.0.7")
    with (
        pytest.warns(
            ClusterWarning, match=r"numpy: [\d.]+ here, 1\.0\.7 on 1 of 1 workers"
        ) as told,
        gd.open_cluster(1, environment=other, progress=False),
    ):
        pass
    assert "restart your server" in str(told[0].message)


def test_another_dask_is_refused(gateway: Any, tmp_path: Path) -> None:
    other = installed(tmp_path, "dask", "2020.1.0")
    with pytest.raises(ClusterError, match=r"dask: [\d.]+ here, 2020\.1\.0 on the scheduler"):
        gd.open_cluster(1, environment=other, progress=False).close()


def test_options_are_checked(gateway: Any) -> None:
    with pytest.raises(ClusterError, match="has no option 'imagee'"):
        gd.open_cluster(1, options={"imagee": "x"})
    with pytest.raises(ClusterError, match="refuses worker_memory=64"):
        gd.open_cluster(1, worker_memory=64)


SCRIPT = """
import sys
import geodes_datalab as gd

if __name__ == "__main__":
    cluster = gd.open_cluster({workers}, options={options}, timeout={seconds}, progress=False)
    print(cluster.name, flush=True)
"""


def start(gateway: Any, workers: Any, options: dict[str, str]) -> subprocess.Popen[str]:
    script = SCRIPT.format(workers=workers, options=options, seconds=minutes(5))
    environment = {**os.environ, **gateway.environment}
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def scheduler_runs() -> bool:
    from dask_gateway import Gateway

    with Gateway() as gateway:
        return [report.status.name for report in gateway.list_clusters()] == ["RUNNING"]


def test_ctrl_c_while_waiting_leaves_no_cluster(gateway: Any) -> None:
    process = start(gateway, 2, {"broken": "worker"})
    eventually(scheduler_runs, "the notebook waits for workers")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=minutes(5))
    assert "KeyboardInterrupt" in errors
    assert output == ""
    assert gateway.running() == []


def test_ctrl_c_at_once_leaves_no_cluster(gateway: Any) -> None:
    process = start(gateway, 2, {"broken": "worker"})
    eventually(gateway.running, "the cluster is there")  # the scheduler is still starting
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=minutes(5))
    assert "KeyboardInterrupt" in errors
    assert gateway.running() == []


def test_the_end_of_the_interpreter_closes(gateway: Any) -> None:
    process = start(gateway, (0, 1), {})
    output, errors = process.communicate(timeout=minutes(5))
    assert process.returncode == 0, errors
    assert len(output.strip()) == 32
    assert gateway.running() == []

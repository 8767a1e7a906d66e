"""100 workers on Slurm: calls of sbatch and seconds until all are in the queue, upstream's and ours.

Workers are ``sleep`` here: what is measured is how jobs are asked for, not how Python starts.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hpc import Centre
from hpc.centre import needed, why_not
from hpc.files import DATALAB
from hpc.login import Login
from support.kubernetes_gateway import HubStandIn
from support.waiting import eventually

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(2400)]
COUNT = 100


@pytest.fixture(scope="session")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    if reason := why_not():
        pytest.skip(f"no Slurm on this machine: {reason}")
    import tempfile

    centre = Centre(Path(tempfile.mkdtemp(prefix="hpc-")), needed())
    try:
        centre.start()
        yield centre
    finally:
        centre.stop()


class Upstream(Login):
    """Dask Gateway's own Slurm backend on the same centre."""

    def install(self) -> None:
        super().install()
        upstream = Path(sys.executable).with_name("dask-gateway-jobqueue-launcher")
        rule = self.centre.sudoers / "upstream"
        rule.write_text(f"dask ALL=(%{DATALAB}) NOPASSWD: {upstream}\n")
        rule.chmod(0o440)
        slurm = self.settings.gateway.slurm
        assert slurm is not None
        self.values["gateway"]["kind"] = "dask_gateway_server.backends.jobqueue.slurm.SlurmBackend"
        setup = f"export PATH={Path(sys.executable).parent}:/usr/bin:/bin"
        script = str(slurm.dask[0])
        self.values["gateway"]["config"] = {
            "JobQueueBackend": {
                "submit_command": str(slurm.sbatch),
                "dask_gateway_jobqueue_launcher": str(upstream),
            },
            "ClusterConfig": {
                "scheduler_cmd": [script, "scheduler"],
                "worker_cmd": [script, "worker"],
            },
            "JobQueueClusterConfig": {"worker_setup": setup, "scheduler_setup": setup},
            "DBBackendBase": {"worker_start_timeout": 600, "cluster_start_timeout": 600},
        }
        (self.folder / "settings.json").write_text(json.dumps(self.values))


def counted(centre: Centre, name: str) -> tuple[Path, Path]:
    """Return an sbatch that counts its calls, and the file in which it does."""
    calls = centre.root / f"{name}.calls"
    calls.touch(0o666)
    calls.chmod(0o666)
    program = centre.root / f"sbatch-{name}"
    program.write_text(f'#!/bin/sh\necho call >> {calls}\nexec /usr/bin/sbatch "$@"\n')
    program.chmod(0o755)
    return program, calls


def measured(centre: Centre, kind: type[Login], name: str) -> tuple[int, float, float]:
    """Return calls of sbatch, seconds until 100 jobs are in the queue, and until they are gone."""
    sbatch, calls = counted(centre, name)
    dask = centre.root / f"dask-{name}"
    dask.write_text(
        f'#!/bin/sh\n[ "$1" = worker ] && exec sleep 900\nexec {sys.executable} -m dask "$@"\n'
    )
    dask.chmod(0o755)
    with HubStandIn() as hub:
        hub.scope = "access:services!service=dask-gateway-hpda"
        login = kind(centre, hub.address, slurm={"sbatch": str(sbatch), "dask": [str(dask)]})
        login.install()
        try:
            login.start()
            return once(login, calls)
        finally:
            login.stop()


def once(login: Login, calls: Path) -> tuple[int, float, float]:
    name = login.open()
    status = f"/api/v1/clusters/{name}"
    eventually(
        lambda: login.ask("GET", status).json()["status"] == "RUNNING",
        "a scheduler",
        within=4,
        scene=login.log,
    )
    before = len(calls.read_text().split())
    began = time.monotonic()
    login.scale(name, COUNT)
    eventually(
        lambda: len(login.centre.jobs()) == COUNT + 1, "100 workers", within=10, scene=login.log
    )
    there = time.monotonic() - began
    number = len(calls.read_text().split()) - before
    began = time.monotonic()
    login.ask("DELETE", status)
    eventually(lambda: not login.centre.jobs(), "their end", within=10, scene=login.log)
    return number, there, time.monotonic() - began


def test_a_hundred_workers(centre: Centre, capsys: pytest.CaptureFixture[str]) -> None:
    assert importlib.util.find_spec("dask_gateway_server.backends.jobqueue.slurm")
    ours = measured(centre, Login, "ours")
    theirs = measured(centre, Upstream, "theirs")
    with capsys.disabled():
        print(f"\n{COUNT} workers on a real Slurm of four virtual nodes")
        for name, (calls, there, gone) in (("Dask Gateway's", theirs), ("ours", ours)):
            print(
                f"  {name:15} {calls:4} sbatch, {there:6.1f} s until queued, {gone:6.1f} s to end"
            )
        print(f"  ratio           {theirs[0] / ours[0]:4.0f}, {theirs[1] / ours[1]:6.1f}")
    assert ours[0] * 10 <= theirs[0]

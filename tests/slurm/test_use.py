"""Computing on Slurm as a notebook does: jobs of the user, arrays, costs, secrets, refusals."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
import pytest
from hpc import Centre, private
from hpc.files import ACCOUNTS
from hpc.login import Login, running, staging
from hpc.processes import listening, of_dask
from support.waiting import eventually, minutes

import geodes_datalab as gd
from geodes_datalab.errors import ClusterError

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1200)]
KEY = "key-that-must-not-be-seen"


def test_a_cluster_is_jobs_of_the_user(
    as_ada: Login, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODES_API_KEY", KEY)
    options = {"walltime": "00:20:00", "partition": "normal", "constraint": "skylake"}
    with gd.open_cluster(2, backend="hpda", options=options, progress=False) as cluster:
        assert cluster.kind == "hpda"
        assert cluster.client.submit(sum, [3, 4]).result(minutes(3)) == 7
        jobs = [one for one in centre.jobs() if one["state"] == "RUNNING"]
        assert {one["user"] for one in jobs} == {"ada"}
        assert {one["comment"] for one in jobs} == {f"geodes-datalab:{cluster.name}"}
        assert len(jobs) == 3
        assert listening(61001) == {"127.0.0.1"}
        assert sum("_" in one["job"] for one in jobs) == 2  # one array of two
        eventually(lambda: (gd.clusters()[0].core_hours or 0) > 0, "a cost", scene=centre.tails)
        (one,) = gd.clusters()
        assert (one.kind, one.state, one.workers) == ("hpda", "running", 2)
        assert set(cluster.client.run(key_length()).values()) == {len(KEY)}
        assert_no_secret(centre, jobs)
        cluster.scale(1)
        wait_running(centre, 2)  # one task less
        cluster.adapt(0, 2)
        wait_running(centre, 1)  # no worker: nothing is computed
        assert cluster.client.submit(sum, [1, 2]).result(minutes(4)) == 3
    centre.no_jobs()
    eventually(lambda: not (staging(centre, "ada") / cluster.name).exists(), "a tidy home")


def wait_running(centre: Centre, count: int) -> None:
    eventually(
        lambda: len(centre.jobs(states="RUNNING")) == count,
        f"{count} jobs that run",
        within=3,
        scene=centre.tails,
    )


def test_folders_of_others_on_the_nodes_are_not_entered(login: Login, centre: Centre) -> None:
    """Dask imports modules from its folder for temporary files: nobody else may have made it."""
    trap = centre.root / "trap"
    code = f"open({str(trap)!r}, 'a').close()"
    trap.touch()
    trap.chmod(0o666)
    os.utime(trap, (0, 0))
    with of_the_centre_alone(centre, Path("/tmp/dask-scratch-space")) as shared:
        mine = [Path("/tmp/dask-scratch-space-61001"), Path("/tmp/geodes-datalab-ada")]
        try:
            for folder in mine:
                shutil.rmtree(folder, ignore_errors=True)
                centre.as_account("ben", ["mkdir", "-m", "777", str(folder)])
            for folder in (shared, *mine):
                made = ["sh", "-c", f"echo {shlex.quote(code)} > {folder}/tornado.py"]
                centre.as_account("ben", made)
            folders = folders_of_a_cluster(login)
        finally:
            centre.as_account("ben", ["rm", "-rf", *map(str, mine)])
    assert trap.stat().st_mtime == 0
    assert len(folders) == 2
    assert all(one.startswith("/tmp/geodes-datalab-") for one in folders), folders
    assert "/tmp/geodes-datalab-ada" not in folders
    for folder in folders:
        shutil.rmtree(folder)


def folders_of_a_cluster(login: Login) -> set[str]:
    """Run a cluster of one worker, and return where its processes keep temporary files."""
    name = login.open()
    login.becomes(name, "RUNNING")
    login.scale(name, 1)
    eventually(
        lambda: login.told(name)["workers"]["running"] == 1, "a worker", scene=login.scene(name)
    )
    jobs = [one for one in of_dask(61001) if one.get("DASK_GATEWAY_CLUSTER_NAME") == name]
    login.close(name)
    return {one["DASK_TEMPORARY_DIRECTORY"] for one in jobs}


@contextmanager
def of_the_centre_alone(centre: Centre, folder: Path) -> Iterator[Path]:
    """Show the centre a folder of ben's in the place of one where others on this machine compute."""
    behind = centre.root / f"behind-{folder.name}"
    behind.mkdir()
    behind.chmod(0o777)
    os.chown(behind, ACCOUNTS["ben"], -1)
    folder.mkdir(exist_ok=True)
    private.bind(behind, folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def key_length() -> Any:
    def length() -> int:  # a local function travels whole: workers need not know this file
        from geodes_datalab import auth

        found = auth.find()
        return len(found.key.reveal()) if found else 0

    return length


def assert_no_secret(centre: Centre, jobs: list[dict[str, str]]) -> None:
    """The key stands in no script, no listing, no log and no variable of a job."""
    shown = [centre.run("scontrol", "show", "job", "--details"), centre.run("squeue", "-o", "%all")]
    shown += [centre.run("scontrol", "write", "batch_script", one["job"], "-") for one in jobs]
    shown += [one.read_text() for one in staging(centre, "ada").rglob("*.log")]
    assert len(shown) > 4
    assert not [text for text in shown if KEY in text]


def test_workers_get_the_gpus_that_were_asked_for(login: Login, centre: Centre) -> None:
    name = login.open(gpus=1)
    login.becomes(name, "RUNNING")
    login.scale(name, 1)
    wait_running(centre, 2)
    for one in centre.jobs():
        shown = centre.run("scontrol", "show", "job", one["job"])
        assert ("gres/gpu:1" in shown or "gpu:1" in shown) is ("_" in one["job"])
    login.close(name)


def test_interrupting_the_wait_in_the_queue_cancels_the_job(
    login: Login, centre: Centre, tmp_path: Path
) -> None:
    code = (
        "import geodes_datalab as gd\n"
        "options = {'sbatch': {'begin': 'now+3600'}}\n"
        "gd.open_cluster(1, backend='hpda', options=options, progress=True)\n"
    )
    environment = {**os.environ, **login.client_environment("ada")}
    said = tmp_path / "said"
    with said.open("w") as stream:
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=stream)
    try:
        eventually(
            lambda: "may not start yet" in said.read_text(),
            "words of the queue",
            scene=said.read_text,
        )
        assert centre.jobs(states="PENDING")
        process.send_signal(signal.SIGINT)
        assert process.wait(minutes(3)) != 0
    finally:
        process.kill()
    assert "KeyboardInterrupt" in said.read_text()
    centre.no_jobs()


def test_another_environment_on_the_nodes_is_refused(
    centre: Centre, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nodes' environment is set up by the centre's own file, and has another Dask."""
    folder = centre.root / "other"
    there = folder / "dask-2020.1.0.dist-info"
    there.mkdir(parents=True)
    (there / "METADATA").write_text("Metadata-Version: 2.1\nName: dask\nVersion: 2020.1.0\n")
    setup = folder / "setup.sh"
    setup.write_text(f"export PYTHONPATH={folder}\n")
    with running(centre, instance="two", setup=str(setup)) as other:
        for name, value in other.client_environment("ada").items():
            monkeypatch.setenv(name, value)
        dask.config.refresh()
        with pytest.raises(ClusterError, match="install the release of your notebook image"):
            gd.open_cluster(1, backend="hpda", progress=False)
        centre.no_jobs()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"partition": "nromal"}, "did you mean|normal"),
        ({"walltime": "99-00:00:00"}, "more than"),
        ({"sbatch": {"wrap": "id"}}, "not allowed"),
        ({"sbatch": {"nice": "1; id"}}, "must look like"),
    ],
)
def test_what_is_not_allowed_is_said_at_once(as_ada: Login, options: Any, said: str) -> None:
    with pytest.raises(ClusterError, match=said):
        gd.open_cluster(1, backend="hpda", options=options, progress=False)


def test_a_user_without_an_account_is_told_so(
    as_ada: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "token-of-nobody-known")
    with pytest.raises(ClusterError, match="the HPC has no account for the user 'nobody-known'"):
        gd.open_cluster(1, backend="hpda", progress=False)


def test_an_account_outside_the_group_is_told_so(
    as_ada: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "token-of-eve")
    with pytest.raises(ClusterError, match="may not start jobs as eve"):
        gd.open_cluster(1, backend="hpda", progress=False)

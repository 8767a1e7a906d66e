"""What goes wrong at a centre: what the user is told, and that no job is left or lost."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hpc import Centre
from hpc.login import ENDED, SLURM, Login, staging
from hpc.login import running as at_work
from hpc.processes import of_dask
from support.waiting import Hopeless, eventually, minutes, throughout

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1200)]
LOOK = SLURM["look_seconds"]
"""Seconds from one look of the gateway at the queue to the next."""


@pytest.fixture
def opened(login: Login, centre: Centre) -> Iterator[list[str]]:
    names: list[str] = []
    yield names
    for name in names:
        login.close(name) if login.told(name)["status"] in ("PENDING", "RUNNING") else None
    centre.wait_quiet()


def running(login: Login, opened: list[str], workers: int = 1) -> str:
    name = login.open()
    opened.append(name)
    login.becomes(name, "RUNNING")
    login.scale(name, workers)
    there(login, name, workers)
    return name


def there(login: Login, name: str, workers: int) -> None:
    def so_many() -> bool:
        found = login.told(name)
        if found["status"] in ENDED:
            raise Hopeless(str(found))
        return bool(found["workers"]["running"] == workers)

    eventually(so_many, f"{workers} workers", within=4, scene=login.scene(name))


def tells(login: Login, name: str, words: str, *, field: str | None = None) -> None:
    """Wait until the gateway tells the owner something of a cluster."""
    eventually(
        lambda: words in str(login.told(name)[field] if field else login.told(name)),
        f"the words {words!r}",
        scene=login.scene(name),
    )


def job_of(centre: Centre, *, worker: bool) -> dict[str, str]:
    jobs = centre.jobs(states="RUNNING")
    return next(one for one in jobs if ("_" in one["job"]) is worker)


def failed(login: Login, name: str) -> str:
    eventually(
        lambda: login.told(name)["status"] in ENDED,
        f"the end of {name}",
        within=5,  # Slurm looks at time limits every half minute
        scene=login.scene(name),
    )
    return str((login.told(name)["failure"] or {}).get("text"))


def test_a_partition_that_is_down_makes_the_queue_longer_than_a_minute(
    login: Login, centre: Centre, opened: list[str]
) -> None:
    centre.run("scontrol", "update", "PartitionName=other", "State=DOWN")
    try:
        name = login.open(partition="other")
        opened.append(name)
        tells(login, name, "partition is down", field="waiting")
        assert "position 1 of 1 in the queue other" in str(login.told(name)["waiting"])
        throughout(  # upstream gives up after 60 s
            lambda: login.told(name)["status"] == "PENDING", "it waits", seconds=65
        )
    finally:
        centre.run("scontrol", "update", "PartitionName=other", "State=UP")
    login.becomes(name, "RUNNING")


def test_the_owner_may_cancel_while_it_waits(login: Login, centre: Centre) -> None:
    name = login.open(sbatch={"begin": "now+3600"})
    tells(login, name, "may not start yet", field="waiting")
    assert "expected start" in str(login.told(name)["waiting"])
    login.close(name)
    centre.no_jobs()


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (("scancel",), "was cancelled in Slurm"),
        (("scontrol", "update", "TimeLimit=1"), "reached its time limit"),
    ],
)
def test_a_scheduler_that_is_ended_is_told(
    login: Login, centre: Centre, opened: list[str], end: tuple[str, ...], said: str
) -> None:
    name = running(login, opened)
    job = job_of(centre, worker=False)["job"]
    centre.run(*end, f"jobid={job}" if end[0] == "scontrol" else job)
    assert said in failed(login, name)


def test_a_scheduler_lost_with_its_node_is_told(
    login: Login, centre: Centre, opened: list[str]
) -> None:
    name = running(login, opened)
    node = job_of(centre, worker=False)["node"]
    centre.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    try:
        assert f"was lost with its node (on {node})" in failed(login, name)
    finally:
        centre.run("scontrol", "update", f"NodeName={node}", "State=RESUME", check=False)
        centre.nodes_work()


def test_jobs_that_are_cancelled_suspended_or_preempted(
    login: Login, centre: Centre, opened: list[str]
) -> None:
    name = running(login, opened)
    first = job_of(centre, worker=True)["job"]
    centre.run("scancel", first)
    tells(login, name, "cancelled in Slurm", field="lost")
    another(centre, but=first)
    there(login, name, 1)
    scheduler = job_of(centre, worker=False)["job"]
    centre.run("scontrol", "suspend", scheduler)
    tells(login, name, "suspended by an administrator")
    centre.run("scontrol", "resume", scheduler)
    requeue = ["scontrol", "requeue", scheduler]
    assert subprocess.run(requeue, env=centre.environment()).returncode != 0  # --no-requeue
    throughout(  # three looks at the queue
        lambda: login.told(name)["status"] == "RUNNING", "it runs", seconds=3 * LOOK
    )
    assert job_of(centre, worker=False)["job"] == scheduler
    urgent = ["sbatch", "-p", "urgent", "-N4", "--exclusive"]
    centre.as_account("ben", [*urgent, "--output=/dev/null", "--wrap=sleep 1"])
    assert "was preempted by a job of higher priority" in failed(login, name)


def test_a_staging_folder_that_is_deleted(login: Login, centre: Centre, opened: list[str]) -> None:
    name = running(login, opened)
    shutil.rmtree(staging(centre, "ada") / name)
    login.scale(name, 2)  # the certificate is written again with the next submission
    there(login, name, 2)


@pytest.mark.parametrize("how", ["preempted", "lost with its node"])
def test_a_worker_that_is_taken_away_is_replaced(
    login: Login, centre: Centre, opened: list[str], how: str
) -> None:
    name = login.open()
    opened.append(name)
    login.becomes(name, "RUNNING")
    beside = job_of(centre, worker=False)["node"]
    centre.run("scontrol", "update", f"NodeName={beside}", "State=DRAIN", "Reason=test")
    login.scale(name, 1)
    there(login, name, 1)
    centre.run("scontrol", "update", f"NodeName={beside}", "State=RESUME")
    first = job_of(centre, worker=True)
    if how == "preempted":
        urgent = ["sbatch", "-p", "urgent", "-w", first["node"], "--exclusive"]
        centre.as_account("ben", [*urgent, "--output=/dev/null", "--wrap=sleep 1"])
    else:
        down = ["scontrol", "update", f"NodeName={first['node']}", "State=DOWN", "Reason=test"]
        centre.run(*down)
    try:
        tells(login, name, how, field="lost")
        another(centre, but=first["job"])
        there(login, name, 1)
    finally:
        centre.run("scontrol", "update", f"NodeName={first['node']}", "State=RESUME", check=False)
        centre.nodes_work()


def another(centre: Centre, *, but: str) -> None:
    """Wait for a worker's job that runs, and is another one."""

    def alive() -> list[str]:
        jobs = [one["job"] for one in centre.jobs(states="RUNNING")]
        return [one for one in jobs if "_" in one and one != but]

    eventually(alive, "another worker's job", within=3, scene=centre.tails)


def wait_pending(centre: Centre, count: int = 1) -> None:
    """Wait for jobs that wait."""
    eventually(
        lambda: len(centre.jobs(states="PENDING")) == count,
        f"{count} jobs that wait",
        within=3,
        scene=centre.tails,
    )


def test_a_staging_folder_that_is_deleted_while_workers_wait(
    login: Login, centre: Centre, opened: list[str]
) -> None:
    name = login.open()
    opened.append(name)
    login.becomes(name, "RUNNING")
    centre.run("scontrol", "update", "PartitionName=normal", "State=DOWN")
    try:
        login.scale(name, 2)
        wait_pending(centre, 2)
        shutil.rmtree(staging(centre, "ada") / name)
    finally:
        centre.run("scontrol", "update", "PartitionName=normal", "State=UP")
    there(login, name, 2)  # those without a certificate fail, and are replaced


def test_a_controller_and_a_gateway_that_restart(
    login: Login, centre: Centre, opened: list[str]
) -> None:
    name = running(login, opened)
    before = {one["job"] for one in centre.jobs()}
    centre.kill("slurmctld", signal.SIGTERM)
    unheard = "Slurm does not answer"  # the gateway has looked, and found nobody
    before_it = login.log().count(unheard)
    eventually(lambda: login.log().count(unheard) > before_it, unheard, scene=login.log)
    centre.start_controller()
    login.stop("api")
    login.start("api")
    assert login.told(name)["status"] == "RUNNING"
    there(login, name, 1)
    assert {one["job"] for one in centre.jobs()} == before  # nothing lost, nothing twice
    login.scale(name, 2)
    there(login, name, 2)


def test_only_our_own_strays_are_cancelled(login: Login, centre: Centre, opened: list[str]) -> None:
    name = running(login, opened)
    mark = f"--comment=geodes-datalab:{'a' * 32}"
    sleep = ["--output=/dev/null", "--wrap=sleep 300"]
    ours = centre.as_account(
        "ada", ["sbatch", "--parsable", "-J", "geodes-datalab-datalab", mark, *sleep]
    ).stdout.strip()
    other = centre.as_account(
        "ada", ["sbatch", "--parsable", "-J", "geodes-datalab-two", mark, *sleep]
    ).stdout.strip()
    private = centre.as_account("ada", ["sbatch", "--parsable", *sleep]).stdout.strip()
    eventually(
        lambda: ours not in [one["job"] for one in centre.jobs()],
        "the stray's end",
        scene=login.log,
    )
    left = [one["job"] for one in centre.jobs()]
    assert {other, private} <= set(left)
    assert login.told(name)["status"] == "RUNNING"
    centre.run("scancel", other, private)


def test_jobs_whose_cluster_ended_while_slurm_was_away_are_found(
    login: Login, centre: Centre, opened: list[str]
) -> None:
    name = running(login, opened)
    centre.saved(f"{name}/scheduler-", f"{name}/worker-")  # or a number may be given twice
    centre.kill("slurmctld")
    login.ask("DELETE", f"/api/v1/clusters/{name}")
    login.becomes(name, "STOPPED", within=6)
    centre.start_controller()
    centre.no_jobs()


@pytest.fixture
def waiting(login: Login, centre: Centre, opened: list[str]) -> tuple[str, bytes]:
    """A cluster whose scheduler runs, and what the controller saved of jobs when it waited."""
    other = ("scontrol", "update", "PartitionName=other")
    centre.run(*other, "State=DOWN")
    try:
        name = login.open(partition="other")
        opened.append(name)
        saved = centre.saved(f"{name}/scheduler-")
    finally:
        centre.run(*other, "State=UP")
    login.becomes(name, "RUNNING")
    return name, saved


@pytest.fixture
def start_unsaved(centre: Centre, waiting: tuple[str, bytes]) -> str:
    """A cluster whose scheduler runs; the controller that died had saved it as one that waits."""
    name, saved = waiting
    assert [one["DASK_GATEWAY_CLUSTER_NAME"] for one in of_dask(61001)] == [name]
    centre.crash_controller(saved)
    return name


def test_a_scheduler_of_which_slurm_knows_nothing_ends(
    login: Login, centre: Centre, start_unsaved: str
) -> None:
    """The job is cancelled as one that waits before its node has told that it runs."""
    with centre.hung_nodes():
        centre.start_controller()
        login.ask("DELETE", f"/api/v1/clusters/{start_unsaved}")
        login.becomes(start_unsaved, "STOPPED")
        assert not centre.jobs()
        assert of_dask(61001)
    eventually(lambda: not of_dask(61001), "the end of the scheduler", within=3, scene=centre.tails)


def test_a_scheduler_that_slurm_starts_a_second_time_is_told(
    login: Login, centre: Centre, start_unsaved: str
) -> None:
    centre.start_controller()
    assert "a second time: what was computed is lost" in failed(login, start_unsaved)
    eventually(lambda: not of_dask(61001), "the end of both schedulers", within=3)


def test_a_number_that_slurm_gives_a_second_time_ends_no_other_cluster(
    login: Login, centre: Centre, opened: list[str], waiting: tuple[str, bytes]
) -> None:
    """The controller that died had not saved the workers of one: the next job gets their number."""
    first, saved = waiting
    login.scale(first, 1)
    there(login, first, 1)
    number = job_of(centre, worker=True)["job"].partition("_")[0]
    centre.crash_controller(saved)
    with centre.hung_nodes():
        centre.start_controller()
        second = login.open()
        opened.append(second)
        tells(login, second, "position", field="waiting")
        mark = f"geodes-datalab:{second}"
        assert [one["job"] for one in centre.jobs() if one["comment"] == mark] == [number]
        login.close(first)
        assert [one["job"] for one in centre.jobs(states="PENDING")] == [number]
        assert login.told(second)["status"] == "PENDING"
        login.close(second)


def test_a_gateway_that_restarts_costs_nobody_a_place_in_the_queue(
    login: Login, centre: Centre
) -> None:
    """A notebook waits on: neither its job is cancelled nor a second one submitted."""
    code = (
        "import geodes_datalab as gd\n"
        "with gd.open_cluster(1, backend='hpda', options={'partition': 'other'}) as cluster:\n"
        "    print(cluster.client.submit(sum, [3, 4]).result(180))\n"
    )
    environment = {**os.environ, **login.client_environment("ada")}
    centre.run("scontrol", "update", "PartitionName=other", "State=DOWN")
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        wait_pending(centre)
        before = [one["job"] for one in centre.jobs()]

        def waits_on() -> bool:
            return process.poll() is None and [one["job"] for one in centre.jobs()] == before

        login.stop("api", "proxy")
        throughout(waits_on, "it waits without a gateway", seconds=5)
        login.start("proxy", wait=False)
        eventually(lambda: login.ask("GET", "/api/health").status_code >= 400, "a proxy alone")
        throughout(waits_on, "it waits before a proxy without routes", seconds=5)
        login.start("api")
        throughout(waits_on, "it waits for its turn", seconds=5 * LOOK)
        centre.run("scontrol", "update", "PartitionName=other", "State=UP")
        said, _ = process.communicate(timeout=minutes(5))
    finally:
        centre.run("scontrol", "update", "PartitionName=other", "State=UP")
        process.kill()
    assert said == "7\n"
    centre.no_jobs()


def test_a_submission_whose_answer_is_lost_is_found(centre: Centre) -> None:
    """Slurm takes jobs, but its answers do not come: none is submitted twice."""
    sbatch = centre.root / "sbatch"
    lost = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
    sbatch.write_text(f'#!/bin/sh\n/usr/bin/sbatch "$@"\necho {shlex.quote(lost)} >&2\nexit 1\n')
    sbatch.chmod(0o755)
    with at_work(centre, instance="lossy", sbatch=str(sbatch)) as login:
        name = login.open()
        login.becomes(name, "RUNNING")
        login.scale(name, 2)
        there(login, name, 2)
        assert len(centre.jobs()) == 3

"""The test centre itself: real jobs, real accounts, and nothing of it on the machine."""

from __future__ import annotations

import subprocess

import psutil
import pytest
from hpc import Centre
from support.waiting import eventually

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(600)]


def test_jobs_run_under_their_owners_accounts_on_several_nodes(centre: Centre) -> None:
    wrap = "--wrap=id -un; sleep 1"
    asked = ["sbatch", "--parsable", "--array=0-3", "--output=%a.txt", "--gres=gpu:1", wrap]
    done = centre.as_account("ada", asked)
    assert done.returncode == 0, done.stderr
    number = done.stdout.strip()

    def tasks() -> list[dict[str, str]]:  # with those that have ended already
        return [one for one in centre.jobs(states="all") if one["job"].startswith(f"{number}_")]

    eventually(
        lambda: len({job["node"] for job in tasks()} - {""}) == 4, "four nodes", scene=centre.tails
    )
    assert {job["user"] for job in tasks()} == {"ada"}
    centre.no_jobs()
    assert (centre.home("ada") / "3.txt").read_text() == "ada\n"


def test_every_listener_is_on_loopback(centre: Centre) -> None:
    for name, daemon in centre.daemons.items():
        for one in psutil.Process(daemon.pid).net_connections("tcp"):
            assert one.status != psutil.CONN_LISTEN or one.laddr.ip == "127.0.0.1", name


def test_the_machine_outside_knows_nothing_of_it(centre: Centre) -> None:
    namespace = f"--mount=/proc/self/fd/{centre.outside}"
    command = ["nsenter", namespace, "grep", "-c", "^ada:", "/etc/passwd"]
    done = subprocess.run(command, capture_output=True, text=True, pass_fds=[centre.outside])
    assert done.stdout.strip() == "0", done.stderr


def test_a_restarted_controller_keeps_its_jobs(centre: Centre) -> None:
    done = centre.as_account(
        "ben", ["sbatch", "--parsable", "--output=/dev/null", "--wrap=sleep 600"]
    )
    eventually(
        lambda: [one["state"] for one in centre.jobs()] == ["RUNNING"],
        "the job",
        scene=centre.tails,
    )
    centre.restart_controller()
    assert [one["job"] for one in centre.jobs()] == [done.stdout.strip()]
    centre.run("scancel", done.stdout.strip())
    centre.no_jobs()

"""The notebook 04-scale/02-hpda in the hub of the local mode, by Chromium, on jobs of its reader."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hpc import Centre
from hpc.files import DATALAB
from hpc.login import DASK, SLURM
from playwright.sync_api import Browser, Locator, expect
from support.lab import SLOW, Lab, assert_clean, chromium, photograph, position, ran, reader

from geodes_datalab.hub import load
from geodes_datalab.hub.gateway.slurm import site

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]
NOTEBOOK = "04-scale/02-hpda.ipynb"
ARTIFACTS = Path(__file__).parents[2] / "artifacts"


class Datalab:
    """Local mode as an account of the centre that has the sudo rule, and no other right, runs it."""

    def __init__(self, centre: Centre, cache: Path) -> None:
        self.centre = centre
        self.state = centre.home("dask") / "state"
        self.libexec = centre.root / "libexec"
        self.launcher = self.libexec / "geodes-datalab-launcher"
        self.cache = cache

    def install(self) -> None:
        """Do as root what the how-to says."""
        slurm = {
            **SLURM,
            "instance": "journey",  # another gateway of the session has the usual one
            "launcher": "sudo",
            "accounts": {"kind": "identity"},
            "launcher_path": str(self.launcher),
            "launcher_config": str(self.libexec / "launcher.json"),
            "dask": DASK,
        }
        gateway: dict[str, Any] = {
            "slurm": slurm,
            "workers": {"memory_gib": 1, "max_cores": 4},
            "scheduler_memory_gib": 1,
        }
        self.libexec.mkdir()
        addresses = {
            f"{name}_address": f"127.0.0.1:{n}" for n, name in enumerate(("api", "proxy"), 1)
        }
        settings = load({"gateway": {**gateway, **addresses, "kind": "slurm"}})
        site.write_launcher(
            self.launcher, config=self.libexec / "launcher.json", python="/usr/bin/python3"
        )
        site.write_config(self.libexec / "launcher.json", settings)
        rule = self.centre.sudoers / "journey"
        rule.write_text(site.sudo_rule(self.launcher, account="dask", group=DATALAB))
        rule.chmod(0o440)
        file = self.centre.home("dask") / "settings.json"
        file.write_text(json.dumps({"hpda": {"gateway": gateway}}))
        file.chmod(0o644)

    def command(self, *words: str) -> str:
        program = [sys.executable, "-m", "geodes_datalab.cli", *words, f"--state-dir={self.state}"]
        paths = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {
            "PATH": paths,
            "GEODES_CACHE_DIR": str(self.centre.home("dask") / "cache"),
        }
        done = self.centre.as_account("dask", program, environment=environment, within=12)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{self.tails()}"
        return done.stdout

    def tails(self) -> str:
        return "\n".join(one.read_text()[-1500:] for one in (self.state / "logs").glob("hpda*.log"))


@pytest.fixture(scope="module")
def datalab(centre: Centre, shared_cache: Path) -> Iterator[Datalab]:
    datalab = Datalab(centre, shared_cache)
    datalab.install()
    file = centre.home("dask") / "settings.json"
    try:
        datalab.command("up", "--background", "--port=auto", "--hpda=slurm", f"--settings={file}")
        yield datalab
    finally:
        datalab.command("down")
    assert not centre.jobs()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def logged_in(browser: Browser, datalab: Datalab, name: str) -> Lab:
    url = json.loads(datalab.command("status", "--json"))["url"]
    password = (datalab.state / "secrets" / "password").read_text().strip()
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(SLOW)
    page.goto(url)
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    lab = Lab(page, reader(datalab.state / "homes" / name / "notebooks"))
    lab.wait_ready()
    return lab


def test_the_notebook_computes_on_jobs_of_its_reader(
    datalab: Datalab, centre: Centre, browser: Browser
) -> None:
    ada = logged_in(browser, datalab, "ada")
    ada.open_from_readme("A Dask cluster on the HPC centre")
    cells = ada.read(NOTEBOOK)
    close = position(cells, "## 6. ")
    ada.run(cells[:close])
    before = ada.saved(NOTEBOOK, lambda now: ran(now[:close]))
    failed = [one for cell in before for one in cell.get("outputs", []) if "evalue" in one]
    assert not failed, f"{failed[0].evalue} {datalab.tails()}"
    assert_clean(before)
    jobs = centre.jobs(states="RUNNING")
    assert {one["user"] for one in jobs} == {"ada"}
    assert len(jobs) == 3
    for one in jobs:
        assert "UserId=ada(61001)" in centre.run("scontrol", "show", "job", one["job"])
    shown = json.dumps(before)
    assert "workers run as ada" in shown
    assert "the same result as here: True" in shown
    print(centre.run("squeue", "-r"))
    ada.run(cells[close:])
    assert_clean(ada.saved(NOTEBOOK, ran))
    centre.no_jobs()
    ada.page.context.close()


def ask_for(lab: Lab, **values: str) -> None:
    """Fill in the dialog of the panel's second button."""
    lab.dask_panel().get_by_text("HPC", exact=True).click()
    form = lab.page.locator(".jp-Dialog form")
    for name, value in values.items():
        field = form.locator(f"[name={name}]")
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    lab.page.locator(".jp-Dialog").get_by_role("button", name="Start").click()


def shoot(lab: Lab, name: str) -> None:
    """Keep a picture."""
    photograph(lab.page, ARTIFACTS / f"{name}.png")


def notice(lab: Lab, words: str) -> Locator:
    """Return a message in the corner; others may stand beside it."""
    found = lab.page.locator(".Toastify__toast").filter(has_text=words)
    expect(found).to_have_count(1, timeout=SLOW)
    return found


@contextmanager
def down(centre: Centre, partition: str) -> Iterator[None]:
    """Let jobs of a partition wait."""
    update = ("scontrol", "update", f"PartitionName={partition}")
    centre.run(*update, "State=DOWN")
    try:
        yield
    finally:
        centre.run(*update, "State=UP")


def test_the_dask_panel_makes_clusters_of_the_centre(
    datalab: Datalab, centre: Centre, browser: Browser
) -> None:
    """Asked for, waited for, given up; asked for again, used by the code that the panel writes, ended."""
    ben = logged_in(browser, datalab, "ben")  # whose Lab restores no notebook
    with down(centre, "normal"):
        ask_for(ben, workers="1", partition="normal", walltime="00:20:00")
        notice(ben, "partition is down")
        assert [one["user"] for one in centre.jobs()] == ["ben"]
        shoot(ben, "hpda-panel-queue")
        ben.page.reload()
        ben.wait_ready()
        notice(ben, "partition is down").get_by_role("button", name="Cancel").click()
        notice(ben, "given up")
        centre.no_jobs()

    ask_for(ben, workers="1", partition="normal")
    shown = ben.dask_panel().locator(".dask-ClusterListingItem")
    expect(shown).to_contain_text("HPC centre", timeout=SLOW)
    expect(shown).to_contain_text("Number of Workers: 1", timeout=SLOW)
    stream = ben.dask_panel().get_by_role("button", name="Task Stream")
    expect(stream).to_be_enabled(timeout=SLOW)
    shoot(ben, "hpda-panel")
    assert {one["user"] for one in centre.jobs(states="RUNNING")} == {"ben"}

    ben.open_from_readme("First steps")
    ben.dask_panel()
    ben.connect_by_panel(shown)
    shoot(ben, "hpda-panel-client")
    shown.get_by_role("button", name="Shutdown").click()
    centre.no_jobs()
    expect(shown).to_have_count(0, timeout=SLOW)

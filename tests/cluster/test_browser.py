"""Debian's Chromium on the node's port: log in, choose a profile, run a cell, see a dashboard.

What JupyterLab and the notebooks do in it is looked at where it is cheap, in tests/browser; here, that the
way through Kubernetes carries it. Pictures go to artifacts/cluster-*.png.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, expect
from support import own_environment
from support.lab import Lab, assert_shows_bars, chromium
from support.lab_tools import assert_exports_work, open_terminal, type_in_terminal
from trials import Release, Table, people
from trials.browse import log_in, open_login, shoot

T = TypeVar("T")
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def times() -> Iterator[Table]:
    table = Table("cluster-browser", ["step", "seconds"])
    yield table
    print(f"\n{table}")


@pytest.fixture(scope="module")
def ada(browser: Browser, release: Release, times: Table) -> Iterator[Lab]:
    """Ada's Lab, after the choice of a profile."""
    people.start_afresh(release, "ada")
    page = open_login(browser, release)
    shoot(page, "1-login")
    log_in(page, release, "ada")
    small = page.get_by_text("Enough for a first look")
    expect(small).to_be_visible()
    expect(page.get_by_text("Teacher")).to_have_count(0)
    small.click()
    shoot(page, "2-profiles")
    began = time.monotonic()
    page.get_by_role("button", name="Start").click()
    expect(page).to_have_url(re.compile(r"/hub/spawn-pending/|/user/ada/"))
    shoot(page, "3-starting")
    lab = Lab(page)
    lab.wait_ready()
    times.add("from Start to JupyterLab", time.monotonic() - began)
    yield lab
    page.context.close()


@pytest.fixture(scope="module")
def dashboard(ada: Lab, release: Release) -> Iterator[str]:
    """Path of the dashboard of a cluster of ada's."""
    visitor = release.visitor("ada")
    people.settle(visitor)
    kernel = aside(lambda: people.with_cluster(visitor, workers=1))
    yield aside(lambda: people.dashboard(kernel))
    aside(lambda: people.close_clusters(kernel))


def aside(work: Callable[[], T]) -> T:
    """Talk to a kernel in a thread of its own: Playwright's loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_lab_opens_on_the_readme(ada: Lab) -> None:
    expect(ada.page).to_have_url(re.compile(r"/user/ada/lab/tree/notebooks/README\.md"))
    expect(ada.page.get_by_role("heading", name="Notebooks", exact=True)).to_be_visible()
    ada.assert_quiet()
    shoot(ada.page, "4-lab")


def test_a_cell_runs(ada: Lab, times: Table) -> None:
    """The first cell of the first notebook: its kernel, behind proxy and websocket, has the library."""
    ada.open_from_readme("First steps")
    imports = ada.panel.locator(".jp-CodeCell").filter(has_text="import geodes_datalab")
    cell = ada.scroll_to(imports)
    cell.click()
    expect(cell).to_have_class(re.compile(r"jp-mod-selected"))
    began = time.monotonic()
    ada.menu("Run", "Run Selected Cell")
    expect(cell.locator(".jp-InputPrompt").first).to_have_text("[1]:")
    expect(cell.locator("[data-mime-type='application/vnd.jupyter.stderr']")).to_have_count(0)
    times.add("the first cell of 01-start/01", time.monotonic() - began)
    ada.assert_quiet()
    shoot(ada.page, "5-cell")


def test_a_dashboard_is_drawn(ada: Lab, dashboard: str, release: Release) -> None:
    """Its page, scripts and socket pass hub, proxy and gateway; test_strangers has who may not see it."""
    page = ada.page.context.new_page()
    page.goto(f"{release.url}user/ada/{dashboard}")
    assert_shows_bars(page)
    shoot(page, "6-dashboard")
    page.close()


def test_what_was_opened_stays_in_front(ada: Lab, release: Release) -> None:
    """However quick the click is: an extension that opens the address's document again covers it."""
    page = ada.page.context.new_page()
    page.goto(f"{release.url}user/ada/lab/workspaces/quick/tree/notebooks/README.md")
    lab = Lab(page)
    lab.wait_ready()
    lab.open_from_readme("Finding products")
    expect(page.locator("#filebrowser")).not_to_have_class(re.compile("jp-mod-restoring"))
    expect(page.locator("#jp-main-dock-panel .lm-TabBar-tab")).to_have_count(2)
    lab.wait_idle()
    page.close()


def test_every_export_of_the_menu_gives_a_file(ada: Lab, release: Release) -> None:
    ada.open_from_readme("First steps")
    first = "notebooks/01-start/01-first-steps.ipynb"
    assert_exports_work(ada, f"{release.url}user/ada/", first)
    shoot(ada.page, "7-exports")


@pytest.mark.parametrize(
    ("keys", "shows"),
    [
        (["python -c 'import xarray; print(xarray.__name__)' > ~/seen-python", "Enter"], "xarray"),
        (["geodes-dat", "Tab", "--help > ~/seen-completion", "Enter"], "geodes-datalab"),
    ],
    ids=["python", "completion"],
)
def test_the_terminal_is_that_of_the_image(
    ada: Lab, release: Release, keys: list[str], shows: str
) -> None:
    """`python` is the one with the libraries, and Tab completes what it brings."""
    visitor = release.visitor("ada")
    assert visitor.server_answers()
    file = next(key for key in keys if "> " in key).rpartition("> ~/")[2]
    open_terminal(ada)
    assert shows in type_in_terminal(ada, keys, lambda: visitor.read_file(file))
    shoot(ada.page, "8-terminal")


def test_an_own_environment_is_used_added_to_and_there_after_a_restart(
    ada: Lab, release: Release, tmp_path: Path
) -> None:
    visitor = release.visitor("ada")
    assert visitor.server_answers()
    own_environment.bring_wheels(visitor, tmp_path)
    own_environment.make_and_use(ada, visitor)
    shoot(ada.page, "9-own-environment")
    own_environment.restart(
        ada, visitor, lambda page: page.get_by_role("button", name="Start").click()
    )
    own_environment.still_there(ada)


def test_ada_leaves(ada: Lab, dashboard: str, release: Release) -> None:
    """Make room for the tests that follow."""
    people.leave(release.visitor("ada"))

"""Debian's Chromium on the node's port: log in, choose a profile, run two notebooks to their end.

Pictures go to artifacts/cluster-*.png.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from support.lab import (
    SLOW,
    Cells,
    Lab,
    assert_clean,
    assert_shows_bars,
    chromium,
    position,
    ran,
)
from trials import Release, Table, people
from trials.tables import ARTIFACTS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

FIRST = "01-start/01-first-steps.ipynb"
DASK = "04-scale/01-dask-gateway.ipynb"
expect.set_options(timeout=60_000)


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
def tab(browser: Browser, release: Release) -> Iterator[Callable[[str], Page]]:
    """Return a function that logs a user in, in a browser profile of their own."""
    contexts: list[BrowserContext] = []

    def person(name: str) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
        contexts.append(context)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(release.url)
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(release.secret("auth.password"))
        if name == "ada":
            shoot(page, "1-login")
        page.get_by_role("button", name="Sign in").click()
        return page

    yield person
    for context in contexts:
        context.close()


def shoot(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"cluster-{name}.png")


@pytest.fixture(scope="module")
def ada(tab: Callable[[str], Page], release: Release, times: Table) -> Lab:
    """Ada's Lab, after the choice of a profile."""
    people.start_afresh(release, "ada")
    page = tab("ada")
    small = page.get_by_text("Enough for a first look")
    expect(small).to_be_visible()
    expect(page.get_by_text("Teacher")).to_have_count(0)
    small.click()
    shoot(page, "2-profiles")
    began = time.monotonic()
    page.get_by_role("button", name="Start").click()
    expect(page).to_have_url(re.compile(r"/hub/spawn-pending/|/user/ada/"))
    shoot(page, "3-starting")

    def read(path: str) -> Cells:
        code = "import sys; sys.stdout.write(open(sys.argv[1]).read())"
        text = release.run_in(release.user_pod("ada"), code, f"/home/jovyan/notebooks/{path}")
        return list(nbformat.reads(text, as_version=4).cells)

    lab = Lab(page, read)
    lab.wait_ready()
    times.add("from Start to JupyterLab", time.monotonic() - began)
    return lab


def test_lab_opens_on_the_readme(ada: Lab) -> None:
    expect(ada.page).to_have_url(re.compile(r"/user/ada/lab/tree/notebooks/README\.md"))
    expect(ada.page.get_by_role("heading", name="Notebooks", exact=True)).to_be_visible()
    ada.assert_quiet()
    shoot(ada.page, "4-lab")


def test_first_notebook_runs_to_its_end(ada: Lab, times: Table) -> None:
    ada.open_from_readme("First steps")
    began = time.monotonic()
    ada.run_all()
    cells = ada.saved(FIRST, ran)
    times.add("notebook 01-start/01", time.monotonic() - began)
    assert_clean(cells)
    the_map = ada.scroll_to(ada.panel.locator(".leaflet-container"))
    expect(the_map.get_by_text("5 footprints")).to_be_visible()
    shoot(ada.page, "5-map")
    ada.scroll_to(ada.panel.get_by_role("heading", name="6. NDVI"))
    ada.scroll_to(ada.panel.locator(".jp-RenderedImage img"), from_top=False)
    shoot(ada.page, "6-ndvi")
    ada.assert_quiet()


def test_dask_notebook_runs_on_two_workers(
    ada: Lab, tab: Callable[[str], Page], release: Release, times: Table
) -> None:
    ada.open_from_readme("Sentinel-1 time series")
    cells = ada.read(DASK)
    opened, resized = position(cells, "## 3. "), position(cells, "## 7. ")
    began = time.monotonic()
    ada.run(cells[:opened])
    assert_clean(ada.saved(DASK, lambda now: ran(now[:opened])))
    times.add("notebook 04-scale/01 until two workers", time.monotonic() - began)
    assert len(release.pods("dask-worker")) >= 2
    with ada.page.expect_popup() as popup:
        ada.scroll_to(ada.panel.locator("a[href*='/proxy/']")).click()
    dashboard = popup.value
    assert_shows_bars(dashboard)

    ada.page.bring_to_front()
    ada.run(cells[opened:resized])
    assert_clean(ada.saved(DASK, lambda now: ran(now[:resized])))
    shoot(ada.page, "7-dask")
    dashboard.bring_to_front()
    assert_shows_bars(dashboard)
    shoot(dashboard, "8-dashboard")
    assert_refused(tab("bob"), release, dashboard.url)

    ada.page.bring_to_front()
    ada.run(cells[resized:])
    assert_clean(ada.saved(DASK, ran))
    times.add("notebook 04-scale/01 in all", time.monotonic() - began)
    ada.scroll_to(ada.panel.get_by_role("heading", name="5. How much"))
    ada.scroll_to(ada.panel.locator(".jp-RenderedImage img"), from_top=False)
    shoot(ada.page, "9-statistics")
    ada.assert_quiet()


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


def assert_refused(page: Page, release: Release, dashboard: str) -> None:
    """Assert that another user, logged in, reaches neither server nor dashboard of ada."""
    expect(page).to_have_url(re.compile(r"/hub/|/user/bob/"), timeout=SLOW)
    for address in (f"{release.url}user/ada/lab", f"{release.url}user/ada/api/contents", dashboard):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status in (403, 404), address
    shoot(page, "refused")


def test_ada_leaves(ada: Lab, release: Release) -> None:
    """Make room for the tests that follow."""
    visitor = release.visitor("ada")
    people.leave(visitor)
    assert not people.active(visitor)

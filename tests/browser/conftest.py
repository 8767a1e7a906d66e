"""A datalab of its own, Chromium, and JupyterLab as a person uses it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from geodes_datalab.local import layout as layouts
from geodes_datalab.local import runtime as runs
from geodes_datalab.local import secrets

SCREENSHOTS = Path(os.environ.get("GEODES_SCREENSHOTS") or Path(__file__).with_name("_screenshots"))
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
Cells: TypeAlias = list[nbformat.NotebookNode]
SLOW = 240_000
"""Milliseconds: two cores may be busy with a spawn, a kernel and a cluster at once."""


class Lab:
    """JupyterLab in one tab, driven by what is visible in it."""

    def __init__(self, page: Page, home: Path) -> None:
        self.page = page
        self.home = home
        self.panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def view(self, number: int) -> Lab:
        """Return one of several notebooks that are visible side by side."""
        lab = Lab(self.page, self.home)
        lab.panel = self.panel.nth(number)
        return lab

    def wait_ready(self) -> None:
        expect(self.page.locator(".jp-LabShell")).to_be_visible(timeout=SLOW)
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=SLOW)

    def menu(self, *names: str) -> None:
        """Choose an entry of the menus at the top, by its words."""
        bar, *entries = names
        self.page.locator("#jp-MainMenu").get_by_role("menuitem", name=bar, exact=True).click()
        for name in entries[:-1]:
            self.entry(name).hover()
        self.entry(entries[-1]).click()

    def entry(self, name: str) -> Locator:
        """Return the entry of an open menu whose words match a regular expression."""
        label = self.page.locator(".lm-Menu-itemLabel").filter(has_text=re.compile(f"^{name}$"))
        return label.last

    def open_from_readme(self, title: str) -> None:
        self.page.get_by_role("tab", name="README.md").click()
        self.page.locator(".jp-MarkdownViewer").get_by_role("link", name=title).click()
        expect(self.panel).to_be_visible(timeout=SLOW)
        self.wait_idle()

    def wait_idle(self) -> None:
        """Wait for a kernel that waits for work (without one, running cells opens a dialog)."""
        status = self.page.locator("#jp-main-statusbar").get_by_text(re.compile(r"\| Idle$"))
        expect(status).to_be_visible(timeout=SLOW)

    def run_all(self) -> None:
        self.menu("Run", "Run All Cells")

    def run(self, cells: Cells) -> None:
        """Run neighbouring cells, the first of them a heading, with Shift+Enter."""
        heading = cells[0].source.splitlines()[0].strip("# ")
        self.scroll_to(self.panel.get_by_role("heading", name=heading)).click()
        for _ in cells:
            self.page.keyboard.press("Shift+Enter")

    def read(self, path: str) -> Cells:
        """Return the cells of a notebook as they are in its file."""
        return list(nbformat.read(self.home / "notebooks" / path, as_version=4).cells)

    def saved(self, path: str, done: Callable[[Cells], bool]) -> Cells:
        """Save until the file shows that the work is done, or that a cell failed."""
        deadline = time.monotonic() + SLOW / 1000
        while True:
            self.menu("File", "Save Notebook")
            with contextlib.suppress(nbformat.reader.NotJSONError):  # it is being written
                cells = self.read(path)
                outputs = [output for cell in cells for output in cell.get("outputs", [])]
                if done(cells) or any(output.output_type == "error" for output in outputs):
                    return cells
            assert time.monotonic() < deadline, f"{path} did not come to its end"
            self.page.wait_for_timeout(1000)

    def scroll_to(self, target: Locator, *, from_top: bool = True) -> Locator:
        """Roll the notebook down until something is in sight (far cells have no element)."""
        area = self.panel.locator(".jp-WindowedPanel-outer")
        if from_top:
            area.evaluate("element => element.scrollTo(0, 0)")
        for _ in range(200):
            for candidate in target.all():
                if self._below_top(candidate, area):
                    candidate.evaluate("element => element.scrollIntoView({ block: 'start' })")
                    return candidate
            area.evaluate("element => element.scrollBy(0, 300)")
            self.page.wait_for_timeout(100)
        raise AssertionError(f"not in the notebook: {target}")

    @staticmethod
    def _below_top(candidate: Locator, area: Locator) -> bool:
        found, frame = candidate.bounding_box(), area.bounding_box()
        return bool(
            found
            and frame
            and found["y"] >= frame["y"]
            and found["y"] < frame["y"] + frame["height"]
        )

    def assert_quiet(self) -> None:
        """No dialog, and no message of an error in the corner."""
        expect(self.page.locator(".jp-Dialog")).to_have_count(0)
        expect(self.page.locator(".Toastify__toast--error")).to_have_count(0)


@dataclass(frozen=True)
class Datalab:
    """A run of local mode."""

    url: str
    password: str
    homes: Path


@pytest.fixture(scope="session")
def datalab(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Iterator[Datalab]:
    """Start the whole datalab as its users do, and stop it at the end."""
    state = tmp_path_factory.mktemp("datalab")
    where = ["--state-dir", str(state)]
    command("up", "--background", "--port", "auto", *where, cache=shared_cache)
    try:
        layout = layouts.layout(state)
        runtime = runs.read(layout)
        assert runtime is not None
        yield Datalab(runtime.url, secrets.read(layout, "password"), layout.homes)
    finally:
        command("down", *where, cache=shared_cache)


def command(*arguments: str, cache: Path) -> None:
    """Run the command line; the hub's proxy and the sample archives are kept between runs."""
    done = subprocess.run(
        [sys.executable, "-m", "geodes_datalab.cli", *arguments],
        env={**os.environ, "GEODES_CACHE_DIR": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).is_file():
        pytest.fail("no Chromium: apt-get install chromium, or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture(scope="session")
def log_in(datalab: Datalab, browser: Browser) -> Iterator[Callable[[str], Lab]]:
    """Return a function that logs a user in, in a browser profile of their own."""
    contexts: list[BrowserContext] = []

    def person(name: str) -> Lab:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
        contexts.append(context)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(datalab.url)
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(datalab.password)
        page.get_by_role("button", name="Sign in").click()
        lab = Lab(page, datalab.homes / name)
        lab.wait_ready()
        return lab

    yield person
    for context in contexts:
        context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a picture of every tab when a browser test fails."""
    report = yield
    browser: Browser | None = getattr(item, "funcargs", {}).get("browser")
    if report.failed and call.when == "call" and browser is not None:
        pages = [page for context in browser.contexts for page in context.pages]
        for number, page in enumerate(pages):
            page.screenshot(path=SCREENSHOTS / f"failed-{item.name}-{number}.png")
    return report


@pytest.fixture(scope="session")
def ada(log_in: Callable[[str], Lab]) -> Lab:
    return log_in("ada")


@pytest.fixture
def shoot() -> Callable[[Page, str], Path]:
    """Return a function that keeps a picture of a tab."""

    def take(page: Page, name: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path)
        return path

    return take

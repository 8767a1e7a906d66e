"""JupyterLab in Debian's Chromium, driven as a person does it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

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
    """JupyterLab in one tab, driven by what is visible in it.

    Parameters
    ----------
    page
        A tab of a browser, in which somebody is logged in.
    read
        Reads a shipped notebook as it is in the user's home, by its path below ``notebooks``, from
        the disk: the server's own API may hang on a file that is being written.
    """

    def __init__(self, page: Page, read: Callable[[str], Cells] | None = None) -> None:
        self.page = page
        self._read = read
        self.panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def read(self, path: str) -> Cells:
        """Return the cells of a shipped notebook, as they are on the disk now."""
        assert self._read is not None, "this Lab was made without a reader"
        return self._read(path)

    def view(self, number: int) -> Lab:
        """Return one of several notebooks that are visible side by side."""
        lab = Lab(self.page, self._read)
        lab.panel = self.panel.nth(number)
        return lab

    def wait_ready(self) -> None:
        """Wait until JupyterLab is there and its splash is gone."""
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
        """Follow a link of the notebooks' README, and wait for the notebook's kernel."""
        self.page.get_by_role("tab", name="README.md").click()
        self.page.locator(".jp-MarkdownViewer").get_by_role("link", name=title).click()
        expect(self.panel).to_be_visible(timeout=SLOW)
        self.wait_idle()

    def wait_idle(self) -> None:
        """Wait for a kernel that waits for work (without one, running cells opens a dialog)."""
        status = self.page.locator("#jp-main-statusbar").get_by_text(re.compile(r"\| Idle$"))
        expect(status).to_be_visible(timeout=SLOW)

    def run_all(self) -> None:
        """Run all cells of the notebook in front, by the menu."""
        self.menu("Run", "Run All Cells")

    def run(self, cells: Cells) -> None:
        """Run neighbouring cells, the first of them a heading, with Shift+Enter."""
        heading = cells[0].source.splitlines()[0].strip("# ")
        self.scroll_to(self.panel.get_by_role("heading", name=heading)).click()
        for _ in cells:
            self.page.keyboard.press("Shift+Enter")

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

    def dask_panel(self) -> Locator:
        """Open the Dask panel at the left, and return it."""
        panel = self.page.locator("#dask-dashboard-launcher")
        if not panel.is_visible():
            self.page.locator(".jp-SideBar li[data-id='dask-dashboard-launcher']").click()
        expect(panel).to_be_visible(timeout=SLOW)
        return panel

    def connect_by_panel(self, cluster: Locator) -> None:
        """Let the panel write its code for a cluster above the cell in front, and run it."""
        cluster.get_by_title("Inject client code").click()
        code = self.panel.locator(".jp-CodeCell .cm-content").filter(has_text="gateway://").first
        expect(code).to_be_visible(timeout=SLOW)
        self.menu("Run", "Run Selected Cell")  # a key would need the focus, which comes late
        output = self.panel.locator(".jp-OutputArea-output").first
        expect(output).to_contain_text("Client", timeout=SLOW)

    def assert_quiet(self) -> None:
        """No dialog, and no message of an error in the corner."""
        expect(self.page.locator(".jp-Dialog")).to_have_count(0)
        expect(self.page.locator(".Toastify__toast--error")).to_have_count(0)


def position(cells: Cells, heading: str) -> int:
    """Return the index of the cell that holds a heading."""
    return next(i for i, cell in enumerate(cells) if cell.source.startswith(heading))


def ran(cells: Cells) -> bool:
    """Tell whether all code was run; Shift+Enter in the last cell adds an empty one below."""
    return all(cell.execution_count for cell in cells if cell.cell_type == "code" and cell.source)


def assert_clean(cells: Cells) -> None:
    """Assert that no cell failed or warned."""
    outputs = [(cell.id, output) for cell in cells for output in cell.get("outputs", [])]
    failed = [(cell, out.evalue) for cell, out in outputs if out.output_type == "error"]
    warned = [(cell, out.text) for cell, out in outputs if out.get("name") == "stderr"]
    assert failed == []
    assert warned == []


def assert_shows_bars(dashboard: Page) -> None:
    """Assert that Bokeh drew the workers: its page, script and socket went through the proxies."""
    bars = dashboard.locator("canvas").first
    expect(bars).to_be_visible()
    dashboard.wait_for_function(
        """() => {
            const inside = root => [...root.querySelectorAll("*")].flatMap(
                one => [one, ...(one.shadowRoot ? inside(one.shadowRoot) : [])]);
            return inside(document).filter(one => one.tagName === "CANVAS").some(canvas => {
                const { width, height } = canvas;
                if (!width || !height) return false;
                const bytes = canvas.getContext("2d").getImageData(0, 0, width, height).data;
                let blue = 0;
                for (let i = 0; i < bytes.length; i += 4) blue += bytes[i + 2] - bytes[i] > 100;
                return blue > 500;
            });
        }"""
    )


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium, without a window.

    Raises
    ------
    FileNotFoundError
        There is none.
    """
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(path).is_file():
        raise FileNotFoundError("no Chromium: apt-get install chromium, or set CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()

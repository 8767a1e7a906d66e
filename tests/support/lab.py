"""JupyterLab in Debian's Chromium, driven as a person does it.

Every step is looked at before the next one is made, and one that got lost while the Lab rendered is made
again: so each must do no harm when it is made twice.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as NotInTime
from support.cells import Cells, assert_clean, position, ran
from support.waiting import eventually, minutes

__all__ = [
    "FRENCH",
    "SLOW",
    "Cells",
    "Lab",
    "assert_clean",
    "assert_shows_bars",
    "chromium",
    "photograph",
    "photograph_all",
    "position",
    "ran",
    "reader",
]

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SLOW = minutes(5) * 1000
"""Milliseconds: two cores may be busy with a spawn, a kernel and a cluster at once."""
STEP = minutes(0.5) * 1000
"""Milliseconds until a step counts as lost, and is made again."""
PICTURE = minutes(0.25) * 1000
"""Milliseconds for a picture: a page that hangs gives none."""

FRENCH = {
    "File": "Fichier",
    "Save Notebook": "Sauvegarder .*",
    "Run": "Exécution",
    "Run All Cells": "Exécuter toutes les cellules",
    "Idle": "Inactif",
}
"""What the Lab's French menus and status bar say, as `Lab` takes it."""

# Two frames are drawn, or a moment has passed: a tab in the background draws none.
_DRAWN = """() => Promise.race([
    new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))),
    new Promise(done => setTimeout(done, 500)),
])"""
_FURTHER = """element => {
    const before = element.scrollTop;
    element.scrollBy(0, 300);
    return element.scrollTop > before;
}"""


class Lab:
    """JupyterLab in one tab, driven by what is visible in it.

    Parameters
    ----------
    page
        A tab of a browser, in which somebody is logged in.
    read
        Reads a shipped notebook as it is in the user's home, by its path below ``notebooks``, from
        the disk: the server's own API may hang on a file that is being written.
    words
        What a Lab in another language says for what an English one does: `FRENCH`.
    """

    def __init__(
        self,
        page: Page,
        read: Callable[[str], Cells] | None = None,
        words: Mapping[str, str] | None = None,
    ) -> None:
        self.page = page
        self._read = read
        self._words = words or {}
        self.panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def read(self, path: str) -> Cells:
        """Return the cells of a shipped notebook, as they are on the disk now."""
        assert self._read is not None, "this Lab was made without a reader"
        return self._read(path)

    def view(self, number: int) -> Lab:
        """Return one of several notebooks that are visible side by side."""
        lab = Lab(self.page, self._read, self._words)
        lab.panel = self.panel.nth(number)
        return lab

    def wait_ready(self) -> None:
        """Wait until JupyterLab is there and its splash is gone."""
        expect(self.page.locator(".jp-LabShell")).to_be_visible(timeout=SLOW)
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=SLOW)

    def menu(self, *names: str) -> None:
        """Choose an entry of the menus at the top, by its words."""

        def chosen() -> bool:
            if self.page.locator(".lm-Menu").count():  # of a step that got lost
                self.page.keyboard.press("Escape")
            bar, *entries = (self._words.get(name, name) for name in names)
            top = self.page.locator("#jp-MainMenu")
            top.get_by_role("menuitem", name=bar, exact=True).click(timeout=STEP)
            for name in entries[:-1]:
                self.entry(name).hover(timeout=STEP)
            self.entry(entries[-1]).click(timeout=STEP)
            return True

        eventually(chosen, f"the menu {names}", within=5, again_on=(NotInTime,))

    def entry(self, name: str) -> Locator:
        """Return the entry of an open menu whose words match a regular expression."""
        label = self.page.locator(".lm-Menu-itemLabel").filter(has_text=re.compile(f"^{name}$"))
        return label.last

    def open_from_readme(self, title: str, readme: str = "README.md") -> None:
        """Follow a link of the notebooks' README, and wait for the notebook's kernel."""

        def opened() -> bool:
            self.page.get_by_role("tab", name=readme).click(timeout=STEP)
            viewer = self.page.locator(".jp-MarkdownViewer")
            viewer.get_by_role("link", name=title).click(timeout=STEP)
            expect(self.panel).to_be_visible(timeout=STEP)
            return True

        eventually(opened, f"the notebook {title}", within=5, again_on=(NotInTime,))
        self.wait_idle()

    def wait_idle(self) -> None:
        """Wait for a kernel that waits for work (without one, running cells opens a dialog)."""
        idle = re.compile(rf"\| {self._words.get('Idle', 'Idle')}$")
        status = self.page.locator("#jp-main-statusbar").get_by_text(idle)
        expect(status).to_be_visible(timeout=SLOW)

    def run_all(self) -> None:
        """Run all cells of the notebook in front, by the menu."""
        begun = self.panel.locator(".jp-InputPrompt").filter(has_text=re.compile(r"\[(\*|\d+)\]"))

        def runs() -> bool:
            self.menu("Run", "Run All Cells")
            expect(begun.first).to_be_attached(timeout=STEP)
            return True

        eventually(runs, "a cell that runs", within=5)

    def run(self, cells: Cells) -> None:
        """Run neighbouring cells, the first of them a heading, with Shift+Enter."""
        heading = cells[0].source.splitlines()[0].strip("# ")
        first = self.select(heading)
        for number in range(first, first + len(cells)):
            self._run_one(number)

    def select(self, heading: str) -> int:
        """Select the cell that begins with a heading, and return its place."""

        def selected() -> bool:
            self.scroll_to(self.panel.get_by_role("heading", name=heading)).click(timeout=STEP)
            expect(self._active()).to_contain_text(heading, timeout=STEP)
            return True

        eventually(selected, f"the cell {heading}", within=5, again_on=(NotInTime,))
        return self._place()

    def _active(self) -> Locator:
        return self.panel.locator(".jp-Cell.jp-mod-active")

    def _place(self) -> int:
        return int(self._active().get_attribute("data-windowed-list-index", timeout=STEP) or -1)

    def _run_one(self, number: int) -> None:
        """Run a cell: keys are pressed on the cell itself, and only as long as it is the active one."""

        def next_is_active() -> bool:
            if self._place() == number:
                self._active().press("Shift+Enter", timeout=STEP)
            return self._place() == number + 1

        eventually(next_is_active, f"cell {number} runs", within=5, again_on=(NotInTime,))

    def saved(self, path: str, done: Callable[[Cells], bool]) -> Cells:
        """Save until the file shows that the work is done, or that a cell failed."""

        def ended() -> Cells | None:
            self.wait_idle()
            self.menu("File", "Save Notebook")
            cells = self.read(path)
            outputs = [output for cell in cells for output in cell.get("outputs", [])]
            failed = any(output.output_type == "error" for output in outputs)
            return cells if failed or done(cells) else None

        def counts() -> str:
            return f"counts of its cells: {[one.get('execution_count') for one in self.read(path)]}"

        found = eventually(ended, f"the end of {path}", within=15, scene=counts).value
        assert found is not None
        return found

    def scroll_to(self, target: Locator, *, from_top: bool = True) -> Locator:
        """Roll the notebook down until something is in sight (far cells have no element)."""
        area = self.panel.locator(".jp-WindowedPanel-outer")
        start = 0 if from_top else area.evaluate("element => element.scrollTop")

        def in_sight() -> Locator | None:
            area.evaluate("(element, top) => element.scrollTo(0, top)", start)
            while True:
                self.page.evaluate(_DRAWN)
                for candidate in target.all():
                    if self._below_top(candidate, area):
                        candidate.evaluate("element => element.scrollIntoView({ block: 'start' })")
                        return candidate
                if not area.evaluate(_FURTHER):
                    return None

        found = eventually(in_sight, f"{target} in the notebook", within=5, again_on=(NotInTime,))
        assert found.value is not None
        return found.value

    @staticmethod
    def _below_top(candidate: Locator, area: Locator) -> bool:
        found, frame = candidate.bounding_box(timeout=STEP), area.bounding_box(timeout=STEP)
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


def assert_shows_bars(dashboard: Page) -> None:
    """Assert that Bokeh drew the workers: its page, script and socket went through the proxies."""
    bars = dashboard.locator("canvas").first
    expect(bars).to_be_visible(timeout=SLOW)
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
        }""",
        timeout=SLOW,
    )


def reader(notebooks: Path) -> Callable[[str], Cells]:
    """Return what reads a notebook of a folder on this machine."""

    def read(path: str) -> Cells:
        text = (notebooks / path).read_text("utf-8")
        return list(nbformat.reads(text, as_version=4).cells)  # type: ignore[no-untyped-call]

    return read


def photograph(page: Page, path: Path) -> None:
    """Keep a picture of a tab, if it gives one: never an error of its own, never a long wait."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path, timeout=PICTURE)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the page is another's finding
        print(f"no picture {path.name}: {error!r}")


def photograph_all(browser: Browser | None, folder: Path, name: str) -> None:
    """Keep a picture of every tab of a test that failed, as `photograph` does."""
    contexts = browser.contexts if browser is not None else []
    pages = [page for context in contexts for page in context.pages]
    for number, page in enumerate(pages):
        photograph(page, folder / f"failed-{name}-{number}.png")


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

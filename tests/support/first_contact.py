"""Somebody's first hour in a datalab: a Lab in a language and a theme, and the notebook that is run there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import nbformat
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from playwright.sync_api import TimeoutError as NotInTime
from support.cells import Cells, position
from support.datalab import Datalab
from support.lab import FRENCH, SLOW, STEP, Lab, reader
from support.waiting import eventually

FIRST = "01-start/01-first-steps.ipynb"
Theme = Literal["light", "dark"]
THEMES: dict[Theme, str] = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
LOCALES = {"en": "en-GB", "fr": "fr-FR"}
SETTINGS = ".jupyter/lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings"
NONSENSE = "no-such-collection"
FURTHER = (
    "gd.show(cube)",
    "cluster = gd.open_cluster(1)",
    f'gd.search("{NONSENSE}", bbox=aoi)',
    "cluster.close()",
)
"""What is tried after the first sections of the notebook, a cell for each; the last but one fails."""


@dataclass
class Guest:
    """Somebody who comes for the first time."""

    lab: Lab
    context: BrowserContext
    datalab: Datalab
    name: str
    language: str
    theme: Theme

    @classmethod
    def arrives(cls, browser: Browser, datalab: Datalab, language: str, theme: Theme) -> Guest:
        """Have a home with the wish for a theme in it, and a browser that asks for language and colours."""
        name = f"first-{language}-{theme}"
        home = datalab.state_dir / "homes" / name
        settings = home / SETTINGS
        settings.parent.mkdir(parents=True, mode=0o700)
        settings.write_text(json.dumps({"theme": THEMES[theme]}))
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, locale=LOCALES[language], color_scheme=theme
        )
        context.set_default_timeout(SLOW)
        words = FRENCH if language == "fr" else None
        lab = Lab(context.new_page(), reader(home / "notebooks"), words)
        return cls(lab, context, datalab, name, language, theme)

    @property
    def page(self) -> Page:
        """The tab of the Lab."""
        return self.lab.page

    @property
    def first(self) -> Path:
        """The first notebook, in the guest's own copy."""
        return self.datalab.state_dir / "homes" / self.name / "notebooks" / self.lesson

    @property
    def lesson(self) -> str:
        """The first notebook, as its folder calls it: French guests have a French one."""
        return f"fr/{FIRST}" if self.language == "fr" else FIRST

    def write_further_cells(self) -> None:
        """Change the own copy of the first notebook: its first sections, and cells of our own."""
        notebook = nbformat.read(self.first, as_version=4)  # type: ignore[no-untyped-call]
        del notebook.cells[position(notebook.cells, "## 6. ") :]
        notebook.cells += [nbformat.v4.new_code_cell(code) for code in FURTHER]  # type: ignore[no-untyped-call]
        nbformat.write(notebook, self.first)  # type: ignore[no-untyped-call]

    def run_until_the_error(self) -> Cells:
        """Run the whole notebook, which stops at the cell that fails; return all cells."""
        self.lab.run_all()
        return self.lab.saved(self.lesson, lambda _: False)

    def cell(self, code: str) -> Locator:
        """Roll to a cell by its code, and return it."""
        cells = self.lab.panel.locator(".jp-CodeCell")
        return self.lab.scroll_to(cells.filter(has_text=code).last)

    def close_cluster(self) -> None:
        """Run the last cell, behind the one that failed: once, however often it is tried."""

        def ran() -> bool:
            cell = self.cell(FURTHER[-1])
            prompt = cell.locator(".jp-InputPrompt")
            if not re.search(r"[\d*]", prompt.inner_text(timeout=STEP)):
                cell.locator(".cm-content").press("Shift+Enter", timeout=STEP)
            expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=STEP)
            return True

        eventually(ran, "the last cell runs", within=5, again_on=(NotInTime,))

    def leaves(self) -> None:
        """Stop the server, with kernel and cluster, and close the browser's profile."""
        visitor = self.datalab.visitor(self.name)
        if visitor.server_answers():
            visitor.stop()
        self.context.close()


def hovered(the_map: Locator, card: Locator, x: int, y: int) -> None:
    """Point at a place of a map until its card is there: a map that is being drawn hears nothing."""

    def shown() -> bool:
        the_map.hover(position={"x": x, "y": y - 40}, timeout=STEP)
        the_map.hover(position={"x": x, "y": y}, timeout=STEP)
        expect(card).to_be_visible(timeout=SLOW / 20)
        return True

    eventually(shown, "the card at the pointer", within=5)


def pictured(frames: Locator) -> Callable[[], bool]:
    """Return what tells whether every frame of a film strip has its picture."""
    return lambda: bool(
        frames.evaluate_all(
            "all => all.every(one => getComputedStyle(one).backgroundImage.startsWith('url('))"
        )
    )

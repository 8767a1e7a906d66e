"""The Lab's terminal and its menu of exports, as people use them."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import TimeoutError as NotInTime
from playwright.sync_api import expect
from support.lab import SLOW, STEP, Lab
from support.waiting import eventually

MENU = "Save and Export Notebook As"
LABELS = {
    "Executable Script": "script",
    "HTML": "html",
    "Markdown": "markdown",
    "PDF": "pdf",
    "Reveal.js Slides": "slides",
}
"""What the menu offers, and nbconvert's names."""


def open_terminal(lab: Lab) -> None:
    """Open a terminal by the menu, and wait for its shell."""
    terminal = lab.page.locator(".jp-Terminal:not(.lm-mod-hidden) .xterm-helper-textarea")

    def opened() -> bool:
        if not terminal.count():
            lab.menu("File", "New", "Terminal")
        expect(terminal).to_be_attached(timeout=STEP)
        return True

    eventually(opened, "a terminal", within=5, again_on=(NotInTime, AssertionError))


def type_in_terminal(lab: Lab, keys: list[str], seen: Callable[[], str]) -> str:
    """Press keys and type texts in the terminal in front until a file shows what they did.

    Its letters are painted, so what a command prints goes into a file.
    """

    def done() -> str:
        terminal = lab.page.locator(".jp-Terminal:not(.lm-mod-hidden) .xterm-helper-textarea")
        terminal.focus(timeout=STEP)
        lab.page.keyboard.press("Control+u")  # of a try that got lost
        for key in keys:
            if key in ("Tab", "Enter"):
                lab.page.keyboard.press(key)
            else:
                lab.page.keyboard.type(key, delay=20)
        eventually(seen, "the file that the terminal writes", within=2)
        return seen()

    found: str = eventually(
        done, f"the terminal does {keys}", within=7, again_on=(Exception,)
    ).value
    return found


def offered_exports(lab: Lab) -> list[str]:
    """Open the menu of exports, and return its entries."""

    def entries() -> list[str]:
        if lab.page.locator(".lm-Menu").count():
            lab.page.keyboard.press("Escape")
        bar = lab.page.locator("#jp-MainMenu")
        bar.get_by_role("menuitem", name="File", exact=True).click(timeout=STEP)
        lab.entry(MENU).hover(timeout=STEP)
        last = lab.page.locator(".lm-Menu").last.locator(".lm-Menu-itemLabel")
        expect(last.filter(has_text=re.compile("^HTML$"))).to_be_visible(timeout=STEP)
        return [text.strip() for text in last.all_inner_texts() if text.strip()]

    found: list[str] = eventually(
        entries, "the menu of exports", within=5, again_on=(NotInTime, AssertionError)
    ).value
    lab.page.keyboard.press("Escape")
    lab.page.keyboard.press("Escape")
    return found


def assert_exports_work(lab: Lab, server: str, notebook: str) -> None:
    """Every entry of the menu gives a file: PDF among them, and none ends in an error's page.

    Parameters
    ----------
    lab
        With a notebook in front.
    server
        Address of the user's server, with a slash at its end.
    notebook
        The notebook's path.
    """
    offered = offered_exports(lab)
    assert sorted(offered) == sorted(LABELS)
    for label in offered:
        address = f"{server}nbconvert/{LABELS[label]}/{notebook}?download=true"
        answer = lab.page.request.get(address, timeout=SLOW)
        assert answer.status == 200, (label, answer.status)
        assert answer.body(), label

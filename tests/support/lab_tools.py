"""The Lab's terminal, launcher and menu of exports, as people use them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Locator, expect
from playwright.sync_api import TimeoutError as NotInTime
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


def wait_for_its_page(lab: Lab) -> None:
    """Wait for the document that the Lab's address names: it opens late, and comes to the front then.

    Where something else is in front, the address names the folder of the file browser.
    """
    path = PurePosixPath(unquote(urlsplit(lab.page.url).path).partition("/tree/")[2])
    if path.suffix:
        tabs = lab.page.locator("#jp-main-dock-panel .lm-TabBar-tab")
        expect(tabs.filter(has_text=path.name).first).to_be_visible(timeout=SLOW)
    browser = lab.page.locator("#filebrowser")
    expect(browser).not_to_have_class(re.compile("jp-mod-restoring"), timeout=SLOW)
    shown = lab.page.locator(".jp-MainAreaWidget:not(.lm-mod-hidden) .jp-Spinner")
    expect(shown).to_have_count(0, timeout=SLOW)


def open_terminal(lab: Lab) -> None:
    """Open a terminal by the menu, or take the one in front, and wait for its shell."""
    wait_for_its_page(lab)
    terminal = lab.page.locator(".jp-Terminal:not(.lm-mod-hidden) .xterm-helper-textarea")

    def opened() -> bool:
        if not terminal.count():
            lab.menu("File", "New", "Terminal")
        expect(terminal).to_be_attached(timeout=STEP)
        return True

    eventually(opened, "a terminal", within=5, again_on=(NotInTime, AssertionError))


def launcher_card(lab: Lab, kernel: str) -> Locator:
    """Open the launcher, and return its card that opens notebooks of a kernel."""
    wait_for_its_page(lab)
    launcher = lab.page.locator(".jp-Launcher:not(.lm-mod-hidden)")

    def opened() -> bool:
        if not launcher.count():
            lab.menu("File", "New Launcher")
        expect(launcher).to_be_visible(timeout=STEP)
        return True

    eventually(opened, "the launcher", within=5, again_on=(NotInTime, AssertionError))
    cards = launcher.locator(".jp-LauncherCard[data-category='Notebook']")
    return cards.filter(has=lab.page.get_by_text(kernel, exact=True))


def new_notebook(lab: Lab, kernel: str) -> None:
    """Open a notebook by the launcher, where none of that kernel is in front; wait for the kernel."""
    name = lab.panel.locator(".jp-KernelName")
    card = launcher_card(lab, kernel)

    def opened() -> bool:
        if not lab.panel.count():
            card.click(timeout=STEP)
        expect(name).to_have_text(kernel, timeout=STEP)
        return True

    eventually(opened, f"a notebook of {kernel}", within=5, again_on=(NotInTime, AssertionError))
    lab.wait_idle()


def save_new(lab: Lab, kept: Callable[[], bool]) -> None:
    """Save a notebook that has no name yet: the Lab asks for one, and the one it has will do."""
    accept = lab.page.locator(".jp-Dialog .jp-mod-accept")

    def saved() -> bool:
        if accept.count():
            accept.click(timeout=STEP)
        elif not kept():
            lab.menu("File", "Save Notebook")
        return kept() and not accept.count()

    eventually(saved, "the notebook in its file", within=5, again_on=(NotInTime,))


def bring_to_front(lab: Lab, notebook: str, kernel: str) -> None:
    """Show a notebook that the Lab has opened again, and wait for its kernel."""
    wait_for_its_page(lab)
    tab = lab.page.locator("#jp-main-dock-panel .lm-TabBar-tab").filter(has_text=notebook)

    def shown() -> bool:
        tab.click(timeout=STEP)
        expect(lab.panel.locator(".jp-KernelName")).to_have_text(kernel, timeout=STEP)
        status = lab.page.locator("#jp-main-statusbar")
        expect(status.get_by_text(f"{kernel} | Idle")).to_be_visible(timeout=STEP)
        return True

    eventually(shown, notebook, within=5, again_on=(NotInTime, AssertionError))


def answer(lab: Lab, code: str) -> str:
    """Type code into the last cell of a short notebook, run it, and return what it printed."""
    cells = lab.panel.locator(".jp-CodeCell")
    number = cells.count() - 1
    cell = cells.nth(number)

    def runs() -> bool:
        if cells.count() == number + 1:
            cell.locator(".cm-content").click(timeout=STEP)
            lab.page.keyboard.press("Control+a")
            lab.page.keyboard.insert_text(code)
            lab.page.keyboard.press("Shift+Enter")
        expect(cells).to_have_count(number + 2, timeout=STEP)
        return True

    eventually(runs, f"the cell {code}", within=5, again_on=(NotInTime, AssertionError))
    prompt = cell.locator(".jp-InputPrompt").first
    expect(prompt).to_have_text(re.compile(r"\[\d+\]:"), timeout=SLOW)
    return cell.locator(".jp-OutputArea").inner_text()


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

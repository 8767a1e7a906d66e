"""A person's own environment in the Lab: made in the terminal, used, added to, and there after a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect
from support.lab import SLOW, Lab
from support.lab_tools import (
    answer,
    bring_to_front,
    launcher_card,
    new_notebook,
    open_terminal,
    save_new,
    type_in_terminal,
)
from support.visitor import Visitor
from support.waiting import eventually
from support.wheels import wheel

CREATE = "geodes-datalab env create mine ~/wheels/land_tool-1.0-py3-none-any.whl"
ADD = "%pip install -q ~/wheels/sea_tool-1.0-py3-none-any.whl"
NOTEBOOK = "Untitled.ipynb"
"""What the Lab calls a new one, in the folder that the file browser shows."""
BOTH = "import land_tool, sea_tool, xarray; print(land_tool.__version__, sea_tool.__version__, xarray.__name__)"


def bring_wheels(visitor: Visitor, folder: Path) -> None:
    """Put packages into a person's home: no index is there to ask."""
    for made in (wheel(folder, "land-tool", requires=["xarray"]), wheel(folder, "sea-tool")):
        visitor.upload(f"wheels/{made.name}", made.read_bytes())


def make_and_use(lab: Lab, visitor: Visitor) -> None:
    """Make an environment in the terminal; its kernel has ours and its own, and takes one package more."""

    def offered() -> str:
        kernels = visitor.get("api/kernelspecs").json()["kernelspecs"]
        return "mine" if "mine" in kernels else ""

    open_terminal(lab)
    type_in_terminal(lab, [CREATE, "Enter"], offered)
    lab.page.reload()
    lab.wait_ready()
    new_notebook(lab, "mine")
    first = (
        "import land_tool, xarray; print(land_tool.__version__, xarray.DataArray([2]).sum().item())"
    )
    assert answer(lab, first).split() == ["1.0", "2"]
    assert "sea_tool" in answer(lab, "import sea_tool")  # no module of that name
    answer(lab, ADD)
    assert answer(lab, BOTH).split() == ["1.0", "1.0", "xarray"]
    save_new(lab, lambda: _kernel_of(visitor, NOTEBOOK) == "mine")


def _kernel_of(visitor: Visitor, notebook: str) -> str:
    model = visitor.get(f"api/contents/notebooks/{notebook}").json()
    return str(model["content"]["metadata"].get("kernelspec", {}).get("name", ""))


def restart(lab: Lab, visitor: Visitor, choose: Callable[[Page], None] | None = None) -> None:
    """Stop the server on the hub's page and start it again, with a choice of profile where one is asked."""
    page = lab.page
    page.goto(f"{visitor.url}hub/home")
    page.locator("#datalab-stop").click()
    expect(page.locator("#datalab-stop")).to_be_hidden(timeout=SLOW)
    eventually(lambda: not visitor.server_pending(), "the end of the server", within=5)
    page.locator("#start").click()
    if choose:
        choose(page)
    lab.wait_ready()


def still_there(lab: Lab) -> None:
    """The kernel is in the launcher, and the notebook that it was used in has all packages."""
    bring_to_front(lab, NOTEBOOK, "mine")
    assert answer(lab, BOTH).split() == ["1.0", "1.0", "xarray"]
    expect(launcher_card(lab, "mine")).to_be_visible(timeout=SLOW)
    lab.assert_quiet()

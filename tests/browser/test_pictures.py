"""Pictures of tests that fail: they tell of the failure, and make none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Error
from support import lab
from support.lab import photograph, photograph_all


class Page:
    """A tab whose picture is, or raises, something."""

    def __init__(self, *raises: Exception) -> None:
        self.raises = list(raises)
        self.limits: list[float] = []

    def screenshot(self, *, path: Path, timeout: float) -> None:
        self.limits.append(timeout)
        if self.raises:
            raise self.raises.pop()
        path.write_bytes(b"picture")


def test_a_picture_that_fails_is_told_and_no_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page: Any = Page(Error("Target crashed"))
    photograph(page, tmp_path / "new" / "one.png")
    assert "no picture one.png" in capsys.readouterr().out
    assert page.limits == [lab.PICTURE]
    photograph(page, tmp_path / "new" / "one.png")
    assert (tmp_path / "new" / "one.png").read_bytes() == b"picture"


def test_every_tab_is_tried(tmp_path: Path) -> None:
    contexts = [
        SimpleNamespace(pages=[Page(Error("gone")), Page()]),
        SimpleNamespace(pages=[Page()]),
    ]
    browser: Any = SimpleNamespace(contexts=contexts)
    photograph_all(browser, tmp_path, "test")
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "failed-test-1.png",
        "failed-test-2.png",
    ]
    photograph_all(None, tmp_path, "a test without a browser")


@pytest.mark.browser
def test_a_page_that_hangs_is_left(
    browser: Browser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(lab, "PICTURE", 500)
    context = browser.new_context()
    page = context.new_page()
    page.set_content("<script>setTimeout(() => { while (true) {} }, 10)</script>")
    photograph_all(browser, tmp_path, "hung")
    assert "no picture failed-hung-" in capsys.readouterr().out
    context.close()

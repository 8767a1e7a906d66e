"""A datalab of its own, and Chromium."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from support.lab import Lab, chromium

from geodes_datalab.local import layout as layouts
from geodes_datalab.local import runtime as runs
from geodes_datalab.local import secrets

SCREENSHOTS = Path(os.environ.get("GEODES_SCREENSHOTS") or Path(__file__).with_name("_screenshots"))


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
    with chromium() as running:
        yield running


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
        notebooks = datalab.homes / name / "notebooks"
        lab = Lab(page, lambda path: list(nbformat.read(notebooks / path, as_version=4).cells))
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

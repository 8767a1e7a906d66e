"""A datalab of its own, and Chromium."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from support.datalab import Datalab
from support.lab import SLOW, Lab, chromium, photograph, photograph_all, reader

expect.set_options(timeout=SLOW)  # of a file that runs alone too
SCREENSHOTS = Path(os.environ.get("GEODES_SCREENSHOTS") or Path(__file__).with_name("_screenshots"))


@pytest.fixture(scope="session")
def datalab(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Iterator[Datalab]:
    """Start the whole datalab as its users do, and stop it at the end.

    The hub's proxy and the sample archives are kept between runs.
    """
    environment = {**os.environ, "GEODES_CACHE_DIR": str(shared_cache)}
    with Datalab.start(tmp_path_factory.mktemp("datalab"), environment=environment) as running:
        yield running


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
        context.set_default_timeout(SLOW)
        page = context.new_page()
        page.goto(datalab.url)
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(datalab.password)
        page.get_by_role("button", name="Sign in").click()
        lab = Lab(page, reader(datalab.state_dir / "homes" / name / "notebooks"))
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
    if report.failed and call.when in ("setup", "call"):
        funcargs = getattr(item, "funcargs", {})
        photograph_all(funcargs.get("browser"), SCREENSHOTS, item.name)
    return report


@pytest.fixture(scope="session")
def ada(log_in: Callable[[str], Lab]) -> Lab:
    return log_in("ada")


@pytest.fixture(scope="session")
def fred(log_in: Callable[[str], Lab]) -> Lab:
    """Somebody who works in terminals."""
    return log_in("fred")


@pytest.fixture
def shoot() -> Callable[[Page, str], None]:
    """Return a function that keeps a picture of a tab."""
    return lambda page, name: photograph(page, SCREENSHOTS / f"{name}.png")

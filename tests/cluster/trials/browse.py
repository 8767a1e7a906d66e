"""People of the test cluster in Chromium, and pictures of what they see."""

from __future__ import annotations

from contextlib import suppress

from playwright.sync_api import Browser, Error, Page, expect
from support.waiting import minutes

from .release import Release
from .tables import ARTIFACTS

expect.set_options(timeout=minutes(4) * 1000)


def open_login(browser: Browser, release: Release) -> Page:
    """Open the page for logging in, in a browser profile of its own."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(minutes(4) * 1000)
    page = context.new_page()
    page.goto(release.url)
    return page


def log_in(page: Page, release: Release, name: str) -> None:
    """Send the form."""
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(release.secret("auth.password"))
    page.get_by_role("button", name="Sign in").click()


def shoot(page: Page, name: str) -> None:
    """Keep a picture in artifacts/; one that cannot be taken is no fault of what is tested."""
    ARTIFACTS.mkdir(exist_ok=True)
    with suppress(Error):
        path = ARTIFACTS / f"cluster-{name}.png"
        page.screenshot(path=path, timeout=minutes(0.5) * 1000)

"""The pages of tokens and of the administrator: JupyterHub's own, in our colours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support import axe
from support.datalab import Datalab
from support.lab import SLOW

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]
THEIRS = re.compile(r'button-name: <button [^>]*data-testid="[^"]*-collapse-button"')
"""JupyterHub's (6.1): the arrow that opens a user's row has no name. A script makes the page, no template."""
LOCALES = {"en": "en-GB", "fr": "fr-FR"}


@pytest.fixture(params=["en-light", "en-dark", "fr-light", "fr-dark"])
def tab(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[Page, str, str]]:
    """Give a tab of somebody who is not logged in, its language, and its theme."""
    language, theme = request.param.split("-")
    context = browser.new_context(locale=LOCALES[language], color_scheme=theme)
    context.set_default_timeout(SLOW)
    yield context.new_page(), language, theme
    context.close()


def test_tokens_and_administration_keep_nobody_out(
    tab: tuple[Page, str, str], datalab: Datalab, shared_cache: Path, shoot: Callable[..., object]
) -> None:
    page, language, theme = tab
    script = axe.install(shared_cache)
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        shoot(page, f"hub-{name}-{language}-{theme}")
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
        found[name] = [fault for fault in axe.faults(page, script) if not THEIRS.match(fault)]

    password = datalab.command("password", "--admin").stdout.strip()
    page.goto(f"{datalab.url}hub/login?next=%2Fhub%2Ftoken")
    page.locator("#username_input").fill("admin")
    page.locator("#password_input").fill(password)
    page.locator("#login_submit").click()
    expect(page.locator("#request-token-form")).to_be_visible()
    look("token")
    page.locator("#request-token-form button[type='submit']").click()
    expect(page.locator("#token-result")).not_to_be_empty()
    look("token-made")
    page.goto(f"{datalab.url}hub/admin")
    expect(page.get_by_role("cell", name="admin").first).to_be_visible()
    look("admin")
    assert found == {"token": [], "token-made": [], "admin": []}

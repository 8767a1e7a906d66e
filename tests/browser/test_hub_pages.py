"""The hub's pages in a browser: both languages, light and dark, and nothing that keeps somebody out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support import axe
from support.datalab import Datalab
from support.lab import SLOW

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]

WORDS = {
    "en": ("Sign in", "Invalid username or password", "Start My Server", "To the home page"),
    "fr": (
        "Se connecter",
        "Nom d'utilisateur ou mot de passe incorrect",
        "Démarrer mon serveur",
        "Aller à l'accueil",
    ),
}
RULE = {"en": "A name is 1 to 32", "fr": "Un nom compte 1 à 32"}
LOCALES = {"en": "en-GB", "fr": "fr-FR"}


@pytest.fixture(scope="session")
def script(shared_cache: Path) -> Path:
    return axe.install(shared_cache)


@pytest.fixture(params=["en-light", "en-dark", "fr-light", "fr-dark"])
def tab(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[Page, str]]:
    """Give a tab of somebody who is not logged in, and the language of the browser."""
    language, theme = request.param.split("-")
    context = browser.new_context(locale=LOCALES[language], color_scheme=theme)
    context.set_default_timeout(SLOW)
    yield context.new_page(), language
    context.close()


def enter(page: Page, name: str, password: str, button: str) -> None:
    page.locator("#username_input").fill(name)
    page.locator("#password_input").fill(password)
    page.get_by_role("button", name=button).click()


def test_pages_are_good_for_everybody(
    tab: tuple[Page, str],
    datalab: Datalab,
    script: Path,
    request: pytest.FixtureRequest,
    shoot: Callable[..., object],
) -> None:
    """Without a serious fault for axe, in the browser's language and colours."""
    page, language = tab
    sign_in, wrong, start, home = WORDS[language]
    seen = request.node.callspec.id
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))

    def look(name: str) -> None:
        shoot(page, f"hub-{name}-{seen}")
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", seen.split("-")[1])
        assert axe.faults(page, script) == [], name

    page.goto(datalab.url)
    expect(page.get_by_role("heading", name="GEODES datalab")).to_be_visible()
    look("login")
    enter(page, "élève 1", "wrong", sign_in)
    expect(page.get_by_role("alert")).to_contain_text(RULE[language])
    look("refused")
    enter(page, "ada", "wrong", sign_in)
    expect(page.get_by_role("alert")).to_have_text(wrong)

    page.goto(f"{datalab.url}hub/no-such-page")
    expect(page.get_by_role("button", name=home)).to_be_visible()
    look("error")

    name = f"pages-{seen}"
    page.goto(f"{datalab.url}hub/login?next=%2Fhub%2Fhome")
    enter(page, name, datalab.password, sign_in)
    expect(page.get_by_role("button", name=start)).to_be_visible()
    look("home")
    page.goto(f"{datalab.url}hub/user/{name}/lab")
    expect(page.locator("#start")).to_be_visible()
    look("not-running")
    assert broken == []


def test_a_start_is_told_and_its_stop_too(
    browser: Browser, datalab: Datalab, script: Path, shoot: Callable[..., object]
) -> None:
    """In French: JupyterHub's own words of a start are translated in the page."""
    context = browser.new_context(locale="fr-FR", color_scheme="dark")
    context.set_default_timeout(SLOW)
    page = context.new_page()
    page.goto(f"{datalab.url}hub/login?next=%2Fhub%2Fhome")
    enter(page, "pages-start", datalab.password, WORDS["fr"][0])
    page.locator("#start").click()
    expect(page.locator("#progress-message")).to_have_text("Démarrage du serveur...")
    shoot(page, "hub-starting")
    assert axe.faults(page, script) == []
    page.wait_for_url("**/user/pages-start/lab/**")
    page.goto(f"{datalab.url}hub/home")
    assert axe.faults(page, script) == []
    page.get_by_role("button", name="Arrêter mon serveur").click()
    expect(page.get_by_role("button", name=WORDS["fr"][2])).to_be_visible()
    context.close()


def test_axe_finds_what_is_wrong(browser: Browser, script: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.set_content(
        '<html lang="en"><title>x</title><main><h1>x</h1><button></button>'
        '<p style="color: #bbb; background: #fff">pale</p></main>'
    )
    found = {fault.partition(":")[0] for fault in axe.faults(page, script)}
    assert found == {"button-name", "color-contrast"}
    context.close()

"""The choice of a server on Kubernetes, and what becomes of it, in a browser.

A real hub makes the pages; its cluster is an API in memory, and the tests play the kubelet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support import axe
from support.kubernetes_hub import Hub, running_hub, waiting
from support.lab import SLOW

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]

PROFILES = {
    "small": {
        "display_name": "Small",
        "description": "1 core and 2 GB of memory, for a course.",
        "default": True,
    },
    "large": {
        "display_name": "Large",
        "description": "4 cores and 16 GB of memory.",
        "options": {
            "image": {
                "display_name": "Image",
                "choices": {
                    "default": {"display_name": "Usual libraries", "default": True},
                    "full": {
                        "display_name": "All libraries",
                        "image": "registry.example.org/datalab/notebook-full:1",
                    },
                },
            }
        },
    },
}
FULL = "All libraries"
IMAGE = "registry.example.org/datalab/notebook-full:1"
QUOTA = (
    'pods "x" is forbidden: exceeded quota: users, requested: requests.cpu=1, '
    "used: requests.cpu=4, limited: requests.cpu=4"
)
SAID = {
    "en": {
        "heading": "Which server?",
        "start": "Start",
        "starting": "Your server is starting up",
        "found": "A machine was found for your server.",
        "fetched": "The image is being fetched; the first time on a machine this takes minutes.",
        "failed": "The server did not start",
        "again": "Try again",
    },
    "fr": {
        "heading": "Quel serveur ?",
        "start": "Démarrer",
        "starting": "Votre serveur démarre",
        "found": "Une machine a été trouvée pour votre serveur.",
        "fetched": "L'image est en cours de téléchargement",
        "failed": "Le serveur n'a pas démarré",
        "again": "Réessayer",
    },
}
LOCALES = {"en": "en-GB", "fr": "fr-FR"}


@dataclass
class Seen:
    """A tab of somebody who has logged in, and what is asked of each page in it."""

    page: Page
    name: str
    language: str
    theme: str
    script: Path
    shoot: Callable[..., object]

    @property
    def said(self) -> dict[str, str]:
        """What pages say in the reader's language."""
        return SAID[self.language]

    def look(self, step: str) -> None:
        """Keep a picture; find the right language and colours, and no serious fault for axe."""
        self.shoot(self.page, f"start-form-{step}-{self.language}-{self.theme}")
        root = self.page.locator("html")
        expect(root).to_have_attribute("lang", self.language)
        expect(root).to_have_attribute("data-bs-theme", self.theme)
        assert axe.faults(self.page, self.script) == [], step


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with running_hub(tmp_path_factory.mktemp("start-form"), PROFILES) as running:
        yield running


@pytest.fixture(params=["en-light", "en-dark", "fr-light", "fr-dark"])
def seen(
    request: pytest.FixtureRequest,
    hub: Hub,
    browser: Browser,
    shared_cache: Path,
    shoot: Callable[..., object],
) -> Iterator[Seen]:
    language, theme = request.param.split("-")
    name = f"{request.node.originalname.removeprefix('test_').split('_')[1]}{request.param}"
    context = browser.new_context(locale=LOCALES[language], color_scheme=theme)
    context.set_default_timeout(SLOW)
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(f"{hub.address}/hub/login?next=%2Fhub%2Fspawn")
    page.locator("#username_input").fill(name)
    page.locator("#password_input").fill("user-password")
    page.locator("#login_submit").click()
    yield Seen(page, name, language, theme, axe.install(shared_cache), shoot)
    context.close()
    assert broken == []


def test_a_choice_is_made_and_its_start_is_told(seen: Seen, hub: Hub) -> None:
    page, said = seen.page, seen.said
    expect(page.get_by_role("heading", name=said["heading"])).to_be_visible()
    expect(page.get_by_role("radio")).to_have_count(2)
    seen.look("choices")
    page.get_by_role("combobox").filter(has_text=FULL).select_option(label=FULL)  # without a click
    expect(page.get_by_role("radio", name="Large")).to_be_checked()
    seen.look("chosen")
    page.get_by_role("button", name=said["start"], exact=True).click()

    expect(page.get_by_role("heading", name=said["starting"])).to_be_visible()
    containers = hub.pod(seen.name)["spec"]["containers"]
    assert [one["image"] for one in containers] == [IMAGE]
    hub.event(seen.name, "Scheduled", "Successfully assigned", "Normal")
    expect(page.locator("#progress-message")).to_have_text(said["found"])
    hub.event(seen.name, "Pulling", "Pulling image", "Normal")
    expect(page.locator("#progress-message")).to_contain_text(said["fetched"])
    page.locator("#progress-details summary").click()
    expect(page.locator("#progress-log")).to_contain_text(said["found"])
    seen.look("starting")

    hub.status(seen.name, **waiting("ErrImagePull", "manifest unknown", IMAGE))
    expect(page.locator("#progress-bar.bg-danger")).to_be_visible()
    expect(page.locator("#progress-message")).to_contain_text("manifest unknown")
    expect(page.locator("#progress-message")).to_contain_text(IMAGE)
    expect(page.get_by_role("heading", name=said["failed"])).to_be_visible()  # without a reload
    expect(page.get_by_text(said["starting"])).to_be_hidden()
    expect(page.locator("#stop-server-btn")).to_be_hidden()
    again = page.get_by_role("button", name=said["again"]).get_attribute("href")
    assert again == f"/hub/spawn/{seen.name}"
    seen.look("failed")
    hub.sees(
        lambda: f"jupyter-{seen.name}" not in hub.kube.objects["pods"],
        "the pod is gone",
    )
    page.reload()
    expect(page.get_by_role("heading", name=said["failed"])).to_be_visible()
    expect(page.get_by_role("button", name=said["again"])).to_be_visible()
    seen.look("failed-page")


def test_a_refusal_of_the_cluster_is_told(seen: Seen, hub: Hub) -> None:
    hub.kube.refuse = lambda _: (403, QUOTA)
    try:
        seen.page.get_by_role("button", name=seen.said["start"], exact=True).click()
        expect(seen.page.get_by_text("exceeded quota").last).to_be_visible()
    finally:
        hub.kube.refuse = lambda _: None
    seen.look("refused")

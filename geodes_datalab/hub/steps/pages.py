"""The hub's pages: templates, their variables, and the language they speak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geodes_datalab.hub import pages
from geodes_datalab.hub.messages import TRIAL
from geodes_datalab.hub.steps.authenticator import on_this_machine, on_trial
from geodes_datalab.settings import Settings

TEMPLATES = Path(__file__).parent.parent / "templates"
"""Our templates, which extend JupyterHub's."""


def apply(settings: Settings, c: Any) -> None:
    """Set templates and their variables; the operator's go before ours."""
    hub = settings.hub
    pages.install()
    c.JupyterHub.template_paths = [str(path) for path in (*hub.template_paths, TEMPLATES)]
    announced = {}
    if hub.announcement:
        announced = {
            f"announcement_{page}": hub.announcement for page in ("login", "home", "spawn")
        }
    notice = {"datalab_trial": TRIAL} if on_trial(settings) else {}
    c.JupyterHub.template_vars = {**announced, **notice, **hub.template_vars}


def close(settings: Settings, c: Any) -> None:
    """Set what our templates cannot do without, beside whatever the operator set there."""
    hub = c.JupyterHub
    said = pages.Pages(
        language=settings.singleuser.language,
        own_machine=on_this_machine(settings),
        own_logo="logo_file" in hub,
    )
    hub.tornado_settings = {**hub.get("tornado_settings", {}), pages.SETTING: said}
    options = dict(hub.get("jinja_environment_options", {}))
    others = [name for name in options.get("extensions", []) if name != pages.EXTENSION]
    hub.jinja_environment_options = {**options, "extensions": [*others, pages.EXTENSION]}

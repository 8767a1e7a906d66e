"""The hub's own pages: announcements, notices, the page of a hub that is busy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geodes_datalab.hub.steps.authenticator import TRIAL, on_trial
from geodes_datalab.settings import Settings

TEMPLATES = Path(__file__).parent.parent / "templates"
"""Our templates, which extend JupyterHub's."""


def apply(settings: Settings, c: Any) -> None:
    """Set templates and their variables; the operator's go before ours."""
    hub = settings.hub
    c.JupyterHub.template_paths = [str(path) for path in (*hub.template_paths, TEMPLATES)]
    announced = {}
    if hub.announcement:
        announced = {
            f"announcement_{page}": hub.announcement for page in ("login", "home", "spawn")
        }
    notice = {"datalab_trial": TRIAL} if on_trial(settings) else {}
    c.JupyterHub.template_vars = {**announced, **notice, **hub.template_vars}

"""What the hub's pages know besides JupyterHub's own variables: language, title, and how to log in.

JupyterHub 6 takes extensions of Jinja and variables for its templates, but tells neither of them what
the browser asked for. So its handlers get one thing more: `install` adds the variables of `Pages` to
those that every page has. A site's own ``template_vars`` go over them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment
from jinja2.ext import InternationalizationExtension
from jupyterhub.handlers import BaseHandler

from geodes_datalab.hub import languages, messages, problems

TITLE = "GEODES datalab"
"""Name of the product; a site's own is the template variable ``datalab_title``."""

SETTING = "datalab_pages"
"""Among Tornado's settings: the `Pages` of this hub."""

EXTENSION = f"{__name__}.Words"
"""The dotted name of `Words`, for JupyterHub's ``jinja_environment_options``."""

OUTSIDE_OF_BLOCKS = {
    '<html lang="en">': "<html lang=\"{{ language or 'en' }}\">",
    "JupyterHub requires JavaScript.": "{{ _('This page needs JavaScript.') }}",
    "Please enable it to proceed.": "{{ _('Please allow it in your browser.') }}",
    'id="{{ key }}-label">{{ title }}</h2>': 'id="{{ key }}-label">{{ _(title) }}</h2>',
    'aria-label="Close"': "aria-label=\"{{ _('Close') }}\"",
    'aria-label="Toggle navigation"': "aria-label=\"{{ _('Toggle navigation') }}\"",
    "{% block main %}\n    {% endblock main %}": (
        '<main id="main">{% block main %}{% endblock main %}</main>'
    ),
}
"""Text of JupyterHub's ``page.html`` that no template can override -> what stands there here."""


@dataclass(frozen=True)
class Pages:
    """What the pages of a hub say of it."""

    language: str = languages.ENGLISH
    """Of browsers that ask for none of ours."""
    own_machine: bool = False
    """Whether ``geodes-datalab up`` printed the password, on the machine that the hub runs on."""
    own_logo: bool = False
    """Whether the site has put a logo in the place of JupyterHub's."""

    def variables(self, handler: Any) -> dict[str, Any]:
        """Return the variables of the pages, for the browser that asks.

        Parameters
        ----------
        handler
            JupyterHub's, of the request.
        """
        words = language(handler)
        catalogue = languages.catalogue(words)
        plain, html = (problems.pairs(catalogue.gettext, html=html) for html in (False, True))
        return {
            "language": words,
            "gettext": catalogue.gettext,
            "ngettext": catalogue.ngettext,
            "datalab_title": TITLE,
            "datalab_own_logo": self.own_logo,
            "datalab_own_machine": self.own_machine,
            "datalab_door": door(handler.authenticator),
            "datalab_name_rule": messages.rule(_rule(handler.authenticator), catalogue.gettext),
            "datalab_progress": messages.PROGRESS,
            "datalab_sentences": {"plain": plain, "html": html},
            "datalab_told": partial(problems.retold, known=plain),
            "datalab_told_html": partial(problems.retold, known=html),
            "datalab_expiry": partial(messages.expiry, translate=catalogue.gettext),
        }


class Words(InternationalizationExtension):
    """Jinja's tags for text in several languages, also where JupyterHub's templates leave no block."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals.update(gettext=_same, ngettext=_same_or_several)

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Put words of ours into JupyterHub's own page, and into no other."""
        if filename is None or not Path(filename).is_relative_to(_jupyterhub()):
            return source
        for theirs, ours in OUTSIDE_OF_BLOCKS.items():
            source = source.replace(theirs, ours)
        return source


def language(handler: Any) -> str:
    """Return the language of whoever sent a request.

    Parameters
    ----------
    handler
        Tornado's, of the request.
    """
    accepted = handler.request.headers.get("Accept-Language", "")
    return languages.chosen(accepted, _of(handler).language)


def translated(handler: Any) -> Callable[[str], str]:
    """Return the function that says a message in the language of whoever sent a request.

    Parameters
    ----------
    handler
        Tornado's, of the request; None where there is none: English.
    """
    words = languages.ENGLISH if handler is None else language(handler)
    return languages.catalogue(words).gettext


def door(authenticator: Any) -> str:
    """Return how people log in: ``any`` name, a ``given`` name, or an ``account`` of theirs.

    Parameters
    ----------
    authenticator
        Of the hub, with its configuration.
    """
    shared = any(
        cls.__name__ == "SharedPasswordAuthenticator" for cls in type(authenticator).__mro__
    )
    if not shared:
        return "account"
    return "any" if authenticator.allow_all else "given"


def install() -> None:
    """Give the variables of `Pages` to every page of JupyterHub; a second time changes nothing."""
    theirs = BaseHandler.template_namespace
    if not isinstance(theirs, _Namespace):
        BaseHandler.template_namespace = _Namespace(theirs.fget)


class _Namespace(property):
    """The variables of a page: ours, and over them JupyterHub's and the site's."""

    def __get__(self, handler: Any, owner: type | None = None) -> Any:
        if handler is None:
            return self
        return {**_of(handler).variables(handler), **super().__get__(handler, owner)}


def _rule(authenticator: Any) -> str:
    """Return what names look like, where the door is ours, as the settings say it in words."""
    return str(getattr(authenticator, "name_rule", ""))


def _of(handler: Any) -> Pages:
    found = handler.settings.get(SETTING)
    return found if isinstance(found, Pages) else Pages()


def _jupyterhub() -> Path:
    from jupyterhub._data import DATA_FILES_PATH

    return Path(DATA_FILES_PATH)


def _same(text: str) -> str:
    return text


def _same_or_several(one: str, several: str, number: int) -> str:
    return one if number == 1 else several

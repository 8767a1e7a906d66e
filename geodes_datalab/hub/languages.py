"""The languages of the hub's pages: which one somebody reads, and what is said in it."""

from __future__ import annotations

from gettext import NullTranslations
from pathlib import Path

from geodes_datalab import _language

LOCALE = Path(__file__).parent / "locale"
"""Folder of the catalogues, as gettext lays them out; English is the language of the code."""

DOMAIN = "hub"
LANGUAGES = _language.KNOWN
ENGLISH = LANGUAGES[0]


def chosen(accepted: str, site: str) -> str:
    """Return the language for a browser: the first of its wishes that there is, or else the site's.

    Parameters
    ----------
    accepted
        The header ``Accept-Language``, or an empty text.
    site
        Language of the site.

    Examples
    --------
    >>> chosen("de-DE,fr-CA;q=0.8,en;q=0.5", "en"), chosen("de", "fr"), chosen("", "en")
    ('fr', 'fr', 'en')
    """
    wishes = sorted(map(_wish, accepted.split(",")), key=lambda wish: -wish[1])  # stable
    return next((tag for tag, weight in wishes if tag in LANGUAGES and weight > 0), site)


def catalogue(language: str) -> NullTranslations:
    """Return what is said in a language.

    Parameters
    ----------
    language
        One of `LANGUAGES`; any other speaks English.

    Examples
    --------
    >>> catalogue("fr").gettext("Sign in"), catalogue("en").gettext("Sign in")
    ('Se connecter', 'Sign in')
    """
    return _language.catalogue(language, DOMAIN, LOCALE)


def _wish(told: str) -> tuple[str, float]:
    """Return a language without its country, and its weight; what cannot be read weighs nothing."""
    tag, _, parameters = told.partition(";")
    language = tag.strip().partition("-")[0].lower()
    name, _, weight = parameters.strip().partition("=")
    if name.strip() != "q":
        return language, 1.0
    try:
        return language, float(weight)
    except ValueError:
        return language, 0.0

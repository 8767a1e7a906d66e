"""What people read on the hub's pages and no template says: sentences of ours, and JupyterHub's own.

All are English here; templates and handlers say them in the reader's language (`hub.languages`).
"""

from __future__ import annotations

from collections.abc import Callable

from geodes_datalab.hub import problems
from geodes_datalab.settings.auth import FOLDER_RULE, PATTERN_RULE, POD_RULE

Translate = Callable[[str], str]

TRIAL = (
    "TRIAL ONLY: everybody who knows the one shared password can log in under any name and "
    "reach that user's files. Set auth.type to oidc, or to your site's authenticator, "
    "before real users come."
)
"""Logged, and shown on the login page, where a shared password meets a network."""

NO_NAME = "{name} cannot be a user name here."
GONE = "{name} may not log in here any more."

EVENTS = {
    "Scheduled": "A machine was found for your server.",
    "Pulling": "The image is being fetched; the first time on a machine this takes minutes.",
    "Pulled": "The image is there.",
    "Created": "The server is being made.",
    "Started": "The server has started.",
    "SuccessfulAttachVolume": "Your home is attached.",
    "TriggeredScaleUp": "No machine is free: a new one is being started, which takes minutes.",
    "NotTriggerScaleUp": "No machine is free, and no further one can be started.",
    "Killing": "A server of yours is being stopped first.",
    "Preempting": "Room is being made for your server.",
    "BackOff": "The last step failed and is tried again.",
}
"""Of a pod that starts: Kubernetes' reasons of events, and what people read."""

PROGRESS = (
    "Server requested",
    "Spawning server...",
    "Spawn failed",
    "Spawn cancelled",
    *EVENTS.values(),
)
"""Of a server that starts: JupyterHub's, and ours of Kubernetes."""

STATUS = (
    "Bad Request",
    "Forbidden",
    "Not Found",
    "Method Not Allowed",
    "Internal Server Error",
    "Service Unavailable",
    "Gateway Timeout",
)
"""HTTP's words for pages of errors."""

REFUSALS = ("Invalid username or password", "Login form invalid or expired. Try again.")
"""JupyterHub's, of log-ins."""

EXPIRY = ("1 Hour", "1 Day", "1 Week", "1 Month", "1 Year", "Never")
"""JupyterHub's, of how long a token lives."""

HEADINGS = ("Error",)
"""JupyterHub's, of its dialogs."""


def every() -> frozenset[str]:
    """Return all of them, for the catalogues.

    Examples
    --------
    >>> "Not Found" in every()
    True
    """
    rules = {FOLDER_RULE, POD_RULE, PATTERN_RULE}
    own = {TRIAL, NO_NAME, GONE, *PROGRESS, *STATUS, *REFUSALS, *HEADINGS, *EXPIRY}
    return frozenset(own | rules | problems.sentences())


def rule(told: str, translate: Translate) -> str:
    """Return what a name looks like, in words; a site's own pattern stays as it is.

    Parameters
    ----------
    told
        The rule, as `geodes_datalab.settings.auth.Auth.rule` gives it.
    translate
        Says a message in the reader's language.
    """
    if told.startswith(PATTERN_RULE):
        return translate(PATTERN_RULE) + told.removeprefix(PATTERN_RULE)
    return translate(told) if told else ""


def expiry(options: str, translate: Translate) -> str:
    """Return the choices of how long a token lives.

    Parameters
    ----------
    options
        JupyterHub's, as HTML; what a site's own limit says there stays as it is.
    translate
        Says a message in the reader's language.

    Examples
    --------
    >>> expiry('<option value="3600">1 Hour</option>', {"1 Hour": "1 heure"}.get)
    '<option value="3600">1 heure</option>'
    """
    told = {f">{text}<": f">{translate(text)}<" for text in EXPIRY if f">{text}<" in options}
    for theirs, ours in told.items():
        options = options.replace(theirs, ours)
    return options


def no_name(name: str, told: str, translate: Translate) -> str:
    """Return why somebody cannot have a name, and what a name looks like.

    Parameters
    ----------
    name
        As it was typed, or as a provider told it.
    told
        The rule for names.
    translate
        Says a message in the reader's language.

    Examples
    --------
    >>> no_name("élève 1", POD_RULE, str)
    "'élève 1' cannot be a user name here. A name has up to 128 characters, ..."
    """
    return f"{translate(NO_NAME).format(name=repr(name))} {rule(told, translate)}".strip()


def gone(name: str, translate: Translate) -> str:
    """Return that somebody may not be here any more.

    Parameters
    ----------
    name
        Of that person.
    translate
        Says a message in the reader's language.
    """
    return translate(GONE).format(name=repr(name))

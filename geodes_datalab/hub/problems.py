"""What people read of a server that does not start: sentences, and the same in the reader's language.

The spawner tells them in English, to the log too; pages translate what they show, sentence by sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape

from geodes_datalab.hub import troubles

Pair = tuple[str, str]
"""A sentence of ours, and what it is in the reader's language; both may have fields in braces."""

ADMIN = "If it stays like this, show this message to an administrator."


@dataclass(frozen=True)
class Problem:
    """What keeps a server from running."""

    reason: str
    """Label of the metric, one of `REASONS`."""
    message: str
    """What happened."""
    advice: str
    """What to do."""
    final: bool = False
    """Waiting will not help."""
    status: int = 503
    """HTTP status of the page that says it."""


LATE = "Your server was not ready after {seconds} seconds."
LATE_ADVICE = "Try again: images and volumes that are there by now make it faster."
TRYING = "Kubernetes goes on trying."
SAYS = "Kubernetes says:"
CHOOSE_AGAIN = "Open the hub's home page and choose again."

WORDS: Mapping[str, Problem] = {
    "gpu": Problem(
        "unschedulable",
        "No machine has a free GPU.",
        "Try again later, or choose a profile without a GPU.",
    ),
    "claim": Problem(
        "volume",
        "The volume of your home or of shared data is not ready.",
        "Wait a minute and try again. " + ADMIN,
    ),
    "room": Problem(
        "unschedulable",
        "No machine has enough free room for this server.",
        "Choose a smaller profile, stop servers and clusters that you no longer need, or try "
        "again later.",
    ),
    "fit": Problem(
        "unschedulable",
        "No machine of this datalab fits what was chosen.",
        "Choose another profile. Administrators: compare node labels and taints with the "
        "profile's nodeSelector and tolerations.",
    ),
    "attached": Problem(
        "volume",
        "Your home is still attached to another machine.",
        "It is released within minutes after your last server ended: stop servers of yours that "
        "still run, wait, try again. Administrators: look for a lost node, or use "
        "ReadWriteMany homes.",
    ),
    "quota": Problem(
        "quota",
        "The datalab's quota in this cluster is used up.",
        "Choose a smaller profile, or wait until others stop their servers. Administrators: "
        "raise the ResourceQuota of the namespace.",
    ),
    "security": Problem(
        "security",
        "The cluster refuses this server: it breaks the security rules of its namespace.",
        "Administrators: remove what the message names from the settings of user pods (volumes, "
        "containers, extraPodConfig).",
        status=500,
    ),
    "limits": Problem(
        "quota",
        "This server is larger than the cluster lets one server be.",
        "Choose a smaller profile. Administrators: compare it with the namespace's LimitRange.",
    ),
    "rights": Problem(
        "rights",
        "The hub may not create your server.",
        "Administrators: compare the hub's Role with the chart's.",
        status=500,
    ),
    "description": Problem(
        "settings",
        "The cluster cannot read the description of this server.",
        "Administrators: correct the settings of user pods.",
        status=500,
    ),
    "api": Problem("cluster", "The cluster's own API does not answer as it should.", ADMIN),
    "image": Problem(
        "image",
        "The image {what} cannot be used: {why}.",
        "Choose another image, or correct its name. " + ADMIN,
        status=500,
    ),
    "container": Problem(
        "settings",
        "Something that your server needs is missing.",
        "Ask an administrator.",
        status=500,
    ),
    "absent": Problem(
        "settings", "The {what} is not there.", "Wait a minute and try again. " + ADMIN
    ),
    "mount": Problem(
        "volume", "A volume of your server is not there.", "Wait a minute and try again. " + ADMIN
    ),
    "memory": Problem(
        "memory",
        "Your server used up its memory while it started.",
        "Choose a profile with more memory.",
    ),
    "ended": Problem(
        "crash",
        "Your server ended while it started (container {what}, exit code {code}).",
        "Try again once. " + ADMIN,
        status=500,
    ),
    "evicted": Problem(
        "crash", "The machine ran out of room and ended your server.", "Start it again. " + ADMIN
    ),
    "node": Problem(
        "crash", "The machine that your server was to run on went away.", "Start it again. " + ADMIN
    ),
    "failed": Problem(
        "crash", "Your server ended while it started.", "Try again once. " + ADMIN, status=500
    ),
}
"""What is said about each kind of trouble."""


def sentences() -> frozenset[str]:
    """Return every sentence, as the catalogues have it.

    Examples
    --------
    >>> {"No machine has a free GPU.", ADMIN} <= sentences()
    True
    """
    own = {ADMIN, LATE, LATE_ADVICE, TRYING, SAYS, CHOOSE_AGAIN, *troubles.PULL_FAILURES}
    for problem in WORDS.values():
        own |= {problem.message, problem.advice.removesuffix(ADMIN).strip()}
    return frozenset(own - {""})


def pairs(translate: Callable[[str], str], *, html: bool = False) -> list[Pair]:
    """Return what to put for each sentence; the longest come first.

    Parameters
    ----------
    translate
        Says a message in the reader's language.
    html
        Whether the sentences stand in HTML.
    """
    written = escape if html else str
    told = [(one, translate(one)) for one in sentences()]
    result = [(written(theirs), written(ours)) for theirs, ours in told if theirs != ours]
    return sorted(result, key=lambda pair: (-len(pair[0]), pair[0]))


def retold(text: str, known: Iterable[Pair]) -> str:
    """Return a text with every sentence of ours in the reader's language.

    Parameters
    ----------
    text
        Plain, or HTML.
    known
        As `pairs` gives them.

    Examples
    --------
    >>> retold("<b>The img x is gone.</b> Why?", [("The img {what} is gone.", "Plus de {what}.")])
    '<b>Plus de x.</b> Why?'
    """
    for theirs, ours in known:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*?)", re.escape(theirs))
        text = re.sub(pattern, lambda found, ours=ours: _filled(ours, found), text)  # type: ignore[misc]
    return text


def _filled(ours: str, found: re.Match[str]) -> str:
    return ours.format(**found.groupdict())

"""Which images a user may name: one rule for user servers and for Dask."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from geodes_datalab.settings import Overrides, Profile, Settings, Singleuser

P = TypeVar("P", bound=Overrides)

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?/)?"
_REFERENCE = re.compile(
    rf"{_HOST}{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
)


def in_registry(settings: Settings) -> Singleuser:
    """Return the settings of users' servers with the images of profiles in the site's registry.

    Parameters
    ----------
    settings
        All settings.
    """
    registry = settings.registry.image_registry
    user = settings.singleuser
    profiles = {name: _placed(profile, registry) for name, profile in user.profiles.items()}
    return user.model_copy(update={"profiles": profiles})


def reference(image: str, registry: str) -> str:
    """Return an image's name with the site's registry before it, unless it names one of its own.

    Parameters
    ----------
    image
        As an operator writes it.
    registry
        The site's, or nothing.

    Examples
    --------
    >>> reference("team/lab:1", "registry.example.org/mirror")
    'registry.example.org/mirror/team/lab:1'
    >>> reference("ghcr.io/team/lab:1", "registry.example.org/mirror")
    'ghcr.io/team/lab:1'
    """
    first, slash, _ = image.partition("/")
    named = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return image if named or not registry else f"{registry.rstrip('/')}/{image}"


def well_formed(image: str) -> bool:
    """Tell whether a text is the reference of an image.

    Parameters
    ----------
    image
        What was typed.

    Examples
    --------
    >>> well_formed("registry.example.org:5000/team/lab:1.2")
    True
    >>> well_formed("registry.example.org/team/../lab"), well_formed("lab:1 --privileged")
    (False, False)
    """
    return len(image) <= 512 and _REFERENCE.fullmatch(image) is not None


def permitted(image: str, patterns: Iterable[str]) -> bool:
    """Tell whether an image may be used.

    Parameters
    ----------
    image
        Its whole reference, as the user typed it.
    patterns
        References, or patterns of them: ``*`` stands for any characters, also for slashes. Upper
        and lower case differ.

    Examples
    --------
    >>> permitted("registry.example.org/team/lab:1", ["registry.example.org/team/*"])
    True
    >>> permitted("evil.example.org/team/lab:1", ["registry.example.org/team/*"])
    False
    """
    return well_formed(image) and any(fnmatchcase(image, pattern) for pattern in patterns)


def _placed(chosen: P, registry: str) -> P:
    """Return a profile or a choice, and what may be chosen within it, with images of the registry."""
    update: dict[str, Any] = {"image": chosen.image and reference(chosen.image, registry)}
    if isinstance(chosen, Profile):
        update["options"] = {
            name: option.model_copy(
                update={"choices": {n: _placed(c, registry) for n, c in option.choices.items()}}
            )
            for name, option in chosen.options.items()
        }
    return chosen.model_copy(update=update)


def expression(patterns: Iterable[str]) -> str:
    r"""Return a regular expression for a form's field; the server checks by `permitted`.

    Parameters
    ----------
    patterns
        As for `permitted`.

    Examples
    --------
    >>> expression(["a.org/x/*", "b"])
    '^(a\\.org/x/.*|b)$'
    """
    inner = "|".join(_translate(pattern) for pattern in patterns)
    return f"^({inner})$"


def _translate(pattern: str) -> str:
    """Write a pattern so that browsers understand it too."""
    signs = {"*": ".*", "?": "."}
    return "".join(signs.get(sign) or re.escape(sign).replace("\\-", "-") for sign in pattern)

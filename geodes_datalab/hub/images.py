"""Which images a user may name: one rule for user servers and for Dask."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?/)?"
_REFERENCE = re.compile(
    rf"{_HOST}{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
)


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

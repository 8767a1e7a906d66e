"""Names of environments: a folder, a kernel and a word in the terminal at once."""

from __future__ import annotations

import re
import unicodedata

from geodes_datalab.environments.kernels import existing
from geodes_datalab.environments.record import path_of
from geodes_datalab.errors import OwnEnvironmentError

LONGEST = 40
_GOOD = re.compile(rf"[a-z0-9](?:[a-z0-9._-]{{0,{LONGEST - 2}}}[a-z0-9])?")


def check(name: str) -> None:
    """Refuse a name that could not be a folder and a kernel.

    Parameters
    ----------
    name
        As the user typed it.

    Raises
    ------
    OwnEnvironmentError
        With a name that would do, where there is one.
    """
    if _GOOD.fullmatch(name):
        return
    other = proposal(name)
    raise OwnEnvironmentError(
        f"{name!r} cannot name an environment: small letters, digits, '-', '_' and '.' can, "
        f"{LONGEST} of them at most, with a letter or digit first and last",
        hint=f"try {other}" if other else "choose a word such as mine",
    )


def check_free(name: str) -> None:
    """Refuse a name that another kernel has: notebooks name their kernels, and would start another one."""
    other = existing(name)
    if other is None:
        return
    left = (
        other.environment is not None and not other.environment.exists()
    )  # by a home that was moved
    if other.environment != path_of(name) and not left:
        raise OwnEnvironmentError(
            f"there is a kernel named {name!r} already ({other.folder})",
            hint=f"choose another name, such as my-{name}",
        )


def proposal(name: str) -> str:
    """Return a name that would do and is like this one, or an empty text.

    Examples
    --------
    >>> proposal("../My Été"), proposal("///")
    ('my-ete', '')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "-", plain)[:LONGEST].strip("-._")

"""Authorities of a site in local mode: the operator's reach every client of servers and workers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from geodes_datalab import _authorities
from geodes_datalab.errors import LocalModeError
from geodes_datalab.local.layout import Layout

SITE = Path(__file__).parent / "site"
"""Folder that goes before Python's path, for clients that have no variable."""


def completed(layout: Layout, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what servers and workers are told, from what the operator told this process.

    Parameters
    ----------
    layout
        State folder.
    environment
        Variables of the operator.
    """
    if not _authorities.named(environment):
        return dict(environment)
    before = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(SITE), *([before] if before else [])])
    return {**_authorities.complete(environment, str(layout.authorities)), "PYTHONPATH": path}


def prepare(layout: Layout) -> None:
    """Write the file for clients that the operator did not tell of: the public authorities and the site's.

    Parameters
    ----------
    layout
        State folder.

    Raises
    ------
    LocalModeError
        The file that the operator names cannot be read.
    """
    named = _authorities.named(os.environ)
    if not named:
        layout.authorities.unlink(missing_ok=True)
        return
    import certifi

    try:
        own = Path(named).read_text("utf-8", "replace")
    except OSError as error:
        names = [name for name in _authorities.SOURCES if os.environ.get(name) == named]
        raise LocalModeError(
            f"the authorities of {names[0]} cannot be read: {named} ({error.strerror})",
            hint="name a PEM file that exists, or unset the variable",
        ) from None
    public = (Path(certifi.__file__).parent / "cacert.pem").read_text("utf-8")
    layout.authorities.write_text(f"{public.rstrip()}\n{own}", "utf-8")

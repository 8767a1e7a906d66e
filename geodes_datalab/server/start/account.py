"""Give the account a name, where the pod runs with a user number that the image does not know.

Without one ssh refuses to start, ``getpass.getuser`` fails and the prompt says "I have no name!". The
image's name service (libnss-extrausers) reads files beside ``/etc/passwd`` through a link to a folder that
can be written to, while the root file system can not.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

NAME = "jovyan"
"""The image's own account, whose home this is."""

LINK = Path("/var/lib/extrausers")
"""Where the name service looks; a link in our images."""

_USERS = 100
"""The group of users: the name service passes over groups below 500, apart from this one."""


def enter(home: Path, *, link: Path = LINK) -> bool:
    """Write an entry for this process's user number, unless it has one.

    Parameters
    ----------
    home
        The home that programs find by the entry: ssh looks for its keys there.
    link
        Where the name service looks.

    Returns
    -------
    bool
        Whether an entry was written.

    Raises
    ------
    OSError
        The folder cannot be written to.
    """
    number, group = os.getuid(), os.getgid()
    if _known(number) or not link.is_symlink():
        return False
    folder = Path(os.path.realpath(link))
    folder.mkdir(mode=0o755, exist_ok=True)
    shown = group if group >= 500 else _USERS
    (folder / "passwd").write_text(f"{NAME}:x:{number}:{shown}::{home}:/bin/bash\n", "utf-8")
    if group >= 500:
        (folder / "group").write_text(f"{NAME}:x:{group}:\n", "utf-8")
    return True


def _known(number: int) -> bool:
    try:
        pwd.getpwuid(number)
    except KeyError:
        return False
    return True

"""Where a server keeps what it tells its kernels: outside the home, which may be full.

Without its connection file no kernel starts, and the Lab shows a spinning wheel instead of the reason.
Standard library only.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

VARIABLE = "JUPYTER_RUNTIME_DIR"
"""Environment variable: the folder; whoever sets it already knows better."""


def runtime_folder(name: str) -> dict[str, str]:
    """Make the folder and return the variable that names it; nothing where none can be made.

    The files in it hold the keys of kernels, and others may write where temporary files lie: so a folder
    that is not ours alone is not taken.

    Parameters
    ----------
    name
        Tells servers of one account apart.
    """
    if VARIABLE in os.environ:
        return {}
    account = Path(tempfile.gettempdir()) / f"geodes-datalab-{os.getuid()}"
    try:
        for folder in (account, account / name):
            folder.mkdir(mode=0o700, exist_ok=True)
        ours = _private(account) and _private(account / name)
        return {VARIABLE: str(account / name) if ours else tempfile.mkdtemp(prefix="jupyter-")}
    except OSError:
        return {}


def _private(folder: Path) -> bool:
    result = folder.lstat()
    return (
        stat.S_ISDIR(result.st_mode) and result.st_uid == os.getuid() and not result.st_mode & 0o077
    )


def make_profile(home: Path) -> None:
    """Make the folders that IPython makes at its first start; kernels end where it cannot.

    Parameters
    ----------
    home
        The home, while there is still room in it.
    """
    profile = home / ".ipython" / "profile_default"
    for name in ("log", "pid", "security", "startup"):
        (profile / name).mkdir(mode=0o700, parents=True, exist_ok=True)

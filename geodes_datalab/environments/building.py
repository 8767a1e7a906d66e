"""The folder of an environment: a Python that sees the datalab's packages, and a pip."""

from __future__ import annotations

import shlex
import subprocess
import venv
from pathlib import Path

from geodes_datalab._optional import have
from geodes_datalab.environments.record import Record
from geodes_datalab.errors import OwnEnvironmentError

_PIP = """#!/bin/sh
# The datalab's pip, run by this environment's Python: so it installs into this environment.
exec {python} -P -m pip "$@"
"""


def packages_of(folder: Path, record: Record) -> Path:
    """Return the folder of an environment's own packages."""
    return folder / "lib" / f"python{record.python}" / "site-packages"


def build(folder: Path, record: Record) -> None:
    """Make an environment without packages of its own."""
    shared = have("pip")
    try:
        venv.EnvBuilder(symlinks=True, with_pip=not shared, prompt=folder.name).create(folder)
    except subprocess.CalledProcessError as error:
        raise OwnEnvironmentError(
            "there is no pip here that an environment could have",
            hint='pip install "geodes-datalab[lab]"',
        ) from error
    _see(folder, record)
    if shared:
        _write_pip(folder)


def _see(folder: Path, record: Record) -> None:
    """Let the environment's Python find the datalab's packages after its own.

    A path by itself is added once, and pip takes it away again where it builds a package apart from all
    others. The second line has the .pth files of that folder read, such as that of an editable installation.
    """
    lines = [
        line for path in record.base for line in (path, f"import site; site.addsitedir({path!r})")
    ]
    target = packages_of(folder, record) / "datalab.pth"
    target.write_text("\n".join(lines) + "\n", "utf-8")


def _write_pip(folder: Path) -> None:
    for name in ("pip", "pip3"):
        script = folder / "bin" / name
        script.write_text(_PIP.format(python=shlex.quote(str(folder / "bin" / "python"))), "utf-8")
        script.chmod(0o755)

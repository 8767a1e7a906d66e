"""Let DuckDB find the extensions that came as packages: it looks for them in the home alone."""

from __future__ import annotations

import platform
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_MACHINES = {"x86_64": "linux_amd64", "aarch64": "linux_arm64"}


def link_extensions(home: Path, packages: Path | None = None) -> None:
    """Link the extensions of this environment into the folder of a home where DuckDB looks.

    Parameters
    ----------
    home
        The home. An extension that lies there already stays.
    packages
        Where packages are installed; those of this Python, when not given.

    Raises
    ------
    OSError
        The home takes no links.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return
    for source in _extensions(packages or Path(sysconfig.get_path("purelib"))):
        target = home / ".duckdb" / "extensions" / source.parent.name / machine / source.name
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # a link into an image of before
        target.symlink_to(source)


def _extensions(packages: Path) -> Iterator[Path]:
    yield from packages.glob("duckdb_extension_*/extensions/v*/*.duckdb_extension")

"""A mount namespace of this process alone: accounts, sudo rules and Slurm's settings that no other
process of the machine ever sees, and that end with it.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 0x40000, 0x1000
_libc = ctypes.CDLL(None, use_errno=True)


def enter() -> None:
    """Leave the machine's mount namespace; what this process mounts from now on is its own.

    Raises
    ------
    OSError
        Not root, or not allowed here.
    """
    if _libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare: " + os.strerror(ctypes.get_errno()))
    _mount("none", "/", "", MS_REC | MS_PRIVATE)


def bind(source: Path, target: Path) -> None:
    """Show a file or folder at another place."""
    _mount(str(source), str(target), "", MS_BIND | MS_REC)


def open_to_all(needed: Iterable[Path], hidden: Path) -> None:
    """Let every account reach some folders whose parents are closed, such as ``/root``.

    The closed parent is replaced by an open one that holds the needed folders and nothing else.
    """
    wanted = list(needed)
    for closed in sorted({one for path in wanted if (one := _closed(path)) is not None}):
        behind = hidden / str(closed).strip("/").replace("/", "-")
        behind.mkdir(parents=True)
        bind(closed, behind)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "mode=0755,size=1m", "tmpfs", str(closed)], check=True
        )
        for path in wanted:
            if path.is_relative_to(closed):
                path.mkdir(parents=True, exist_ok=True, mode=0o755)
                bind(behind / path.relative_to(closed), path)
        subprocess.run(["umount", "--lazy", str(behind)], check=True)  # nothing real below `hidden`


def mounts_below(folder: Path) -> list[str]:
    """Return what is mounted below a folder: as long as there is anything, it must not be deleted."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [one for line in lines if (one := line.split()[4]).startswith(f"{folder}/")]


def _closed(path: Path) -> Path | None:
    """Return the first parent that other accounts may not pass."""
    for parent in reversed(path.parents):
        if not parent.stat().st_mode & 0o001:
            return parent
    return None


def _mount(source: str, target: str, kind: str, flags: int) -> None:
    if _libc.mount(source.encode(), target.encode(), kind.encode(), flags, None):
        number = ctypes.get_errno()
        raise OSError(number, f"mount {source} on {target}: {os.strerror(number)}")

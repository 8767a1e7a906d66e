"""The control groups below which everything of the cluster's pods lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .processes import comes_true

TOP = Path("/sys/fs/cgroup")


def create(name: str) -> None:
    """Make our folder in each hierarchy (version 1), or in the only one (version 2)."""
    for hierarchy in _hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # empty ones take no process (version 1)
            if (hierarchy / setting).exists() and (hierarchy / name / setting).exists():
                (hierarchy / name / setting).write_text((hierarchy / setting).read_text())
    if (TOP / "cgroup.subtree_control").exists():
        wanted = " ".join(f"+{kind}" for kind in (TOP / "cgroup.controllers").read_text().split())
        for folder in (TOP, TOP / name):
            (folder / "cgroup.subtree_control").write_text(wanted)


def remove(name: str) -> None:
    """Remove our folders; the kernel may need a moment to see that they are empty."""

    def gone() -> bool:
        for root in roots(name):
            for folder in sorted((p for p in root.rglob("*") if p.is_dir()), reverse=True):
                _rmdir(folder)
            _rmdir(root)
        return not roots(name)

    comes_true(gone, "the end of our control groups")


def roots(name: str) -> list[Path]:
    """Our folder in each hierarchy, as far as it is there."""
    return [found for hierarchy in _hierarchies() if (found := hierarchy / name).is_dir()]


def members(name: str) -> Iterator[int]:
    """Process ids of everything in our folders."""
    for root in roots(name):
        for file in root.rglob("cgroup.procs"):
            with suppress(OSError):  # the group ended while we looked
                yield from (int(line) for line in file.read_text().split())


def _hierarchies() -> list[Path]:
    if (TOP / "cgroup.controllers").exists():
        return [TOP]
    return [path for path in TOP.iterdir() if (path / "cgroup.procs").exists()]


def _rmdir(folder: Path) -> None:
    with suppress(OSError):  # still in use: the caller tries again
        folder.rmdir()

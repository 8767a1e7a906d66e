"""Control groups: folders as a kernel shows them, and real ones that limit a process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.waiting import eventually

VERSION_1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
VERSION_2 = Path("/sys/fs/cgroup/cgroup.subtree_control")


def shown(root: Path, *, groups: str, mounts: dict[str, str], files: dict[str, str]) -> Path:
    """Write what a process sees: its groups, mounts (place -> kind), and files below ``/sys/fs/cgroup``."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    rows = [
        f"{number} 20 0:{number} {place.partition(':')[2] or '/'} {place.partition(':')[0]} rw - {kind}"
        for number, (place, kind) in enumerate(mounts.items(), 30)
    ]
    (root / "proc/self/mountinfo").write_text("\n".join(rows) + "\n")
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


@contextmanager
def limited(cores: float) -> Iterator[Path]:
    """Make a real group of so many cores, whose ``cgroup.procs`` takes processes."""
    name = f"geodes-datalab-{os.getpid()}"
    old = VERSION_1.is_file()
    group = Path("/sys/fs/cgroup/cpu" if old else "/sys/fs/cgroup", name)
    try:
        if not old and "cpu" not in VERSION_2.read_text().split():
            VERSION_2.write_text("+cpu")
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group for cores can be made here: {error}")
    try:
        quota = round(cores * 100_000)
        if old:
            (group / "cpu.cfs_period_us").write_text("100000")
            (group / "cpu.cfs_quota_us").write_text(f"{quota}")
        else:
            (group / "cpu.max").write_text(f"{quota} 100000")
        yield group
    finally:
        left = (group / "cgroup.procs").read_text
        eventually(lambda: not left(), "the group is empty", scene=left)
        group.rmdir()


@contextmanager
def inside(group: Path) -> Iterator[None]:
    """Have this process in a group for a while."""
    (group / "cgroup.procs").write_text(f"{os.getpid()}")
    try:
        yield
    finally:
        (group.parent / "cgroup.procs").write_text(f"{os.getpid()}")

"""Print what is largest in an image; runs inside it (scripts/images --sizes)."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
from pathlib import Path

ROWS = 25


def main() -> None:
    rows = sorted([*python_packages(), *debian_packages()], reverse=True)
    used = subprocess.run(
        ["du", "--summarize", "--one-file-system", "--block-size=1M", "/"],
        capture_output=True,
        text=True,
        check=False,  # what this user may not look into is left out
    ).stdout
    print(f"{used.split()[0]} MB in all; the {ROWS} largest packages, in MB on disk:")
    for size, name in rows[:ROWS]:
        print(f"{size / 1e6:8.1f}  {name}")


def python_packages() -> list[tuple[int, str]]:
    """Return what each distribution takes, with the compiled bytecode."""
    found = []
    for distribution in importlib.metadata.distributions():
        paths = {Path(distribution.locate_file(file)) for file in distribution.files or []}
        paths |= {Path(cached(path)) for path in paths if path.suffix == ".py"}
        size = sum(on_disk(path) for path in paths)
        found.append((size, f"{distribution.name} {distribution.version}"))
    return found


def cached(path: Path) -> str:
    return importlib.util.cache_from_source(str(path))


def on_disk(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except OSError:
        return 0


def debian_packages() -> list[tuple[int, str]]:
    form = "${Installed-Size} ${Package} (Debian)\n"
    listed = subprocess.run(
        ["dpkg-query", "--show", f"--showformat={form}"], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(" ", 1) for line in listed.splitlines())
    return [(int(size) * 1024, name) for size, name in rows]


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    main()

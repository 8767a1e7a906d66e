"""Debian's packages: install what is missing, and tell the versions that are there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable


def missing(wanted: Iterable[str]) -> list[str]:
    """Return what is not installed; nothing where there is no dpkg to ask."""
    if not shutil.which("dpkg-query"):
        return []
    return [name for name in wanted if not version(name)]


def install(wanted: Iterable[str]) -> None:
    """Install what is missing, where this is root on a Debian; elsewhere say what is missing."""
    lacking = missing(wanted)
    if not lacking:
        return
    print(f"=== missing: {' '.join(lacking)}", flush=True)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print("not root on a Debian: install them yourself if a tier fails for the want of them")
        return
    silent = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", *lacking]):
        command = ["apt-get", "-y", *arguments]  # if it fails, a tier will say what it lacks
        subprocess.run(command, env=silent, stdout=subprocess.DEVNULL, check=False)


def version(name: str) -> str:
    """Return the version of an installed package; empty where it is not, or where there is no dpkg."""
    if not shutil.which("dpkg-query"):
        return ""
    asked = ["dpkg-query", "--show", "--showformat", "${Status}\t${Version}", name]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    status, _, number = told.partition("\t")
    return number if status.endswith(" ok installed") else ""

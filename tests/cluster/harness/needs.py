"""Whether this machine can run the cluster, and what is missing if not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import build
from .places import CNI_FOLDER, SYSTEM_PATH, Places
from .versions import default_places

# Program -> Debian package.
PROGRAMS = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "mount": "mount",
    "sysctl": "procps",
}
PLUGINS = ("host-local", "loopback", "portmap", "ptp")
OLDEST_GO = (1, 21)  # from here on, go fetches the toolchain that a module asks for


def why_not(places: Places | None = None) -> str | None:
    """Why the cluster cannot run here, with what to do about it; None when it can."""
    places = places or default_places()
    if os.geteuid() != 0:
        return "the test cluster needs root (it makes network namespaces and mounts): run as root"
    if packages := sorted(set(_missing_packages())):
        return f"missing: {' '.join(packages)} -> apt-get install {' '.join(packages)}"
    for command, meaning in (
        (["unshare", "--net", "true"], "no network namespace can be made"),
        (["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], "nothing can be mounted"),
        (["unshare", "--net", "sh", "-c", _QUEUE], "this kernel cannot queue packets (NFQUEUE)"),
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return f"{meaning}: {done.stderr.strip()} -> use a machine or VM of your own"
    if build.missing(places):
        return _why_no_build()
    return None


_QUEUE = "iptables -w 10 -t mangle -A OUTPUT -m conntrack --ctstate NEW -j NFQUEUE --queue-num 1"


def install(report: build.Report) -> None:
    """Install the missing Debian packages, where this is root on a machine with apt."""
    packages = sorted(set(_missing_packages()))
    if not packages or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    report(f"installing {' '.join(packages)}")
    silent = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", "-y", *arguments], env=silent, capture_output=True)


def _missing_packages() -> Iterator[str]:
    for program, package in PROGRAMS.items():
        if not shutil.which(program, path=SYSTEM_PATH):
            yield package
    if not all((CNI_FOLDER / plugin).exists() for plugin in PLUGINS):
        yield "containernetworking-plugins"


def _why_no_build() -> str | None:
    if not shutil.which("go"):
        return (
            "the cluster's programs are not built yet, and there is no go to build them\n"
            "  -> apt-get install golang-go (1.21 or newer), or unpack one and put it on PATH"
        )
    told = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True).stdout
    version = tuple(int(part) for part in told.strip().removeprefix("go").split(".")[:2])
    if version < OLDEST_GO:
        return f"{told.strip()} is too old to build the cluster -> install go 1.21 or newer"
    if not shutil.which("apt-get") and not Path("/bin/busybox").exists():
        return "no busybox: its static build is needed -> install busybox-static"
    return None

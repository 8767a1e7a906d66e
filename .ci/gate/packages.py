"""Debian's packages that the long tiers need, beyond what the README asks of a machine."""

from __future__ import annotations

import os
import shutil
import subprocess

PACKAGES = (
    *("ca-certificates", "git", "make", "procps"),
    *("python3", "python3-pip", "python3-venv"),
    *("nginx-light", "libnginx-mod-http-lua"),  # the peers' server in the benchmarks
    *("chromium", "fonts-dejavu-core", "fonts-liberation"),
    *("buildah", "mmdebstrap"),
    *("containerd", "runc", "containernetworking-plugins", "iptables", "conntrack", "iproute2"),
    *("slurmctld", "slurmd", "slurm-client", "munge", "sudo"),
)


def install() -> None:
    """Install what is missing, where this is root on a Debian; elsewhere say what is missing."""
    if not shutil.which("dpkg-query"):
        return
    wanted = [name for name in PACKAGES if not _installed(name)]
    if not wanted:
        return
    print(f"=== missing: {' '.join(wanted)}", flush=True)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print("not root on a Debian: install them yourself if a tier fails for the want of them")
        return
    silent = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", *wanted]):
        command = ["apt-get", "-y", *arguments]  # if it fails, a tier will say what it lacks
        subprocess.run(command, env=silent, stdout=subprocess.DEVNULL, check=False)


def _installed(name: str) -> bool:
    asked = ["dpkg-query", "--show", "--showformat", "${Status}", name]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return "ok installed" in told

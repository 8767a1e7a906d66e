"""Run kubectl and helm against the cluster."""

from __future__ import annotations

import os
import subprocess

from support.waiting import minutes

from .places import NODE_ADDRESS, Places
from .processes import run

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def environment(places: Places) -> dict[str, str]:
    """Variables with which kubectl, helm and scripts find the cluster, past any proxy."""
    kept = {name: value for name, value in os.environ.items() if name.upper() not in PROXIES}
    home = places.state / "helm"
    return kept | {
        "HELM_CACHE_HOME": str(home / "cache"),
        "HELM_CONFIG_HOME": str(home / "config"),
        "HELM_DATA_HOME": str(home / "data"),
        "KUBECONFIG": str(places.kubeconfig),
        "NO_PROXY": NODE_ADDRESS,
        "PATH": os.pathsep.join([str(places.cache / "bin"), kept.get("PATH", os.defpath)]),
    }


def kubectl(places: Places, *arguments: str, stdin: str | None = None) -> str:
    """Run kubectl and return what it printed.

    Raises
    ------
    ClusterError
        It failed.
    """
    command = [str(places.binary("kubectl")), *arguments]
    return run(command, stdin=stdin, environment=environment(places))


def helm(places: Places, *arguments: str, stdin: str | None = None) -> str:
    """Run helm and return what it printed.

    Raises
    ------
    ClusterError
        It failed.
    """
    command = [str(places.binary("helm")), *arguments]
    return run(command, stdin=stdin, environment=environment(places))


def ready(places: Places) -> bool:
    """Whether the API server answers that it is ready."""
    if not places.kubeconfig.exists():
        return False
    limit = f"--request-timeout={minutes(0.5):.0f}s"  # a slow answer is one too
    command = [str(places.binary("kubectl")), "get", "--raw=/readyz", limit]
    done = subprocess.run(command, capture_output=True, env=environment(places))
    return done.returncode == 0

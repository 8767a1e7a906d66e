"""Where the cluster keeps things, and the addresses it uses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# One cluster per machine: these names and addresses are the machine's.
PREFIX = "geodes-datalab-cluster"
NODE_NAME = "node1"
NODE_NETNS = "geodes-node"
HOST_LINK = "geodes-host"
NODE_ADDRESS = "10.245.0.1"
HOST_ADDRESS = "10.245.0.2"
POD_RANGE = "10.244.0.0/16"
NODE_POD_RANGE = "10.244.0.0/24"
SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
API_PORT = 6443
KUBELET_PORT = 10250

LOCK = Path("/run/lock/geodes-datalab-cluster.lock")
MARKER = Path("/run/geodes-datalab-cluster.json")
NETNS_FOLDER = Path("/run/netns")
CNI_FOLDER = Path("/usr/lib/cni")
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def default_cache() -> Path:
    """``CLUSTER_CACHE``, or the datalab's folder of the user's cache."""
    if chosen := os.environ.get("CLUSTER_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "geodes-datalab" / "cluster"


def default_state() -> Path:
    """``CLUSTER_STATE``, or a folder of /var/tmp: it needs gigabytes, and outlives a shell."""
    return Path(os.environ.get("CLUSTER_STATE") or f"/var/tmp/{PREFIX}")


@dataclass(frozen=True)
class Places:
    """The folders of one cluster.

    Parameters
    ----------
    cache
        Folder of what was built, shared by all clusters: one folder per state of versions.toml.
    state
        Folder of the running cluster: databases, volumes, logs. `down` removes all but the logs.
    """

    cache: Path
    state: Path

    @property
    def name(self) -> str:
        """What the cluster's own things on the machine are called, besides the fixed names."""
        folder = self.state.name
        return folder if folder.startswith(PREFIX) else f"{PREFIX}-{folder}"

    def binary(self, name: str) -> Path:
        return self.cache / "bin" / name

    @property
    def images(self) -> Path:
        return self.cache / "images"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        return self.pki / "admin.kubeconfig"

    @property
    def logs(self) -> Path:
        return self.state / "log"

    @property
    def audit_log(self) -> Path:
        return self.logs / "audit.log"

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def volumes(self) -> Path:
        return self.state / "volumes"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"

"""What is applied to a fresh API server: DNS, storage, the policy engine's rights."""

from __future__ import annotations

import shutil
import string
from pathlib import Path

from support.waiting import eventually

from . import images, processes
from .errors import ClusterError
from .kubectl import kubectl
from .outside import HOSTS
from .places import DNS_SERVICE, NODE_NAME, Places

MANIFESTS = Path(__file__).parent / "manifests"


def apply_policy_engine(places: Places) -> None:
    """Give the engine its rights, and the credentials it starts with."""
    kubectl(places, "apply", "-f", str(MANIFESTS / "policy-engine.yaml"))
    asked = ("create", "token", "policy-engine", "-n", "kube-system", "--duration=8760h")
    folder = places.state / "policy-engine"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "token").touch(mode=0o600)
    (folder / "token").write_text(kubectl(places, *asked).strip())
    shutil.copy(places.pki / "ca.crt", folder)


def apply(places: Places) -> None:
    """Apply DNS and storage."""
    kubectl(places, "apply", "-f", "-", stdin=base_manifest())


def base_manifest() -> str:
    """What every cluster of this harness holds."""
    template = string.Template((MANIFESTS / "base.yaml").read_text(encoding="utf-8"))
    return template.substitute(
        busybox=images.name_of("busybox"),
        coredns=images.name_of("coredns"),
        dns=DNS_SERVICE,
        hosts="\n        ".join(f"{address} {name}" for name, address in HOSTS.items()),
    )


def wait(places: Places) -> None:
    """Wait until the node is Ready and DNS answers."""
    node = (
        "get",
        f"node/{NODE_NAME}",
        "-o",
        "jsonpath={.status.conditions[?(@.type=='Ready')].status}",
    )
    dns = (
        "-n",
        "kube-system",
        "get",
        "deployment/coredns",
        "-o",
        "jsonpath={.status.readyReplicas}",
    )

    def scene() -> str:
        listed = kubectl(places, "get", "nodes,pods", "--all-namespaces", "-o", "wide")
        return f"{listed}\nkubelet's log ends with:\n{processes.tail(places, 'kubelet')}"

    def ready() -> bool:  # kubelet registers the node in its own time
        return kubectl(places, *node) == "True" and int(kubectl(places, *dns) or 0) > 0

    eventually(ready, "node and DNS", within=10, again_on=(ClusterError,), scene=scene)

"""The configuration files of containerd, kubelet, kube-proxy and the API server's audit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import images
from .places import (
    CNI_FOLDER,
    DNS_SERVICE,
    NODE_ADDRESS,
    NODE_NAME,
    NODE_POD_RANGE,
    POD_RANGE,
    Places,
)

CONTAINERD = """\
version = 2
root = "{state}/containerd"
state = "{run}/containerd"
oom_score = 0

[grpc]
  address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true # so that those left by a crash can be told from others'
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni}"
    conf_dir = "{state}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false

[plugins."io.containerd.internal.v1.opt"]
  path = "{state}/containerd-opt"
"""


def write(places: Places) -> None:
    """Write every configuration file; the paths are those that `parts` names."""
    state = places.state
    for folder in (state / "cni", places.run, places.volumes, places.logs):
        folder.mkdir(parents=True, exist_ok=True)
    containerd = CONTAINERD.format(
        state=state,
        run=places.run,
        socket=places.containerd_socket,
        pause=images.name_of("pause"),
        cni=CNI_FOLDER,
    )
    (state / "containerd.toml").write_text(containerd, encoding="utf-8")
    (state / "resolv.conf").write_text("nameserver 127.0.0.1\n", encoding="utf-8")
    _write(state / "cni" / "10-pods.conflist", _pod_network(places))
    _write(state / "kubelet.json", _kubelet(places))
    _write(state / "kube-proxy.json", _kube_proxy(places))
    _write(state / "audit.json", _audit())
    _write(state / "provisioner.json", _provisioner(places))


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _pod_network(places: Places) -> dict[str, Any]:
    """Routed pods, each by a link of its own: no bridge, so every packet can be policed."""
    addresses = {
        "type": "host-local",
        "dataDir": str(places.state / "addresses"),
        "ranges": [[{"subnet": NODE_POD_RANGE}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "0.4.0",
        "name": places.name,
        "plugins": [
            {"type": "ptp", "ipMasq": False, "mtu": 1400, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _kubelet(places: Places) -> dict[str, Any]:
    """A kubelet that bears a machine it does not own: no swap, cgroup or disk demands."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(places.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(places.pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(places.pki / "kubelet.key"),
        "containerRuntimeEndpoint": f"unix://{places.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{places.name}",
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "protectKernelDefaults": False,
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "resolvConf": str(places.state / "resolv.conf"),
        "maxPods": 200,
        "podLogsDir": str(places.logs / "pods"),
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "imagefs.available": "0%",
            "nodefs.available": "0%",
            "memory.available": "100Mi",
        },
    }


def _kube_proxy(places: Places) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": POD_RANGE,
        "hostnameOverride": NODE_NAME,
        "clientConnection": {"kubeconfig": str(places.pki / "kube-proxy.kubeconfig")},
        "conntrack": {"maxPerCore": 0, "min": 0},  # the machine's own limits stay
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }


def _audit() -> dict[str, Any]:
    """Who asked for what and what was the verdict; never the contents."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata"}],
    }


def _provisioner(places: Places) -> dict[str, Any]:
    folders = [str(places.volumes)]
    return {"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": folders}]}

"""The programs that make up the cluster, in the order in which they start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import images
from .places import API_PORT, NODE_ADDRESS, NODE_NAME, NODE_NETNS, SERVICE_RANGE, Places
from .processes import entered

ETCD = "http://127.0.0.1:2379"


@dataclass(frozen=True)
class Part:
    """A program: how it is started."""

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def part(places: Places, name: str) -> Part:
    """The part of that name.

    Raises
    ------
    KeyError
        There is none of that name; `NAMES` lists them.
    """
    made = PARTS[name](places)
    return Part(made.name, entered(NODE_NETNS, made.command), made.environment)


def etcd(places: Places) -> Part:
    return Part("etcd", [
        str(places.binary("etcd")),
        f"--data-dir={places.state}/etcd",
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",  # a test cluster may lose its last second with the machine
    ])  # fmt: skip


def apiserver(places: Places) -> Part:
    pki = places.pki
    return Part("apiserver", [
        str(places.binary("kube-apiserver")),
        f"--etcd-servers={ETCD}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--advertise-address={NODE_ADDRESS}",
        "--bind-address=0.0.0.0",
        f"--secure-port={API_PORT}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/service-accounts.pub",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--audit-policy-file={places.state}/audit.json",
        f"--audit-log-path={places.audit_log}",
        "--audit-log-maxsize=100000",  # one file: `Cluster.audit` reads it whole
        "--audit-log-mode=blocking",  # a record is there once the answer is
    ])  # fmt: skip


def controller_manager(places: Places) -> Part:
    pki = places.pki
    return Part("controller-manager", [
        str(places.binary("kube-controller-manager")),
        f"--kubeconfig={pki}/controller-manager.kubeconfig",
        f"--service-account-private-key-file={pki}/service-accounts.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        "--use-service-account-credentials",
        "--allocate-node-cidrs=false",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
    ])  # fmt: skip


def scheduler(places: Places) -> Part:
    return Part("scheduler", [
        str(places.binary("kube-scheduler")),
        f"--kubeconfig={places.pki}/scheduler.kubeconfig",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
    ])  # fmt: skip


def containerd(places: Places) -> Part:
    return Part("containerd", ["containerd", f"--config={places.state}/containerd.toml"])


def policy_engine(places: Places) -> Part:
    """The engine reads its credentials where pods have theirs: a view of /run of its own."""
    account = "/run/secrets/kubernetes.io/serviceaccount"
    script = (
        f"mount -t tmpfs tmpfs /run && mkdir -p {account} && "
        f'cp "$CREDENTIALS"/token "$CREDENTIALS"/ca.crt {account}/ && exec "$@"'
    )
    return Part(
        "policy-engine",
        [
            "unshare", "--mount", "sh", "-c", script, "policy-engine",
            str(places.binary("kube-network-policies")),
            f"--hostname-override={NODE_NAME}",
            "--disable-nri",
            "--metrics-bind-address=127.0.0.1:9080",
        ],
        {
            "KUBERNETES_SERVICE_HOST": NODE_ADDRESS,
            "KUBERNETES_SERVICE_PORT": str(API_PORT),
            "CREDENTIALS": str(places.state / "policy-engine"),
        },
    )  # fmt: skip


def kubelet(places: Places) -> Part:
    return Part("kubelet", [
        str(places.binary("kubelet")),
        f"--config={places.state}/kubelet.json",
        f"--kubeconfig={places.pki}/kubelet.kubeconfig",
        f"--root-dir={places.state}/kubelet",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={NODE_ADDRESS}",
        f"--cert-dir={places.pki}",
    ])  # fmt: skip


def kube_proxy(places: Places) -> Part:
    command = [str(places.binary("kube-proxy")), f"--config={places.state}/kube-proxy.json"]
    return Part("kube-proxy", command)


def provisioner(places: Places) -> Part:
    return Part("provisioner", [
        str(places.binary("local-path-provisioner")),
        "start",
        f"--config={places.state}/provisioner.json",
        f"--kubeconfig={places.pki}/provisioner.kubeconfig",
        "--namespace=local-path-storage",
        "--service-account-name=provisioner",
        "--provisioner-name=rancher.io/local-path",
        f"--helper-image={images.name_of('busybox')}",
        "--configmap-name=provisioner",
    ])  # fmt: skip


PARTS: dict[str, Callable[[Places], Part]] = {
    "etcd": etcd,
    "apiserver": apiserver,
    "controller-manager": controller_manager,
    "scheduler": scheduler,
    "policy-engine": policy_engine,
    "containerd": containerd,
    "kubelet": kubelet,
    "kube-proxy": kube_proxy,
    "provisioner": provisioner,
}
NAMES = tuple(PARTS)

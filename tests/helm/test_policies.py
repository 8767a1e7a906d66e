"""NetworkPolicies, worked out for every pair: what the table allows passes, all else is dropped.

The same table is proved with packets by the cluster tests; this one takes a second.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from manifests.policies import Network, Peer, in_block, selects
from manifests.render import Object, Release, component, is_hook, label

# from, to, ports: all that passes between pods of a datalab.
TABLE = """
user                hub                8081
user                gateway-proxy      8000 8786
proxy               hub                8081
proxy               user               8888
hub                 proxy              8001
hub                 user               8888
hub                 gateway-proxy      8000
culler              hub                8081
proxy               homes              8000
hub                 homes              8000
homes               hub                8081
gateway-api         hub                8081
gateway-api         scheduler          8788
gateway-proxy       gateway-api        8000
gateway-proxy       scheduler          8786 8787
scheduler           gateway-api        8000
scheduler           worker             any
worker              scheduler          8786
worker              worker             any
check               proxy              8000
"""
PORTS = (22, 53, 443, 8000, 8001, 8081, 8443, 8786, 8787, 8788, 8888, 10250, 41234)
CALLERS = {"hub", "gateway-api", "gateway-controller", "secrets-job", "puller-hook"}
# They open nothing, or only the address of the API server that stands in their environment.
SILENT = {"puller", "puller-hook", "puller-hook-images", "secrets-job"}
# Addresses that nobody may reach without being asked for by name.
PRIVATE = {
    "metadata": "169.254.169.254",
    "metadata of containers": "169.254.170.2",
    "metadata of one cloud": "168.63.129.16",
    "metadata over IPv6": "fd00:ec2::254",
    "class A": "10.99.0.10",
    "class B": "172.20.1.1",
    "class C": "192.168.1.1",
    "shared": "100.64.0.1",
    "benchmarking": "198.18.0.1",
    "loopback": "127.0.0.1",
    "this network": "0.0.0.0",
    "multicast": "224.0.0.1",
    "unique local": "fd12::1",
    "link-local": "fe80::1",
    "mapped by NAT64": "64:ff9b::a9fe:a9fe",
    "6to4": "2002:0a63:000a::1",
    "IPv6 loopback": "::1",
}
PUBLIC = {"internet": "20.50.2.5", "internet over IPv6": "2a01:cb00::1"}
NODE = "10.245.0.1"


def table() -> dict[tuple[str, str], set[int] | None]:
    """Pairs with their ports; None: every port."""
    lines = [line.split() for line in TABLE.split("\n") if line]
    return {
        (source, target): None if ports == ["any"] else {int(port) for port in ports}
        for source, target, *ports in lines
    }


class Datalab:
    """Peers and policies of a rendered release."""

    def __init__(self, release: Release, values: dict[str, Any]) -> None:
        self.release, self.values = release, values
        self.policy = values.get("networkPolicy") or {}
        policies = tuple(release.of("NetworkPolicy"))
        names = {release.namespace_of(policy) for policy in policies} | {release.namespace}
        self.network = Network(policies, {name: {} for name in names}, release.namespace)
        self.pods = self._platform() | self._started()
        self.dns = Peer("dns", "10.244.0.2", "kube-system", {"k8s-app": "kube-dns"})

    def _platform(self) -> dict[str, Peer]:
        found = {}
        for number, (owner, template) in enumerate(self.release.templates()):
            labels = template["metadata"]["labels"]
            ports = {
                port["name"]: port["containerPort"]
                for container in template["spec"]["containers"]
                for port in container.get("ports") or []
            }
            found[component(owner)] = Peer(
                component(owner),
                f"10.244.1.{number + 1}",
                self.release.namespace_of(owner),
                labels,
                ports,
            )
        return found

    def _started(self) -> dict[str, Peer]:
        """Pods that hub and gateway start, by the labels that the settings give them."""
        settings = self.release.settings
        user = settings["singleuser"]["labels"]
        namespace = self.release.namespace
        found = {
            "user": Peer("user", "10.244.2.1", namespace, user, {"notebook-port": 8888}),
            "other user": Peer("other user", "10.244.2.2", namespace, user),
        }
        if settings["gateway"]["enabled"]:
            dask = settings["gateway"]["backend"]
            common = {**dask.get("labels", {}), "gateway.dask.org/instance": dask["instance"]}
            for number, name in enumerate(("scheduler", "worker")):
                labels = {**common, "app.kubernetes.io/component": f"dask-{name}"}
                address = f"10.244.3.{number + 1}"
                found[name] = Peer(name, address, dask["namespace"], labels)
        return found

    def allowed(self, source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
        return self.network.allowed(source, target, port, protocol)


@pytest.fixture(scope="session")
def datalab(release: Release, case: str, values_of: dict[str, Any]) -> Datalab:
    made = Datalab(release, yaml.safe_load(values_of[case].read_text()) or {})
    if made.policy.get("enabled", True) is False:
        pytest.skip("networkPolicy.enabled is false in this case")
    return made


def outside(name: str, address: str) -> Peer:
    return Peer(name, address)


def test_every_pair_of_pods(datalab: Datalab) -> None:
    expected, wrong = table(), []
    if "https" in datalab.pods["proxy"].ports:
        expected["check", "proxy"] = {8443}
    kinds = {"other user": "user"}
    seen = 0
    for source in datalab.pods.values():
        for target in datalab.pods.values():
            pair = (kinds.get(source.name, source.name), kinds.get(target.name, target.name))
            open_ports = expected.get(pair, set())
            if pair == ("proxy", "hub") or "user" not in pair or source is not target:
                for port in PORTS:
                    should = open_ports is None or port in open_ports
                    seen += 1
                    if datalab.allowed(source, target, port) is not should:
                        wrong.append(f"{source.name} -> {target.name}:{port} should be {should}")
    assert not [line for line in wrong if not _public(line, datalab)]
    assert seen > 100


def _public(line: str, datalab: Datalab) -> bool:
    """An operator's own rules may let more in; these cases have tests of their own."""
    return any(f"-> {role}" in line for role in _sources(datalab))


def _sources(datalab: Datalab) -> set[str]:
    rules = (datalab.policy.get("ingress") or {}).values()
    return {role for rule in rules for role in rule["for"]}


def test_every_pod_is_held_both_ways(datalab: Datalab) -> None:
    for pod in datalab.pods.values():
        for direction in ("Ingress", "Egress"):
            assert datalab.network.selecting(direction, pod), f"{pod.name}: {direction}"


def test_names_are_resolved_by_all_that_connect(datalab: Datalab) -> None:
    for pod in datalab.pods.values():
        if pod.name in SILENT:
            assert not datalab.allowed(pod, datalab.dns, 53, "UDP"), pod.name
            continue
        assert datalab.allowed(pod, datalab.dns, 53, "UDP"), pod.name
        assert datalab.allowed(pod, datalab.dns, 53), pod.name
        assert not datalab.allowed(pod, datalab.dns, 8181), f"{pod.name}: health port of CoreDNS"
        other = Peer("neighbour", "10.244.0.3", "kube-system", {"k8s-app": "other"})
        assert not datalab.allowed(pod, other, 53, "UDP"), pod.name


def test_the_api_server_is_reached_by_its_callers_alone(datalab: Datalab) -> None:
    said = (datalab.policy.get("apiServer") or {}).get("cidrs") or []
    addresses = [cidr.partition("/")[0] for cidr in said] or [NODE]
    ports = (datalab.policy.get("apiServer") or {}).get("ports") or [443, 6443]
    for pod in datalab.pods.values():
        for address in addresses:
            server = outside("API server", address)
            reached = any(datalab.allowed(pod, server, port) for port in ports)
            assert reached is (pod.name in CALLERS), (pod.name, address)
        if said:
            assert not datalab.allowed(pod, outside("other", "10.77.0.1"), ports[0]), pod.name


def named(datalab: Datalab, role: str) -> list[dict[str, Any]]:
    rules = (datalab.policy.get("egress") or {}).values()
    return [block for rule in rules if role in rule["for"] for block in _blocks(rule)]


def _blocks(rule: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"cidr": cidr} for cidr in rule.get("cidrs") or []]


def test_private_addresses_are_closed(datalab: Datalab) -> None:
    said = (datalab.policy.get("apiServer") or {}).get("cidrs")
    for name, address in PRIVATE.items():
        target = outside(name, address)
        for pod in datalab.pods.values():
            if any(in_block(block, target.address) for block in named(datalab, pod.name)):
                continue
            loose = pod.name in CALLERS and not said  # the API server may be anywhere
            for port in (80, 8080, 3128) if loose else (80, 443, 6443, 8080, 3128):
                assert not datalab.allowed(pod, target, port), (name, pod.name, port)


def test_kubelet_and_node_ports_are_closed(datalab: Datalab) -> None:
    node = outside("node", NODE)
    for pod in datalab.pods.values():
        for port in (10250, 10255, 30080, 32000, 2379):
            assert not datalab.allowed(pod, node, port), (pod.name, port)


def test_the_internet(datalab: Datalab) -> None:
    said = {"user": True, "scheduler": True, "worker": True, "hub": None}
    said |= datalab.policy.get("internet") or {}
    if said["hub"] is None:
        kind = (datalab.values.get("auth") or {}).get("type", "shared-password")
        said["hub"] = kind != "shared-password"
    ports = said.pop("ports", None) or [443]
    for pod in datalab.pods.values():
        wanted = said.get({"other user": "user"}.get(pod.name, pod.name), False)
        for name, address in PUBLIC.items():
            for port in ports:
                if pod.name in CALLERS and not wanted and port in (443, 6443):
                    continue  # without networkPolicy.apiServer.cidrs, these are open anywhere
                assert datalab.allowed(pod, outside(name, address), port) is wanted, pod.name


def test_named_destinations_are_open_to_those_they_are_named_for(datalab: Datalab) -> None:
    for rule in (datalab.policy.get("egress") or {}).values():
        for cidr in rule.get("cidrs") or []:
            target = outside("named", cidr.partition("/")[0])
            for port in rule.get("ports") or [12345]:
                for role in ("user", "scheduler", "worker", "hub"):
                    if role in rule["for"] and role in datalab.pods:
                        assert datalab.allowed(datalab.pods[role], target, port), (role, cidr)


def test_strangers_reach_the_public_port_alone(datalab: Datalab) -> None:
    release = datalab.release
    strangers = [
        Peer("neighbour", "10.244.9.1", release.namespace, {"app": "other"}),
        Peer("other namespace", "10.244.9.2", "elsewhere", {"app": "other"}),
        *_of_other_release(datalab),
        outside("internet", "20.50.2.5"),
        outside("node", NODE),
    ]
    for stranger in strangers:
        for pod in datalab.pods.values():
            for port in PORTS:
                if pod.name == "proxy" and port in (8000, 8443):
                    continue
                if pod.name in _sources(datalab) or _scrapes(stranger, pod, datalab):
                    continue
                assert not datalab.allowed(stranger, pod, port), (stranger.name, pod.name, port)


def _of_other_release(datalab: Datalab) -> list[Peer]:
    """The same pods of a second release in the same namespaces."""
    marks = ("app.kubernetes.io/instance", "gateway.dask.org/instance")
    return [
        Peer(
            f"{pod.name} of another release",
            f"10.244.8.{number}",
            pod.namespace,
            {**pod.labels, **{mark: "another" for mark in marks if mark in pod.labels}},
        )
        for number, pod in enumerate(datalab.pods.values(), start=1)
    ]


def _scrapes(stranger: Peer, pod: Peer, datalab: Datalab) -> bool:
    monitoring = datalab.values.get("monitoring") or {}
    peers = (monitoring.get("scrapeFrom") or {}).values()
    return pod.name in ("hub", "gateway-api") and any(
        "namespaceSelector" not in peer and selects(peer.get("podSelector"), stranger.labels)
        for peer in peers
    )


def test_those_who_may_read_metrics_do(datalab: Datalab) -> None:
    for peer in ((datalab.values.get("monitoring") or {}).get("scrapeFrom") or {}).values():
        namespace = (peer.get("namespaceSelector") or {}).get("matchLabels") or {}
        home = namespace.get("kubernetes.io/metadata.name", datalab.release.namespace)
        labels = (peer.get("podSelector") or {}).get("matchLabels") or {}
        prometheus = Peer("prometheus", "10.244.9.9", home, labels)
        assert datalab.allowed(prometheus, datalab.pods["hub"], 8081)
        assert not datalab.allowed(prometheus, datalab.pods["user"], 8888)
        if "gateway-api" in datalab.pods:
            assert datalab.allowed(prometheus, datalab.pods["gateway-api"], 8000)
            assert not datalab.allowed(prometheus, datalab.pods["gateway-proxy"], 8000)


def test_browsers_reach_the_proxy(datalab: Datalab) -> None:
    access = datalab.policy.get("publicAccess") or {}
    cidrs = access.get("cidrs", ["0.0.0.0/0", "::/0"])
    if "0.0.0.0/0" in cidrs:
        assert datalab.allowed(outside("browser", "20.50.2.5"), datalab.pods["proxy"], 8000)
    else:
        assert not datalab.allowed(outside("browser", "20.50.2.5"), datalab.pods["proxy"], 8000)
    for peer in (access.get("from") or {}).values():
        namespace = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        labels = (peer.get("podSelector") or {}).get("matchLabels") or {}
        controller = Peer("ingress", "10.244.9.8", namespace, labels)
        assert datalab.allowed(controller, datalab.pods["proxy"], 8000)


def test_policies_of_hooks_go_with_them(release: Release) -> None:
    for policy in release.of("NetworkPolicy"):
        if component(policy) in ("secrets-job", "puller-hook", "puller-hook-images"):
            assert is_hook(policy), label(policy)


# The arithmetic itself ---------------------------------------------------------------------------


def policy(**spec: Any) -> Object:
    return {"metadata": {"name": "p", "namespace": "a"}, "spec": spec}


A = Peer("a", "10.0.0.1", "a", {"app": "a"}, {"web": 80})
B = Peer("b", "10.0.0.2", "b", {"app": "b"})


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([], True),
        ([policy(podSelector={}, policyTypes=["Ingress"])], False),
        ([policy(podSelector={}, policyTypes=["Egress"])], True),
        ([policy(podSelector={"matchLabels": {"app": "z"}}, policyTypes=["Ingress"])], True),
        ([policy(podSelector={}, ingress=[{}])], True),
        ([policy(podSelector={}, ingress=[{"from": [{"podSelector": {}}]}])], False),
        ([policy(podSelector={}, ingress=[{"from": [{"namespaceSelector": {}}]}])], True),
        (
            [
                policy(
                    podSelector={},
                    ingress=[
                        {
                            "from": [
                                {
                                    "namespaceSelector": {
                                        "matchLabels": {"kubernetes.io/metadata.name": "b"}
                                    },
                                    "podSelector": {"matchLabels": {"app": "z"}},
                                }
                            ]
                        }
                    ],
                )
            ],
            False,
        ),
        ([policy(podSelector={}, ingress=[{"ports": [{"port": "web"}]}])], True),
        ([policy(podSelector={}, ingress=[{"ports": [{"port": 81}]}])], False),
        ([policy(podSelector={}, ingress=[{"ports": [{"port": 79, "endPort": 81}]}])], True),
        ([policy(podSelector={}, ingress=[{"ports": [{"port": 80, "protocol": "UDP"}]}])], False),
        ([policy(podSelector={}, ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}])], True),
        (
            [
                policy(
                    podSelector={},
                    ingress=[
                        {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.2/32"]}}]}
                    ],
                )
            ],
            False,
        ),
    ],
)
def test_the_arithmetic_of_policies(policies: list[Object], expected: bool) -> None:
    network = Network(tuple(policies), {"a": {}, "b": {}}, "a")
    assert network.allowed(B, A, 80) is expected

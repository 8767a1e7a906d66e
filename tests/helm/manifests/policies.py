"""NetworkPolicies, worked out: may this pod open that port of that peer?

The rules are Kubernetes': a pod that no policy selects for a direction may do everything in it; one
that is selected may do what any of those policies lists. A connection needs both sides' leave.
Address blocks are compared with pods too, by their address, as real plugins do.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Policy = dict[str, Any]


@dataclass(frozen=True)
class Peer:
    """A pod, or (without a namespace) an address outside."""

    name: str
    address: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    # named ports of its containers
    ports: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """The policies of some namespaces, and the labels of these."""

    policies: tuple[Policy, ...]
    namespaces: Mapping[str, Mapping[str, str]]
    home: str

    def allowed(self, source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
        """Tell whether a connection is let through."""
        return self._passes("Egress", source, target, (target, port, protocol)) and self._passes(
            "Ingress", target, source, (target, port, protocol)
        )

    def selecting(self, direction: str, pod: Peer) -> list[Policy]:
        """Policies that hold for a pod in a direction."""
        return [
            policy
            for policy in self.policies
            if pod.namespace
            and policy["metadata"].get("namespace", self.home) == pod.namespace
            and direction in _types(policy)
            and selects(policy["spec"].get("podSelector"), pod.labels)
        ]

    def _passes(
        self, direction: str, pod: Peer, other: Peer, wanted: tuple[Peer, int, str]
    ) -> bool:
        policies = self.selecting(direction, pod)
        if not policies:
            return True
        key, side = ("egress", "to") if direction == "Egress" else ("ingress", "from")
        return any(
            self._matches_peer(rule.get(side), other, policy) and _matches_port(rule, wanted)
            for policy in policies
            for rule in policy["spec"].get(key) or []
        )

    def _matches_peer(self, peers: Iterable[Policy] | None, other: Peer, policy: Policy) -> bool:
        if not peers:
            return True
        here = policy["metadata"].get("namespace", self.home)
        return any(self._is(peer, other, here) for peer in peers)

    def _is(self, peer: Policy, other: Peer, here: str) -> bool:
        if "ipBlock" in peer:
            return in_block(peer["ipBlock"], other.address)
        if not other.namespace:
            return False
        if "namespaceSelector" in peer:
            labels = {
                "kubernetes.io/metadata.name": other.namespace,
                **self.namespaces.get(other.namespace, {}),
            }
            if not selects(peer["namespaceSelector"], labels):
                return False
        elif other.namespace != here:
            return False
        return "podSelector" not in peer or selects(peer["podSelector"], other.labels)


def selects(selector: Policy | None, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector fits labels; an empty one fits all."""
    selector = selector or {}
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_holds(rule, labels) for rule in selector.get("matchExpressions") or [])


def in_block(block: Policy, address: str) -> bool:
    """Tell whether an address lies in a block and in none of its exceptions."""
    return _within(block["cidr"], address) and not any(
        _within(hole, address) for hole in block.get("except") or []
    )


@functools.cache
def _within(cidr: str, address: str) -> bool:
    network, ip = ipaddress.ip_network(cidr), ipaddress.ip_address(address)
    return ip.version == network.version and ip in network


def _holds(rule: Policy, labels: Mapping[str, str]) -> bool:
    key, values = rule["key"], rule.get("values") or []
    match rule["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise ValueError(f"unknown operator in {rule}")


def _types(policy: Policy) -> list[str]:
    spec = policy["spec"]
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]


def _matches_port(rule: Policy, wanted: tuple[Peer, int, str]) -> bool:
    target, port, protocol = wanted
    ports = rule.get("ports")
    if not ports:
        return True
    return any(
        entry.get("protocol", "TCP") == protocol and _is_port(entry, target, port)
        for entry in ports
    )


def _is_port(entry: Policy, target: Peer, port: int) -> bool:
    if "port" not in entry:
        return True
    named = entry["port"]
    first = target.ports.get(named) if isinstance(named, str) else named
    return first is not None and first <= port <= entry.get("endPort", first)

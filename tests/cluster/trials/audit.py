"""Rights that were granted, used and refused: Roles beside the API server's own audit log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from harness import Cluster

from .excuses import Excuses, Record


@dataclass(frozen=True, order=True)
class Right:
    """A verb on a kind of object, for an account in a namespace."""

    account: str
    namespace: str
    verb: str
    resource: str

    def __str__(self) -> str:
        return f"{self.account}: {self.verb} {self.resource} in {self.namespace}"


@dataclass
class Account:
    """What the audit log tells of ServiceAccounts of some namespaces."""

    used: dict[Right, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    """Refused for want of a right."""
    excused: list[str] = field(default_factory=list)
    """Refused although a Role gives it without conditions, at a moment when no Role counted: see ``Excuses``."""


def granted(cluster: Cluster, namespaces: list[str], *, named: bool = True) -> set[Right]:
    """Return all rights that Roles of the namespaces give to ServiceAccounts of theirs.

    Parameters
    ----------
    cluster, namespaces
        Where to look.
    named
        Count rights on objects of some names as well.
    """
    return {
        Right(f"{subject['namespace']}/{subject['name']}", namespace, verb, resource)
        for namespace in namespaces
        for binding in _objects(cluster, "rolebindings", namespace)
        for subject in binding.get("subjects", [])
        if subject["kind"] == "ServiceAccount"
        for rule in _rules(cluster, namespace, binding["roleRef"]["name"])
        if named or not rule.get("resourceNames")
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def cluster_wide(cluster: Cluster, namespaces: list[str]) -> list[str]:
    """Return bindings of ServiceAccounts of the namespaces to rights everywhere."""
    bindings = json.loads(cluster.kubectl("get", "clusterrolebindings", "-o", "json"))["items"]
    return [
        binding["metadata"]["name"]
        for binding in bindings
        for subject in binding.get("subjects", [])
        if subject.get("namespace") in namespaces
    ]


def account(cluster: Cluster, namespaces: list[str]) -> Account:
    """Read the audit log: what ServiceAccounts of the namespaces did, and were refused."""
    return judge(cluster.audit, granted(cluster, namespaces, named=False), namespaces)


def judge(log: Callable[[], Iterable[Record]], given: set[Right], namespaces: list[str]) -> Account:
    """Judge an audit log by the rights that are given; it is read twice, not kept."""
    found, excuses = Account(), Excuses(log())
    for record in log():
        name = _service_account(record, namespaces)
        if name is None or "objectRef" not in record:
            continue
        ref, notes = record["objectRef"], record.get("annotations", {})
        resource = "/".join(part for part in (ref["resource"], ref.get("subresource")) if part)
        right = Right(name, ref.get("namespace", ""), record["verb"], resource)
        if notes.get("authorization.k8s.io/decision") != "forbid":
            found.used[right] = found.used.get(right, 0) + 1
            continue
        excuse = excuses.find(record, name.partition("/")[2]) if right in given else None
        why = excuse or notes.get("authorization.k8s.io/reason")
        told = f"{right}: {record['requestURI']} ({record['requestReceivedTimestamp']}, {why})"
        (found.excused if excuse else found.refused).append(told)
    return found


def _service_account(record: Record, namespaces: list[str]) -> str | None:
    parts = str(record["user"].get("username", "")).split(":")
    if parts[:2] != ["system", "serviceaccount"] or parts[2] not in namespaces:
        return None
    return f"{parts[2]}/{parts[3]}"


def _rules(cluster: Cluster, namespace: str, role: str) -> Iterator[dict[str, Any]]:
    found = [
        one for one in _objects(cluster, "roles", namespace) if one["metadata"]["name"] == role
    ]
    yield from (rule for one in found for rule in one["rules"])


def _objects(cluster: Cluster, kind: str, namespace: str) -> list[dict[str, Any]]:
    listed = cluster.kubectl("get", kind, "-n", namespace, "-o", "json")
    return list(json.loads(listed)["items"])

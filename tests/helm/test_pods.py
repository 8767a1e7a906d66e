"""Every pod: fit for Pod Security restricted, bounded, probed, and with no more than it needs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from manifests.render import Object, Release, component, containers, is_hook, label
from manifests.restricted import violations

# Components that talk to the Kubernetes API, and therefore hold a token.
CALLERS = {"hub", "gateway-api", "gateway-controller", "secrets-job", "puller-hook"}
# Long-running ones that serve something; the culler serves nobody, the puller waits.
PROBED = {"hub", "proxy", "gateway-api", "gateway-controller", "gateway-proxy", "homes"}


def pods(release: Release) -> Iterator[tuple[str, Object, Object]]:
    for owner, template in release.templates():
        yield label(owner), owner, template


def test_pod_security_restricted_lets_every_pod_in(release: Release) -> None:
    found = {
        name: violations(template["spec"], template["metadata"].get("annotations"))
        for name, _, template in pods(release)
    }
    assert len(found) >= 2
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_the_root_is_read_only(release: Release) -> None:
    for name, _, template in pods(release):
        for container in containers(template["spec"]):
            context = container.get("securityContext") or {}
            assert context.get("readOnlyRootFilesystem") is True, (name, container["name"])


def test_requests_and_limits(release: Release) -> None:
    for name, _, template in pods(release):
        for container in containers(template["spec"]):
            resources = container.get("resources") or {}
            for side in ("requests", "limits"):
                assert {"cpu", "memory"} <= set(resources.get(side) or {}), (
                    name,
                    container["name"],
                    side,
                )


def test_probes(release: Release) -> None:
    seen = set()
    for name, owner, template in pods(release):
        if component(owner) in PROBED and not is_hook(owner):
            seen.add(component(owner))
            main = template["spec"]["containers"][0]
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                assert probe in main, (name, probe)
                assert {"httpGet", "tcpSocket"} & set(main[probe]), (name, probe)
                named = next(iter({"httpGet", "tcpSocket"} & set(main[probe])))
                port = main[probe][named]["port"]
                assert port in {p["name"] for p in main["ports"]}, (name, probe)
    assert {"hub", "proxy"} <= seen


def test_every_pod_has_an_account_of_its_own(release: Release) -> None:
    accounts = {
        (release.namespace_of(a), a["metadata"]["name"]): a for a in release.of("ServiceAccount")
    }
    for account in accounts.values():
        assert account["automountServiceAccountToken"] is False, label(account)
    used: dict[str, str] = {}
    for name, owner, template in pods(release):
        account = template["spec"]["serviceAccountName"]
        assert account != "default", name
        assert used.setdefault(account, component(owner)) == component(owner), name


def test_only_callers_of_the_api_hold_a_token(release: Release) -> None:
    for name, owner, template in pods(release):
        mounted = template["spec"]["automountServiceAccountToken"]
        assert mounted is (component(owner) in CALLERS), name


def test_no_service_links(release: Release) -> None:
    assert [
        n for n, _, t in pods(release) if t["spec"].get("enableServiceLinks") is not False
    ] == []


def test_databases_and_routes_are_never_held_twice(release: Release) -> None:
    for owner, _ in release.templates():
        if component(owner) in ("hub", "proxy") and owner["kind"] == "Deployment":
            assert owner["spec"]["strategy"] == {"type": "Recreate"}, label(owner)
            assert owner["spec"].get("replicas", 1) == 1


def test_every_image_has_a_tag_or_a_digest(release: Release) -> None:
    for name, _, template in pods(release):
        for container in containers(template["spec"]):
            repository, _, last = container["image"].rpartition("/")
            assert ":" in last or "@" in last, (name, repository, last)
            assert not last.endswith(":latest"), name


RESTRICTED: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "main",
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
}
FAULTS: list[tuple[list[Any], Any, str]] = [
    (["hostNetwork"], True, "hostNetwork"),
    (["hostPID"], True, "hostPID"),
    (["securityContext", "runAsNonRoot"], False, "runAsNonRoot is not true"),
    (["securityContext", "runAsUser"], 0, "runAsUser 0"),
    (["securityContext", "seccompProfile", "type"], "Unconfined", "seccomp profile"),
    (["securityContext", "sysctls"], [{"name": "kernel.msgmax", "value": "1"}], "sysctl"),
    (["containers", 0, "securityContext", "privileged"], True, "privileged"),
    (["containers", 0, "securityContext", "allowPrivilegeEscalation"], True, "Escalation"),
    (["containers", 0, "securityContext", "capabilities", "drop"], [], "does not drop ALL"),
    (["containers", 0, "securityContext", "capabilities", "add"], ["NET_ADMIN"], "NET_ADMIN"),
    (["containers", 0, "securityContext", "runAsUser"], 0, "runAsUser 0"),
    (["containers", 0, "ports"], [{"containerPort": 80, "hostPort": 80}], "hostPort"),
    (["volumes", 0, "hostPath"], {"path": "/"}, "of kind hostPath"),
    (["initContainers"], [{"name": "init"}], "init: allowPrivilegeEscalation"),
]


@pytest.mark.parametrize(("path", "value", "told"), FAULTS, ids=lambda value: str(value)[:40])
def test_the_check_sees_what_restricted_forbids(path: list[Any], value: Any, told: str) -> None:
    assert violations(RESTRICTED) == []
    pod = copy.deepcopy(RESTRICTED)
    place = pod
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert any(told in violation for violation in violations(pod)), violations(pod)

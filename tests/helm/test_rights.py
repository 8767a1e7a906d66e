"""Rights: exactly the verbs that were seen used on a real cluster, in the right namespace."""

from __future__ import annotations

from typing import Any

import pytest
from manifests.render import Release, component, is_hook, label

Rules = dict[tuple[str, str], set[str]]

# Measured by the API server's own audit log over whole lives of servers and clusters.
EXPECTED: dict[str, Rules] = {
    "hub": {
        ("", "pods"): {"create", "list", "watch", "delete"},
        ("", "persistentvolumeclaims"): {"create", "get"},
        ("", "events"): {"list", "watch"},
    },
    "gateway-api": {
        ("gateway.dask.org", "daskclusters"): {"create", "list", "watch", "patch"},
        ("", "secrets"): {"get"},
    },
    "gateway-controller": {
        ("gateway.dask.org", "daskclusters"): {"list", "watch", "delete"},
        ("gateway.dask.org", "daskclusters/status"): {"patch"},
        ("", "pods"): {"list", "watch", "create", "delete"},
        ("", "endpoints"): {"list", "watch"},
        ("", "secrets"): {"create", "delete"},
        ("", "services"): {"create"},
    },
    "secrets-job": {("", "secrets"): {"create", "get", "patch"}},
    "puller-hook": {("apps", "daemonsets"): {"get"}},
}
DASK = {"gateway-api", "gateway-controller"}


def rules(role: dict[str, Any]) -> Rules:
    found: Rules = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault((group, resource), set()).update(rule["verbs"])
    return found


def dask_namespace(release: Release) -> str:
    backend = release.settings["gateway"]["backend"]
    return str(backend.get("namespace", release.namespace))


def test_roles_hold_exactly_the_verbs_that_are_used(release: Release) -> None:
    roles = release.of("Role")
    for role in roles:
        assert rules(role) == EXPECTED[component(role)], label(role)


def test_no_wildcards(release: Release) -> None:
    for role in release.of("Role"):
        for rule in role["rules"]:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]], label(role)


def test_the_hub_reads_no_secrets(release: Release) -> None:
    for role in release.of("Role"):
        if component(role) == "hub":
            assert not [r for r in role["rules"] if "secrets" in r["resources"]]


def test_rights_on_secrets_end_where_dask_runs(release: Release) -> None:
    for role in release.of("Role"):
        if component(role) in DASK:
            assert release.namespace_of(role) == dask_namespace(release), label(role)


def test_every_binding_gives_one_role_to_one_account_of_the_release(release: Release) -> None:
    roles = {(release.namespace_of(r), r["metadata"]["name"]): r for r in release.of("Role")}
    accounts = {
        (release.namespace_of(a), a["metadata"]["name"]) for a in release.of("ServiceAccount")
    }
    bound = set()
    for binding in release.of("RoleBinding"):
        reference, (subject,) = binding["roleRef"], binding["subjects"]
        key = (release.namespace_of(binding), reference["name"])
        assert reference["kind"] == "Role"
        assert component(roles[key]) == component(binding), label(binding)
        assert subject["kind"] == "ServiceAccount"
        assert (subject["namespace"], subject["name"]) in accounts, label(binding)
        bound.add(key)
    assert bound == set(roles)


def test_a_role_of_a_hook_exists_before_its_pod_and_goes_with_it(release: Release) -> None:
    for obj in release.of("Role", "RoleBinding", "ServiceAccount"):
        if component(obj) in ("secrets-job", "puller-hook"):
            assert is_hook(obj), label(obj)
            notes = obj["metadata"]["annotations"]
            assert "hook-succeeded" in notes["helm.sh/hook-delete-policy"], label(obj)
            assert int(notes["helm.sh/hook-weight"]) < 0, label(obj)


def test_pods_without_rights_hold_no_token(release: Release) -> None:
    if not release.of("Role"):
        pytest.skip("rbac.create is false in this case: the operator makes roles and bindings")
    entitled = {
        subject["name"] for binding in release.of("RoleBinding") for subject in binding["subjects"]
    }
    for owner, template in release.templates():
        spec = template["spec"]
        if spec["automountServiceAccountToken"]:
            assert spec["serviceAccountName"] in entitled, label(owner)

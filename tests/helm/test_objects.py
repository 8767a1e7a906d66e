"""What every object must be: accepted by Kubernetes, named and labelled as the others, stable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests import schema
from manifests.render import Helm, Release, is_hook, label

import geodes_datalab

CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}


def test_kubernetes_accepts_every_object(release: Release) -> None:
    found = {label(obj): schema.problems(obj) for obj in release.objects}
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_kubernetes_accepts_the_definition(chart: Path) -> None:
    (path,) = (chart / "crds").glob("*.yaml")
    definition = yaml.safe_load(path.read_text())
    assert schema.problems(definition) == []
    assert definition["kind"] == "CustomResourceDefinition"
    assert definition["spec"]["scope"] == "Namespaced"


def test_nothing_is_cluster_wide(release: Release) -> None:
    assert not [label(obj) for obj in release.objects if obj["kind"] in CLUSTER_WIDE]


def test_names_begin_with_the_full_name(release: Release, case: str, values_of: Any) -> None:
    values = yaml.safe_load(values_of[case].read_text())
    first = values.get("fullnameOverride") or release.name
    for obj in release.objects:
        if obj["kind"] in ("Namespace", "ServiceAccount"):
            continue  # an account may have the operator's name
        name = obj["metadata"]["name"]
        assert name == first or name.startswith(f"{first}-"), label(obj)
        assert len(name) <= 63


def test_labels(release: Release) -> None:
    for obj in release.objects:
        labels = obj["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == release.name, label(obj)
        assert labels["app.kubernetes.io/version"] == geodes_datalab.__version__, label(obj)
        assert labels["app.kubernetes.io/managed-by"] == "Helm", label(obj)
        assert labels["helm.sh/chart"].startswith("geodes-datalab-"), label(obj)


def test_every_object_says_its_namespace(release: Release) -> None:
    silent = [label(o) for o in release.objects if "namespace" not in o["metadata"]]
    assert [name for name in silent if not name.startswith("Namespace/")] == []


def test_no_object_twice(release: Release) -> None:
    seen = [
        (obj["kind"], release.namespace_of(obj), obj["metadata"]["name"]) for obj in release.objects
    ]
    assert len(seen) == len(set(seen))


def test_selectors_find_the_pods_of_their_own_template(release: Release) -> None:
    for owner, template in release.templates():
        if owner["kind"] in ("Deployment", "DaemonSet"):
            wanted = owner["spec"]["selector"]["matchLabels"]
            labels = template["metadata"]["labels"]
            assert wanted.items() <= labels.items(), label(owner)
            assert wanted["app.kubernetes.io/instance"] == release.name
            assert "app.kubernetes.io/version" not in labels, "an upgrade would restart it"


def test_a_service_finds_exactly_one_kind_of_pod(release: Release) -> None:
    for service in release.of("Service"):
        selector = service["spec"]["selector"]
        found = [
            owner
            for owner, template in release.templates()
            if owner["kind"] == "Deployment"
            and selector.items() <= template["metadata"]["labels"].items()
        ]
        assert len(found) == 1, f"{label(service)} finds {[label(o) for o in found]}"
        container_ports = {
            port
            for container in found[0]["spec"]["template"]["spec"]["containers"]
            for entry in container.get("ports") or []
            for port in (entry["name"], entry["containerPort"])
        }
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in container_ports, label(service)


def test_two_renders_are_identical(
    case: str, helm: Helm, values_of: dict[str, Path], release: Release
) -> None:
    assert helm.render(values_of[case]).text == release.text


@pytest.mark.parametrize("name", ["accounts-and-pods", "everything", "gitops-job", "minimal"])
def test_two_releases_share_a_namespace(name: str, helm: Helm, values_of: dict[str, Path]) -> None:
    release = helm.render(values_of[name])
    other = helm.render(values_of[name], values={"fullnameOverride": "other"}, release="other")

    def names(rendered: Release) -> set[tuple[str, str, str]]:
        return {
            (obj["kind"], rendered.namespace_of(obj), obj["metadata"]["name"])
            for obj in rendered.objects
            if obj["metadata"]["name"].startswith(f"{rendered.fullname}-")  # not the operator's own
        }

    assert not names(release) & names(other)
    # and no selector of the one finds pods of the other
    for _, template in other.templates():
        labels = template["metadata"]["labels"]
        for owner, _ in release.templates():
            if "selector" in owner["spec"]:
                wanted = owner["spec"]["selector"]["matchLabels"]
                assert not wanted.items() <= labels.items(), label(owner)
        for service in release.of("Service"):
            assert not service["spec"]["selector"].items() <= labels.items(), label(service)


def annotations(release: Release) -> dict[str, dict[str, str]]:
    return {
        label(owner): template["metadata"].get("annotations") or {}
        for owner, template in release.templates()
        if not is_hook(owner)
    }


def templates(release: Release) -> dict[str, str]:
    return {
        label(owner): json.dumps(template, sort_keys=True)
        for owner, template in release.templates()
        if not is_hook(owner)
    }


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name.partition("-")[2] for name in before if before[name] != after.get(name)}


# What is changed -> whose pods restart for it, and no other's.
RESTARTS: list[tuple[dict[str, Any], list[str]]] = [
    ({"hub": {"announcement": "Closed on Friday"}}, ["hub"]),
    ({"hub": {"concurrentSpawnLimit": 7}}, ["hub"]),
    ({"hub": {"extraConfig": {"one": "c.JupyterHub.log_level = 10"}}}, ["hub"]),
    ({"singleuser": {"memory": {"limitGiB": 5}}}, ["hub", "gateway-api"]),
    ({"networkPolicy": {"internet": {"worker": False}}}, []),
    ({"proxy": {"service": {"annotations": {"a": "b"}}}}, []),
    ({"proxy": {"chp": {"extraCommandLineFlags": ["--log-level=debug"]}}}, ["proxy"]),
    ({"cull": {"timeout": 1234}}, ["culler", "hub"]),
    ({"monitoring": {"dashboards": {"enabled": True}}}, []),
]


@pytest.fixture(scope="module")
def before(helm: Helm) -> Release:
    return helm.render(values={"existingSecret": "mine"})


@pytest.mark.parametrize(("change", "restarted"), RESTARTS, ids=lambda value: str(value)[:60])
def test_a_change_restarts_what_it_concerns(
    change: dict[str, Any], restarted: list[str], helm: Helm, before: Release
) -> None:
    after = helm.render(values={"existingSecret": "mine", **change})
    assert changed(templates(before), templates(after)) == set(restarted)


def test_a_new_gateway_setting_does_not_restart_proxies(helm: Helm, before: Release) -> None:
    after = helm.render(values={"existingSecret": "mine", "gateway": {"idleMinutes": 5}})
    restarted = changed(templates(before), templates(after))
    assert "gateway-api" in restarted
    assert not restarted & {"proxy", "gateway-proxy", "culler", "puller"}

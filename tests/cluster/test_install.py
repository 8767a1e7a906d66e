"""One `helm install` into namespaces that enforce Pod Security `restricted`."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from harness import Cluster, ClusterError
from support.waiting import minutes
from trials import COMPONENTS, Release, Table, is_ready

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]


def test_everything_is_ready(release: Release, started: SimpleNamespace) -> None:
    table = Table("cluster-install", ["component", "ready after"])
    for component, seconds in started.seconds.items():
        table.add(component, float(seconds))
    print(f"\n{table}")
    for component in COMPONENTS:
        pods = release.pods(component)
        assert len(pods) == 1, component
        assert is_ready(pods[0]), component


def test_no_container_was_restarted(release: Release) -> None:
    """A start that only succeeds at the second try would hide a race."""
    restarts = {
        f"{pod['metadata']['name']}/{container['name']}": container["restartCount"]
        for pod in release.get("pods")
        for container in pod["status"].get("containerStatuses", [])
    }
    assert restarts
    assert {name: count for name, count in restarts.items() if count} == {}


def test_both_namespaces_refuse_a_plain_pod(release: Release, cluster: Cluster) -> None:
    for namespace in release.namespaces:
        with pytest.raises(ClusterError, match="violates PodSecurity"):
            cluster.kubectl("run", "plain", "-n", namespace, "--image=localhost/cluster/busybox:1")


def test_notes_tell_the_next_step(release: Release, cluster: Cluster) -> None:
    notes = cluster.helm("get", "notes", release.name, "-n", release.namespace)
    assert release.url.split(":")[-1].strip("/") in notes or "nodePort" in notes
    assert r"{.data.auth\.password}" in notes
    assert release.secret("auth.password") not in notes


def test_helm_test_is_green(release: Release, cluster: Cluster) -> None:
    """Hub health, log-in, spawn, a Dask cluster that computes, the catalogue, and teardown."""
    said = cluster.helm(
        "test", release.name, "-n", release.namespace, f"--timeout={minutes(20):.0f}s"
    )
    print(f"\n{said}")
    assert "Phase:          Succeeded" in said
    assert "Phase:          Failed" not in said


def test_secrets_are_nowhere_but_in_the_secret(release: Release, cluster: Cluster) -> None:
    secret = json.loads(
        cluster.kubectl(
            "get", "secret", f"{release.name}-secrets", "-n", release.namespace, "-o", "json"
        )
    )
    values = {key: release.secret(key) for key in secret["data"]}
    assert len(values) >= 8
    told = cluster.kubectl(
        "get", "pods,configmaps,deployments", "-n", release.namespace, "-o", "json"
    )
    told += "".join(release.logs(component) for component in COMPONENTS)
    assert [key for key, value in values.items() if value in told] == []

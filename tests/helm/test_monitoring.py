"""Dashboards and alerts ask for metrics that exist, in queries that Prometheus understands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from manifests.render import Helm, Release
from prometheus_client import REGISTRY, CollectorRegistry

DASHBOARDS = ("dask", "hub", "spawns")
ON: dict[str, Any] = {
    "existingSecret": "mine",
    "singleuser": {"storage": {"type": "static", "static": {"pvcName": "homes"}}},
    "homes": {"metrics": {"enabled": True}, "usage": {"quota": "20Gi"}},
    "monitoring": {
        "serviceMonitor": {"enabled": True},
        "alerts": {"enabled": True},
        "dashboards": {"enabled": True},
    },
}
# Not ours: Prometheus' own, the kubelet's, and the client library's about its process.
OTHERS = {
    "up",
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_capacity_bytes",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
}


@pytest.fixture(scope="module")
def release(helm: Helm) -> Release:
    return helm.render(values=ON)


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    """Names that hub and gateway really export."""
    import jupyterhub.metrics

    from geodes_datalab.hub.gateway.metrics import Metrics
    from geodes_datalab.hub.homes.metrics import HomeSizes
    from geodes_datalab.hub.homes.places import Places
    from geodes_datalab.hub.spawn.kubernetes.failures import SPAWN_FAILURES
    from geodes_datalab.settings import HomeMetrics

    assert jupyterhub.metrics.RUNNING_SERVERS
    assert SPAWN_FAILURES
    gateway = Metrics(list)
    gateway.reaper_works(True)
    homes = CollectorRegistry()
    homes.register(HomeSizes(Places(Path.cwd()), HomeMetrics(home_minutes=1e-9)))
    found = (exported(registry) for registry in (REGISTRY, gateway.registry, homes))
    return OTHERS.union(*found)


def exported(registry: CollectorRegistry) -> Iterator[str]:
    endings = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}
    for family in registry.collect():
        for ending in endings.get(family.type, ("",)):
            yield family.name + ending


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(release: Release) -> list[str]:
    """Every query of dashboards and alerts, variables filled in."""
    (rule,) = release.of("PrometheusRule")
    found = [rule["expr"] for group in rule["spec"]["groups"] for rule in group["rules"]]
    for obj in release.of("ConfigMap"):
        if "dashboards" in obj["metadata"]["name"]:
            (text,) = obj["data"].values()
            for panel in panels(json.loads(text)):
                found += [target["expr"] for target in panel["targets"]]
    return [query.replace("$namespace", "n").replace("$release", "r") for query in found]


def selected(query: str) -> set[str]:
    return set(re.findall(r"\b([a-z][a-z0-9_]+)\s*\{", query))


def test_prometheus_understands_every_query(release: Release) -> None:
    found = queries(release)
    assert len(found) > 40
    for query in found:
        promql_parser.parse(query)


def test_every_metric_exists(release: Release, metrics: set[str]) -> None:
    asked = set().union(*map(selected, queries(release)))
    assert asked - metrics == set()
    assert "geodes_datalab_spawn_failures_total" in asked
    assert "datalab_gateway_waiting" in asked


def test_every_selector_names_the_release(release: Release) -> None:
    """Two releases that one Prometheus reads must not be added up."""
    for query in queries(release):
        for name, labels in re.findall(r"\b([a-z][a-z0-9_]+)\s*\{([^}]*)\}", query):
            assert "namespace=" in labels, query
            assert "release=" in labels or name.startswith("kubelet_"), query


def test_dashboards_are_whole(chart: Path, release: Release) -> None:
    assert sorted(path.stem for path in (chart / "dashboards").glob("*.json")) == list(DASHBOARDS)
    seen = set()
    for name in DASHBOARDS:
        dashboard = json.loads((chart / f"dashboards/{name}.json").read_text())
        assert dashboard["uid"] not in seen
        seen.add(dashboard["uid"])
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(ids) == len(set(ids))
        for panel in panels(dashboard):
            assert panel["description"].strip(), panel["title"]
            assert panel["datasource"]["uid"] == "${datasource}"
        assert {v["name"] for v in dashboard["templating"]["list"]} == {
            "datasource",
            "namespace",
            "release",
        }
        shipped = release.one("ConfigMap", f"dashboards-{name}")
        assert shipped["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert json.loads(shipped["data"][f"geodes-datalab-{name}.json"]) == dashboard


def test_panels_do_not_overlap(chart: Path) -> None:
    for name in DASHBOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in json.loads((chart / f"dashboards/{name}.json").read_text())["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not taken & cells, (name, panel["title"])
            assert max(x for x, _ in cells) < 24
            taken |= cells


def test_alerts_say_what_to_do(release: Release) -> None:
    (rule,) = release.of("PrometheusRule")
    alerts = [alert for group in rule["spec"]["groups"] for alert in group["rules"]]
    names = [alert["alert"] for alert in alerts]
    assert len(names) == len(set(names))
    assert {"DatalabHubDown", "DatalabSpawnsFail", "DatalabSpawnsRefused"} <= set(names)
    assert {"DatalabHomeFull", "DatalabGatewayDown", "DatalabClustersWait"} <= set(names)
    for alert in alerts:
        assert alert["labels"]["severity"] in ("critical", "warning")
        assert len(alert["annotations"]["description"]) > 30, alert["alert"]
        used = set(re.findall(r"\$labels\.(\w+)", json.dumps(alert["annotations"])))
        by = set(re.findall(r"by \(([^)]*)\)", alert["expr"]))
        kept = {label.strip() for group in by for label in group.split(",")}
        assert used <= kept | {"persistentvolumeclaim"}, alert["alert"]


@pytest.mark.parametrize(
    ("storage", "claims"),
    [
        ({"type": "dynamic"}, 'persistentvolumeclaim=~"datalab-home-.+"'),
        (
            {"type": "dynamic", "dynamic": {"pvcNameTemplate": "claim-{username}"}},
            'persistentvolumeclaim=~"claim-.+"',
        ),
        ({"type": "static", "static": {"pvcName": "homes"}}, 'persistentvolumeclaim=~"homes"'),
        ({"type": "none"}, None),
    ],
)
def test_full_homes_are_looked_for_where_homes_are(
    storage: dict[str, Any], claims: str | None, helm: Helm
) -> None:
    off = {"metrics": {"enabled": False}}
    release = helm.render(values={**ON, "singleuser": {"storage": storage}, "homes": off})
    (rule,) = release.of("PrometheusRule")
    text = yaml.safe_dump(rule, width=10_000)
    assert ("DatalabHomeFull" in text) is (claims is not None)
    assert claims is None or claims in text


def test_metrics_are_read_with_the_token(release: Release) -> None:
    monitors = {obj["metadata"]["name"]: obj for obj in release.of("ServiceMonitor")}
    assert set(monitors) == {"datalab-hub", "datalab-gateway-api", "datalab-homes"}
    for name, monitor in monitors.items():
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["authorization"]["credentials"] == {
            "name": "mine",
            "key": "monitoring.token",
        }
        wanted = monitor["spec"]["selector"]["matchLabels"]
        services = [
            s for s in release.of("Service") if wanted.items() <= s["metadata"]["labels"].items()
        ]
        assert [s["metadata"]["name"] for s in services] == [name]
        assert endpoint["port"] in {port["name"] for port in services[0]["spec"]["ports"]}
        assert monitor["metadata"]["namespace"] == release.namespace

"""The pod of the homes: there only where it is asked for, read-only, and without a right too many."""

from __future__ import annotations

from typing import Any

import pytest
from manifests.render import Helm, Object, Release

from geodes_datalab import settings as schema

STATIC = {"storage": {"type": "static", "static": {"pvcName": "homes", "subPath": "{username}"}}}
FEATURES = [("metrics",), ("view",), ("metrics", "view")]


def rendered(helm: Helm, *features: str, **more: Any) -> Release:
    homes = {name: {"enabled": True} for name in features}
    values = {"existingSecret": "mine", "singleuser": STATIC, "homes": homes, **more}
    return helm.render(values=values)


def pod(release: Release) -> Object:
    return dict(release.one("Deployment", "homes")["spec"]["template"]["spec"])


def claims(release: Release) -> dict[str, list[str]]:
    """Whose pods mount which claims."""
    return {
        owner["metadata"]["name"]: [
            volume["persistentVolumeClaim"]["claimName"]
            for volume in template["spec"].get("volumes") or []
            if "persistentVolumeClaim" in volume
        ]
        for owner, template in release.templates()
    }


def test_off_mounts_nothing(helm: Helm) -> None:
    """The default: no pod, no service, no secret, no policy and no pod that mounts the homes."""
    release = rendered(helm)
    assert not [o for o in release.objects if o["metadata"]["name"].endswith("-homes")]
    assert "homes" not in {claim for found in claims(release).values() for claim in found}
    assert "homes.token" not in release.text
    told = schema.load(release.settings).homes
    assert not told.view.enabled
    assert not told.metrics.enabled
    assert told.folder is None


@pytest.mark.parametrize("features", FEATURES, ids="-".join)
def test_homes_are_mounted_read_only_twice_over(helm: Helm, features: tuple[str, ...]) -> None:
    release = rendered(helm, *features)
    spec = pod(release)
    (volume,) = (v for v in spec["volumes"] if "persistentVolumeClaim" in v)
    assert volume["persistentVolumeClaim"] == {"claimName": "homes", "readOnly": True}
    (container,) = spec["containers"]
    mounts = [m for m in container["volumeMounts"] if m["name"] == volume["name"]]
    assert mounts == [{"name": "homes", "mountPath": "/homes", "readOnly": True}]
    holders = [name for name, found in claims(release).items() if "homes" in found]
    assert holders == ["datalab-homes"], "no other pod of the platform mounts them"


def test_it_runs_as_the_account_of_user_servers(helm: Helm) -> None:
    user = {**STATIC, "uid": 1500, "gid": 1600, "fsGid": 1700}
    spec = pod(rendered(helm, "view", singleuser=user))
    context = spec["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"]) == (1500, 1600)
    assert context["supplementalGroups"] == [1700]
    assert "fsGroup" not in context, "the kubelet would change the group of every file"
    (secrets,) = (v for v in spec["volumes"] if v["name"] == "secrets")
    assert secrets["projected"]["defaultMode"] == 0o444, "else it could not read them"
    assert spec["automountServiceAccountToken"] is False


@pytest.mark.parametrize("features", FEATURES, ids="-".join)
def test_the_pod_gets_the_secrets_that_it_needs(helm: Helm, features: tuple[str, ...]) -> None:
    release = rendered(helm, *features)
    (secrets,) = (v for v in pod(release)["volumes"] if v["name"] == "secrets")
    found = {i["key"] for s in secrets["projected"]["sources"] for i in s["secret"]["items"]}
    needed = {"metrics": "monitoring.token", "view": "homes.token"}
    assert found == {needed[feature] for feature in features}


def test_metrics_alone_reach_nobody_and_are_reached_by_prometheus_alone(helm: Helm) -> None:
    scrape = {"prometheus": {"namespaceSelector": {"matchLabels": {"a": "b"}}}}
    release = rendered(helm, "metrics", monitoring={"scrapeFrom": scrape})
    policy = release.one("NetworkPolicy", "homes")["spec"]
    assert policy["egress"] == []
    (rule,) = policy["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]
    closed = rendered(helm, "metrics").one("NetworkPolicy", "homes")["spec"]
    assert closed["ingress"] == []
    view = rendered(helm, "view", monitoring={"scrapeFrom": scrape})
    assert "namespaceSelector" not in str(view.one("NetworkPolicy", "homes")["spec"]["ingress"])


@pytest.mark.parametrize("features", FEATURES, ids="-".join)
def test_prometheus_is_told_where_there_are_metrics(helm: Helm, features: tuple[str, ...]) -> None:
    release = rendered(helm, *features, monitoring={"serviceMonitor": {"enabled": True}})
    names = {obj["metadata"]["name"] for obj in release.of("ServiceMonitor")}
    assert ("datalab-homes" in names) is ("metrics" in features)
    if "metrics" in features:
        (endpoint,) = release.one("ServiceMonitor", "homes")["spec"]["endpoints"]
        assert endpoint["path"] == "/metrics"
        assert endpoint["authorization"]["credentials"]["key"] == "monitoring.token"


@pytest.mark.parametrize("kind", ["dynamic", "none"])
@pytest.mark.parametrize(
    ("feature", "said"),
    [("metrics", "kubelet_volume_stats_used_bytes"), ("view", "no pod can mount the claims")],
)
def test_claims_of_ones_own_cannot_be_looked_at(
    helm: Helm, kind: str, feature: str, said: str
) -> None:
    values = {
        "existingSecret": "mine",
        "singleuser": {"storage": {"type": kind}},
        "homes": {feature: {"enabled": True}},
    }
    done = helm.template(values=values)
    assert done.returncode != 0
    assert f"homes.{feature}.enabled needs one claim with a folder per user" in done.stderr
    assert said in done.stderr


def test_what_users_are_told(helm: Helm) -> None:
    usage = {"quota": "20Gi", "everyMinutes": 15}
    release = rendered(helm, "view", homes={"view": {"enabled": True}, "usage": usage})
    told = schema.load(release.settings).homes
    assert (told.usage.quota, told.usage.every_minutes) == ("20Gi", 15)
    assert told.view.url == "http://datalab-homes.datalab:8000"
    assert (str(told.folder), told.address, told.port) == ("/homes", "0.0.0.0", 8000)


def test_a_change_of_the_view_restarts_hub_and_pod_only(helm: Helm) -> None:
    def marks(release: Release) -> dict[str, Any]:
        return {
            o["metadata"]["name"]: t["metadata"].get("annotations") for o, t in release.templates()
        }

    before, after = (marks(rendered(helm, *f)) for f in (("metrics",), ("metrics", "view")))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"datalab-hub", "datalab-homes"}

"""Secrets lie in Secrets, reach only the pods that need them, and are never made up twice."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from manifests.render import Helm, Release, component, containers, is_hook, label

HEX = "0123456789abcdef" * 4
GIVEN = {
    "hub.cookie-secret": "a1" * 32,
    "hub.crypt-keys": "b2" * 32,
    "proxy.token": "c3" * 32,
    "gateway.token": "d4" * 32,
    "gateway.proxy-token": "e5" * 32,
    "homes.token": "c9" * 32,
    "cull.token": "f6" * 32,
    "monitoring.token": "a7" * 32,
    "check.token": "b8" * 32,
    "auth.password": "correct-horse",
    "auth.admin-password": "battery-staple-of-more-than-32-letters",
    "oauth.client-secret": "client-secret-of-the-site",
    "hub.db-url": "postgresql://hub:word@db.example.org/hub",
    "geodes.api-key": "geodes-key-of-the-site",
}
EVERYTHING: dict[str, Any] = {
    "secrets": {"generate": "none", "values": GIVEN},
    "hub": {"db": {"type": "postgres"}, "publicUrl": "https://lab.example.org"},
    "networkPolicy": {
        "egress": {"database": {"for": ["hub"], "cidrs": ["10.1.1.1/32"], "ports": [5432]}}
    },
    "geodes": {"credentials": {"mode": "site"}},
    "singleuser": {"storage": {"type": "static", "static": {"pvcName": "homes"}}},
    "homes": {"metrics": {"enabled": True}, "view": {"enabled": True}},
    "monitoring": {"serviceMonitor": {"enabled": True}},
}
AUTHENTICATORS: list[dict[str, Any]] = [
    {"type": "shared-password", "admins": ["admin"]},
    {
        "type": "oidc",
        "oidc": {
            "authorizeUrl": "https://sso.example.org/a",
            "tokenUrl": "https://sso.example.org/t",
            "userdataUrl": "https://sso.example.org/u",
            "clientId": "datalab",
        },
    },
]
# Which pods may see which keys, by component.
READERS = {
    "hub": set(GIVEN) - {"geodes.api-key", "gateway.proxy-token"},
    "proxy": {"proxy.token"},
    "culler": {"cull.token"},
    "homes": {"homes.token", "monitoring.token"},
    "gateway-api": {"gateway.token", "gateway.proxy-token", "monitoring.token"},
    "gateway-controller": set(),
    "gateway-proxy": {"gateway.proxy-token"},
    "puller": set(),
    "check": {"check.token", "auth.password"},
}


@pytest.fixture(scope="module", params=AUTHENTICATORS, ids=lambda auth: auth["type"])
def full(request: pytest.FixtureRequest, helm: Helm) -> Release:
    return helm.render(values={**EVERYTHING, "auth": request.param})


def test_no_value_lies_outside_a_secret(full: Release) -> None:
    for obj in full.objects:
        if obj["kind"] == "Secret":
            continue
        text = json.dumps(obj)
        for key, value in GIVEN.items():
            assert value not in text, f"{key} in {label(obj)}"
            assert base64.b64encode(value.encode()).decode() not in text, f"{key} in {label(obj)}"


def test_the_secret_holds_what_was_given(full: Release) -> None:
    data = full.one("Secret", "secrets")["data"]
    for key, value in data.items():
        assert base64.b64decode(value).decode() == GIVEN[key]
    assert {"hub.cookie-secret", "proxy.token", "gateway.token", "hub.db-url"} <= set(data)


def keys_of(template: dict[str, Any]) -> set[str]:
    """Keys of the datalab's Secret that a pod mounts, or gets as a variable."""
    spec = template["spec"]
    found = set()
    for volume in spec.get("volumes") or []:
        for source in (volume.get("projected") or {}).get("sources") or []:
            found |= {item["path"] for item in (source.get("secret") or {}).get("items") or []}
        if volume.get("secret", {}).get("secretName", "").endswith("-secrets"):
            found |= {item["key"] for item in volume["secret"]["items"]}
    for container in containers(spec):
        for variable in container.get("env") or []:
            reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if reference:
                found.add(reference["key"])
    return found


def test_a_pod_sees_only_the_keys_it_needs(full: Release) -> None:
    for owner, template in full.templates():
        extra = keys_of(template) - READERS[component(owner)]
        assert not extra, f"{label(owner)} needs no {sorted(extra)}"


def test_no_pod_mounts_a_secret_whole(full: Release) -> None:
    for owner, template in full.templates():
        for container in containers(template["spec"]):
            assert not container.get("envFrom"), label(owner)
        for volume in template["spec"].get("volumes") or []:
            if "secret" in volume:
                assert volume["secret"].get("items"), label(owner)


def test_no_secret_on_a_command_line(full: Release) -> None:
    for owner, template in full.templates():
        for container in containers(template["spec"]):
            words = " ".join([*container.get("command", []), *container.get("args", [])])
            assert not re.search(r"\$\([A-Z_]*(TOKEN|PASSWORD|SECRET|KEY)", words), label(owner)
            assert not any(value in words for value in GIVEN.values()), label(owner)


def test_the_settings_name_files_and_hold_no_secret(full: Release) -> None:
    text = json.dumps(full.settings)
    assert '"file": "/etc/geodes-datalab/secrets/proxy.token"' in text
    assert "env" not in full.settings["proxy"]["token"]


def test_an_existing_secret_replaces_ours_wholly(helm: Helm) -> None:
    release = helm.render(values={"existingSecret": "mine"})
    assert release.of("Secret") == []
    assert not [o for o in release.objects if o["kind"] == "Job" and "secret" in label(o)]
    text = release.text
    assert "datalab-secrets" not in text
    assert "name: mine" in text


def test_a_secret_is_kept_at_uninstallation(full: Release) -> None:
    for obj in [full.one("Secret", "secrets")]:
        assert obj["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_databases_are_kept_at_uninstallation(helm: Helm) -> None:
    release = helm.render(values={"existingSecret": "mine"})
    (claim,) = release.of("PersistentVolumeClaim")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_a_single_key_may_lie_elsewhere(helm: Helm) -> None:
    values = {
        "secrets": {
            "generate": "none",
            "values": {key: GIVEN[key] for key in GIVEN if key != "proxy.token"},
            "from": {"proxy.token": {"name": "sealed", "key": "token"}},
        }
    }
    release = helm.render(values=values)
    assert "proxy.token" not in release.one("Secret", "secrets")["data"]
    proxy = release.one("Deployment", "proxy")["spec"]["template"]
    assert "sealed" in json.dumps(proxy)


def test_the_job_renders_no_secret(helm: Helm) -> None:
    release = helm.render(values={"secrets": {"generate": "job"}})
    assert release.of("Secret") == []
    jobs = [obj for obj in release.of("Job") if is_hook(obj, "pre-install")]
    assert len(jobs) == 1

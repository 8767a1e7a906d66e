"""What the chart hands to the hub and the gateway: settings that they accept."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from manifests.render import Helm, Release, containers, label

from geodes_datalab import settings as schema
from geodes_datalab.hub.gateway.kubernetes import pods


def test_the_hub_accepts_the_settings(release: Release) -> None:
    settings = schema.load(release.settings)
    assert settings.spawner.kind == "kubernetes"


def test_memory_to_share_reaches_users_profiles_and_dask(helm: Helm) -> None:
    values = {
        "existingSecret": "mine",
        "singleuser": {
            "memory": {"sharedGiB": 2},
            "profiles": {
                "big": {"displayName": "Big", "memory": {"limitGiB": 64, "sharedGiB": 32}},
                "small": {"displayName": "Small"},
            },
        },
        "gateway": {"backend": {"sharedMemoryGiB": 0.25}},
    }
    settings = schema.load(helm.render(values=values).settings)
    users, dask = settings.singleuser, settings.gateway.backend
    assert (users.memory.shared_gib, dask.shared_memory_gib) == (2, 0.25)
    assert users.profiles["big"].memory.shared_gib == 32
    assert users.profiles["small"].memory.shared_gib is None


def test_one_account_for_users_and_dask(helm: Helm) -> None:
    """Else workers could not read what users are granted by a group."""
    values = {"existingSecret": "mine", "singleuser": {"uid": 1234, "gid": 1235, "fsGid": 1236}}
    settings = schema.load(helm.render(values=values).settings)
    users, dask = settings.singleuser, pods.scheduler_pod(settings)["securityContext"]
    assert (users.uid, users.gid, users.fs_gid) == (1234, 1235, 1236)
    assert (dask["runAsUser"], dask["runAsGroup"], dask["fsGroup"]) == (1234, 1235, 1236)


def test_addresses_name_services_that_exist(release: Release) -> None:
    services = {
        f"{obj['metadata']['name']}.{release.namespace_of(obj)}": {
            port["port"] for port in obj["spec"]["ports"]
        }
        for obj in release.of("Service")
    }
    settings = release.settings
    named = [settings["hub"]["connectUrl"], settings["proxy"]["apiUrl"]]
    if settings["gateway"]["enabled"]:
        named += [
            settings["gateway"]["proxyAddress"],
            settings["gateway"]["schedulerAddress"],
            settings["gateway"]["backend"]["apiUrl"],
        ]
    for address in named:
        host, _, port = address.rpartition("://")[2].partition("/")[0].partition(":")
        assert int(port) in services[host], address


def test_every_secret_that_is_named_is_mounted_in_the_hub(release: Release) -> None:
    hub = release.one("Deployment", "hub")["spec"]["template"]["spec"]
    mounted = {
        f"/etc/geodes-datalab/secrets/{item['path']}"
        for volume in hub["volumes"]
        for source in (volume.get("projected") or {}).get("sources") or []
        for item in (source.get("secret") or {}).get("items") or []
    }
    settings = release.settings
    for part in ("hub", "proxy", "auth", "cull", "tests"):
        for key, value in (settings.get(part) or {}).items():
            if isinstance(value, dict) and set(value) == {"file"}:
                assert value["file"] in mounted, (part, key)
    assert settings["gateway"].get("token", {}).get("file", "") in {*mounted, ""}


def test_python_files_are_three_lines(chart: Path) -> None:
    files = sorted((chart / "files").rglob("*.py"))
    assert files
    for path in files:
        body = ast.parse(path.read_text()).body
        lines = [node for node in body if ast.unparse(node) != "from __future__ import annotations"]
        assert len(lines) <= 3, path.name


def test_no_python_in_templates(chart: Path) -> None:
    for path in (chart / "templates").rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert "import " not in text or path.name == "NOTES.txt", path.name
            assert "c.JupyterHub" not in text or path.name == "NOTES.txt", path.name


def test_config_files_are_where_the_commands_look(release: Release) -> None:
    for owner, template in release.templates():
        mounts = {
            mount["mountPath"].rstrip("/")
            for container in containers(template["spec"])
            for mount in container.get("volumeMounts") or []
        }
        for container in containers(template["spec"]):
            for word in [*container.get("command", []), *container.get("args", [])]:
                path = word.rpartition("=")[2]
                if path.startswith("/etc/geodes-datalab/"):
                    assert any(path.startswith(f"{mount}") for mount in mounts), label(owner)


LARGER_HERE = {"gateway.limits.cores": 16, "gateway.limits.memoryGiB": 64}
"""Defaults of the chart alone: a laptop bounds what people may take by its own size."""


def test_defaults_of_the_chart_are_those_of_the_models(chart: Path) -> None:
    values = yaml.safe_load((chart / "values.yaml").read_text())
    names = json.loads((chart / "files/settings.json").read_text())
    models = schema.Settings().model_dump(mode="json", by_alias=True)
    found = dict(_differing(names, values, models))
    assert set(found.pop("gateway.sizes")) == {"small", "medium"}
    assert found == LARGER_HERE


def _differing(names: Any, values: Any, models: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, below in names.items():
        at = f"{path}{name}"
        if isinstance(below, dict):
            yield from _differing(below, values[name], models[name], f"{at}.")
        elif values[name] != models[name]:
            yield at, values[name]


def test_nothing_but_settings_is_handed_over(release: Release) -> None:
    """No secret, and nothing that only templates read."""
    settings = release.settings
    assert not {"secrets", "ingress", "networkPolicy", "prePuller"} & set(settings)
    assert not {"extraFiles", "serviceAccount"} & set(settings["singleuser"])
    assert not {"resources", "extraEnv", "extraConfig"} & set(settings["hub"])
    assert settings["cull"].keys() <= {
        "enabled",
        "timeout",
        "every",
        "maxAge",
        "busyMaxAge",
        "token",
    }


def test_a_value_that_is_taken_out_is_the_model_s(helm: Helm) -> None:
    values = {"existingSecret": "mine", "singleuser": {"cpu": {"limit": None}}}
    assert schema.load(helm.render(values=values).settings).singleuser.cpu.limit == 2

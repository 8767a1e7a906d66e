"""Names that a person chooses come through as they were written, whatever YAML would make of them.

YAML 1.1, which helm and kubectl read, takes ``no`` for a truth value, ``010`` for eight and ``1e3``
for a thousand: two names may even become one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifests.render import Helm, Release, containers

from geodes_datalab import settings as schema
from geodes_datalab.hub.pods import secrets_of_servers, variables_of_servers

SLUGS = (
    "yes", "no", "on", "off", "y", "n", "true", "false", "null", "010", "8", "0x10", "16", "1e3",
    "1000", "0o7", "0b11", "2024-01-01", "00", "0",
)  # fmt: skip
"""Small letters, digits and dashes: what profiles, choices and sizes may be called."""
VARIABLES = ("YES", "NO", "ON", "OFF", "Y", "N", "TRUE", "False", "Null", "NaN", "_1", "y", "n")
FILES = (*SLUGS, "1.5", "1_000", "1e3.5", "No", "Off", "12e03")
TEXTS = ("no", "010", "1e3", "12:30", "~", "2024-01-01", " ", "a: b", "'", '"', "{x}", "#", "- a")

OURS = {"existingSecret": "mine"}


def pods_with(names: tuple[str, ...]) -> dict[str, Any]:
    """Every map of names that all components have."""
    return {
        "extraEnv": {name: f"value of {name}" for name in VARIABLES},
        "extraFiles": {n: {"mountPath": f"/etc/x/{n}", "stringData": n} for n in names},
        "extraVolumes": {name.lower(): {"emptyDir": {}} for name in SLUGS},
        "extraVolumeMounts": {name.lower(): {"mountPath": f"/mnt/{name}"} for name in SLUGS},
        "initContainers": {name: {"image": "i"} for name in SLUGS},
        "extraContainers": {f"{name}-2": {"image": "i"} for name in SLUGS},
    }


def values() -> dict[str, Any]:
    pods = pods_with(FILES)
    choices = {name: {"displayName": f"the choice {name}"} for name in SLUGS}
    options = {name: {"displayName": name, "choices": choices} for name in SLUGS}
    profiles = {
        name: {
            "displayName": f"the profile {name}",
            "options": options,
            "extraEnv": {variable: variable for variable in VARIABLES},
            "nodeSelector": {name: name},
        }
        for name in SLUGS[:4]
    } | {name: {"displayName": f"the profile {name}"} for name in SLUGS[4:]}
    return OURS | {
        "hub": pods | {
            "extraConfig": {name: f"# {name}" for name in SLUGS},
            "services": {name: {"url": f"http://{name}"} for name in SLUGS},
            "loadRoles": {name: {"scopes": ["self"]} for name in SLUGS},
            "templateVars": {name: name for name in SLUGS},
        },
        "proxy": {"chp": pods},
        "cull": pods,
        "singleuser": {
            "profiles": profiles,
            "extraEnv": {name: f"value of {name}" for name in VARIABLES}
            | {f"S{name}": {"valueFrom": {"secretKeyRef": {"name": "010", "key": "no"}}} for name in "YN"}
            | {"Yes": {"value": "no"}},
            "extraFiles": pods["extraFiles"],
            "sharedData": {n: {"pvcName": "010", "mountPath": f"/data/{n}"} for n in SLUGS},
            "storage": {
                "extraVolumes": pods["extraVolumes"],
                "extraVolumeMounts": pods["extraVolumeMounts"],
            },
            "extraLabels": {name: name for name in SLUGS},
            "allowedImages": {name: f"example.org/{i}" for i, name in enumerate(SLUGS)},
            "priorityClassName": "1e3",
            "gpuResource": "1e3",
            "serviceAccount": {"create": True, "name": "010"},
        },
        "gateway": {
            "sizes": {name: {"cores": 1, "memoryGiB": 1} for name in SLUGS},
            "extraConfig": {name: f"# {name}" for name in SLUGS},
            "backend": {
                "environment": {name: name for name in VARIABLES},
                "worker": {"environment": {name: name for name in VARIABLES}},
                "extraVolumes": pods["extraVolumes"],
                "namespace": "010",
            },
            "api": pods,
            "controller": pods,
            "proxy": pods,
        },
        "networkPolicy": {
            "egress": {name: {"for": ["hub"], "cidrs": ["192.0.2.0/24"]} for name in SLUGS},
            "publicAccess": {"from": {name: {"podSelector": {}} for name in SLUGS}},
        },
        "scheduling": {"corePods": {"priorityClassName": "010"}},
        "global": {"imagePullSecrets": ["010", "1e3", "no"], "labels": {"no": "no"}},
        "prePuller": {"extraImages": {name: f"example.org/{name}" for name in SLUGS}},
    }  # fmt: skip


@pytest.fixture(scope="module")
def named(helm: Helm) -> Release:
    return helm.render(values=values())


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every key of a rendered object with its value."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield path, key, below
            yield from leaves(below, f"{path}.{key}")
    elif isinstance(value, list):
        for below in value:
            yield from leaves(below, f"{path}[]")


NAMING = {
    "name", "key", "path", "subPath", "mountPath", "claimName", "secretName", "priorityClassName",
    "serviceAccountName", "value", "image", "namespace",
}  # fmt: skip
"""Fields that hold text in every object of Kubernetes that the chart makes."""


def test_no_name_became_a_number_or_a_truth(named: Release) -> None:
    wrong = [
        (obj["kind"], path, key, value)
        for obj in named.objects
        for path, key, value in leaves(obj)
        if not isinstance(key, str) or (key in NAMING and not isinstance(value, (str, dict)))
    ]
    assert wrong == []


def test_the_settings_hold_the_names(named: Release) -> None:
    found = named.settings
    pods = found["singleuser"]
    assert set(pods["profiles"]) == set(SLUGS)
    for name, profile in pods["profiles"].items():
        assert profile["displayName"] == f"the profile {name}"
    for name in SLUGS[:4]:
        profile = pods["profiles"][name]
        assert set(profile["options"]) == set(SLUGS)
        assert profile["extraEnv"] == {variable: variable for variable in VARIABLES}
        assert profile["nodeSelector"] == {name: name}
        for option in profile["options"].values():
            assert {k: v["displayName"] for k, v in option["choices"].items()} == {
                slug: f"the choice {slug}" for slug in SLUGS
            }
    assert set(pods["sharedData"]) == set(SLUGS)
    files = pods["volumes"]["files"]["secret"]["items"]
    assert {item["path"] for item in files} == {item["key"] for item in files} == set(FILES)
    assert set(SLUGS) == set(pods["storage"]["extraVolumes"])
    assert set(SLUGS) == set(pods["storage"]["extraVolumeMounts"])
    assert set(found["hub"]["services"]) == set(found["hub"]["loadRoles"]) == set(SLUGS)
    assert set(found["gateway"]["sizes"]) == {*SLUGS, "small", "medium"}
    backend = found["gateway"]["backend"]
    assert backend["environment"] == {name: name for name in VARIABLES}
    assert backend["namespace"] == "010"
    assert backend["worker"]["environment"] == {n: n for n in VARIABLES}


def test_the_hub_reads_the_names(named: Release) -> None:
    """What the template wrote is what the model holds: nothing collapsed, nothing changed."""
    read = schema.load(named.settings)
    assert set(read.singleuser.profiles) == set(SLUGS)
    assert set(read.gateway.sizes) == {*SLUGS, "small", "medium"}
    told = {**{name: f"value of {name}" for name in VARIABLES}, "Yes": "no"}
    assert variables_of_servers(read).items() >= told.items()
    places = secrets_of_servers(read)
    assert set(places) == {"SY", "SN"}
    assert (places["SY"].name, places["SY"].key) == ("010", "no")


@pytest.mark.parametrize(
    "component", ["hub", "proxy", "culler", "gateway-api", "gateway-controller", "gateway-proxy"]
)
def test_the_pods_hold_the_names(named: Release, component: str) -> None:
    pod = named.one("Deployment", component)["spec"]["template"]["spec"]
    main = pod["containers"][0]
    held = {item["name"]: item.get("value") for item in main["env"]}
    assert held.items() >= {name: f"value of {name}" for name in VARIABLES}.items()
    assert {mount["mountPath"] for mount in main["volumeMounts"]} >= {
        *(f"/etc/x/{name}" for name in FILES),
        *(f"/mnt/{name}" for name in SLUGS),
    }
    assert {volume["name"] for volume in pod["volumes"]} >= set(SLUGS)
    assert {c["name"] for c in containers(pod)} >= {*SLUGS, *(f"{name}-2" for name in SLUGS)}


def test_files_keep_their_names(named: Release) -> None:
    for secret in (obj for obj in named.of("Secret") if "-files" in obj["metadata"]["name"]):
        assert set(secret["data"]) == set(FILES), secret["metadata"]["name"]


def test_files_whose_names_are_alike_are_all_mounted(helm: Helm) -> None:
    """Mounts have names too, of fewer letters: they became one, and the last file won."""
    names = ("a.b", "a-b", "a_b", "A.B", "x" * 63, "x" * 62 + "y")
    files = {name: {"mountPath": f"/etc/x/{name}", "stringData": name} for name in names}
    found = helm.render(values=OURS | {"singleuser": {"extraFiles": files}}).settings
    read = schema.load(found).singleuser
    mounts = [mount for mount in read.volume_mounts.values() if mount["name"] == "files"]
    assert {mount["subPath"]: mount["mountPath"] for mount in mounts} == {
        name: f"/etc/x/{name}" for name in names
    }


@pytest.mark.parametrize(
    ("number", "text"),
    [("10000000", "10000000"), ("12345678901", "12345678901"), ("0.25", "0.25"), ("true", "true")],
)
def test_numbers_in_variables_are_written_out(
    helm: Helm, tmp_path: Path, number: str, text: str
) -> None:
    path = tmp_path / "values.yaml"
    lines = f"  extraEnv:\n    SIZE: {number}\n"
    path.write_text(f"existingSecret: mine\nsingleuser:\n{lines}hub:\n{lines}")
    found = helm.render(path)
    assert variables_of_servers(schema.load(found.settings))["SIZE"] == text
    pod = found.one("Deployment", "hub")["spec"]["template"]["spec"]
    assert {"name": "SIZE", "value": text} in pod["containers"][0]["env"]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    names=st.lists(
        st.sampled_from(SLUGS) | st.from_regex(r"\A[0-9a-fox]{1,4}(-[0-9a-fox]{1,3})?\Z"),
        min_size=4,
        max_size=12,
        unique=True,
    ),
    texts=st.lists(st.sampled_from(TEXTS), min_size=2, max_size=5),
)
def test_any_name_comes_through(helm: Helm, names: list[str], texts: list[str]) -> None:
    shown = dict(zip(names, texts, strict=False))
    choices = {name: {"displayName": shown.get(name, name)} for name in names}
    given_values = OURS | {
        "singleuser": {
            "profiles": {
                name: {
                    "displayName": "x",
                    "options": {name: {"displayName": "x", "choices": choices}},
                }
                for name in names
            },
            "extraEnv": {f"V{i}": text for i, text in enumerate(texts)},
        },
        "gateway": {"sizes": {name: {"cores": 1, "memoryGiB": 1} for name in names}},
    }
    found = helm.render(values=given_values).settings
    profiles = found["singleuser"]["profiles"]
    assert set(profiles) == set(names)
    for name in names:
        held = profiles[name]["options"][name]["choices"]
        assert {key: one["displayName"] for key, one in held.items()} == {
            key: one["displayName"] for key, one in choices.items()
        }
    assert set(names) <= set(found["gateway"]["sizes"])
    told = variables_of_servers(schema.load(found))
    assert [told[f"V{i}"] for i in range(len(texts))] == texts


@pytest.mark.parametrize("word", ["no", "010", "null"])
def test_names_of_parts_that_are_off_at_first_stay_text(helm: Helm, word: str) -> None:
    there, account = {"enabled": True, "namespace": word}, {"serviceAccount": {"name": word}}
    found = helm.render(
        values={
            "existingSecret": word,
            "singleuser": {"storage": {"type": "static", "static": {"pvcName": word}}},
            "homes": {"metrics": {"enabled": True}, "view": {"enabled": True}, **account},
            "prePuller": {"continuous": {"enabled": True}, "hook": {"enabled": True}, **account},
            "monitoring": {
                "serviceMonitor": {"enabled": True}, "alerts": there, "dashboards": there
            },
            "httpRoute": {
                "enabled": True,
                "hostnames": ["lab.example.org"],
                "gateway": {"name": word, "namespace": word, "sectionName": word},
            },
            "proxy": {"service": {"type": "LoadBalancer", "loadBalancerClass": word}},
            "gateway": {"backend": {"namespace": "dask"}},
        },
        namespace=word,
    )  # fmt: skip
    told = [
        (obj["kind"], path, key, value)
        for obj in found.objects
        for path, key, value in leaves(obj)
        if key in NAMING or key.endswith(("Name", "Class", "/metadata.name"))
    ]
    assert [one for one in told if not isinstance(one[-1], (str, dict))] == []
    assert len([one for one in told if one[-1] == word]) > 50


@pytest.mark.parametrize("word", ["no", "010", "1e3", "null"])
def test_a_release_and_its_namespace_may_bear_such_names_too(helm: Helm, word: str) -> None:
    release = word if word.isalpha() else "lab"  # a Service begins with a letter
    found = helm.render(values=OURS, release=release, namespace=word)
    for obj in found.objects:
        assert obj["metadata"].get("namespace", word) == word
        assert all(isinstance(value, str) for value in obj["metadata"].get("labels", {}).values())
    assert found.settings["singleuser"]["namespace"] == word
    assert found.settings["gateway"]["backend"]["instance"] == release


def test_quoted_names_of_a_values_file_come_through(helm: Helm, tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    sizes = "".join(f'    "{name}": {{cores: 1, memoryGiB: 1}}\n' for name in SLUGS)
    variables = "".join(f"    '{name}': '{name}'\n" for name in VARIABLES)
    path.write_text(
        f"existingSecret: mine\ngateway:\n  sizes:\n{sizes}singleuser:\n  extraEnv:\n{variables}"
    )
    found = helm.render(path).settings
    assert set(SLUGS) <= set(found["gateway"]["sizes"])
    told = variables_of_servers(schema.load(found))
    assert told.items() >= {n: n for n in VARIABLES}.items()


def test_yaml_would_change_these_names() -> None:
    """Else the tests above tried nothing."""
    changed = [name for name in (*SLUGS, *VARIABLES) if yaml.safe_load(name) != name]
    assert len(changed) > len(SLUGS) / 2

"""Settings of user pods become KubeSpawner's traits, and traits become pods."""

from __future__ import annotations

import asyncio
import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kubernetes_pods import CONTEXT, person, pod_of, traits
from traitlets.config import Config

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub import apply, load


def test_twice_is_once(pods: dict[str, Any]) -> None:
    once = traits(pods)
    twice = copy.deepcopy(once)
    apply(load(pods), twice)
    assert once == twice


def test_every_trait_name_exists(pods: dict[str, Any]) -> None:
    """A trait that upstream renamed would be ignored silently."""
    c = traits(pods)
    for name, known in _trait_names().items():
        assert set(c[name]) <= known, name


def _trait_names() -> dict[str, set[str]]:
    """Ask a process of its own: importing Dask Gateway's server changes classes that all share."""
    code = (
        "import json\n"
        "from jupyterhub.app import JupyterHub\n"
        "from kubespawner import KubeSpawner\n"
        "from geodes_datalab.hub.spawn.kubernetes import DatalabKubeSpawner\n"
        "classes = (JupyterHub, KubeSpawner, DatalabKubeSpawner)\n"
        "print(json.dumps({c.__name__: c.class_trait_names(config=True) for c in classes}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name: set(found) for name, found in json.loads(done.stdout).items()}


def test_a_pod_fits_pod_security_restricted(pods: dict[str, Any]) -> None:
    pod = pod_of(pods)
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "runAsGroup": 100,
        "fsGroup": 100,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (container,) = spec["containers"]
    assert CONTEXT.items() <= container["securityContext"].items()
    assert container["args"][:2] == ["datalab-start", "jupyterhub-singleuser"]
    assert container["resources"] == {
        "limits": {"cpu": 2.0, "memory": 4 * 2**30},
        "requests": {"cpu": 0.1, "memory": 2**29},
    }
    written = {"/home/jovyan", "/tmp", "/dev/shm"}
    assert {m["mountPath"] for m in container["volumeMounts"]} == written


def test_another_account_has_a_name_all_the_same(pods: dict[str, Any]) -> None:
    """`getpass.getuser` and others ask for it; the image knows its own account alone."""
    pods["singleuser"] |= {"uid": 1234, "gid": 1235, "fs_gid": 1236}
    spec = pod_of(pods)["spec"]
    context = spec["securityContext"]
    numbers = (context["runAsUser"], context["runAsGroup"], context["fsGroup"])
    assert numbers == (1234, 1235, 1236)
    env = {one["name"]: one.get("value") for one in spec["containers"][0]["env"]}
    assert env["USER"] == env["LOGNAME"] == "jovyan"
    pods["singleuser"]["extra_env"] = {"USER": "site"}
    env = {one["name"]: one.get("value") for one in pod_of(pods)["spec"]["containers"][0]["env"]}
    assert env["USER"] == "site"


def shared_memory(pod: dict[str, Any]) -> dict[str, Any] | None:
    """What is mounted at /dev/shm of the server's container; it may be there only once."""
    mounts = [
        m for m in pod["spec"]["containers"][0]["volumeMounts"] if m["mountPath"] == "/dev/shm"
    ]
    assert len(mounts) <= 1
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    return volumes[mounts[0]["name"]] if mounts else None


@pytest.mark.parametrize(("amount", "size"), [(None, "1024Mi"), (0.25, "256Mi"), (16, "16384Mi")])
def test_processes_share_as_much_memory_as_the_settings_say(
    pods: dict[str, Any], amount: float | None, size: str
) -> None:
    if amount is not None:
        pods["singleuser"]["memory"] = {"shared_gib": amount}
    volume = {"name": "dev-shm", "emptyDir": {"medium": "Memory", "sizeLimit": size}}
    assert shared_memory(pod_of(pods)) == volume


def test_without_memory_to_share_containers_keep_what_they_have(pods: dict[str, Any]) -> None:
    pods["singleuser"]["memory"] = {"shared_gib": 0}
    assert shared_memory(pod_of(pods)) is None


def test_an_operator_s_own_shared_memory_stays_alone(pods: dict[str, Any]) -> None:
    """Two mounts at one path would be refused by Kubernetes: a chart before ours told people to add one."""
    own = {"emptyDir": {"medium": "Memory"}}
    pods["singleuser"]["storage"] = {
        "extra_volumes": {"shm-volume": own},
        "extra_volume_mounts": {"shm-volume": {"mountPath": "/dev/shm/"}},
    }
    pod = pod_of(pods)
    assert "dev-shm" not in {volume["name"] for volume in pod["spec"]["volumes"]}
    paths = [m["mountPath"].rstrip("/") for m in pod["spec"]["containers"][0]["volumeMounts"]]
    assert paths.count("/dev/shm") == 1


def test_nothing_that_an_operator_adds_weakens_a_pod(pods: dict[str, Any]) -> None:
    pods["singleuser"] |= {
        "extra_containers": {
            "helper": {"image": "helper:1", "securityContext": {"privileged": True, "runAsUser": 0}}
        },
        "init_containers": {
            "first": {"image": "first:1", "securityContext": {"runAsUser": 2000}},
        },
        "extra_pod_config": {
            "securityContext": {"runAsNonRoot": False, "runAsUser": 0},
            "automountServiceAccountToken": True,
            "enableServiceLinks": True,
            "dnsPolicy": "ClusterFirst",
        },
    }
    spec = pod_of(pods)["spec"]
    assert spec["dnsPolicy"] == "ClusterFirst"
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsUser"] == 1000
    assert spec["securityContext"]["runAsNonRoot"] is True
    containers = [*spec["containers"], *spec["initContainers"]]
    assert [c["name"] for c in containers] == ["notebook", "helper", "first"]
    for container in containers:
        assert CONTEXT.items() <= container["securityContext"].items(), container["name"]
        assert "privileged" not in container["securityContext"]
    assert "runAsUser" not in containers[1]["securityContext"]
    assert containers[2]["securityContext"]["runAsUser"] == 2000


def test_certificates_are_verified_as_python_3_12_does(pods: dict[str, Any]) -> None:
    from kubernetes_asyncio.client import Configuration

    asyncio.run(_claim(pods))
    configuration = Configuration.get_default_copy()
    assert configuration.verify_ssl is True
    assert configuration.disable_strict_ssl_verification is True


def test_failures_of_users_servers_do_not_end_the_hub(pods: dict[str, Any]) -> None:
    assert traits(pods).Spawner.consecutive_failure_limit == 0


def test_labels_let_policies_find_user_pods(pods: dict[str, Any]) -> None:
    labels = pod_of(pods)["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "geodes-datalab"
    assert labels["app.kubernetes.io/instance"] == "lab"
    assert labels["app.kubernetes.io/component"] == "user"


def test_names_that_are_addresses_become_safe_ones(pods: dict[str, Any]) -> None:
    pod = pod_of(pods, name="jean.dupont@cnes.fr")
    assert pod["metadata"]["name"].startswith("jupyter-jean-dupont-cnes-fr---")
    volume = next(v for v in pod["spec"]["volumes"] if v["name"] == "home")
    claim = volume["persistentVolumeClaim"]["claimName"]
    assert claim.startswith("claim-jean-dupont-cnes-fr---")


def test_two_releases_name_their_pods_apart(pods: dict[str, Any]) -> None:
    pods["singleuser"]["pod_name"] = "other-user-{user_server}"
    assert pod_of(pods, server="second")["metadata"]["name"] == "other-user-ada--second"
    pods["singleuser"]["pod_name"] = "fixed"
    with pytest.raises(ConfigurationError, match=r"put \{user_server\} into it"):
        load(pods)


@pytest.mark.parametrize(
    ("home", "volume", "mount"),
    [
        (
            {"type": "dynamic", "dynamic": {"pvc_name_template": "home-{user_server}"}},
            {"persistentVolumeClaim": {"claimName": "home-ada"}},
            {},
        ),
        (
            {"type": "static", "static": {"pvc_name": "homes", "sub_path": "users/{username}"}},
            {"persistentVolumeClaim": {"claimName": "homes"}},
            {"subPath": "users/ada"},
        ),
        ({"type": "none", "none": {"size_limit": "2Gi"}}, {"emptyDir": {"sizeLimit": "2Gi"}}, {}),
    ],
)
def test_homes(
    pods: dict[str, Any], home: dict[str, Any], volume: dict[str, Any], mount: dict[str, Any]
) -> None:
    pods["singleuser"]["storage"] = home
    c = traits(pods)
    assert c.KubeSpawner.storage_pvc_ensure is (home["type"] == "dynamic")
    assert c.KubeSpawner.delete_pvc is False
    spec = pod_of(pods)["spec"]
    assert next(v for v in spec["volumes"] if v["name"] == "home") == {"name": "home"} | volume
    mounts = spec["containers"][0]["volumeMounts"]
    expected = {"name": "home", "mountPath": "/home/jovyan"} | mount
    assert next(m for m in mounts if m["name"] == "home") == expected


def test_the_claim_of_a_home(pods: dict[str, Any]) -> None:
    pods["singleuser"]["storage"] = {
        "capacity": "3Gi",
        "dynamic": {"storage_class": "fast", "storage_access_modes": ["ReadWriteMany"]},
    }
    claim = asyncio.run(_claim(pods))
    assert claim.metadata.name == "claim-ada"
    assert claim.metadata.labels["app.kubernetes.io/instance"] == "lab"
    assert claim.spec.storage_class_name == "fast"
    assert claim.spec.access_modes == ["ReadWriteMany"]
    assert claim.spec.resources.requests == {"storage": "3Gi"}


async def _claim(values: dict[str, Any]) -> Any:
    return person(values).get_pvc_manifest()


@pytest.mark.parametrize(
    ("groups", "admin", "archive", "team"),
    [
        ((), False, True, True),
        (("writers",), False, True, False),
        (("others",), False, True, True),
        ((), True, False, True),
    ],
)
def test_shared_volumes_open_to_writers_only(
    pods: dict[str, Any], groups: tuple[str, ...], admin: bool, archive: bool, team: bool
) -> None:
    pods["singleuser"]["shared_data"] = {
        "archive": {"pvc_name": "archive", "mount_path": "/data/archive", "admins_write": True},
        "team": {
            "pvc_name": "t",
            "mount_path": "/data/team",
            "sub_path": "x",
            "writers": ["writers"],
        },
    }
    spec = pod_of(pods, groups=groups, admin=admin)["spec"]
    mounts = {m["name"]: m for m in spec["containers"][0]["volumeMounts"]}
    assert mounts["shared-archive"]["readOnly"] is archive
    assert mounts["shared-team"]["readOnly"] is team
    assert mounts["shared-team"]["subPath"] == "x"
    volume = {"name": "shared-team", "persistentVolumeClaim": {"claimName": "t"}}
    assert volume in spec["volumes"]


def test_a_claim_is_one_volume_however_often_it_is_mounted(pods: dict[str, Any]) -> None:
    static = {"pvc_name": "all", "sub_path": "home/{username}"}
    pods["singleuser"]["storage"] = {"type": "static", "static": static}
    pods["singleuser"]["shared_data"] = {
        "data": {"pvc_name": "all", "mount_path": "/data/all", "sub_path": "data"},
        "one": {"pvc_name": "b", "mount_path": "/data/one"},
        "two": {
            "pvc_name": "b",
            "mount_path": "/data/two",
            "sub_path": "two",
            "writers": ["writers"],
        },
    }
    spec = pod_of(pods, groups=("writers",))["spec"]
    claims = [v["persistentVolumeClaim"] for v in spec["volumes"] if "persistentVolumeClaim" in v]
    assert [claim["claimName"] for claim in claims] == ["all", "b"]  # twice: never mounted
    mounts = {m["mountPath"]: m for m in spec["containers"][0]["volumeMounts"]}
    assert mounts["/data/all"]["name"] == mounts["/home/jovyan"]["name"] == "home"
    assert mounts["/data/one"]["name"] == mounts["/data/two"]["name"]
    assert [mounts[f"/data/{name}"]["readOnly"] for name in ("all", "one", "two")] == [
        True,
        True,
        False,
    ]


def test_environment_is_literal_and_secrets_stay_with_kubernetes(pods: dict[str, Any]) -> None:
    pods["singleuser"]["extra_env"] = {"PATTERN": "{x}/{{y}}"}
    pods["geodes"] = {"credentials": {"mode": "user"}}
    env = {e["name"]: e for e in pod_of(pods)["spec"]["containers"][0]["env"]}
    assert env["PATTERN"]["value"] == "{x}/{{y}}"
    assert env["DASK_GATEWAY__PUBLIC_ADDRESS"]["value"].startswith("{JUPYTERHUB_SERVICE_PREFIX}")
    assert env["DASK_GATEWAY__CLUSTER__OPTIONS__IMAGE"]["value"] == "{JUPYTER_IMAGE_SPEC}"
    assert env["GEODES_API_KEY"]["valueFrom"]["secretKeyRef"] == {
        "name": "geodes-ada",
        "key": "api-key",
        "optional": True,
    }
    assert "JUPYTER_CONFIG_PATH" not in env  # the image's start command knows its own folders
    assert env["GEODES_DATALAB_LANGUAGE"]["value"] == "en"


def test_operators_add_volumes_tolerations_and_labels(pods: dict[str, Any]) -> None:
    toleration = {"key": "users", "operator": "Exists"}
    pods["singleuser"] |= {
        "storage": {
            "extra_volumes": {"ca": {"configMap": {"name": "ca"}}},
            "extra_volume_mounts": {
                "ca": {"mountPath": "/ca", "readOnly": True},
                "one": {"name": "ca", "mountPath": "/ca1", "subPath": "ca.crt"},
            },
        },
        "extra_tolerations": [toleration],
        "node_selector": {"pool": "users"},
        "priority_class_name": "low",
        "extra_annotations": {"who": "{unescaped_username}"},
    }
    pods["global"] = {"image_pull_secrets": ["registry"]}
    pod = pod_of(pods)
    spec = pod["spec"]
    assert {"name": "ca", "configMap": {"name": "ca"}} in spec["volumes"]
    mounts = spec["containers"][0]["volumeMounts"]
    assert {"name": "ca", "mountPath": "/ca", "readOnly": True} in mounts
    assert {"name": "ca", "mountPath": "/ca1", "subPath": "ca.crt"} in mounts
    assert spec["tolerations"] == [toleration]
    assert spec["nodeSelector"] == {"pool": "users"}
    assert spec["priorityClassName"] == "low"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["metadata"]["annotations"]["who"] == "ada"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"storage": {"extra_volumes": {"home": {"emptyDir": {}}}}}, "the name home is ours"),
        ({"storage": {"extra_volumes": {"dev-shm": {}}}}, "the name dev-shm is ours"),
        (
            {"memory": {"shared_gib": -1}},
            "memory.shared_gib: Input should be greater than or equal to 0",
        ),
        (
            {"shared_data": {"a": {"pvc_name": "a", "mount_path": "/tmp"}}},
            "folder of its own in every pod",
        ),
        ({"storage": {"type": "static"}}, "name the claim"),
        ({"storage": {"static": {"sub_path": "all"}}}, "put {username} into it"),
        ({"storage": {"dynamic": {"pvc_name_template": "all"}}}, "put {username} into it"),
        ({"storage": {"dynamic": {"pvc_name_template": "{usrname}"}}}, 'mean "username"?'),
        ({"storage": {"capacity": "10 GB"}}, "storage.capacity: String should match"),
        ({"other_image": {"enabled": True}}, "allowedImages names no image"),
        ({"cpu": {"guarantee": 4}}, "cpu: guarantee is larger than limit"),
        ({"uid": 0}, "uid: Input should be greater than or equal to 1"),
        ({"profiles": {"a": {"default": True}, "b": {"default": True}}}, "several are the default"),
        ({"profiles": {"Big": {}}}, "profiles.Big: String should match"),
        (
            {"profiles": {"a": {"options": {"o": {"choices": {"c": {"imgae": "x"}}}}}}},
            'profiles.a.options.o.choices.c.imgae: there is no such setting; did you mean "image"?',
        ),
    ],
)
def test_wrong_settings_are_told(pods: dict[str, Any], change: dict[str, Any], said: str) -> None:
    pods["singleuser"] |= change
    with pytest.raises(ConfigurationError) as caught:
        load(pods)
    assert said in str(caught.value)


def test_kubernetes_needs_its_part(pods: dict[str, Any]) -> None:
    del pods["singleuser"]["namespace"]
    with pytest.raises(ConfigurationError, match="singleuser lacks namespace"):
        load(pods)


def test_extra_configuration_runs_last_in_order(pods: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "extra"
    folder.mkdir()
    (folder / "10-second.py").write_text(
        "c.KubeSpawner.image = settings.singleuser.image.reference + '-x' + c.X.y\n"
    )
    (folder / "05-first.py").write_text("get_config().X.y = 'z'\n")
    (folder / "README").write_text("not Python")
    pods["hub"] |= {"extra_config_folder": str(folder), "config": {"KubeSpawner": {"image": "no"}}}
    assert traits(pods).KubeSpawner.image == "registry.example.org/datalab/notebook:1-xz"
    (folder / "20-wrong.py").write_text("1 / 0\n")
    with pytest.raises(ConfigurationError, match=r"20-wrong\.py fails: ZeroDivisionError"):
        apply(load(pods), Config())

"""Options, pods and reasons of Dask Gateway on Kubernetes, without any server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dask_gateway_server.models import User
from traitlets.config import Config

from geodes_datalab.hub import apply_gateway, load
from geodes_datalab.hub.gateway import apply_proxy
from geodes_datalab.hub.gateway.kubernetes import apply_controller, pods
from geodes_datalab.hub.gateway.kubernetes.options import cluster_options
from geodes_datalab.hub.gateway.kubernetes.reasons import (
    WORDS,
    Reason,
    grouped,
    pod_loss,
    pod_reason,
    refusal,
)
from geodes_datalab.hub.gateway.options import OptionError
from geodes_datalab.settings import Settings

QUOTA = (
    'pods "w-a" is forbidden: exceeded quota: q, requested: limits.cpu=2,pods=1, '
    "used: limits.cpu=3,pods=4, limited: limits.cpu=4,pods=4"
)
ADA = User("ada")
MEMBER = User("max", groups=["gpu-users"])


def settings(
    backend: dict[str, Any] | None = None, sizes: dict[str, Any] | None = None, **user: Any
) -> Settings:
    where = {"namespace": "dask", "instance": "x", "api_url": "http://api.hub:8000/"}
    gateway: dict[str, Any] = {
        "kind": "kubernetes",
        "proxy_address": "x-gateway-proxy.hub:8000",
        "scheduler_address": "x-gateway-proxy.hub:8786",
        "backend": where | (backend or {}),
        "sizes": sizes or {},
    }
    users = {"namespace": "hub", "image": {"reference": "lab:1"}} | user
    return load({"gateway": gateway, "spawner": {"kind": "kubernetes"}, "singleuser": users})


def chosen(wanted: Settings, user: User = ADA, **request: Any) -> dict[str, Any]:
    options = cluster_options(wanted)
    found: dict[str, Any] = options.get_configuration(options.parse_options(request), user)
    return found


def test_without_a_choice_users_get_their_own_image_and_the_default_size() -> None:
    sizes = {"big": {"cores": 4, "memory_gib": 8}, "small": {"cores": 1, "default": True}}
    found = chosen(settings(sizes=sizes))
    assert found["image"] == "lab:1"
    assert (found["worker_cores"], found["worker_memory"]) == (1, 2 * 2**30)
    labels = [one["label"] for one in cluster_options(settings(sizes=sizes)).get_specification()]
    assert labels[0] == "Worker size (big: 4 cores, 8 GiB; small: 1 core, 2 GiB)"


def test_without_sizes_there_is_one() -> None:
    found = chosen(settings(), size="standard")
    assert (found["worker_cores"], found["worker_memory"], found["worker_threads"]) == (1, 2**30, 1)


def test_images_of_profiles_are_for_those_who_are_offered_them() -> None:
    profiles = {
        "all": {"image": "lab:2"},
        "gpu": {"image": "lab:gpu", "groups": ["gpu-users"]},
        "staff": {
            "options": {"image": {"choices": {"new": {"image": "lab:new", "admins_only": True}}}}
        },
    }
    wanted = settings(profiles=profiles)
    assert chosen(wanted, image="lab:2")["image"] == "lab:2"
    assert chosen(wanted, MEMBER, image="lab:gpu")["image"] == "lab:gpu"
    assert chosen(wanted, User("root", admin=True), image="lab:new")["image"] == "lab:new"
    for user, image in ((ADA, "lab:gpu"), (MEMBER, "lab:new"), (ADA, "other:1")):
        with pytest.raises(OptionError, match="not allowed") as told:
            chosen(wanted, user, image=image)
        assert "lab:new" not in str(told.value).replace(image, "")


def test_pods_run_where_the_operator_says() -> None:
    dask, spot = {"key": "dask", "operator": "Exists"}, {"key": "spot", "operator": "Exists"}
    wanted = settings(
        {
            "worker": {"node_selector": {"pool": "dask"}, "tolerations": [dask]},
            "scheduler": {
                "node_selector": {"pool": "users"},
                "priority_class_name": "high",
                "environment": {"DASK_X": "1"},
            },
        },
        {"spot": {"node_selector": {"disk": "fast"}, "tolerations": [spot]}},
    )
    worker = chosen(wanted, size="spot")["worker_extra_pod_config"]
    assert worker["nodeSelector"] == {"pool": "dask", "disk": "fast"}
    assert worker["tolerations"] == [spot]
    scheduler = pods.scheduler_pod(wanted)
    assert scheduler["nodeSelector"] == {"pool": "users"}
    assert scheduler["priorityClassName"] == "high"
    assert "tolerations" not in scheduler
    container = pods.container(wanted, wanted.gateway.backend.scheduler)
    assert container["env"] == [{"name": "DASK_X", "value": "1"}]


@pytest.mark.parametrize(
    ("limit", "of_dask", "pools", "blas"),
    [("4.000", 1, "4", "4"), ("4", 2, "4", "2"), ("1500m", 4, "2", "1"), ("0.100", 1, "1", "1")],
)
def test_threads_follow_the_limit_of_the_container(
    limit: str, of_dask: int, pools: str, blas: str
) -> None:
    given = [{"name": "LOKY_MAX_CPU_COUNT", "valueFrom": {"secretKeyRef": {}}}]
    wanted = {"env": given, "resources": {"limits": {"cpu": limit}}}
    found = pods.with_threads(wanted, of_dask)["env"]
    values = {one["name"]: one.get("value") for one in found}
    assert (values["NUMBA_NUM_THREADS"], values["OPENBLAS_NUM_THREADS"]) == (pools, blas)
    assert [one for one in found if one["name"] == "LOKY_MAX_CPU_COUNT"] == given
    assert pods.with_threads({"env": given})["env"] == given, "no limit, no variables"


def test_shared_data_is_read_only_and_only_where_its_claim_is() -> None:
    data = {"pvc_name": "data", "mount_path": "/data", "writers": ["staff"], "read_only": False}
    shared = {"data": data}
    here = settings({"namespace": "hub"}, shared_data=shared)
    volumes = pods.scheduler_pod(here)["volumes"]
    claim = {"claimName": "data", "readOnly": True}
    assert {"name": "shared-data", "persistentVolumeClaim": claim} in volumes
    mounts = pods.container(here, here.gateway.backend.worker)["volumeMounts"]
    assert {"name": "shared-data", "mountPath": "/data", "readOnly": True} in mounts
    twice = {**shared, "more": {"pvc_name": "data", "mount_path": "/more", "sub_path": "more"}}
    both = settings({"namespace": "hub"}, shared_data=twice)
    claims = [v for v in pods.scheduler_pod(both)["volumes"] if "persistentVolumeClaim" in v]
    assert len(claims) == 1  # a claim named twice in a pod is never mounted
    mounts = pods.container(both, both.gateway.backend.worker)["volumeMounts"]
    names = {mount["mountPath"]: mount["name"] for mount in mounts}
    assert names["/more"] == names["/data"] == "shared-data"
    elsewhere = settings(shared_data=shared)
    names = [volume["name"] for volume in pods.scheduler_pod(elsewhere)["volumes"]]
    assert names == ["tmp", "dev-shm"]


def test_another_account_has_a_name_all_the_same() -> None:
    """`getpass.getuser` and others ask for it; the image knows its own account alone."""
    wanted = settings(uid=1234, gid=1235, fs_gid=1236)
    context = pods.scheduler_pod(wanted)["securityContext"]
    numbers = (context["runAsUser"], context["runAsGroup"], context["fsGroup"])
    assert numbers == (1234, 1235, 1236)
    assert pods.container(wanted, wanted.gateway.backend.worker)["workingDir"] == "/tmp"
    environment = chosen(wanted)["environment"]
    assert environment["USER"] == environment["LOGNAME"] == "jovyan"


def memory_to_share(wanted: Settings) -> list[tuple[str | None, list[str]]]:
    """Size of the volume, and where it is mounted, in schedulers and in workers."""
    found = []
    worker = chosen(wanted)
    kubernetes = wanted.gateway.backend
    for pod, kind in (
        (pods.scheduler_pod(wanted), kubernetes.scheduler),
        (worker["worker_extra_pod_config"], kubernetes.worker),
    ):
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounts = pods.container(wanted, kind)["volumeMounts"]
        size = volumes.get("dev-shm", {}).get("emptyDir", {}).get("sizeLimit")
        found.append((size, [m["name"] for m in mounts if m["mountPath"] == "/dev/shm"]))
    return found


def test_dask_s_processes_share_as_much_memory_as_the_settings_say() -> None:
    assert memory_to_share(settings()) == [("1024Mi", ["dev-shm"])] * 2
    assert memory_to_share(settings({"shared_memory_gib": 0.5})) == [("512Mi", ["dev-shm"])] * 2
    assert memory_to_share(settings({"shared_memory_gib": 0})) == [(None, [])] * 2
    own = {
        "extra_volumes": {"mine": {"emptyDir": {"medium": "Memory"}}},
        "extra_volume_mounts": {"mine": {"mountPath": "/dev/shm"}},
    }
    assert memory_to_share(settings(own)) == [(None, ["mine"])] * 2


def test_three_processes_get_what_they_need_and_no_more(tmp_path: Any) -> None:
    wanted = settings()
    api, controller, proxy = Config(), Config(), Config()
    apply_gateway(wanted, api)
    apply_controller(wanted, controller)
    apply_proxy(wanted, proxy)
    assert api.KubernetesBackend.api_url == "http://api.hub:8000/api"
    assert controller.KubernetesController.api_url == "http://api.hub:8000/api"
    assert proxy.Proxy.gateway_url == "http://api.hub:8000"
    assert (proxy.Proxy.address, proxy.Proxy.tcp_address) == ("0.0.0.0:8000", "0.0.0.0:8786")
    assert set(proxy) == {"Proxy"}


def test_every_trait_name_exists() -> None:
    """A trait that upstream renamed would be ignored silently."""
    from dask_gateway_server.app import DaskGateway
    from dask_gateway_server.auth import JupyterHubAuthenticator
    from dask_gateway_server.backends.base import Backend
    from dask_gateway_server.backends.kubernetes.backend import KubeClusterConfig
    from dask_gateway_server.proxy import Proxy

    from geodes_datalab.hub.gateway.extension import DatalabBackend
    from geodes_datalab.hub.gateway.kubernetes.backend import KubernetesBackend
    from geodes_datalab.hub.gateway.kubernetes.controller import KubernetesController
    from geodes_datalab.hub.gateway.limits import PerUserLimits

    classes = [
        Backend, DaskGateway, DatalabBackend, JupyterHubAuthenticator, KubeClusterConfig,
        KubernetesBackend, KubernetesController, PerUserLimits, Proxy,
    ]  # fmt: skip
    known = {cls.__name__: set(cls.class_trait_names(config=True)) for cls in classes}
    for apply in (apply_gateway, apply_controller, apply_proxy):
        c = Config()
        apply(settings(), c)
        for name, traits in c.items():
            assert set(traits) <= known[name], name


def pod(phase: str = "Pending", worker: bool = True, **status: Any) -> dict[str, Any]:
    component = "dask-worker" if worker else "dask-scheduler"
    labels = {"app.kubernetes.io/component": component}
    return {"metadata": {"name": "p", "labels": labels}, "status": {"phase": phase, **status}}


def container(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "c", "image": "lab:9", "state": state, **more}]}


def waits(reason: str, message: str = "") -> dict[str, Any]:
    return container({"waiting": {"reason": reason, "message": message}})


def unscheduled(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "message": message}
    return {"conditions": [condition]}


@pytest.mark.parametrize(
    ("seen", "reason", "said"),
    [
        (pod(), "starting", "loading the image"),
        (
            pod(**unscheduled("0/3 nodes are available: 3 Insufficient cpu.")),
            "unschedulable",
            "free cores",
        ),
        (
            pod(**unscheduled("0/3 nodes are available: 3 node(s) had untolerated taint {a: b}.")),
            "unschedulable",
            "no machine fits",
        ),
        (
            pod(**unscheduled('persistentvolumeclaim "data" not found')),
            "unschedulable",
            "volumes",
        ),
        (pod(**waits("ImagePullBackOff", "not found")), "image", "lab:9"),
        (pod(**waits("InvalidImageName")), "image", "lab:9"),
        (pod(**waits("CreateContainerConfigError", 'secret "x" not found')), "config", "secret"),
        (pod("Failed", reason="Evicted", message="low on memory"), "evicted", "low on memory"),
        (pod("Failed", reason="NodeShutdown"), "node_lost", "went away"),
        (
            pod("Running", **container({"terminated": {"exitCode": 137, "reason": "OOMKilled"}})),
            "out_of_memory",
            "larger",
        ),
        (
            pod(
                "Failed",
                **container({"terminated": {"exitCode": 2, "message": "a\nno such dask\n"}}),
            ),
            "crashed",
            "exit code 2: no such dask",
        ),
    ],
)
def test_why_a_pod_does_not_run(seen: dict[str, Any], reason: str, said: str) -> None:
    found = pod_reason(seen)
    assert found is not None
    assert (found.component, found.reason) == ("worker", reason)
    assert said in found.text
    assert found.reason in WORDS


def test_a_running_pod_has_no_reason() -> None:
    assert pod_reason(pod("Running", **container({"running": {}}))) is None
    assert pod_reason(pod("Succeeded", **container({"terminated": {"exitCode": 0}}))) is None


def test_a_restarted_process_counts_as_lost() -> None:
    last = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    seen = pod("Running", **container({"running": {}}, lastState=last, restartCount=3))
    assert pod_reason(seen) is None
    found = pod_loss(seen)
    assert found is not None
    assert (found[0].reason, found[1]) == ("out_of_memory", 3)


@pytest.mark.parametrize(
    ("message", "reason", "said"),
    [
        (
            QUOTA,
            "quota",
            "limits.cpu: 3 of 4 used, 2 more needed; pods: 4 of 4 used, 1 more needed",
        ),
        (
            'pods "w-b" is forbidden: violates PodSecurity "restricted:latest": x',
            "pod_security",
            "tell your operator",
        ),
        (
            'pods "w-c" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
            "forbidden",
            "maximum memory usage per Container is 1Gi",
        ),
        ("", "forbidden", "HTTP 403"),
    ],
)
def test_why_a_pod_could_not_be_made(message: str, reason: str, said: str) -> None:
    found = refusal("worker", 403, json.dumps({"message": message}) if message else None)
    assert found.reason == reason
    assert said in found.text
    assert "w-" not in found.text  # the name of each try is another one


def test_equal_reasons_are_told_once() -> None:
    one, other = Reason("worker", "quota", "b"), Reason("scheduler", "image", "a")
    assert grouped([one, other, one]) == [
        {"component": "scheduler", "reason": "image", "text": "a", "count": 1},
        {"component": "worker", "reason": "quota", "text": "b", "count": 2},
    ]

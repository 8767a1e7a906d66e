"""Dask Gateway on Kubernetes as its three pods run it: clusters, limits, reasons."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from support.kubernetes_gateway import GatewayParts, running, status

QUOTA = (
    'pods "{}" is forbidden: exceeded quota: dask, requested: requests.cpu=1, '
    "used: requests.cpu=4, limited: requests.cpu=4"
)


def nothing(pod: dict[str, Any]) -> None:
    """Refuse no pod."""


def test_life_of_a_cluster(gateway: GatewayParts) -> None:
    gateway.kube.requests.clear()
    name = gateway.open(size="large", environment={"GDAL_CACHEMAX": "64"})
    token = gateway.run_scheduler(name)
    gateway.want(name, token, 2)
    gateway.sees(lambda: len(gateway.workers(name)) == 2, "two worker pods")
    for pod in gateway.workers(name):
        gateway.kube.update("pods", pod["metadata"]["name"], status=running("dask-worker"))
    gateway.sees(
        lambda: gateway.waiting(name)["workers"].get("running") == 2, "both workers are counted"
    )
    assert gateway.reasons(name) == []
    gateway.ask("DELETE", f"/api/v1/clusters/{name}")
    gateway.sees(lambda: not gateway.kube.listed("pods"), "the pods are gone")
    gateway.sees(lambda: gateway.waiting(name)["status"] == "STOPPED", "the cluster is stopped")
    assert {path for _, path, status in gateway.kube.requests if status == 403} == set()
    kinds = {path.split("/")[-1] for _, path, _ in gateway.kube.requests}
    assert "events" not in kinds


def test_what_the_pods_are(gateway: GatewayParts) -> None:
    name = gateway.open(size="large", image="registry.example.org/team/own:2")
    gateway.want(name, gateway.run_scheduler(name), 1)
    gateway.sees(lambda: gateway.workers(name), "a worker pod")
    pods = {
        pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod
        for pod in gateway.kube.listed("pods")
    }
    for pod in pods.values():
        restricted(pod)
        labels = pod["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "datalab"
        assert labels["app.kubernetes.io/name"] == "geodes-datalab"
        assert labels["gateway.dask.org/instance"] == "datalab"
        assert pod["metadata"]["annotations"]["hub.jupyter.org/username"] == "ada"
        assert pod["spec"]["containers"][0]["image"] == "registry.example.org/team/own:2"
    (worker,) = pods["dask-worker"]["spec"]["containers"]
    # Every worker of the datalab reaches every other one: no page with anybody's code is there.
    assert worker["args"][:3] == ["dask", "worker", "--no-dashboard"]
    assert worker["args"][worker["args"].index("--nthreads") + 1] == "4"
    memory = str(16 * 2**30)
    assert worker["resources"]["limits"] == {"cpu": "4.000", "memory": memory}
    assert worker["resources"]["requests"] == {"cpu": "4.000", "memory": memory}
    (scheduler,) = pods["dask-scheduler"]["spec"]["containers"]
    args = scheduler["args"]
    assert args[:4] == ["dask", "scheduler", "--preload", "geodes_datalab.compute.tls"]
    preloads = [after for word, after in pairwise(args) if word == "--preload"]
    idleness, service = "geodes_datalab.compute.idleness", "dask_gateway.scheduler_preload"
    assert preloads.index(idleness) < preloads.index(service)  # or it has no effect
    assert scheduler["resources"]["requests"]["cpu"] == "0.100"


def test_libraries_are_told_the_cores_of_their_pods(gateway: GatewayParts) -> None:
    """A worker computes in as many threads as it has cores: one of linear algebra for each."""
    name = gateway.open(size="large", environment={"OMP_NUM_THREADS": "9"})
    gateway.want(name, gateway.run_scheduler(name), 1)
    gateway.sees(lambda: gateway.workers(name), "a worker pod")
    told = {}
    for pod in gateway.kube.listed("pods"):
        (one,) = pod["spec"]["containers"]
        rows = [(row["name"], row.get("value")) for row in one["env"]]
        assert len(dict(rows)) == len(rows), "no variable is there twice"
        told[one["name"]] = dict(rows)
    worker, scheduler = told["dask-worker"], told["dask-scheduler"]
    assert (worker["PYTHON_CPU_COUNT"], worker["OPENBLAS_NUM_THREADS"]) == ("4", "1")
    assert scheduler["PYTHON_CPU_COUNT"] == "1"
    assert worker["OMP_NUM_THREADS"] == scheduler["OMP_NUM_THREADS"] == "9"


def restricted(pod: dict[str, Any]) -> None:
    """Hold a pod against Pod Security "restricted", and a read-only root."""
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert {"name": mounts["/tmp"], "emptyDir": {}} in spec["volumes"]
    values = {one["name"]: one.get("value") for one in container["env"]}
    assert values["HOME"] == "/tmp"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": "larg"}, r'there is no worker size .larg. here: did you mean "large"'),
        ({"image": "evil.example.org/x:1"}, "is not allowed for Dask here; allowed are: .*team"),
        ({"environment": {"LD_PRELOAD": "x"}}, "LD_PRELOAD may not be set"),
        ({"worker_memory": 3}, "Unknown fields .*worker_memory"),
    ],
)
def test_what_is_refused(gateway: GatewayParts, options: dict[str, Any], said: str) -> None:
    answer = gateway.ask("POST", "/api/v1/clusters/", json={"cluster_options": options})
    assert answer.status_code == 422
    assert re.search(said, answer.json()["error"]), answer.text


def test_limits_per_user(gateway: GatewayParts) -> None:
    first = gateway.open(size="small")
    token = gateway.run_scheduler(first)
    gateway.want(first, token, 5)
    gateway.sees(lambda: len(gateway.workers(first)) == 5, "five worker pods")
    answer = gateway.ask("POST", "/api/v1/clusters/", json={"cluster_options": {"size": "large"}})
    assert answer.status_code == 201  # 5.1 of 10 cores are taken, 4.1 more fit
    answer = gateway.ask("POST", "/api/v1/clusters/", json={"cluster_options": {"size": "large"}})
    assert answer.status_code == 201
    second, third = (
        name for name in gateway.ask("GET", "/api/v1/clusters/").json() if name != first
    )
    gateway.want(second, gateway.run_scheduler(second), 7)  # workers: one is left of six
    gateway.sees(lambda: len(gateway.workers(second)) == 1, "the one worker that is allowed")
    answer = gateway.ask("POST", "/api/v1/clusters/", json={"cluster_options": {}})
    assert answer.status_code == 422
    assert "already have 3 active" in answer.json()["error"]
    gateway.ask("DELETE", f"/api/v1/clusters/{third}")
    gateway.sees(
        lambda: len(gateway.ask("GET", "/api/v1/clusters/").json()) == 2, "two clusters are left"
    )
    answer = gateway.ask("POST", "/api/v1/clusters/", json={"cluster_options": {"size": "large"}})
    assert "you may hold 10" in answer.json()["error"]
    assert gateway.open("bob", size="large")  # another user has a share of his own


def test_a_tampered_request_frees_no_share(gateway: GatewayParts) -> None:
    """Upstream looks at ``scale`` alone; and a scheduler may deny workers that run on."""
    first, second = gateway.open(size="small"), gateway.open(size="small")
    token, other = gateway.run_scheduler(first), gateway.run_scheduler(second)
    for path, body in (
        ("adapt", '{"minimum": -1000, "maximum": -1000}'),
        ("adapt", '{"minimum": 0, "maximum": NaN}'),
        ("scale", '{"count": -1000}'),
        ("scale", '{"count": true}'),
    ):
        answer = gateway.ask("POST", f"/api/v1/clusters/{first}/{path}", data=body)
        assert answer.status_code in (409, 422), answer.text
    for count in ("-1000", "NaN", '"9"', "true", "null"):
        assert gateway.beat(first, token, count).status_code == 409
    assert "datalab_gateway_clusters" in gateway.metrics()
    gateway.want(first, token, 5)
    gateway.sees(lambda: len(gateway.workers(first)) == 5, "five worker pods")
    for pod in gateway.workers(first):
        gateway.kube.update("pods", pod["metadata"]["name"], status=running("dask-worker"))
    gateway.sees(
        lambda: gateway.waiting(first)["workers"].get("running") == 5, "all workers are counted"
    )
    gateway.want(first, token, 0)  # although they run on
    gateway.want(second, other, 6)
    gateway.sees(lambda: gateway.workers(second), "a worker pod of the second cluster")
    gateway.sees(lambda: gateway.waiting(second)["workers"]["wanted"] == 1, "one worker is wanted")
    assert len(gateway.workers(second)) == 1


def test_two_starts_at_once_do_not_pass_one_limit(gateway: GatewayParts) -> None:
    with ThreadPoolExecutor(8) as pool:
        body = {"cluster_options": {"size": "small"}}
        starts = [
            pool.submit(gateway.ask, "POST", "/api/v1/clusters/", "ada", json=body)
            for _ in range(8)
        ]
        answers = sorted(start.result().status_code for start in starts)
    assert answers == [201] * 3 + [422] * 5


def test_a_quota_is_told_and_workers_come_when_it_ends(gateway: GatewayParts) -> None:
    name = gateway.open(size="small")
    token = gateway.run_scheduler(name)
    gateway.kube.refuse = lambda pod: (403, QUOTA.format(pod["metadata"].get("generateName")))
    gateway.want(name, token, 3)
    gateway.sees(lambda: gateway.reasons(name) == [("worker", "quota", 3)], "the quota is told")
    text = gateway.waiting(name)["waiting"][0]["text"]
    assert "requests.cpu: 4 of 4 used, 1 more needed" in text
    assert "dask-worker" not in text
    gateway.kube.refuse = nothing
    gateway.sees(lambda: len(gateway.workers(name)) == 3, "three worker pods")
    gateway.sees(
        lambda: gateway.reasons(name) == [("worker", "starting", 3)],
        "the pods are told as starting",
    )


def test_a_refused_scheduler_is_told(gateway: GatewayParts) -> None:
    message = 'pods "x" is forbidden: violates PodSecurity "restricted:latest": seccompProfile'
    gateway.kube.refuse = lambda pod: (403, message)
    name = gateway.open(size="small")
    gateway.sees(
        lambda: gateway.reasons(name) == [("scheduler", "pod_security", 1)],
        "the security rules are told",
    )
    gateway.kube.refuse = nothing
    assert gateway.run_scheduler(name)
    assert gateway.reasons(name) == []


def test_workers_without_a_machine_are_told_and_go_when_unwanted(gateway: GatewayParts) -> None:
    """Upstream never learns of pods without containers, and cannot take them back."""
    name = gateway.open(size="small")
    token = gateway.run_scheduler(name)
    gateway.want(name, token, 3)
    gateway.sees(lambda: len(gateway.workers(name)) == 3, "three worker pods")
    for pod in gateway.workers(name):
        gateway.kube.update("pods", pod["metadata"]["name"], status=unschedulable())
    gateway.sees(
        lambda: gateway.reasons(name) == [("worker", "unschedulable", 3)],
        "the lack of machines is told",
    )
    assert "not enough" not in gateway.waiting(name)["waiting"][0]["text"]
    assert "no machine has enough free memory" in gateway.waiting(name)["waiting"][0]["text"]
    gateway.want(name, token, 1)
    gateway.sees(lambda: len(gateway.workers(name)) == 1, "one worker pod is left")
    gateway.want(name, token, 0)
    gateway.sees(lambda: gateway.workers(name) == [], "no worker pod is left")
    gateway.sees(lambda: gateway.reasons(name) == [], "nothing waits")


def unschedulable() -> dict[str, Any]:
    message = "0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available"
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
    }
    return {"phase": "Pending", "conditions": [condition]}


def test_a_cluster_stopped_at_once_leaves_nothing(gateway: GatewayParts) -> None:
    """Upstream forgets a scheduler whose name has not reached the status yet."""
    for _ in range(5):
        name = gateway.open(size="small")
        gateway.ask("DELETE", f"/api/v1/clusters/{name}")
        gateway.sees(
            lambda one=name: gateway.waiting(one)["status"] == "STOPPED", "the cluster is stopped"
        )
    gateway.sees(lambda: not gateway.kube.listed("pods"), "all pods are gone")
    gateway.sees(lambda: not gateway.kube.listed("secrets"), "all secrets are gone")


def test_a_lost_worker_is_told_and_replaced(gateway: GatewayParts) -> None:
    name = gateway.open(size="small")
    token = gateway.run_scheduler(name)
    gateway.want(name, token, 1)
    gateway.sees(lambda: len(gateway.workers(name)) == 1, "a worker pod")
    (pod,) = gateway.workers(name)
    ended = status(
        "Failed", "dask-worker", {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    )
    gateway.kube.update("pods", pod["metadata"]["name"], status=ended)
    gateway.sees(
        lambda: [one["reason"] for one in gateway.waiting(name)["lost"]] == ["out_of_memory"],
        "the lost worker is told",
    )
    gateway.sees(
        lambda: (
            {one["metadata"]["name"] for one in gateway.workers(name)} - {pod["metadata"]["name"]}
        ),
        "another pod comes",
    )


def test_a_failed_scheduler_ends_the_cluster_with_the_reason(gateway: GatewayParts) -> None:
    name = gateway.open(size="small")
    gateway.run_scheduler(name)
    why = {"exitCode": 1, "reason": "Error", "message": "line\nImportError: dask"}
    ended = status("Failed", "dask-scheduler", {"terminated": why})
    gateway.kube.update("pods", f"dask-scheduler-{name.partition('.')[2]}", status=ended)
    gateway.sees(lambda: gateway.waiting(name)["status"] == "FAILED", "the cluster has failed")
    failure = gateway.waiting(name)["failure"]
    assert failure["reason"] == "crashed"
    assert "ImportError: dask" in failure["text"]


def test_an_owner_only_sees_the_reasons(gateway: GatewayParts) -> None:
    name = gateway.open()
    assert gateway.ask("GET", f"/api/v1/clusters/{name}/waiting", "bob").status_code == 404

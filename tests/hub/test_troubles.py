"""What Kubernetes says about a pod is read once, and told to whoever waits in their own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from geodes_datalab.hub.gateway.kubernetes import reasons
from geodes_datalab.hub.spawn.kubernetes import failures
from geodes_datalab.hub.troubles import KINDS, lost, of_events, of_pod, of_refusal, of_scheduling


def pod(phase: str = "Pending", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "status": {"phase": phase, **status}}


def container(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "c", "image": "lab:9", "state": state, **more}]}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return container({"waiting": {"reason": reason, "message": message}})


CRASHED = {"terminated": {"exitCode": 3, "message": "no such module"}}
SEEN = [
    (pod(), "starting", False),
    (pod(**waiting("ImagePullBackOff", "x509: unknown authority")), "image", True),
    (pod(**waiting("ErrImagePull", "no space left on device")), "image", False),
    (pod(**waiting("ImageInspectError")), "image", False),
    (pod(**waiting("CreatePodSandboxError", "cni")), "container", True),
    (pod("Running", **container({"waiting": {"reason": "CrashLoopBackOff"}}, lastState=CRASHED)),
     "ended", True),
    (pod("Running", **container(CRASHED)), "ended", True),
    (pod("Failed", reason="Evicted", message="disk"), "evicted", True),
    (pod("Failed", reason="NodeLost"), "node", True),
    (pod("Failed"), "failed", True),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "kind", "final"), SEEN)
def test_a_pod_is_read(seen: dict[str, Any], kind: str, final: bool) -> None:
    found = of_pod(seen)
    assert found is not None
    assert (found.kind, found.final) == (kind, final)


@pytest.mark.parametrize("seen", [seen for seen, *_ in SEEN])
def test_both_voices_tell_it(seen: dict[str, Any]) -> None:
    dask = reasons.pod_reason(seen)
    assert dask is not None
    assert dask.reason in reasons.WORDS
    assert "{" not in dask.text
    user = failures.of_pod(seen)
    assert (user is None) == (dask.reason == "starting")
    assert user is None or "{" not in user.message


def test_a_pod_that_runs_or_is_done_has_no_trouble() -> None:
    assert of_pod(pod("Running", **container({"running": {}}))) is None
    assert of_pod(pod("Succeeded", **container({"terminated": {"exitCode": 0}}))) is None


def test_a_process_that_runs_again_was_lost() -> None:
    seen = pod("Running", **container({"running": {}}, lastState=CRASHED, restartCount=4))
    assert of_pod(seen) is None
    found = lost(seen)
    assert found is not None
    assert (found[0].kind, found[0].code, found[1]) == ("ended", 3, 4)


@pytest.mark.parametrize(
    ("message", "kind", "missing"),
    [
        ("0/3 nodes: 2 Insufficient cpu, 1 Insufficient memory.", "room", ("cpu", "memory")),
        ("0/1 nodes: 1 Insufficient nvidia.com/gpu.", "gpu", ("nvidia.com/gpu",)),
        ("0/1 nodes: Too many pods.", "room", ()),
        ("0/2 nodes: node(s) exceed max volume count", "claim", ()),
        ("0/1 nodes: node(s) didn't have free ports", "fit", ()),
    ],
)
def test_why_no_machine_takes_a_pod(message: str, kind: str, missing: tuple[str, ...]) -> None:
    found = of_scheduling(message)
    assert (found.kind, found.missing, found.final) == (kind, missing, False)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (403, 'pods "x" is forbidden: exceeded quota: q', "quota"),
        (403, "maximum cpu usage per Container is 1", "limits"),
        (401, "Unauthorized", "rights"),
        (422, 'Pod "x" is invalid: spec', "description"),
        (500, "etcd is away", "api"),
    ],
)
def test_a_refusal_is_read_from_json_or_text(status: int, message: str, kind: str) -> None:
    body = json.dumps({"kind": "Status", "message": message})
    for given in (message, body, body.encode()):
        found = of_refusal(status, given)
        assert found.kind == kind
        assert '"x" is forbidden' not in found.said
        assert "Status" not in found.said, "the words, not the JSON around them"
    assert of_refusal(status, None).said == f"HTTP {status}"


def test_events_are_read_to_the_last_word() -> None:
    mount = {"type": "Warning", "reason": "FailedMount", "message": 'secret "geo" not found'}
    there = {"type": "Normal", "reason": "Started", "message": ""}
    found = of_events([mount])
    assert found is not None
    assert (found.kind, found.what) == ("absent", "secret geo")
    assert of_events([mount, there]) is None
    assert of_events([there]) is None


def test_kinds_are_listed() -> None:
    assert {kind for _, kind, _ in SEEN} <= set(KINDS)

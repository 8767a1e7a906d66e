"""How refusals in an audit log are judged, on records as a real API server wrote them."""

from __future__ import annotations

from typing import Any

from trials import audit

HUB = "datalab/datalab-hub"
LISTS = audit.Right(HUB, "datalab", "list", "pods")
NAMESPACES = ["datalab", "datalab-dask"]


def record(second: float, *, verb: str = "list", code: int = 403, **more: Any) -> dict[str, Any]:
    return {
        "requestReceivedTimestamp": f"2026-11-23T21:18:{second:09.6f}Z",
        "verb": verb,
        "requestURI": "/api/v1/namespaces/datalab/pods",
        "user": {"username": "system:serviceaccount:datalab:datalab-hub"},
        "objectRef": {"resource": "pods", "namespace": "datalab"},
        "responseStatus": {"code": code},
        "annotations": {"authorization.k8s.io/decision": "forbid" if code == 403 else "allow"},
        **more,
    }


def readyz(second: float, code: int) -> dict[str, Any]:
    made = record(second, verb="get", code=code, requestURI="/readyz")
    del made["objectRef"]
    return made | {"user": {"username": "system:apiserver"}}


def binding(second: float, verb: str, name: str = "datalab-hub") -> dict[str, Any]:
    ref = {"resource": "rolebindings", "namespace": "datalab", "name": name}
    return record(second, verb=verb, code=200, objectRef=ref, user={"username": "admin"})


def judged(*records: dict[str, Any], given: tuple[audit.Right, ...] = (LISTS,)) -> audit.Account:
    return audit.judge(lambda: iter(records), set(given), NAMESPACES)


def test_a_refusal_is_a_refusal() -> None:
    found = judged(record(39, code=200), record(40), readyz(50, 500))
    assert found.used == {LISTS: 1}
    assert len(found.refused) == 1
    assert found.excused == []


def test_an_api_server_that_starts_knows_no_roles() -> None:
    found = judged(record(39.7), readyz(39.9, 500), readyz(40.8, 200))
    assert found.refused == []
    assert "was starting" in found.excused[0]


def test_one_that_is_ready_has_no_excuse() -> None:
    assert len(judged(readyz(39.9, 500), readyz(40.8, 200), record(42)).refused) == 1


def test_what_no_role_gives_has_no_excuse() -> None:
    assert len(judged(record(39.7), readyz(39.9, 500), given=()).refused) == 1


def test_roles_go_before_the_pods_that_use_them() -> None:
    gone, back = binding(10, "delete"), binding(20, "create")
    assert "had been removed" in judged(gone, record(11), back).excused[0]
    assert len(judged(gone, back, record(21)).refused) == 1
    assert len(judged(record(9), gone).refused) == 1


def test_another_release_s_roles_are_no_excuse() -> None:
    assert len(judged(binding(10, "delete", "other-hub"), record(11)).refused) == 1

"""A real hub whose pods live in a Kubernetes API in memory; tests play the kubelet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from support.kubernetes_hub import Hub, running_hub, waiting
from support.waiting import minutes

from geodes_datalab.hub import pages
from geodes_datalab.hub.steps.pages import TEMPLATES

QUOTA = (
    'pods "{}" is forbidden: exceeded quota: users, requested: requests.cpu=1, '
    "used: requests.cpu=4, limited: requests.cpu=4"
)
SECURITY = (
    'pods "{}" is forbidden: violates PodSecurity "restricted:latest": restricted volume types '
    '(volume "x" uses restricted volume type "hostPath")'
)
UNSCHEDULABLE = "0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes ..."
MULTI = 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) jupyter-x'


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with running_hub(tmp_path_factory.mktemp("kubernetes-hub")) as running:
        yield running


def test_the_pages_say_what_is_announced_and_that_this_is_a_trial(hub: Hub) -> None:
    login = requests.get(f"{hub.address}/hub/login", timeout=minutes(2)).text
    assert "Maintenance <b>on Friday</b>" in login
    assert "TRIAL ONLY" in login
    session = hub.browser("carla")
    for page in ("home", "spawn"):
        assert "Maintenance <b>on Friday</b>" in session.get(f"{hub.address}/hub/{page}").text
    assert "Maintenance" not in session.get(f"{hub.address}/hub/token").text
    assert "TRIAL ONLY" in hub.log.read_text()


def test_metrics_need_their_token_and_it_is_good_for_nothing_else(hub: Hub) -> None:
    assert requests.get(f"{hub.address}/hub/metrics", timeout=minutes(2)).status_code == 403
    answer = hub.api("GET", "/metrics", "monitoring")
    assert answer.ok
    assert "jupyterhub_" in answer.text
    assert hub.failures("image") == 0
    assert hub.api("GET", "/users", "monitoring").status_code == 403


def test_a_server_starts_and_stops(hub: Hub) -> None:
    assert hub.start("ada").status_code == 202
    pod = hub.pod("ada")
    hub.event("ada", "Scheduled", "Successfully assigned", "Normal")
    hub.event("ada", "Pulling", "Pulling image", "Normal")
    ready = [{"name": "notebook", "ready": True, "state": {"running": {}}}]
    found, messages = "A machine was found for your server.", []
    for event in hub.telling("ada"):
        messages.append(event["message"])
        if event["message"] == found:  # no server is there before that was seen
            hub.status("ada", phase="Running", podIP="127.0.0.1", containerStatuses=ready)
    assert event["ready"], messages
    assert found in messages
    assert hub.api("GET", "/users/ada").json()["servers"][""]["ready"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert hub.api("DELETE", "/users/ada/server").status_code in {202, 204}
    hub.sees(lambda: "jupyter-ada" not in hub.kube.objects["pods"], "the pod is gone")
    assert not hub.kube.objects.get("persistentvolumeclaims")
    assert "is slow to" not in hub.log.read_text()


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ({"profile": "big"}, 403, "The profile 'big' is not offered to you"),
        ({"profile": "small", "image--unlisted-choice": "evil/x:1"}, 400, "option 'image'"),
        ({"image": "evil/x:1"}, 400, "option 'image'"),
        ({"profile": {"$gt": ""}}, 400, "Options of a server are texts"),
    ],
)
def test_the_api_refuses_what_the_form_does_not_offer(
    hub: Hub, options: dict[str, Any], status: int, said: str
) -> None:
    before = hub.failures("refused")
    told, message = hub.refusal("bob", options)
    assert told in (None, status), message
    assert said in message
    assert "jupyter-bob" not in hub.kube.objects.get("pods", {})
    assert hub.failures("refused") == before + 1
    hub.sees(lambda: not hub.api("GET", "/users/bob").json()["servers"], "no server is left")


def test_a_group_opens_a_profile(hub: Hub) -> None:
    hub.user("gil", "big-users")
    assert hub.start("gil", {"profile": "big"}).status_code == 202
    hub.pod("gil")
    hub.api("DELETE", "/users/gil/server")


@pytest.mark.parametrize(
    ("refusal", "reason", "said"),
    [
        ((403, QUOTA), "quota", "The datalab's quota in this cluster is used up"),
        ((403, SECURITY), "security", "it breaks the security rules of its namespace"),
        ((403, 'pods is forbidden: User "x" cannot create'), "rights", "compare the hub's Role"),
        ((422, 'Pod "x" is invalid: spec.foo'), "settings", "cannot read the description"),
    ],
)
def test_a_pod_that_the_cluster_refuses(
    hub: Hub, refusal: tuple[int, str], reason: str, said: str
) -> None:
    before = hub.failures(reason)
    hub.kube.refuse = lambda _: refusal
    try:
        hub.start("kim")
        told = hub.progress("kim")[-1]
    finally:
        hub.kube.refuse = lambda _: None
    assert told["failed"], told
    assert said in told["message"]
    assert "Kubernetes says" in told["message"]
    assert hub.failures(reason) == before + 1


HOPELESS = [
    (waiting("ErrImagePull", "manifest unknown"), "image", "cannot be used: it does not exist"),
    (waiting("ImagePullBackOff", "401 Unauthorized"), "image", "its registry refuses access"),
    (waiting("InvalidImageName", "bad"), "image", "cannot be used"),
    (
        waiting("CreateContainerConfigError", 'secret "geodes" not found'),
        "settings",
        'secret "geodes" not found',
    ),
    (
        {
            "containerStatuses": [
                {
                    "name": "notebook",
                    "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                }
            ]
        },
        "memory",
        "Choose a profile with more memory",
    ),
    (
        {
            "phase": "Running",
            "podIP": "127.0.0.2",
            "containerStatuses": [
                {
                    "name": "notebook",
                    "ready": True,
                    "state": {"running": {}},
                    "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}},
                }
            ],
        },
        "crash",
        "(container notebook, exit code 3)",
    ),
]


@pytest.mark.parametrize(("status", "reason", "said"), HOPELESS)
def test_a_hopeless_pod_is_given_up_at_once_and_removed(
    hub: Hub, status: dict[str, Any], reason: str, said: str
) -> None:
    before = hub.failures(reason)
    hub.start("lou")
    hub.pod("lou")
    hub.status("lou", **status)
    told = hub.progress("lou")[-1]
    assert told["failed"], told
    assert said in told["message"]
    assert hub.failures(reason) == before + 1
    hub.sees(lambda: "jupyter-lou" not in hub.kube.objects["pods"], "the pod is gone")


WAITING = {
    "may": (
        ("FailedScheduling", UNSCHEDULABLE),
        "unschedulable",
        "No machine has enough free room for this server.",
        "Choose a smaller profile",
    ),
    "moe": (
        ("FailedAttachVolume", MULTI),
        "volume",
        "Your home is still attached to another machine.",
        "stop servers of yours that still run",
    ),
}
"""Users whom the hub waits for `kubernetes_hub.WAITS` seconds only: both at once, it is the same wait."""


def test_waiting_is_told_with_its_reason_and_ends_with_it(hub: Hub) -> None:
    before = {reason: hub.failures(reason) for _, reason, _, _ in WAITING.values()}
    for name, (event, *_) in WAITING.items():
        hub.start(name)
        hub.pod(name)
        hub.event(name, *event)
    with ThreadPoolExecutor(len(WAITING)) as pool:  # each is read while it lasts
        all_told = dict(zip(WAITING, pool.map(hub.progress, WAITING), strict=True))
    for name, (_, reason, words, said) in WAITING.items():
        told = all_told[name]
        assert any(words in event["message"] for event in told[:-1]), told
        assert told[-1]["failed"], told
        assert words in told[-1]["message"]
        assert said in told[-1]["message"]
        assert hub.failures(reason) == before[reason] + 1


def test_a_failure_is_told_on_its_page_too(hub: Hub) -> None:
    session = hub.browser("noa")
    hub.kube.refuse = lambda _: (403, QUOTA)
    try:
        form = {"profile": "small", "_xsrf": session.cookies["_xsrf"]}
        answer = session.post(f"{hub.address}/hub/spawn", data=form, timeout=minutes(2))
    finally:
        hub.kube.refuse = lambda _: None
    assert answer.status_code == 503
    assert "The datalab&#39;s quota in this cluster is used up" in answer.text
    answer = session.get(f"{hub.address}/hub/spawn-pending/noa", timeout=minutes(2))
    assert answer.status_code == 503
    assert "is used up" in answer.text


def test_a_busy_hub_asks_to_wait(hub: Hub) -> None:
    for name in ("one", "two"):
        assert hub.start(name).status_code == 202
        hub.pod(name)
    answer = hub.start("three")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 10
    session = hub.browser("four")
    page = session.get(f"{hub.address}/hub/spawn/four?opt-profile=small", timeout=minutes(2))
    assert page.status_code == 429
    assert int(page.headers["Retry-After"]) >= 10
    assert "<strong>Please wait a moment.</strong>" in page.text
    for name in ("one", "two"):
        hub.status(name, **waiting("InvalidImageName", ""))
        assert hub.progress(name)[-1]["failed"]


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (429, "Too many users trying to log in", "Many servers are starting right now"),
        (429, "Active user limit exceeded.", "All places of this datalab are taken"),
        (404, "no such page", "no such page"),
    ],
)
def test_the_page_of_a_busy_hub_tries_again_by_itself(status: int, message: str, said: str) -> None:
    """Where nothing is asked before a start, there is no form to say it on."""
    base = Path(sys.prefix) / "share/jupyterhub/templates"
    loader = ChoiceLoader(
        [
            PrefixLoader({"templates": FileSystemLoader(base)}, "/"),
            FileSystemLoader([TEMPLATES, base]),
        ]
    )
    page = Environment(loader=loader, autoescape=True, extensions=[pages.EXTENSION]).get_template(
        "error.html"
    )
    error = SimpleNamespace(headers={"Retry-After": 40}) if status == 429 else ValueError()
    text = page.render(
        static_url=lambda *_, **__: "",
        status_code=status,
        status_message="?",
        message=message,
        exception=error,
        datalab_told=str,
    )
    assert said in text
    again = '<meta http-equiv="refresh" content="40">'
    assert (again in text) is (status == 429)

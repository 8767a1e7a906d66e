"""What others may not do, and what people are told who ask for too much."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests
from support.visitor import Kernel, Visitor
from support.waiting import eventually, minutes
from trials import Release, people

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

REFUSED = """
def refused(**options):
    'Ask for a cluster, and print why there is none.'
    try:
        extra = gateway.new_cluster(**options)
    except Exception as error:
        print(type(error).__name__ + ': ' + ' '.join(str(error).split()))
    else:
        extra.shutdown()
        print('NOT REFUSED')
"""


@pytest.fixture(scope="module")
def dashboard(desk: Kernel) -> str:
    desk.run(REFUSED)
    return people.dashboard(desk)


def test_dashboard_and_its_socket_are_the_owners(
    dashboard: str, alice: Visitor, bob: Visitor, release: Release
) -> None:
    socket = dashboard.removesuffix("status") + "status/ws"
    assert alice.get(dashboard).status_code == 200
    assert alice.websocket_status(socket) == 101
    address = f"{release.url}user/alice/{dashboard}"
    anonymous = requests.get(address, allow_redirects=False, timeout=minutes(2))
    assert anonymous.status_code == 302
    assert "/hub/" in anonymous.headers["Location"]
    assert bob.get(dashboard, user="alice", allow_redirects=True).status_code in (403, 404)
    assert bob.websocket_status(socket, user="alice") in (302, 403, 404)


@pytest.mark.parametrize("page", ["lab", "api/contents", "api/kernels", "tree", "files/notebooks"])
def test_server_is_the_owners(page: str, alice: Visitor, bob: Visitor) -> None:
    answer = bob.get(page, user="alice", allow_redirects=True)
    assert answer.status_code in (403, 404)


def test_nobody_stops_anothers_server(alice: Visitor, bob: Visitor) -> None:
    assert bob.hub("DELETE", "users/alice/server").status_code in (403, 404)
    assert bob.hub("GET", "users/alice").status_code in (403, 404)
    assert bob.hub("GET", "users").status_code == 403
    assert alice.server_answers()


def test_anothers_cluster_is_not_there(desk: Kernel, bobs_desk: Kernel, dashboard: str) -> None:
    name = people.cluster_name(desk)
    code = (
        f"print({name!r} in [one.name for one in gateway.list_clusters()])\n"
        "for verb in (gateway.get_cluster, gateway.connect, gateway.stop_cluster):\n"
        f"    try: verb({name!r})\n"
        "    except Exception as error: print(type(error).__name__, error)\n"
        "    else: print('REACHED')"
    )
    told = bobs_desk.run(code)
    assert told.startswith("False")
    assert "REACHED" not in told
    assert len(told.strip().splitlines()) == 4
    desk.run("works()")
    prefix = dashboard.split("/clusters/", maxsplit=1)[0]
    for page in (f"{prefix}/clusters/{name}/status", f"{prefix}/api/v1/clusters/{name}"):
        through_own_server = bobs_desk.visitor.get(page)
        assert through_own_server.status_code in (401, 403, 404), page


def test_an_image_outside_the_list_is_refused(desk: Kernel, dashboard: str) -> None:
    said = desk.run("refused(image='docker.io/library/python:3.13')")
    assert "NOT REFUSED" not in said
    assert "docker.io/library/python:3.13" in said
    assert "image" in said


def test_an_unknown_option_is_refused(desk: Kernel, dashboard: str) -> None:
    said = desk.run("refused(colour='green')")
    assert "NOT REFUSED" not in said
    assert "colour" in said


def test_an_unknown_size_is_refused_with_the_known_ones(desk: Kernel, dashboard: str) -> None:
    said = desk.run("refused(size='giant')")
    assert "NOT REFUSED" not in said
    assert "giant" in said
    assert "small" in said


def test_only_allowed_variables_reach_workers(desk: Kernel, dashboard: str) -> None:
    said = desk.run(
        "refused(environment={'LD_PRELOAD': 'x'}); refused(environment={'GDAL_API_KEY': 'x'})"
    )
    foreign, secret = said.strip().splitlines()[-2:]
    assert "LD_PRELOAD" in foreign
    assert "secret" in secret


def test_a_third_cluster_is_refused(desk: Kernel, dashboard: str) -> None:
    said = desk.run(
        "second = gateway.new_cluster()\nrefused()\nsecond.shutdown()", timeout=minutes(10)
    )
    assert "NOT REFUSED" not in said
    assert "limit" in said
    assert people.cluster_name(desk) in said


def test_what_a_refusal_leaves_does_not_hang_the_kernel(desk: Kernel, dashboard: str) -> None:
    code = (
        "import gc\n"
        "for _ in range(3): refused(size='giant')\n"
        "gateway.loop.asyncio_loop.call_soon_threadsafe(gc.collect)\n"  # as it happens by chance
        "print(len(gateway.list_clusters()))"
    )
    assert desk.run(code).split()[-1] == "1"


def test_more_workers_than_allowed_are_told(desk: Kernel, dashboard: str) -> None:
    code = (
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    cluster.scale(100)\n"
        "cluster.scale(2)\n"
        "print([str(one.message) for one in caught])"
    )
    assert re.search("Scaling to [1-6] instead", desk.run(code))
    eventually(lambda: people.workers(desk) == 2, "two workers again", within=5)


def test_a_bad_token_is_told_with_advice(desk: Kernel, dashboard: str) -> None:
    code = (
        "import requests\n"
        "address = f'{gateway.address}/api/v1/clusters/'\n"
        "answer = requests.get(address, headers={'Authorization': 'jupyterhub wrong'}, timeout=60)\n"
        "print(answer.status_code, answer.text)"
    )
    said = desk.run(code)
    assert said.startswith("401")
    assert "stop and start your server" in said


# Spawns that are refused. Carol has no server.


@pytest.fixture(scope="module")
def carol(release: Release) -> Visitor:
    return release.visitor("carol")


def test_form_shows_the_profiles_that_one_may_have(carol: Visitor, release: Release) -> None:
    page = carol.session.get(f"{release.url}hub/spawn", timeout=minutes(2))
    assert page.status_code == 200
    assert all(name in page.text for name in ("Small", "Large", "Enough for a first look"))
    assert "Teacher" not in page.text
    form = release.visitor("admin").session.get(f"{release.url}hub/spawn", timeout=minutes(2))
    assert "Teacher" in form.text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"profile": "huge"}, "huge"),
        ({"profile": "teacher"}, "teacher"),
        ({"profile": "small", "image": "docker.io/library/python:3.13"}, "image"),
        ({"profile": "large", "colour": "red"}, "red"),
        ({"profile": "small", "taste": "sweet"}, "taste"),
    ],
)
def test_a_spawn_that_may_not_be_is_refused(
    options: dict[str, str], said: str, carol: Visitor
) -> None:
    assert said in people.refusal(carol, options)
    eventually(lambda: not people.active(carol), "the end of what was refused")


def test_the_form_tells_what_was_wrong(carol: Visitor) -> None:
    answer = carol.start_by_form({"profile": "huge"})
    assert answer.status_code in (200, 400, 403, 422)
    assert "huge" in answer.text
    eventually(lambda: not people.active(carol), "the end of what was refused")


def test_choices_of_a_profile_reach_the_server(carol: Visitor) -> None:
    fields = {
        "profile": "large",
        "profile-option-large--colour": "blue",
        "profile-option-large--yes": "010",
    }
    answer = carol.start_by_form(fields)
    assert answer.status_code == 302, answer.text[-2000:]
    eventually(carol.server_answers, "carol's Lab", within=15)
    said = carol.kernel().run("import os; print(*map(os.environ.get, ['COLOUR', 'NO', 'ON']))")
    assert said.split() == ["blue", "010", "1e3"]
    people.leave(carol)


@pytest.fixture
def no_more_homes(release: Release, carol: Visitor) -> Iterator[None]:
    with people.no_more_homes(release):
        yield


def test_a_used_up_quota_stops_new_homes_only(
    no_more_homes: None, carol: Visitor, release: Release
) -> None:
    people.settle(carol)  # her home exists
    people.leave(carol)
    newcomer = release.visitor("newcomer")
    answer = newcomer.start({"profile": "small"})
    last = newcomer.progress()[-1] if answer.ok else {"failed": True, "message": answer.text}
    assert last.get("failed"), last
    assert "quota" in last["message"]

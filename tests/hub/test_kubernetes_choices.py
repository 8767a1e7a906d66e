"""What users may choose, and that everything else is refused however it is asked for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kubernetes_pods import person, pod_of

from geodes_datalab.hub import load
from geodes_datalab.hub.images import permitted, well_formed
from geodes_datalab.hub.spawn.kubernetes import choices
from geodes_datalab.hub.spawn.kubernetes.choices import Person, Refusal, check, offered
from geodes_datalab.hub.spawn.kubernetes.spawner import SpawnFailure

USER = Person(frozenset(), admin=False)
MEMBER = Person(frozenset({"gpu-users"}), admin=False)
ADMIN = Person(frozenset(), admin=True)


@pytest.fixture
def choosing(pods: dict[str, Any]) -> dict[str, Any]:
    pods["singleuser"] |= {
        "allowed_images": {"team": "registry.example.org/team/*"},
        "profiles": {
            "gpu": {
                "groups": ["gpu-users"],
                "gpu": 2,
                "node_selector": {"pool": "gpu"},
                "tolerations": [{"key": "gpu", "operator": "Exists"}],
                "extra_env": {"BRACES": "{x}"},
            },
            "huge": {"admins_only": True, "memory": {"limit_gib": 64, "shared_gib": 32}},
            "small": {
                "default": True,
                "display_name": "Small",
                "description": "For reading",
                "cpu": {"limit": 0.05},
                "options": {
                    "image": {
                        "choices": {
                            "standard": {"default": True},
                            "torch": {"image": "registry.example.org/datalab/torch:1"},
                            "beta": {
                                "image": "registry.example.org/datalab/beta:1",
                                "groups": ["b"],
                            },
                        }
                    },
                    "secret": {"admins_only": True, "choices": {"a": {}}},
                },
            },
        },
    }
    return pods


def names(values: dict[str, Any], who: Person) -> dict[str, list[str]]:
    return {
        offer["slug"]: [
            f"{option}.{choice}"
            for option, content in offer["profile_options"].items()
            for choice in content["choices"]
        ]
        for offer in offered(load(values).singleuser, who)
    }


def test_profiles_options_and_choices_are_filtered(choosing: dict[str, Any]) -> None:
    small = ["image.standard", "image.torch"]
    assert names(choosing, USER) == {"small": small}
    assert names(choosing, MEMBER) == {"gpu": [], "small": small}
    beta = ["image.beta", "image.standard", "image.torch", "secret.a"]
    assert names(choosing, ADMIN) == {"gpu": [], "huge": [], "small": beta}


def test_who_sees_no_profile_gets_no_server(choosing: dict[str, Any]) -> None:
    del choosing["singleuser"]["profiles"]["small"]
    with pytest.raises(Refusal, match="No kind of server is offered to you"):
        names(choosing, USER)
    with pytest.raises(SpawnFailure) as caught:
        pod_of(choosing)
    assert caught.value.status_code == 403


def test_choices_change_the_pod(choosing: dict[str, Any]) -> None:
    pod = pod_of(choosing, {"profile": "small", "image": "torch"})["spec"]
    assert pod["containers"][0]["image"] == "registry.example.org/datalab/torch:1"
    resources = pod["containers"][0]["resources"]
    assert resources["limits"]["cpu"] == resources["requests"]["cpu"] == 0.05
    gpu = pod_of(choosing, {"profile": "gpu"}, groups=("gpu-users",))["spec"]
    assert gpu["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert gpu["nodeSelector"] == {"pool": "gpu"}
    assert gpu["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    env = {e["name"]: e.get("value") for e in gpu["containers"][0]["env"]}
    assert env["BRACES"] == "{x}"
    huge = pod_of(choosing, {"profile": "huge"}, admin=True)["spec"]
    assert {v["name"]: v for v in huge["volumes"]}["dev-shm"]["emptyDir"]["sizeLimit"] == "32768Mi"


def test_without_a_choice_the_default_is_taken(choosing: dict[str, Any]) -> None:
    image = "registry.example.org/datalab/notebook:1"
    assert pod_of(choosing)["spec"]["containers"][0]["image"] == image


REFUSED = [
    ({"profile": "gpu"}, 403, "profile 'gpu' is not offered to you"),
    ({"profile": "smal"}, 403, 'did you mean "small"?'),
    ({"profile": "small", "image": "beta"}, 403, "choice of image 'beta' is not offered"),
    ({"profile": "small", "secret": "a"}, 400, "option 'secret' is not offered to you"),
    ({"image": "evil.example.org/x"}, 403, "choice of image 'evil.example.org/x'"),
    ({"cpu_limit": "64"}, 400, "option 'cpu_limit' is not offered to you"),
    ({"profile": ["small"]}, 400, "Options of a server are texts"),
    ({"profile": "small", "image": {"a": 1}}, 400, "Options of a server are texts"),
    (
        {"profile": "small", "image--unlisted-choice": "registry.example.org/team/x:1"},
        403,
        "takes no other value",
    ),
]


@pytest.mark.parametrize(("options", "status", "said"), REFUSED)
def test_what_is_not_offered_is_refused(
    choosing: dict[str, Any], options: dict[str, Any], status: int, said: str
) -> None:
    """As the API lets anybody with a token send anything."""
    with pytest.raises(SpawnFailure) as caught:
        pod_of(choosing, options)
    assert caught.value.status_code == status
    assert caught.value.reason == "refused"
    assert said in caught.value.message
    assert "choose again" in caught.value.message


def test_refused_choices_are_forgotten(choosing: dict[str, Any]) -> None:
    """Else a profile that was removed would be asked for at every start."""

    async def start() -> Any:
        spawner = person(choosing)
        spawner.user_options = {"profile": "gone"}
        spawner.orm_spawner.user_options = {"profile": "gone"}
        with pytest.raises(SpawnFailure):
            await spawner.load_user_options()
        assert spawner.orm_spawner.user_options is None
        await spawner.load_user_options()

    asyncio.run(start())


@pytest.fixture
def free(choosing: dict[str, Any]) -> dict[str, Any]:
    choosing["singleuser"]["other_image"] = {"enabled": True, "groups": ["gpu-users"]}
    return choosing


def typed(image: str) -> dict[str, str]:
    return {"profile": "small", "image--unlisted-choice": image}


def test_an_allowed_image_may_be_typed(free: dict[str, Any]) -> None:
    image = "registry.example.org/team/lab:2"
    pod = pod_of(free, typed(image), groups=("gpu-users",))
    assert pod["spec"]["containers"][0]["image"] == image


@pytest.mark.parametrize(
    ("image", "status", "said"),
    [
        ("evil.example.org/team/lab:2", 403, "allowed are: registry.example.org/team/*"),
        ("registry.example.org/team/../x:2", 400, "is not the name of an image"),
        ("registry.example.org/team/x:2\n", 400, "is not the name of an image"),
        ("registry.example.org/team/x {username}", 400, "is not the name of an image"),
    ],
)
def test_a_foreign_image_is_refused(
    free: dict[str, Any], image: str, status: int, said: str
) -> None:
    with pytest.raises(SpawnFailure) as caught:
        pod_of(free, typed(image), groups=("gpu-users",))
    assert caught.value.status_code == status
    assert said in caught.value.message


def test_an_allowed_image_only_for_those_who_see_the_field(free: dict[str, Any]) -> None:
    with pytest.raises(SpawnFailure, match="takes no other value"):
        pod_of(free, typed("registry.example.org/team/lab:2"))


def test_an_image_without_profiles(free: dict[str, Any]) -> None:
    free["singleuser"]["profiles"] = {}
    image = "registry.example.org/team/lab:2"
    options = {"image--unlisted-choice": image}
    pod = pod_of(free, options, groups=("gpu-users",))
    assert pod["spec"]["containers"][0]["image"] == image
    with pytest.raises(SpawnFailure, match="none is offered to you"):
        pod_of(free, options)
    assert pod_of(free, {})["spec"]["containers"][0]["image"].endswith("notebook:1")


def test_profiles_written_in_python_cannot_let_foreign_images_in(pods: dict[str, Any]) -> None:
    pods["singleuser"]["allowed_images"] = {"team": "registry.example.org/team/*"}
    pods["hub"]["config"] = {
        "KubeSpawner": {
            "profile_list": [
                {
                    "display_name": "Own",
                    "slug": "own",
                    "profile_options": {
                        "image": {
                            "display_name": "Image",
                            "unlisted_choice": {
                                "enabled": True,
                                "display_name": "Image",
                                "kubespawner_override": {"image": "{value}"},
                            },
                        }
                    },
                }
            ]
        }
    }
    ok = {"profile": "own", "image--unlisted-choice": "registry.example.org/team/a:1"}
    assert pod_of(pods, ok)["spec"]["containers"][0]["image"].endswith("team/a:1")
    for options in (
        {"profile": "own", "image--unlisted-choice": "evil.example.org/a:1"},
        {"profile": "other"},
        {"profile": "own", "image": "unknown"},
    ):
        with pytest.raises(SpawnFailure) as caught:
            pod_of(pods, options)
        assert caught.value.status_code in {400, 403}


def test_the_form_shows_what_is_offered(free: dict[str, Any]) -> None:
    async def form(**who: Any) -> str:
        text: str = await person(free, **who).get_options_form()
        return text

    plain, member = asyncio.run(form()), asyncio.run(form(groups=("gpu-users",)))
    assert 'value="small"' in plain
    assert 'value="gpu"' not in plain
    assert "torch" in plain
    assert "beta" not in plain
    assert "Another image" not in plain
    assert 'value="gpu"' in member
    assert "Another image" in member
    assert 'pattern="^(registry\\.example\\.org/team/.*)$"' in member


def test_no_profiles_no_question(pods: dict[str, Any]) -> None:
    async def form() -> Any:
        return await person(pods).get_options_form()

    assert not asyncio.run(form())
    assert pod_of(pods)["spec"]["containers"][0]["image"].endswith("notebook:1")


@pytest.mark.parametrize(
    ("image", "is_one"),
    [
        ("lab", True),
        ("localhost:5000/team/lab:1.2_x", True),
        ("registry.example.org/a/b@sha256:" + "0" * 64, True),
        ("Registry.Example.org/a/b", True),
        ("registry.example.org/A/b", False),
        ("a/b:", False),
        ("a//b", False),
        ("", False),
        ("a b", False),
        ("a/b@sha256:12", False),
        ("x" * 600, False),
    ],
)
def test_references_of_images(image: str, is_one: bool) -> None:
    assert well_formed(image) is is_one


def test_patterns_name_whole_references() -> None:
    assert permitted("a.org/x/y:1", ["b.org/*", "a.org/x/*"])
    assert not permitted("a.org/x/y:1", ["a.org/x/y"])
    assert not permitted("evil.org/a.org/x/y:1", ["a.org/x/*"])
    assert not permitted("a.org/x/y:1", [])


def test_unlisted_means_what_kubespawner_means() -> None:
    """The suffix is KubeSpawner's, and its form uses it."""
    from pathlib import Path

    import kubespawner

    form = Path(kubespawner.__file__).parent / "templates" / "form.html"
    assert choices.UNLISTED in form.read_text()


def test_checks_need_no_offer_where_nothing_is_asked() -> None:
    check({}, [], ())
    with pytest.raises(Refusal, match="no profiles"):
        check({"profile": "x"}, [], ())

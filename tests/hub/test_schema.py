from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub import Settings, load
from geodes_datalab.hub.pods import variables_of_servers
from geodes_datalab.settings import Model, Secret


def test_defaults_are_usable_and_frozen() -> None:
    settings = load({})
    assert settings.cull.timeout == 3600
    with pytest.raises(ValidationError):
        settings.cull.timeout = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"cul": {}}, 'cul: there is no such setting; did you mean "cull"?'),
        ({"cull": {"timout": 5}}, 'cull.timout: there is no such setting; did you mean "timeout"?'),
        (
            {"gateway": {"workers": {"max_core": 4}}},
            'gateway.workers.max_core: there is no such setting; did you mean "max_cores"?',
        ),
        (
            {"singleuser": {"extra_tolerations": [{"keey": "a"}]}},
            'singleuser.extra_tolerations.0.keey: there is no such setting; did you mean "key"?',
        ),
        (
            {"singleuser": {"profiles": {"a": {"tolerations": [{"efect": "x"}]}}}},
            'profiles.a.tolerations.0.efect: there is no such setting; did you mean "effect"?',
        ),
        (
            {"singleuser": {"extraEnv": {"A": {"valeu": "x"}}}},
            'extraEnv.A.valeu: there is no such setting; did you mean "value"?',
        ),
        ({"hub": {"zzz": 1}}, "known here: activeServerLimit, allowNamedServers"),
        ({"cull": {"timeout": -1}}, "cull.timeout: Input should be greater than 0"),
        ({"gateway": {"workers": {"cores": 4, "max_cores": 2}}}, "larger than the largest one"),
        ({"gateway": {"database": "sqlite:///x"}}, "a database on disk needs encryption_key"),
        ({"hub": {"cookie_secret": {}}}, "name either a file or an environment variable"),
        ({"singleuser": {"language": "de"}}, "singleuser.language: Input should be 'en' or 'fr'"),
    ],
)
def test_wrong_settings_are_told_with_the_right_key(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(values)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"authenticator": {"kind": "oidc"}}, "authenticator: it is auth (authenticator.kind"),
        ({"cull": {"minutes": 30}}, "cull.minutes: it is cull.timeout, in seconds now"),
        ({"gateway": {"backend": "slurm"}}, "gateway.backend: it is gateway.kind now"),
        ({"spawner": {"kubernetes": {}}}, "spawner.kubernetes: it is singleuser now"),
    ],
)
def test_names_from_before_are_told_with_todays(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(values)
    assert said in str(caught.value)


def test_names_are_those_of_the_chart_or_python_s() -> None:
    ours = load({"gateway": {"limits": {"memory_gib": 8}}, "hub": {"load_roles": {"x": {}}}})
    theirs = load({"gateway": {"limits": {"memoryGiB": 8}}, "hub": {"loadRoles": {"x": {}}}})
    assert ours == theirs
    with pytest.raises(ConfigurationError, match=r"gateway\.limits\.memoryGiB: Input should be"):
        load({"gateway": {"limits": {"memoryGiB": -1}}})
    with pytest.raises(ConfigurationError, match=r"gateway\.limits\.memory_gib: Input should be"):
        load({"gateway": {"limits": {"memory_gib": -1}}})


def test_variables_keep_their_spaces_and_become_text() -> None:
    given = {"A": " x ", "B": True, "C": 12345678901, "D": {"value": " "}}
    told = variables_of_servers(load({"singleuser": {"extraEnv": given}}))
    assert told == {"A": " x ", "B": "true", "C": "12345678901", "D": " "}


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"cul": {}, "hub": {"urll": ""}, "cull": {"timeout": "soon"}})
    message = str(caught.value)
    assert "cul:" in message
    assert "hub.urll:" in message
    assert "cull.timeout:" in message


def test_values_are_not_repeated_in_errors() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"auth": {"password": "hunter2-hunter2"}})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    path = tmp_path / f"settings{suffix}"
    path.write_text("[cull]\ntimeout = 7\n" if suffix == ".toml" else '{"cull": {"timeout": 7}}')
    monkeypatch.setenv("GEODES_DATALAB_SETTINGS", str(path))
    assert load(path) == load() == load({"cull": {"timeout": 7}})


def test_no_file_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="set GEODES_DATALAB_SETTINGS"):
        load()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "none.toml")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ConfigurationError, match="holds no table"):
        load(tmp_path / "list.json")
    (tmp_path / "wrong.toml").write_text("= 3")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "wrong.toml")


def test_written_settings_are_read_back(values: dict[str, Any]) -> None:
    settings = load(values)
    text = json.dumps(settings.model_dump(mode="json", exclude_none=True))
    assert load(json.loads(text)) == settings


def test_secrets_are_read_late_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    secret = Secret(file=path)
    with pytest.raises(ConfigurationError, match="a secret of the hub is missing"):
        secret.read()
    path.write_text("  \n")
    with pytest.raises(ConfigurationError, match="is empty"):
        secret.read()
    path.write_text("word\n")
    assert secret.read() == "word"
    assert "word" not in repr(secret)
    monkeypatch.setenv("HUB_WORD", "other")
    assert Secret(env="HUB_WORD").read() == "other"


def test_every_setting_is_described() -> None:
    """The reference page is made of these descriptions."""
    for name, field in Settings.model_fields.items():
        assert field.annotation is not None
        assert field.annotation.__doc__, name


def test_every_setting_says_what_it_means() -> None:
    for model in Model.__subclasses__():
        for name, field in model.model_fields.items():
            group = isinstance(field.annotation, type) and issubclass(field.annotation, Model)
            assert field.description or group, f"{model.__name__}.{name}"


def test_every_reason_for_a_failure_is_in_the_reference() -> None:
    from geodes_datalab.hub.spawn.kubernetes.failures import REASONS

    page = (Path(__file__).parents[2] / "docs/reference/hub.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == sorted(REASONS)

from __future__ import annotations

import json
import stat
from pathlib import Path

import certifi
import pytest
from support.control_groups import inside, limited

from geodes_datalab._authorities import VARIABLES
from geodes_datalab.auth import ApiKey
from geodes_datalab.errors import ConfigurationError, LocalModeError, StorageError
from geodes_datalab.hub import load
from geodes_datalab.local import plan, ports, secrets, trust
from geodes_datalab.local.layout import Layout, layout

PORTS = ports.block(9000)
CHP = ["node", "chp"]


@pytest.fixture
def furnished(place: Layout) -> Layout:
    secrets.ensure(place)
    return place


def settled(place: Layout, wishes: plan.Wishes) -> dict[str, str]:
    settings = plan.make_settings(place, PORTS, wishes)
    plan.write_settings(place, settings)
    assert load(place.settings) == settings
    return settings.singleuser.environment


def test_servers_in_a_container_are_told_its_cores(furnished: Layout) -> None:
    """On a machine of one's own nothing is set."""
    names = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "PYTHON_CPU_COUNT")
    free = settled(furnished, plan.Wishes())
    assert not set(names) & set(free)
    with limited(1) as group, inside(group):
        found = settled(furnished, plan.Wishes())
    assert {found[name] for name in names} == {"1"}


def test_secrets_are_private_kept_and_long_enough(furnished: Layout) -> None:
    before = {name: secrets.read(furnished, name) for name in secrets.MAKERS}
    for name in secrets.MAKERS:
        assert stat.S_IMODE(secrets.path(furnished, name).stat().st_mode) == 0o600
    secrets.ensure(furnished)
    assert {name: secrets.read(furnished, name) for name in secrets.MAKERS} == before
    assert len(before["password"]) >= 8
    assert len(before["admin-password"]) >= 32
    assert len(set(before.values())) == len(before)


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="--state-dir"):
        layout(tmp_path / "file" / "state").make()


def test_default_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert layout().root == (tmp_path / "xdg" / "geodes-datalab").resolve()
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert layout().root == (tmp_path / ".local/state/geodes-datalab").resolve()


def test_samples_get_a_new_key_each_time(furnished: Layout) -> None:
    wishes = plan.Wishes()
    plan.prepare_key(furnished, wishes)
    first = secrets.read(furnished, "catalogue-key")
    plan.prepare_key(furnished, wishes)
    assert secrets.read(furnished, "catalogue-key") != first
    found = settled(furnished, wishes)
    assert found["GEODES_PORTAL"] == "http://127.0.0.1:9005"
    assert found["GEODES_CATALOGUE_NOTICE"] == "sample catalogue, not GEODES"
    assert first not in json.dumps(found)


def test_geodes_gets_the_users_key_by_file(
    furnished: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    wishes = plan.Wishes(catalogue="geodes", api_key=ApiKey("the-users-key"))
    plan.prepare_key(furnished, wishes)
    found = settled(furnished, wishes)
    assert found["GEODES_PORTAL"] == "https://geodes-portal.cnes.fr"
    assert Path(found["GEODES_API_KEY_FILE"]).read_text() == "the-users-key\n"
    assert "the-users-key" not in furnished.settings.read_text()
    assert plan.describe(wishes) == "GEODES (with your key)"
    names = {part.name for part in plan.parts(furnished, PORTS, wishes, CHP)}
    assert "catalogue" not in names
    without = plan.Wishes(catalogue="geodes")
    plan.prepare_key(furnished, without)
    assert not secrets.path(furnished, "catalogue-key").exists()
    assert "GEODES_API_KEY_FILE" not in settled(furnished, without)


def test_any_stac_api(furnished: Layout) -> None:
    found = settled(furnished, plan.Wishes(catalogue="https://stac.example/v1"))
    assert found["GEODES_STAC_URL"] == "https://stac.example/v1"
    assert found["GEODES_DIALECT"] == "stac"
    with pytest.raises(LocalModeError, match="there is no catalogue 'sample'"):
        settled(furnished, plan.Wishes(catalogue="sample"))


def test_an_operators_file_goes_over(furnished: Layout, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        "[cull]\ntimeout = 5\n[gateway.limits]\nclusters = 1\n[singleuser]\nstartTimeout = 7\n"
    )
    settings = plan.make_settings(furnished, PORTS, plan.Wishes(settings=file))
    assert settings.cull.timeout == 5
    assert settings.singleuser.start_timeout == 7, "spelled as in the chart"
    assert settings.cull.token is not None
    assert settings.gateway.limits.clusters == 1
    assert settings.gateway.limits.workers >= 8
    file.write_text("[cul]\ntimeout = 5\n")
    with pytest.raises(ConfigurationError, match='did you mean "cull"'):
        plan.make_settings(furnished, PORTS, plan.Wishes(settings=file))


@pytest.mark.parametrize(
    ("processors", "cores", "workers"),
    [(None, 2, 8), (1, 2, 8), (4, 4, 8), (8, 8, 8), (64, 64, 64)],
)
def test_the_limits_follow_the_processors(
    furnished: Layout,
    monkeypatch: pytest.MonkeyPatch,
    processors: int | None,
    cores: int,
    workers: int,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    gateway = plan.make_settings(furnished, PORTS, plan.Wishes()).gateway
    assert (gateway.workers.max_cores, gateway.limits.workers) == (cores, workers)
    assert gateway.limits.clusters == 2


def test_no_secret_stands_on_a_command_line(
    furnished: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODES_API_KEY", "an-operators-key")
    settled(furnished, plan.Wishes())
    words = {secrets.read(furnished, name) for name in secrets.MAKERS}
    for part in plan.parts(furnished, PORTS, plan.Wishes(), CHP):
        assert not words & set(" ".join(part.command).replace("=", " ").split())
        assert part.environment["GEODES_API_KEY"] == ""
        assert not any(word in repr(part) for word in words)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"NO_PROXY": "*.intra.example  localhost"}, ".intra.example,localhost,127.0.0.1"),
        ({"NO_PROXY": "up.example", "no_proxy": "low.example"}, "low.example,127.0.0.1,localhost"),
    ],
    ids=["star", "both"],
)
def test_exemptions_are_passed_on_as_all_programs_read_them(
    place: Layout, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    told = plan.common_environment(place)
    assert told["NO_PROXY"] == told["no_proxy"] == expected


def test_this_machine_is_exempt_from_web_proxies(
    furnished: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "intra.example")
    found = settled(furnished, plan.Wishes())
    assert found["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert found["NO_PROXY"] == found["no_proxy"] == "intra.example,127.0.0.1,localhost"
    for part in plan.parts(furnished, PORTS, plan.Wishes(), CHP):
        assert part.environment["NO_PROXY"] == found["NO_PROXY"]


def test_authorities_of_the_site_reach_every_client(
    furnished: Layout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "site.pem"
    own.write_text("-- the site's --")
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(own))
    trust.prepare(furnished)
    public = Path(certifi.__file__).with_name("cacert.pem").read_text("utf-8")
    assert furnished.authorities.read_text("utf-8") == f"{public.rstrip()}\n-- the site's --"
    user = settled(furnished, plan.Wishes())
    dask = plan.make_settings(furnished, PORTS, plan.Wishes()).gateway.environment
    for found in (user, dask):
        assert found["REQUESTS_CA_BUNDLE"] == str(own)
        others = {found[name] for name in VARIABLES if name != "REQUESTS_CA_BUNDLE"}
        assert others == {str(furnished.authorities)}
        assert found["PYTHONPATH"].split(":")[0] == str(trust.SITE)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    trust.prepare(furnished)
    assert not furnished.authorities.exists()
    assert not settled(furnished, plan.Wishes()).keys() & {*VARIABLES, "PYTHONPATH"}


def test_authorities_that_are_not_there_are_told_before_anything_starts(
    furnished: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/not/there.pem")
    with pytest.raises(LocalModeError, match=r"SSL_CERT_FILE cannot be read: /not/there\.pem"):
        trust.prepare(furnished)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[hub.config.LocalSpawnr]\nlogs = 'x'", 'did you mean "LocalSpawner"'),
        ("[hub.config.JupyterHub]\nadmin_acess = true", 'did you mean "admin_access"'),
        ("[hub.config.Authenticator]\nallowed_users = ['ada']", "use auth.users"),
    ],
    ids=["class", "trait", "list"],
)
def test_words_of_the_hub_without_an_effect_are_told_at_once(
    furnished: Layout, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        plan.make_settings(furnished, PORTS, plan.Wishes(settings=path))
    assert said in str(caught.value)


def test_traits_of_the_hub_stay_within_reach(furnished: Layout, tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text("[hub.config.JupyterHub]\ntemplate_vars = {announcement = 'Lunch'}")
    settings = plan.make_settings(furnished, PORTS, plan.Wishes(settings=path))
    assert settings.hub.config["JupyterHub"]["template_vars"] == {"announcement": "Lunch"}


def test_the_key_of_a_start_goes_with_its_portal(
    place: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that the file of settings names: its key must not reach the real GEODES."""
    from geodes_datalab import auth, config
    from geodes_datalab.cli import _start

    folder = config.config_dir()
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('portal = "https://mirror.example"\n')
    auth.save(auth.ApiKey("k3y-of-the-mirror"))
    auth.save(auth.ApiKey("k3y-of-geodes"), config.PORTAL)
    options = {"state_dir": place.root, "port": "auto", "catalogue": "geodes", "settings": None}
    start = _start({**options, "api_key_file": None, "language": "en", "hpda": None})
    environment = plan.catalogue_environment(place, ports.block(9000), start.wishes)
    assert start.wishes.api_key == auth.ApiKey("k3y-of-the-mirror")
    assert environment["GEODES_PORTAL"] == "https://mirror.example"

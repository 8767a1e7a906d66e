"""What stands in the way of a first start is told at once, in words, and what is shown is true."""

from __future__ import annotations

import os
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from geodes_datalab.cli import main
from geodes_datalab.errors import LocalModeError, StorageError
from geodes_datalab.hub import pids
from geodes_datalab.local import doctor, node, plan, ports, secrets, tables
from geodes_datalab.local import layout as layouts
from geodes_datalab.local import runtime as run
from geodes_datalab.local.layout import Layout

REGISTRY = "https://registry.example.org/"


def run_up(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["up", *arguments])


@pytest.mark.parametrize("variable", ["GEODES_CACHE_DIR", "XDG_CACHE_HOME"])
@pytest.mark.parametrize("way", ["file", "below", "dead-link"])
def test_a_cache_that_cannot_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, way: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file" / "nowhere")
    place = {"file": "file", "below": "file/a/b", "dead-link": "link"}[way]
    monkeypatch.setenv(variable, str(tmp_path / place))
    done = run_up(f"--state-dir={tmp_path / 'state'}", "--port=auto")
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit), "no traceback"
    assert f"the cache folder {tmp_path / place}" in done.output
    assert "GEODES_CACHE_DIR" in done.output


def test_a_full_disk_is_no_traceback_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**how: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(layouts.tempfile, "TemporaryFile", full)
    with pytest.raises(StorageError, match="No space left on device"):
        layouts.make_cache()


def test_a_state_folder_that_fills_up_is_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plan, "write_settings", full)
    done = run_up(f"--state-dir={tmp_path / 'state'}", "--port=auto")
    assert isinstance(done.exception, SystemExit), "no traceback"
    assert f"the state folder {tmp_path / 'state'} cannot be used: No space left" in done.output
    (tmp_path / "other" / "lock").mkdir(parents=True)
    done = run_up(f"--state-dir={tmp_path / 'other'}", "--port=auto")
    assert isinstance(done.exception, SystemExit), "no traceback"
    assert "Is a directory" in done.output
    assert "no such user" in run_up("--state-dir=~nobody-here/state").output


def test_the_cache_is_the_same_folder_for_all_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They run elsewhere: a path from here, or of the home, leads them nowhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEODES_CACHE_DIR", "cache")
    assert layouts.make_cache() == tmp_path / "cache"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GEODES_CACHE_DIR", "~/cache")
    assert node.install_folder().parent == tmp_path / "home" / "cache"


def test_one_that_stops_is_not_ready(place: Layout) -> None:
    """Above all one in the background whose part does not start: it stops, and says why."""
    from geodes_datalab.local import up

    seen = []
    stopping = runtime_at(8000)
    stopping.state = "stopping"
    run.write(place, stopping)

    class Ending:
        def poll(self) -> int | None:
            seen.append(1)
            return 1 if len(seen) > 2 else None

    assert up._wait_ready(place, Ending()) is None  # type: ignore[arg-type]
    assert len(seen) == 3


def npm(folder: Path, then: str) -> node.Node:
    """An npm that knows its registry, and does something else than install."""
    program = folder / "npm"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = config ] && {{ echo {REGISTRY}; exit; }}\n'
        f'echo "$@" >>{folder}/calls\n{then}\n'
    )
    program.chmod(0o755)
    return node.Node(Path("/bin/sh"), (str(program),), "20.0.0")


def test_a_dead_proxy_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTPS_PROXY", f"http://ada:word@127.0.0.1:{closed_port}")
    began = time.monotonic()
    found = npm(tmp_path, "sleep 72; exit 1")
    with pytest.raises(LocalModeError, match="does not answer") as told:
        node.proxy_command(found, lambda _: None)
    assert time.monotonic() - began < 60, "npm was not waited for"
    assert f"http://127.0.0.1:{closed_port}" in str(told.value)
    assert "word" not in str(told.value)
    assert "HTTPS_PROXY" in str(told.value)
    assert not (tmp_path / "calls").exists()


def test_a_dead_proxy_that_is_not_used_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    """A registry inside the site."""
    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("NO_PROXY", ".example.org")
    script = "node_modules/configurable-http-proxy/bin"
    found = npm(tmp_path, f"mkdir -p {script}; : >{script}/configurable-http-proxy")
    assert Path(node.proxy_command(found, lambda _: None)[1]).is_file()
    told = (tmp_path / "calls").read_text()
    assert "--fetch-retry-maxtimeout=5000" in told, "npm's own pauses would be a minute"


def test_a_slow_registry_is_no_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(node, "_SILENCE", 0.2)
    said: list[str] = []
    with pytest.raises(LocalModeError, match="no answer"):
        node.proxy_command(npm(tmp_path, "sleep 1; echo no answer >&2; exit 1"), said.append)
    assert sum("npm still waits for its registry" in text for text in said) >= 2
    monkeypatch.setattr(node, "_LONGEST", 0.1)
    with pytest.raises(LocalModeError, match="npm was not done after"):
        node.proxy_command(npm(tmp_path, "exec sleep 60"), said.append)
    assert not list((tmp_path / "cache").glob(".installing-*"))


def shown(place: Layout, settings: str, tmp_path: Path) -> str:
    """What the operator reads when the datalab is ready."""
    file = tmp_path / "settings.toml"
    file.write_text(settings)
    secrets.ensure(place)
    made = plan.make_settings(place, ports.block(8000), plan.Wishes(settings=file))
    plan.write_settings(place, made)
    text = StringIO()
    Console(width=200, file=text).print(tables.ready(place, runtime_at(8000)))
    return text.getvalue()


def runtime_at(port: int, **asked: str) -> run.Runtime:
    pid, url = os.getpid(), f"http://127.0.0.1:{port}/"
    known = {"catalogue": "samples", "language": "en", **asked}
    mark = pids.started(pid)
    return run.Runtime(pid, mark, "ready", url, plan.NOTICE, "http://gateway", asked=known)


def test_the_tables_are_in_the_reader_s_language(
    place: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODES_DATALAB_LANGUAGE", "fr")
    greeting = shown(place, "", tmp_path)
    assert "geodes-datalab est prêt" in greeting
    assert "Mot de passe" in greeting
    assert secrets.read(place, "password") in greeting
    text = StringIO()
    running = runtime_at(8000)
    running.parts.append(run.PartState("hub", "the hub", "ready"))
    Console(width=200, file=text).print(tables.status(place, running))
    assert {"Composant", "Redémarrages", "prêt"} <= set(text.getvalue().split())


OIDC = """
[auth]
type = "oidc"
users = ["ada", "bob"]
[auth.oidc]
authorize_url = "https://sso.example.org/a"
token_url = "https://sso.example.org/t"
userdata_url = "https://sso.example.org/u"
client_id = "x"
login_service = "Example SSO"
client_secret = {env = "X"}
"""
OTHER = '[auth]\ntype = "oauthenticator.github.GitHubOAuthenticator"\n'
ELSEWHERE = '[auth]\npassword = {file = "/srv/lab-password"}\nadmins = ["eve"]\nusers = ["ada"]\n'


def test_the_banner_shows_the_password_where_it_opens_something(
    place: Layout, tmp_path: Path
) -> None:
    text = shown(place, "", tmp_path)
    assert secrets.read(place, "password") in text
    assert "admin, with the password of: geodes-datalab password --admin" in text


def test_nothing_in_brackets_is_lost(tmp_path: Path) -> None:
    """Neither a folder of that name nor what the doctor advises to install."""
    odd = Layout(tmp_path / "data[bold]" / "x[y]")
    odd.make()
    text = shown(odd, "", tmp_path)
    assert f"{odd.homes} " in text
    told = StringIO()
    advice = 'pip install "geodes-datalab[hub,lab]"'
    Console(width=200, file=told).print(doctor.table([doctor.Finding("x", "fail", "[b]", advice)]))
    assert advice in told.getvalue()
    assert "[b]" in told.getvalue()


def test_a_part_that_failed_is_not_called_ready(place: Layout, tmp_path: Path) -> None:
    shown(place, "", tmp_path)
    degraded = runtime_at(8000)
    degraded.state = "degraded"
    run.write(place, degraded)
    done = run_up(f"--state-dir={place.root}")
    assert "is ready" not in done.output
    assert "not all of it" in done.output


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (OIDC, ["Example SSO", "ada, bob (and nobody else)"]),
        (OTHER, ["by oauthenticator.github.GitHubOAuthenticator"]),
        (ELSEWHERE, ["that of /srv/lab-password", "eve, with", "ada (and nobody else)"]),
    ],
    ids=["oidc", "class", "elsewhere"],
)
def test_the_banner_shows_no_password_that_opens_nothing(
    place: Layout, tmp_path: Path, settings: str, words: list[str]
) -> None:
    text = shown(place, settings, tmp_path)
    assert secrets.read(place, "password") not in text
    for word in words:
        assert word in text, text
    done = CliRunner().invoke(main, ["password", f"--state-dir={place.root}"])
    assert ("nobody is asked for this password" in done.output) is (settings != ELSEWHERE)


@pytest.mark.parametrize(
    "asked",
    [["--port=9100"], ["--catalogue=geodes"], ["--language=fr"], ["--port=8000", "--hpda=slurm"]],
    ids=["port", "catalogue", "language", "hpda"],
)
def test_what_runs_otherwise_is_not_passed_off_as_what_was_asked(
    place: Layout, asked: list[str]
) -> None:
    secrets.ensure(place)
    run.write(place, runtime_at(8000))
    done = run_up(f"--state-dir={place.root}", *asked)
    assert done.exit_code == 1
    assert "a datalab already runs at http://127.0.0.1:8000/" in done.output
    assert asked[-1] in done.output
    assert "geodes-datalab down" in done.output
    assert "--state-dir FOLDER" in done.output


@pytest.mark.parametrize(
    "asked",
    [[], ["--port=8000"], ["--port=auto"], ["--catalogue=samples"]],
    ids=["plain", "port", "auto", "catalogue"],
)
def test_the_same_again_shows_what_runs(place: Layout, tmp_path: Path, asked: list[str]) -> None:
    shown(place, "", tmp_path)
    run.write(place, runtime_at(8000))
    done = run_up(f"--state-dir={place.root}", *asked)
    assert done.exit_code == 0, done.output
    assert "It already runs" in done.output


def test_a_settings_file_is_the_same_or_another_one(place: Layout, tmp_path: Path) -> None:
    shown(place, "", tmp_path)
    same, other = tmp_path / "settings.toml", tmp_path / "other.toml"
    other.touch()
    run.write(place, runtime_at(8000, settings=str(same)))
    assert run_up(f"--state-dir={place.root}", f"--settings={same}").exit_code == 0
    refused = run_up(f"--state-dir={place.root}", f"--settings={other}")
    assert refused.exit_code == 1
    assert str(other) in refused.output

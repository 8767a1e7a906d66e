from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from support.datalab import Datalab

from geodes_datalab import __version__
from geodes_datalab.cli import main

HEAVY = {"dask", "distributed", "jupyterhub", "numpy", "psutil", "pydantic", "rich", "xarray"}


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


def test_help_is_light_and_names_every_command() -> None:
    code = (
        "import sys\n"
        "from geodes_datalab.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *text, modules = done.stdout.splitlines()
    assert not HEAVY & set(modules.split())
    for name in main.commands:
        assert any(line.strip().startswith(name) for line in text), name


def test_examples_stand_on_lines_of_their_own(runner: CliRunner) -> None:
    shown = runner.invoke(main, ["--help"]).output.splitlines()
    assert "  geodes-datalab up                       start it, with a sample catalogue" in shown
    assert "\\b" not in "".join(shown)


def test_every_command_has_help(runner: CliRunner) -> None:
    for name, command in main.commands.items():
        result = runner.invoke(main, [name, "--help"])
        assert result.exit_code == 0
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.name}"


@pytest.fixture
def french(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_DATALAB_LANGUAGE", "fr")


def test_help_is_in_the_reader_s_language(runner: CliRunner, french: None) -> None:
    told = runner.invoke(main, ["--help"]).output
    assert told.startswith("Utilisation\u00a0: ")
    assert "\nCommandes\u00a0:\n" in told
    assert "le démarrer, avec un catalogue d'exemples" in told
    assert "  -h, --help  Afficher cette aide.\n" in told
    up = " ".join(runner.invoke(main, ["up", "--help"]).output.split())
    assert "[par défaut : 8000]" in up
    assert "Dossier où sont dossiers personnels" in up
    assert "Créer l'environnement NAME" in runner.invoke(main, ["env", "create", "--help"]).output


def test_no_help_stays_english_for_french_readers(runner: CliRunner, french: None) -> None:
    asked = [[], *([name] for name in main.commands)]
    asked += [["env", name] for name in main.commands["env"].commands]  # type: ignore[attr-defined]
    for words in asked:
        told = runner.invoke(main, [*words, "--help"]).output
        assert not re.search(r"\b(the|with|and|your|of|Usage|Commands|default)\b", told), told


def test_help_is_english_by_default(runner: CliRunner) -> None:
    told = runner.invoke(main, ["up", "--help"]).output
    assert told.startswith("Usage: ")
    assert "Show this message and exit." in told
    assert "[default: 8000]" in " ".join(told.split())


def test_what_a_command_prints_is_french(runner: CliRunner, tmp_path: Path, french: None) -> None:
    place = ["--state-dir", str(tmp_path / "state")]
    assert "rien n'est en marche depuis" in runner.invoke(main, ["status", *place]).output
    assert "rien n'était en marche" in runner.invoke(main, ["down", *place]).output
    told = runner.invoke(main, ["doctor", "--offline", *place], terminal_width=200).output
    assert {"Sujet", "Constat", "Que", "disque", "libres"} <= set(told.split())
    as_json = runner.invoke(main, ["doctor", "--offline", "--json", *place]).output
    assert {"ports", "disk"} <= {row["subject"] for row in json.loads(as_json)}


def test_version(runner: CliRunner) -> None:
    assert runner.invoke(main, ["version"]).output == f"{__version__}\n"


def test_nothing_runs(runner: CliRunner, tmp_path: Path) -> None:
    place = ["--state-dir", str(tmp_path / "state")]
    result = runner.invoke(main, ["status", *place])
    assert result.exit_code == 3
    assert "start it with: geodes-datalab up" in result.output
    result = runner.invoke(main, ["status", "--json", *place])
    assert json.loads(result.output)["state"] == "stopped"
    assert "nothing was running" in runner.invoke(main, ["down", *place]).output
    assert "there are no logs" in runner.invoke(main, ["logs", *place]).output
    result = runner.invoke(main, ["logs", "hub", *place])
    assert result.exit_code == 2
    assert "there is no log of 'hub'" in result.output


def test_passwords(runner: CliRunner, tmp_path: Path) -> None:
    place = ["--state-dir", str(tmp_path / "state")]
    first = runner.invoke(main, ["password", *place]).output
    assert runner.invoke(main, ["password", *place]).output == first
    assert runner.invoke(main, ["password", "--admin", *place]).output != first
    assert runner.invoke(main, ["password", "--new", *place]).output != first
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def test_logs(runner: CliRunner, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "hub.log").write_text("".join(f"line {i}\n" for i in range(100)))
    place = ["--state-dir", str(tmp_path)]
    assert runner.invoke(main, ["logs", *place]).output == "hub\n"
    assert runner.invoke(main, ["logs", "hub", "-n", "2", *place]).output == "line 98\nline 99\n"


def test_our_errors_are_a_message_and_advice(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(main, ["up", "--state-dir", str(tmp_path / "s"), "--port", "80"])
    assert result.exit_code == 1
    assert "What to do:" in result.output
    assert "Traceback" not in result.output


def test_an_error_in_the_background_is_shown(tmp_path: Path) -> None:
    datalab = Datalab(tmp_path / "state", {})
    command = datalab.command_line("up", "--background", "--port=80")
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 1
    assert "no port that can be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor(runner: CliRunner, tmp_path: Path) -> None:
    place = ["--state-dir", str(tmp_path / "state"), "--offline"]
    result = runner.invoke(main, ["doctor", "--json", *place])
    found = json.loads(result.output)
    failed = any(finding["verdict"] == "fail" for finding in found)
    assert result.exit_code == int(failed)
    assert "geodes-datalab doctor" in runner.invoke(main, ["doctor", *place]).output


def test_sync_notebooks(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(main, ["sync-notebooks", str(tmp_path / "mine")])
    assert result.exit_code == 0
    assert "added" in result.output
    assert (tmp_path / "mine" / "README.md").is_file()

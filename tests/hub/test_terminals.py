"""The Lab's terminals: a real Jupyter Server, a real terminal, its websocket; as in local mode."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.terminal import Terminal, opened
from user_server import TOKEN, UserServer, server, with_terminals

from geodes_datalab.server.terminals import shell


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def user(home: Path) -> Iterator[UserServer]:
    with with_terminals(home, "/bin/bash") as ask:
        yield ask


@pytest.fixture
def terminal(user: UserServer) -> Iterator[Terminal]:
    with opened(user.url, TOKEN) as each:
        yield each


@pytest.mark.parametrize("program", ["python", "jupyter", "geodes-datalab"])
def test_programs_of_the_environment_are_found(terminal: Terminal, program: str) -> None:
    assert terminal.run(f"type -p {program}") == str(Path(sys.executable).parent / program)


def test_python_has_the_battery(terminal: Terminal) -> None:
    said = terminal.run("python -c 'import sys, xarray; print(sys.prefix)'")
    assert said.splitlines()[-1] == sys.prefix


def test_names_are_completed(terminal: Terminal, home: Path) -> None:
    (home / "a-file-with-a-long-name").touch()
    assert terminal.typed("ls a-fi\t", until="a-file-with-a-long-name")


def test_a_command_is_in_the_history_of_the_next_terminal(user: UserServer) -> None:
    with opened(user.url, TOKEN) as first:
        first.run("echo once")
        with opened(user.url, TOKEN) as second:
            assert "echo once" in second.run("history")


def test_what_people_set_in_their_own_files_holds(user: UserServer, home: Path) -> None:
    (home / ".bashrc").write_text(
        "alias hello='echo from-bashrc'\nexport PATH=$PATH:/own/programs\n"
    )
    with opened(user.url, TOKEN) as each:
        assert each.run("hello") == "from-bashrc"
        assert each.run("echo $PATH").endswith(":/own/programs")
        assert each.run("type -p python") == str(Path(sys.executable).parent / "python")
    (home / ".bashrc").unlink()


def test_a_login_file_goes_before_the_other(user: UserServer, home: Path) -> None:
    (home / ".bash_profile").write_text("export WHICH=profile\n")
    (home / ".bashrc").write_text("export WHICH=bashrc\n")
    with opened(user.url, TOKEN) as each:
        assert each.run("echo $WHICH") == "profile"
    for name in (".bash_profile", ".bashrc"):
        (home / name).unlink()


def test_a_profile_of_an_installer_does_not_hide_the_other(user: UserServer, home: Path) -> None:
    """Installers of uv and of Rust write a ~/.profile where there is none."""
    (home / ".profile").write_text("export FROM=profile\n")
    (home / ".bashrc").write_text("alias hello='echo from-bashrc'\n")
    with opened(user.url, TOKEN) as each:
        assert each.run("echo $FROM") == "profile"
        assert each.run("hello") == "from-bashrc"
    (home / ".profile").write_text(". ~/.bashrc\n")
    (home / ".bashrc").write_text("TIMES=$TIMES+\n")
    with opened(user.url, TOKEN) as each:
        assert each.run("echo $TIMES") == "+"
    for name in (".profile", ".bashrc"):
        (home / name).unlink()


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        ("export VIRTUAL_ENV=/own PATH=/own/bin:$PATH", False),
        ("export CONDA_DEFAULT_ENV=own PATH=/own/bin:$PATH", False),
        ("export CONDA_DEFAULT_ENV=base PATH=/own/bin:$PATH", True),
        ("export PATH=/own/bin:/usr/bin:/bin", True),
    ],
)
def test_an_environment_that_people_activate_in_their_files_is_active(
    user: UserServer, home: Path, line: str, ours: bool
) -> None:
    (home / ".bashrc").write_text(f"{line}\n")
    with opened(user.url, TOKEN) as each:
        first = str(Path(sys.executable).parent) if ours else "/own/bin"
        assert each.run("echo ${PATH%%:*}") == first
    (home / ".bashrc").unlink()


def test_where_no_shell_is_named_it_is_bash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        server(tmp_path, keep=["jupyter_server_terminals"]) as ask,
        opened(ask.url, TOKEN) as each,
    ):
        assert each.run("echo ${BASH_VERSION:+bash}") == "bash"


@pytest.mark.parametrize("chosen", ["/bin/zsh", "/usr/bin/fish", "/bin/sh"])
def test_another_shell_is_a_choice(monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    monkeypatch.setenv("SHELL", chosen)
    assert shell([chosen, "-l"]) == [chosen, "-l"]


def test_a_kernel_knows_how_browsers_reach_a_port(user: UserServer, terminal: Terminal) -> None:
    """What kernels get is what terminals get: the server's environment."""
    assert terminal.run("echo $LOCALTILESERVER_CLIENT_PREFIX") == "/proxy/{port}"

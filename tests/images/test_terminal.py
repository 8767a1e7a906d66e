"""The Lab's terminal in the image: a real server, its websocket, a root that can only be read."""

from __future__ import annotations

import json
import textwrap

import pytest
from inside import Image

pytestmark = [pytest.mark.images, pytest.mark.timeout(1200)]

LAB = """
import json, os, pathlib, re, subprocess, sys, urllib.request
sys.path.insert(0, "/mnt")
from support.ports import free_ports
from support.terminal import opened
from support.waiting import Hopeless, eventually, minutes
log = pathlib.Path("/tmp/log")
command = ["datalab-start", "jupyter", "lab", "--no-browser", "--IdentityProvider.token=word"]
command.append(f"--port={free_ports(1)[0]}")
with log.open("w") as stream:
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
def answer():
    if server.poll() is not None:
        raise Hopeless("it ended")
    url = re.search(r"http://127\\.0\\.0\\.1:\\d+", log.read_text())
    return url and urllib.request.urlopen(f"{url.group()}/api", timeout=minutes(1)) and url.group()
url = eventually(answer, "the server", within=5, scene=log.read_text).value
said = {}
try:
    with opened(url, {"Authorization": "token word"}) as terminal:
        for line in sys.argv[1:]:
            said[line] = terminal.run(line)
        said["completed"] = terminal.typed("git commi\\t", until="git commit")
    with opened(url, {"Authorization": "token word"}) as terminal:
        said["history"] = terminal.run("history")
        said["within"] = terminal.typed("bash\\rgit commi\\t", until="git commit")
finally:
    server.terminate()
    server.wait(minutes(1))
print(json.dumps(said))
"""


WHICH = "command -v python; command -v jupyter"


def typed(notebook: Image, *lines: str, user: int = 1000) -> dict[str, str]:
    return json.loads(notebook.python(LAB, *lines, user=user).splitlines()[-1])


@pytest.fixture(scope="module")
def said(notebook: Image) -> dict[str, str]:
    programs = [f"type -p {name}" for name in ("python", "pip", "jupyter", "geodes-datalab")]
    python = "python -c 'import sys, xarray; print(sys.prefix)'"
    others = ["echo ${BASH_VERSION:+bash}", "whoami", "python3 -c 'import sys; print(sys.prefix)'"]
    return typed(notebook, *programs, python, *others, "bash -lc 'type -p python'", "pip --version")


def test_programs_are_found(said: dict[str, str]) -> None:
    for name in ("python", "pip", "jupyter", "geodes-datalab"):
        assert said[f"type -p {name}"] == f"/opt/datalab/bin/{name}"


def test_python_is_ours(said: dict[str, str]) -> None:
    assert said["python -c 'import sys, xarray; print(sys.prefix)'"] == "/opt/datalab"
    assert said["python3 -c 'import sys; print(sys.prefix)'"] == "/opt/datalab"


def test_the_shell_is_bash_with_completion_and_history(said: dict[str, str]) -> None:
    assert said["echo ${BASH_VERSION:+bash}"] == "bash"
    assert said["completed"]
    assert "type -p python" in said["history"]


def test_a_bash_within_it_completes_too(said: dict[str, str]) -> None:
    assert said["within"]


def test_a_login_shell_in_it_finds_them_too(said: dict[str, str]) -> None:
    assert said["bash -lc 'type -p python'"] == "/opt/datalab/bin/python"


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_login_shells_of_other_ways_in_find_them(notebook: Image, shell: str) -> None:
    """Of ``kubectl exec``, cron jobs of an HPC, other front ends: no websocket, no environment."""
    done = notebook.run("env", "-i", "HOME=/tmp", shell, "-lc", WHICH)
    assert done.stdout.split() == ["/opt/datalab/bin/python", "/opt/datalab/bin/jupyter"]


@pytest.mark.parametrize("user", [1000, 54321, 1000660000])
def test_any_user_number_has_a_name(notebook: Image, user: int) -> None:
    code = "python -c 'import getpass, pwd, os; print(getpass.getuser(), pwd.getpwuid(os.getuid())[0])'"
    lines = ["whoami", "ssh -G example.org | head -1", code, "ssh-keygen -q -N '' -f ~/k; ls ~/k"]
    found = typed(notebook, *lines, "type -p python", user=user)
    assert found["whoami"] == "jovyan"
    assert found[lines[1]] == "host example.org"
    assert found[code].split() == ["jovyan", "jovyan"]
    assert found[lines[3]] == "/home/jovyan/k"
    assert found["type -p python"] == "/opt/datalab/bin/python"


def test_getpass_works_without_the_start_command(notebook: Image) -> None:
    """Dask's pods begin with Dask."""
    code = "import getpass; print(getpass.getuser())"
    assert notebook.python(code, user=54321) == "jovyan\n"


def test_git_works_in_folders_of_others(notebook: Image) -> None:
    script = textwrap.dedent("""
        cp -r /opt/datalab/share/doc/geodes-datalab /tmp/shared && cd /tmp/shared && git init -q .
        git -c safe.directory= status --short | head -1
        GIT_TEST_ASSUME_DIFFERENT_OWNER=1 git status --short | head -1
    """)
    done = notebook.run("sh", "-c", script)
    assert "dubious" not in done.stderr
    assert done.stdout.split()[-2:] == ["??", "licences.txt"]

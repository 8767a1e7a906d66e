"""The start command of user servers, with homes that are really full, read-only or gone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from support.control_groups import limited
from support.waiting import minutes

from geodes_datalab.server.start import home as home_module
from geodes_datalab.server.start.home import examine, readable, usage
from geodes_datalab.server.start.rescue import LINK, PAGE, page, rescue

# What the server would be: it tells where it runs, and that it can write there.
SERVER = textwrap.dedent("""
    import json, os, pathlib
    pathlib.Path.home().joinpath("written").write_text("x")
    print(json.dumps({"home": os.environ["HOME"], "cwd": os.getcwd(), "env": dict(os.environ)}))
""")
NAMESPACE = (
    ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--mount"]
)
PROBE = [*NAMESPACE, "mount", "-t", "tmpfs", "none", tempfile.gettempdir()]
MOUNTS = shutil.which("unshare") and not subprocess.run(PROBE, capture_output=True).returncode
needs_mounts = pytest.mark.skipif(
    not MOUNTS,
    reason="nothing can be mounted here: unshare (Debian: util-linux) and mount must work",
)


def start(home: Path, *command: str, before: str = ":", **environment: str) -> dict[str, object]:
    """Run the start command with a home prepared by a shell line, in mounts of its own if need be."""
    command = command or (sys.executable, "-c", SERVER)
    inner = [sys.executable, "-m", "geodes_datalab.server.start", *command]
    shell = ["sh", "-ec", f'{before}; exec "$@"', "sh", *inner]
    done = subprocess.run(
        [*(NAMESPACE if before != ":" else []), *shell],
        env={**os.environ, "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=minutes(5),
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "log": done.stderr}


def pages(said: dict[str, object]) -> tuple[Path, str]:
    temporary = Path(str(said["home"]))
    return temporary, (temporary / PAGE).read_text()


def test_a_healthy_home_gets_the_notebooks_and_the_server(tmp_path: Path) -> None:
    said = start(tmp_path)
    assert said["home"] == said["cwd"] == str(tmp_path)
    assert "JUPYTERHUB_ROOT_DIR" not in said["env"]
    assert (tmp_path / "notebooks" / "README.md").is_file()
    assert not list(tmp_path.glob(".datalab-start-*")), "the probe is taken away"
    assert "RESCUE" not in str(said["log"])


def test_an_edited_notebook_is_kept(tmp_path: Path) -> None:
    start(tmp_path)
    readme = tmp_path / "notebooks" / "README.md"
    readme.write_text("mine")
    start(tmp_path)
    assert readme.read_text() == "mine"


def test_the_folder_can_be_chosen_or_left_out(tmp_path: Path) -> None:
    start(tmp_path, GEODES_DATALAB_NOTEBOOKS_FOLDER="")
    assert not (tmp_path / "notebooks").exists()
    start(tmp_path, GEODES_DATALAB_NOTEBOOKS_FOLDER="examples")
    assert (tmp_path / "examples" / "README.md").is_file()


@pytest.mark.parametrize(
    ("language", "folders"), [("en", ["lab", "/site"]), ("fr", ["lab_fr", "lab", "/site"])]
)
def test_the_labs_settings_come_with_the_package(
    tmp_path: Path, language: str, folders: list[str]
) -> None:
    said = start(tmp_path, GEODES_DATALAB_LANGUAGE=language, JUPYTER_CONFIG_PATH="/site")
    found = said["env"]["JUPYTER_CONFIG_PATH"].split(":")
    assert [path if path == "/site" else Path(path).name for path in found] == folders
    assert all(path == "/site" or Path(path).is_dir() for path in found)


def test_the_command_takes_the_place_of_the_start_command(tmp_path: Path) -> None:
    shell = [
        "sh",
        "-c",
        'echo $$; exec "$@"',
        "sh",
        sys.executable,
        "-m",
        "geodes_datalab.server.start",
    ]
    done = subprocess.run(
        [*shell, sys.executable, "-c", "import os; print(os.getpid())"],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    shell, server = done.stdout.split()
    assert shell == server, "signals of the init reach the server itself"


def test_a_command_may_be_given_relative_to_where_one_is(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "tool").write_text("#!/bin/sh\npwd\n")
    (tmp_path / "tool").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "geodes_datalab.server.start", "./tool"],
        env={**os.environ, "HOME": str(tmp_path / "home")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(tmp_path / "home"), done.stderr


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "geodes_datalab.server.start", "no-such-command"],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 127
    assert "no-such-command was not found" in done.stderr


@needs_mounts
def test_a_full_home_starts_in_rescue_mode(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    fill = (
        f"mount -t tmpfs -o size=2m,mode=777 none {home}; mkdir -p {home}/work/deep;"
        f"head -c 1500000 /dev/zero > {home}/work/deep/large; head -c 4m /dev/zero > {home}/rest || true"
    )
    said = start(home, before=fill)
    temporary, text = pages(said)
    assert temporary != home
    assert said["cwd"] == str(temporary)
    assert "No space left on device" in text
    assert f"`{LINK}/work` | 2 MB" in text
    assert f"`{LINK}/work/deep/large` | 2 MB" in text
    assert "2 MB of 2 MB are used, 0 B are free" in text
    assert "Stop My Server" in text
    assert said["env"]["JUPYTERHUB_DEFAULT_URL"] == f"/lab/tree/{PAGE}"
    assert said["env"]["JUPYTERHUB_ROOT_DIR"] == str(temporary)
    assert (temporary / LINK).readlink() == home
    assert "RESCUE MODE" in str(said["log"])


# A server whose user fills the home, and then opens a notebook.
KERNEL = textwrap.dedent("""
    import json, os, pathlib
    from jupyter_client.manager import start_new_kernel
    try:
        with open(pathlib.Path.home() / "large", "wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    except OSError as error:
        reason = error.strerror
    manager, client = start_new_kernel(startup_timeout=240)
    told = []
    client.execute_interactive("print(6 * 7)", output_hook=told.append, timeout=240)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    printed = [one["content"]["text"] for one in told if one["msg_type"] == "stream"]
    print(json.dumps({"reason": reason, "printed": "".join(printed)}))
""")


@needs_mounts
def test_a_home_that_is_full_meanwhile_starts_kernels(tmp_path: Path) -> None:
    home = tmp_path / "ada"
    home.mkdir()
    mount = f"mount -t tmpfs -o size=4m none {home}"
    said = start(home, sys.executable, "-c", KERNEL, before=mount)
    assert said["reason"] == "No space left on device"
    assert "42\n" in str(said["printed"])


@pytest.mark.parametrize("spoilt", ["open to others", "a link"])
def test_what_kernels_are_told_lies_in_a_folder_of_ones_own(tmp_path: Path, spoilt: str) -> None:
    """Whoever makes the folder first, where all may write, would read the keys of kernels."""
    temporary, elsewhere = tmp_path / "tmp", tmp_path / "elsewhere"
    account = temporary / f"geodes-datalab-{os.getuid()}"
    home = tmp_path / "ada"
    home.mkdir()
    elsewhere.mkdir(mode=0o700)
    temporary.mkdir()
    first = start(home, TMPDIR=str(temporary))["env"]
    assert isinstance(first, dict)
    assert first["JUPYTER_RUNTIME_DIR"] == str(account / "server")
    assert (account / "server").stat().st_mode & 0o777 == 0o700
    shutil.rmtree(account)
    if spoilt == "a link":
        account.symlink_to(elsewhere)
    else:
        account.mkdir()
        account.chmod(0o777)
    other = start(home, TMPDIR=str(temporary))["env"]
    assert isinstance(other, dict)
    folder = Path(other["JUPYTER_RUNTIME_DIR"])
    assert folder.parent == temporary
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(elsewhere.rglob("*.json")) == []


@needs_mounts
def test_a_home_that_fills_up_with_the_notebooks_is_rescued_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    said = start(home, before=f"mount -t tmpfs -o size=9m,nr_inodes=4,mode=777 none {home}")
    assert "could not be brought up to date" in str(said["log"])
    assert "No space left on device" in pages(said)[1]


@needs_mounts
def test_no_file_can_be_made_although_there_is_space(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    said = start(
        home, before=f"mount -t tmpfs -o size=9m,nr_inodes=2,mode=777 none {home}; : > {home}/a"
    )
    assert "2 of 2 files exist" in pages(said)[1]


@needs_mounts
def test_a_read_only_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "paper.txt").write_text("kept")
    lock = f"mount --bind {home} {home}; mount -o remount,bind,ro {home}"
    said = start(home, before=lock)
    assert "can only be read" in pages(said)[1]
    assert (home / "paper.txt").read_text() == "kept"
    assert sorted(path.name for path in home.iterdir()) == ["paper.txt"]


def test_a_home_that_is_not_there(tmp_path: Path) -> None:
    said = start(tmp_path / "gone")
    assert "is not a folder" in pages(said)[1]


def test_the_notice_stays_and_deleting_frees_space(tmp_path: Path) -> None:
    problem = home_module.Problem("full", 'the home "ö</style>" is full')
    changed = rescue(tmp_path, problem, {"PATH": "/bin", "JUPYTER_DATA_DIR": f"{tmp_path}/data"})
    temporary = Path(changed["HOME"])
    style = (temporary / ".jupyter/custom/custom.css").read_text()
    assert "RESCUE MODE" in style
    assert "</style>" not in style
    assert "\\0000f6" in style, "no character can end the string"
    settings = json.loads((temporary / ".jupyter/jupyter_server_config.json").read_text())
    assert settings["FileContentsManager"]["delete_to_trash"] is False
    assert settings["LabApp"]["custom_css"] is True
    assert "JUPYTER_DATA_DIR" not in changed, "nothing of Jupyter's goes into the full home"
    assert changed["PATH"] == "/bin"
    shutil.rmtree(temporary)


def test_what_is_large_is_found_without_leaving_the_home(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    (home / "a" / "b").mkdir(parents=True)
    outside.mkdir()
    (outside / "huge").write_bytes(b"x" * 900_000)
    (home / "a" / "b" / "one").write_bytes(b"x" * 300_000)
    (home / "a" / "two").write_bytes(b"x" * 200_000)
    (home / "small").write_bytes(b"x")
    (home / "link").symlink_to(outside)
    found = usage(home, largest=2)
    assert found.complete
    assert [path.name for _, path in found.files] == ["one", "two"]
    assert [path.name for _, path in found.folders] == ["a", "b"]
    text = page(home, home_module.Problem("full", "it is full"), found)
    assert "huge" not in text


def test_a_huge_home_does_not_hold_up_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home_module, "PATIENCE", -1.0)
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    found = usage(tmp_path)
    assert not found.complete
    assert "lack some" in page(tmp_path, home_module.Problem("full", "full"), found)


def test_a_good_home_has_no_problem(tmp_path: Path) -> None:
    assert examine(tmp_path) is None


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (999, "999 B"), (1500, "2 kB"), (2_000_000_000_000, "2000.0 GB")],
)
def test_sizes_are_readable(size: int, words: str) -> None:
    assert readable(size) == words


def test_only_the_standard_library_is_needed(tmp_path: Path) -> None:
    code = "import sys, geodes_datalab.server.start, geodes_datalab.server.start.rescue\n"
    code += "print({name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(Path(home_module.__file__).parents[3])},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() in (
        "{'geodes_datalab', '__main__'}",
        "{'__main__', 'geodes_datalab'}",
    )


def test_libraries_are_told_the_cores_of_the_pod(tmp_path: Path) -> None:
    """In rescue mode too; what the site set stays."""
    preload = '["site.module"]'
    said = start(
        tmp_path,
        CPU_LIMIT="0.5",
        OMP_NUM_THREADS="4",
        DASK_DISTRIBUTED__NANNY__PRELOAD=preload,
    )
    found = said["env"]
    assert found["OMP_NUM_THREADS"] == "4"
    assert found["PYTHON_CPU_COUNT"] == found["NUMBA_NUM_THREADS"] == "1"
    added = set(found) - set(os.environ)
    assert "OPENBLAS_NUM_THREADS" not in added, "it would win over the site's OMP_NUM_THREADS"
    modules = json.loads(found["DASK_DISTRIBUTED__NANNY__PRELOAD"])
    assert modules == ["site.module", "geodes_datalab.compute.threads"]
    assert "libraries start 1 thread:" in str(said["log"])
    rescued = start(Path("/proc/no-home"), CPU_LIMIT="0.5")
    assert "RESCUE" in str(rescued["log"])
    assert rescued["env"]["NUMBA_NUM_THREADS"] == "1"


def test_libraries_are_told_nothing_where_nothing_is_limited(tmp_path: Path) -> None:
    names = {"PYTHON_CPU_COUNT", "OMP_NUM_THREADS", "GEODES_DATALAB_THREADS"}
    assert not names & set(start(tmp_path)["env"]) - set(os.environ)


def test_a_real_limit_reaches_what_the_server_starts(tmp_path: Path) -> None:
    with limited(1) as group:
        enter = f'echo $$ >"{group}/cgroup.procs"'
        said = start(tmp_path, before=enter)
    assert said["env"]["NUMBA_NUM_THREADS"] == said["env"]["PYTHON_CPU_COUNT"] == "1"

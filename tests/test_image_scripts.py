"""What the scripts that build images say on machines that lack something, before anything is built."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.waiting import minutes

ROOT = Path(__file__).parent.parent
ESSENTIAL = "awk basename cat cksum cmp cp cut dirname find grep head id ls mkdir mktemp rm sed sh sort tail timeout tr xargs"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The programs of a bare Debian, and a uv, as the only folder of a PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ESSENTIAL.split():
        found = shutil.which(name, path="/usr/bin:/bin")
        assert found is not None, name
        (folder / name).symlink_to(found)
    program(folder, "uv", "echo uv 0.13.9")
    return folder


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def run(
    bare: Path, script: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    authorities = bare.parent / "authorities.pem"
    authorities.touch()
    return subprocess.run(
        ["/bin/sh", ROOT / "scripts" / script, *arguments],
        env={
            "HOME": str(bare.parent),
            "PATH": str(bare),
            "PYTHON": sys.executable,
            "SSL_CERT_FILE": str(authorities),
        }
        | environment,
        capture_output=True,
        text=True,
        timeout=minutes(5),
    )


def line_to_copy(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one command of a message."""
    (line,) = [line for line in done.stderr.splitlines() if "apt-get" in line]
    return line.removeprefix("  -> ").removeprefix("sudo ")


def test_a_bare_machine_is_told_all_that_it_lacks_in_one_line(bare: Path) -> None:
    done = run(bare, "images")
    assert done.returncode == 1
    assert line_to_copy(done) == "apt-get install buildah mmdebstrap"
    assert "no program that builds images works (tried: buildah podman docker)" in done.stderr
    assert not (bare.parent / ".cache").exists(), "something was begun"


def test_without_a_python_that_is_in_the_line_too(bare: Path) -> None:
    done = run(bare, "images", PYTHON="", PYTHON_VERSIONS="3.99")
    assert line_to_copy(done) == "apt-get install buildah python3 python3-venv mmdebstrap"


def test_a_python_without_pip_is_told(bare: Path, tmp_path: Path) -> None:
    # Debian's Python without python3-venv: it runs, but has neither ensurepip nor pip.
    (bare / "uv").unlink()
    program(
        tmp_path,
        "python3",
        f'case "$*" in *ensurepip* | *pip*) exit 1 ;; esac\nexec {sys.executable} "$@"',
    )
    copy = tmp_path / "copy"
    for name in ("scripts", "images", "geodes_datalab/__init__.py", "requirements"):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        source = ROOT / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    done = run(bare, f"{copy}/scripts/images", PYTHON=str(tmp_path / "python3"))
    assert line_to_copy(done) == "apt-get install buildah python3-venv mmdebstrap"


def test_a_base_that_is_given_needs_nothing_to_make_one(bare: Path) -> None:
    done = run(bare, "images", BASE="registry.example/debian:trixie-slim")
    assert line_to_copy(done) == "apt-get install buildah"


def test_where_a_registry_gives_the_base_nothing_is_wanted_to_make_one(bare: Path) -> None:
    program(bare, "buildah", 'case "$1" in info | pull) exit 0 ;; esac; exit 1')
    done = run(bare, "images", PYTHON="", PYTHON_VERSIONS="3.99")
    assert line_to_copy(done) == "apt-get install python3 python3-venv"


def test_where_none_does_mmdebstrap_is(bare: Path) -> None:
    program(bare, "buildah", 'case "$1" in info) exit 0 ;; esac; exit 1')
    done = run(bare, "images")
    assert line_to_copy(done) == "apt-get install mmdebstrap"


def test_the_base_alone_needs_both_programs(bare: Path) -> None:
    assert line_to_copy(run(bare, "base-image")) == "apt-get install buildah mmdebstrap"


def test_an_engine_that_does_not_work_is_told_in_its_own_words(bare: Path) -> None:
    program(bare, "docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
    done = run(bare, "images", ENGINE="docker", BASE="debian:trixie-slim")
    assert done.returncode == 1
    assert "docker is here and says: Cannot connect to the Docker daemon" in done.stderr
    assert "apt-get" not in done.stderr, "no package mends that"


@pytest.mark.parametrize("option", ["--sizes", "--list", "--quick"])
def test_before_the_first_build_one_sentence_says_what_to_do(bare: Path, option: str) -> None:
    program(
        bare, "buildah", 'case "$1" in info) exit 0 ;; esac; echo image not known >&2; exit 125'
    )
    done = run(bare, "images", option, "notebook", TAG="never-built")
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first.startswith("error: there is no image localhost/geodes-datalab/notebook:")
    assert second == "  -> build it first, which takes some minutes: make images"


def test_licences_that_differ_by_case_have_one_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two builds are compared; a set of texts has another order in every process."""
    monkeypatch.setitem(sys.modules, "packageurl", SimpleNamespace(PackageURL=None))
    path = ROOT / "images/common/bill.py"
    spec = importlib.util.spec_from_file_location("bill", path)
    bill = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bill)
    names = ["APACHE-2", "Apache-2", "aPache-2", "apAche-2", "apachE-2", "apache-2", "Zlib", "zlib"]
    text = "".join(f"License: {name}\n text of it\n" for name in reversed(names))
    (tmp_path / "copyright").write_text(text)
    assert bill.debian_licences(str(tmp_path)) == names

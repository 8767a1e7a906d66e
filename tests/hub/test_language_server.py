"""The Lab's language server, started as jupyter-lsp starts it."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path
from pkgutil import resolve_name
from typing import IO, Any

import pytest

from geodes_datalab.server import language_server

ROOT = Path(__file__).parents[2]
CODE = """\
import os
import xarray as xr
x = 1; y = 2
x
undefined
import json
y
"""


def test_jupyter_lsp_finds_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (name,) = project["entry-points"]["jupyter_lsp_spec_v1"].values()
    assert resolve_name(name) is language_server.ruff


def test_a_notebook_is_marked_where_it_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where cells do what cells do: values at their end, imports where they are needed."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert marks(tmp_path) == ["F401", "F401", "F401", "F821"]


def test_settings_of_the_user_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    own = tmp_path / ".config" / "ruff" / "ruff.toml"
    own.parent.mkdir(parents=True)
    own.write_text('lint.select = ["F821"]\n')
    assert marks(tmp_path) == ["F821"]


def marks(home: Path) -> list[str]:
    """Return the rules that the server says are broken, for a notebook in the home."""
    (spec,) = language_server.ruff(None).values()
    process = subprocess.Popen(
        spec["argv"],
        env={**os.environ, **spec["env"]},
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        start = {"processId": None, "rootUri": home.as_uri(), "capabilities": {}}
        send(process.stdin, "initialize", start, id=1)
        send(process.stdin, "initialized", {})
        uri = (home / ".virtual_documents" / "nb.ipynb").as_uri()
        document = {"uri": uri, "languageId": "python", "version": 1, "text": CODE}
        send(process.stdin, "textDocument/didOpen", {"textDocument": document})
        while (said := receive(process.stdout)).get("method") != "textDocument/publishDiagnostics":
            pass
        process.kill()
    return sorted(each["code"] for each in said["params"]["diagnostics"])


def send(stream: IO[bytes], method: str, params: dict[str, Any], **more: int) -> None:
    told = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
    stream.write(b"Content-Length: %d\r\n\r\n" % len(told) + told)
    stream.flush()


def receive(stream: IO[bytes]) -> dict[str, Any]:
    length = 0
    while line := stream.readline().strip():
        if line.lower().startswith(b"content-length"):
            length = int(line.split(b":")[1])
    found: dict[str, Any] = json.loads(stream.read(length))
    return found

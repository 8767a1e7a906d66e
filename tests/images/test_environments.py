"""A user adds packages to the image: uid 1000, a root that can only be read, no registry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from inside import Image

pytestmark = [pytest.mark.images, pytest.mark.timeout(600)]

# What stands in a terminal and in cells of notebooks, and what came of it.
TRY = """
import json, os, pathlib, subprocess, sys
sys.path.insert(0, "/mnt")
from jupyter_client.manager import start_new_kernel
from support.wheels import wheel

wheels = pathlib.Path.home() / "wheels"
wheels.mkdir()
wheel(wheels, "land-tool", requires=["numpy", "xarray>=2025", "rasterio", "dask"])
wheel(wheels, "sea-tool")
os.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
mine = pathlib.Path.home() / ".local/share/geodes-datalab/environments/mine"
said = {}

def shell(key, line):
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    said[key] = [done.returncode, done.stdout, done.stderr]

def cells(key, name, *sources):
    manager, client = start_new_kernel(kernel_name=name)
    texts = []
    def take(message):
        content = message["content"]
        texts.append(content.get("text", "") + "".join(content.get("traceback", [])))
    for source in sources:
        client.execute_interactive(source, output_hook=take, timeout=120)
        texts.append("|")
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    said[key] = "".join(texts)

shell("install", "pip install 'land-tool>=1'")
shell("module", "python -m pip install -U xarray")
shell("user", "pip install --user sea-tool")
shell("file", "echo sea-tool >wanted.txt; pip install -r wanted.txt")
shell("there", "pip install xarray 'rasterio>=1' | tail -1")
shell("there, with extras", "pip install 'dask[array]' | tail -1")
shell("uninstall", "pip uninstall -y xarray")
shell("version", "pip --version")
shell("list", "pip list --format=freeze")
shell("download", "pip download --no-deps -d got sea-tool && ls got")
shell("target", "pip install -q --target there sea-tool && ls there")
shell("help", "pip install --help")
cells("ours", "python3", "%pip install sea-tool", "!pip install sea-tool")
shell("create", "geodes-datalab env create mine land-tool")
shell("install now", "pip install sea-tool")
shell("packages", f"{mine}/bin/pip list --local --format=freeze")
shell("outside", f"pip --python {mine}/bin/python list --local --format=freeze")
shell("size", f"du -sk {mine}")
cells("mine", "mine", "import land_tool, xarray; print(land_tool.__version__, xarray.DataArray([2]).sum().item())",
      "%pip install -q sea-tool", "import sea_tool; print(sea_tool.__file__)")
shell("environments", "geodes-datalab env list --json")
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(notebook: Image) -> dict[str, Any]:
    return json.loads(notebook.python(TRY).splitlines()[-1])


@pytest.mark.parametrize(
    ("key", "cure"),
    [
        ("install", "create NAME 'land-tool>=1'"),
        ("module", "create NAME xarray"),
        ("user", "create NAME sea-tool"),
        ("file", "create NAME -r wanted.txt"),
        ("install now", "add mine sea-tool"),
    ],
)
def test_pip_says_in_one_line_what_to_do(said: dict[str, Any], key: str, cure: str) -> None:
    code, out, text = said[key]
    line = (
        "ERROR: the datalab's packages can only be read; add yours in an environment of your own: "
    )
    assert (code, out, text) == (1, "", f"{line}geodes-datalab env {cure}\n")


def test_so_it_does_in_a_notebook(said: dict[str, Any]) -> None:
    magic, shell, _ = said["ours"].split("|")
    for text in (magic, shell):
        assert text.count("ERROR") == 1
        assert "geodes-datalab env create NAME sea-tool" in text
        assert "Collecting" not in text


def test_what_pip_can_do_it_does(said: dict[str, Any]) -> None:
    assert said["uninstall"][0] == 1
    assert "can only be read" in said["uninstall"][2]
    for key in ("there", "there, with extras"):
        assert "already satisfied" in said[key][1], said[key]
    assert "from /opt/datalab/" in said["version"][1]
    assert "\nxarray==" in said["list"][1]
    assert "sea_tool-1.0" in said["download"][1]
    assert "sea_tool.py" in said["target"][1]
    assert "Usage" in said["help"][1]


def test_an_environment_on_top_of_the_image(said: dict[str, Any]) -> None:
    code, out, text = said["create"]
    assert code == 0, text
    assert "mine is ready. Of its own it has: land-tool 1.0\n" in out
    assert said["packages"][1] == said["outside"][1] == "land-tool==1.0\n"
    assert int(said["size"][1].split()[0]) < 200
    first, _, there = said["mine"].split("|")[:3]
    assert first == "1.0 2\n"
    assert "/environments/mine/" in there
    (mine,) = json.loads(said["environments"][1])
    assert (mine["state"], mine["packages"]) == ("ready", {"land-tool": "1.0", "sea-tool": "1.0"})
    assert mine["asked"] == ["land-tool", "sea-tool"]

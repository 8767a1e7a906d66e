"""A user of local mode adds packages, and types what the documentation says."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import recipes
from support.datalab import Datalab, Visitor
from support.wheels import wheel

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]

COMMAND = """
import os, subprocess, sys
os.environ |= {{"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": {wheels!r}}}
done = subprocess.run([sys.executable, "-m", "geodes_datalab.cli", "env", *{words!r}], capture_output=True, text=True)
print(done.stdout, done.stderr)
"""
SHOW = "import land_tool, sys, xarray; print(land_tool.__version__, sys.prefix)"


@pytest.fixture(scope="module")
def alice(datalab: Datalab) -> Visitor:
    visitor = datalab.visitor("alice")
    visitor.spawn()
    return visitor


def test_an_environment_is_in_the_launcher_and_outlives_the_server(
    alice: Visitor, datalab: Datalab, tmp_path: Path
) -> None:
    wheel(tmp_path, "land-tool", requires=["xarray"])
    words = ["create", "mine", "land-tool"]
    said = alice.kernel().run(COMMAND.format(wheels=str(tmp_path), words=words))
    assert "mine is ready. Of its own it has: land-tool 1.0" in said
    home = datalab.state_dir / "homes" / "alice"
    for _ in range(2):
        assert "mine" in alice.get("api/kernelspecs").json()["kernelspecs"]
        version, prefix = alice.kernel("mine").run(SHOW).split()
        assert version == "1.0"
        assert Path(prefix).is_relative_to(home.resolve())
        alice.stop()
        alice.spawn()
    assert "are removed" in alice.kernel().run(COMMAND.format(wheels="", words=["remove", "mine"]))
    assert "mine" not in alice.get("api/kernelspecs").json()["kernelspecs"]


def test_every_recipe_works_in_a_terminal(alice: Visitor, tmp_path: Path) -> None:
    recipes.assert_work(alice, tmp_path)

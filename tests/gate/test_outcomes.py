"""What a real pytest tells the gate."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gate import outcomes

ROOT = Path(__file__).parents[2]
FILES = {
    "test_good.py": "def test_a(): pass\n",
    "test_bad.py": "def test_a(): assert 1 == 2, 'numbers differ'\ndef test_b(): pass\n",
    "test_setup.py": (
        "import pytest\n@pytest.fixture\ndef one(): raise OSError('no disk')\n"
        "def test_a(one): pass\n"
    ),
    "test_broken.py": "import nothing_of_that_name\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["support.outcomes"]\n')
    return tmp_path


def run(folder: Path, *arguments: str) -> outcomes.Outcomes:
    record = folder / "record.jsonl"
    told = {
        outcomes.VARIABLE: str(record),
        "PYTHONPATH": f"{ROOT}/tests:{ROOT}/.ci",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # others' plugins take seconds to import
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "xdist", *arguments],
        cwd=folder,
        env=environment | told,
        capture_output=True,
    )
    return outcomes.read(record)


@pytest.mark.parametrize("arguments", [[], ["--numprocesses=2"]], ids=["plain", "xdist"])
def test_failures_are_told_by_file(folder: Path, arguments: list[str]) -> None:
    for name, text in FILES.items():
        (folder / name).write_text(text)
    found = run(folder, "--continue-on-collection-errors", *arguments)
    assert found.passed == 2
    assert set(found.failed) == {"test_bad.py", "test_setup.py", "test_broken.py"}
    assert "numbers differ" in found.failed["test_bad.py"]
    assert "no disk" in found.failed["test_setup.py"]
    assert "nothing_of_that_name" in found.failed["test_broken.py"]


def test_several_runs_of_one_tier_are_added_up(folder: Path) -> None:
    (folder / "test_good.py").write_text(FILES["test_good.py"])
    run(folder)
    assert run(folder).passed == 2


def test_a_tier_that_wrote_nothing(tmp_path: Path) -> None:
    assert outcomes.read(tmp_path / "none.jsonl") == outcomes.Outcomes()

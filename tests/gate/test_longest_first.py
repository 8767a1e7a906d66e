"""Which files of tests a real pytest-xdist begins with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = {"test_a.py": 1, "test_b.py": 9, "test_c.py": 4, "test_d.py": 2, "test_e.py": 6}
"""How many tests each file has."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["support.longest_first"]\n')
    for name, count in FILES.items():
        tests = (f"def test_{number}(): pass\n" for number in range(count))
        (tmp_path / name).write_text("".join(tests))
    return tmp_path


def seconds(folder: Path) -> Path:
    return folder / "cache" / "geodes-datalab" / "seconds.json"


def order(folder: Path, *arguments: str) -> list[str]:
    """Run them with one worker, and return the files in the order in which they were begun."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    told = {
        "PYTHONPATH": f"{ROOT}/tests",
        "TESTS_CACHE_HOME": str(folder / "cache"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # others' plugins take seconds to import
    }
    options = ["-v", "-p", "xdist", "-n", "1", "--dist=loadfile", *arguments]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=folder, env=environment | told, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split()[-1] for line in done.stdout.splitlines() if " PASSED " in line]
    return list(dict.fromkeys(line.partition("::")[0] for line in lines))


def test_the_longest_files_come_first(folder: Path) -> None:
    seconds(folder).parent.mkdir(parents=True)
    seconds(folder).write_text(json.dumps({"test_a.py": 300, "test_d.py": 90, "gone.py": 999}))
    assert order(folder) == ["test_a.py", "test_d.py", "test_b.py", "test_e.py", "test_c.py"]
    told = json.loads(seconds(folder).read_text())
    assert set(told) == {*FILES, "gone.py"}
    assert told["test_a.py"] < 300, "it is what the last run took"


@pytest.mark.parametrize("text", ["", "[1]", '{"test_a.py": null}'])
def test_without_a_run_before_those_with_most_tests_do(folder: Path, text: str) -> None:
    seconds(folder).parent.mkdir(parents=True)
    seconds(folder).write_text(text)
    assert order(folder) == ["test_b.py", "test_e.py", "test_c.py", "test_d.py", "test_a.py"]


def test_a_run_of_some_tests_says_nothing_of_whole_files(folder: Path) -> None:
    order(folder, "-k", "test_0")
    order(folder, "test_b.py::test_1")
    assert not seconds(folder).exists()

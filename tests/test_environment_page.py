"""The page that tells what is in the images agrees with their locks."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/how-to/environment.md"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "make_environment", ROOT / "scripts/make_environment.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_those_of_the_locks(script: ModuleType) -> None:
    page = PAGE.read_text()
    assert script.written(page) == page, "scripts/run python scripts/make_environment.py"


def test_every_package_that_is_asked_for_stands_in_the_page(script: ModuleType) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    page = PAGE.read_text()
    for name in script.names(extras["full"] + extras["notebook"] + extras["platform"]):
        assert re.search(rf"[|,] {re.escape(name)} \d", page), name


def test_an_older_version_is_noticed(script: ModuleType) -> None:
    page = PAGE.read_text().replace("xarray 20", "xarray 19", 1)
    assert script.written(page) != page

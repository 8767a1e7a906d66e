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


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return loaded("make_environment")


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    return loaded("make_image_pages")


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


@pytest.mark.parametrize("image", ["notebook", "platform"])
def test_the_page_of_an_image_is_what_it_holds(pages: ModuleType, image: str) -> None:
    page = pages.page(image).read_text()
    assert pages.written(image) == page, "scripts/run python scripts/make_image_pages.py"
    for kind in ("pypi", "npm"):
        for name, version in pages.listed(image)[kind].items():
            assert f"| {name} | {version} | " in page
    assert "://" not in page
    assert "| |" not in page.partition("## Python packages")[2], "a package without a licence"


@pytest.mark.parametrize("image", ["notebook", "platform"])
def test_the_lists_of_an_image_agree_with_its_lock(
    script: ModuleType, pages: ModuleType, image: str
) -> None:
    lock = script.locked(ROOT / "images" / image / "requirements.txt")
    for name, version in pages.listed(image)["pypi"].items():
        assert lock[script.normal(name)] == version, 'make images ARGS="--list"'


def test_every_debian_package_that_is_asked_for_has_its_use(pages: ModuleType) -> None:
    assert {*pages.asked("notebook"), *pages.asked("platform")} == pages.USES.keys()


def test_both_pages_promise_the_same_sizes(pages: ModuleType) -> None:
    def megabytes(text: str) -> int:
        number, unit = text.split()
        return round(float(number) * {"MB": 1, "GB": 1000}[unit])

    (row,) = re.findall(r"\| size on disk \| at most (.+) \| at most (.+) \|", PAGE.read_text())
    assert [megabytes(text) for text in row] == [
        megabytes(pages.SIZES[image][1]) for image in ("notebook", "platform")
    ]
    for usual, most in pages.SIZES.values():
        assert megabytes(usual) < megabytes(most)

"""The facade: few sorted names, and an import that loads next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import geodes_datalab as gd

_ALLOWED = 10
"""Modules that importing the package may add to bare Python's (it adds its own one or two)."""


def _modules(statement: str) -> set[str]:
    code = f"import sys, json\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_importing_the_package_loads_next_to_nothing() -> None:
    added = _modules("import geodes_datalab") - _modules("pass")
    assert len(added) <= _ALLOWED, sorted(added)


@pytest.mark.parametrize("name", ["_http", "auth", "config", "errors", "hub", "local", "cli"])
def test_the_light_layers_load_no_scientific_package(name: str) -> None:
    heavy = {
        "numpy",
        "xarray",
        "dask",
        "distributed",
        "rasterio",
        "pandas",
        "shapely",
        "fastapi",
    }
    assert not _modules(f"import geodes_datalab.{name}") & heavy


def test_all_is_sorted_complete_and_lazy() -> None:
    assert gd.__all__ == sorted(gd.__all__)
    assert set(gd.__all__) == set(gd._VERBS)
    for name in gd.__all__:
        assert callable(getattr(gd, name)), name


def test_no_verb_hides_a_sub_package() -> None:
    folder = Path(gd.__file__).parent
    taken = {path.stem for path in folder.iterdir()}
    assert not set(gd.__all__) & taken


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'serch'"):
        gd.serch  # noqa: B018


def test_completion_offers_the_verbs_alone() -> None:
    assert dir(gd) == gd.__all__


@pytest.mark.parametrize(
    ("verb", "package", "extra"),
    [
        ("load", "xarray", "cubes"),
        ("save", "xarray", "cubes"),
        ("open_cluster", "distributed", "cluster"),
        ("show", "ipyleaflet", "maps"),
    ],
)
def test_a_verb_says_which_extra_it_lacks(verb: str, package: str, extra: str) -> None:
    """As after a plain ``pip install geodes-datalab``."""
    code = f"import sys\nsys.modules[{package!r}] = None\nimport geodes_datalab as gd\ngd.{verb}(1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f'pip install "geodes-datalab[{extra}]"' in done.stderr, done.stderr
    assert f"the Python package {package!r}" in done.stderr

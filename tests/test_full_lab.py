"""What a kernel says of a missing package is what pyproject.toml, the locks and the packages say."""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
AGAIN = "run scripts/make_full_lab.py where the full lab is installed"
NO_MODULE = {"solara"}
"""A package of packages."""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    path = ROOT / "scripts" / "make_full_lab.py"
    spec = importlib.util.spec_from_file_location("make_full_lab", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def told(script: ModuleType) -> dict[str, str]:
    return dict(json.loads(script.DATA.read_text("utf-8")))


def test_each_package_that_only_the_full_lab_has_is_known(script: ModuleType) -> None:
    assert set(told(script).values()) | NO_MODULE == script.asked(), AGAIN
    assert {"cartopy", "plotly", "pygeodes", "scikit-image"} <= script.asked()
    assert not {"scikit-learn", "folium", "xarray"} & script.asked()  # the default lab has them


def test_what_is_installed_here_is_imported_by_the_names_told(script: ModuleType) -> None:
    here = script.modules(metadata.distributions())
    assert len(here) > 3
    packages = set(here.values())
    mine = {module: name for module, name in told(script).items() if name in packages}
    assert mine == here, AGAIN


def test_names_are_those_of_modules(script: ModuleType) -> None:
    assert told(script)["skimage"] == "scikit-image"
    assert told(script)["xrspatial"] == "xarray-spatial"
    assert not set(told(script)) & (sys.stdlib_module_names | script.NOT_MEANT)


def test_a_folder_that_lacks_one_is_refused(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = script.DATA.read_text("utf-8")
    monkeypatch.setattr(sys, "argv", ["make_full_lab.py", str(tmp_path)])
    with pytest.raises(SystemExit, match="not installed here: bottleneck, "):
        script.main()
    assert script.DATA.read_text("utf-8") == before

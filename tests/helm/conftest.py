"""The chart, rendered by a real helm: once per values file and run, whatever the number of workers."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from manifests.render import OLDEST, Helm, Release

ROOT = Path(__file__).parent.parent.parent
CHART = ROOT / "helm/geodes-datalab"
CI = sorted(path.stem for path in (CHART / "ci").glob("*.yaml"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chart", type=Path, help="test this copy of the chart (the mutations do)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CI, scope="session")


@pytest.fixture(scope="session")
def chart(request: pytest.FixtureRequest) -> Path:
    """Folder of the chart."""
    return Path(request.config.getoption("chart", default=None) or CHART)


@pytest.fixture(scope="session")
def helm(chart: Path, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """A helm that runs, with the chart."""
    found = [os.environ.get("HELM"), shutil.which("helm"), shared_cache / "helm/helm"]
    found += sorted(shared_cache.glob("cluster/*/bin/helm"))
    home = tmp_path_factory.mktemp("helm")
    for binary in filter(None, found):
        helm = Helm(str(binary), chart, home)
        if helm.fits():
            return helm
    pytest.skip(
        f"needs helm {'.'.join(map(str, OLDEST))} or newer (Debian has none; https://helm.sh): "
        "install it, or let `scripts/helm --path` fetch it (make test does)"
    )


@pytest.fixture(scope="session")
def values_of(chart: Path) -> dict[str, Path]:
    """Values files of ci/, by name."""
    return {name: chart / f"ci/{name}.yaml" for name in CI}


@pytest.fixture(scope="session")
def release(
    case: str, helm: Helm, values_of: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Release:
    """Everything that a values file of ci/ renders (parametrised by `case`)."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    mark = hashlib.sha256(str(helm.chart).encode()).hexdigest()[:8]
    kept = shared / f"rendered-{mark}-{case}.yaml"
    if not kept.exists():
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(helm.render(values_of[case]).text)
        fresh.replace(kept)
    return Release.read(kept.read_text(), name="datalab", namespace="datalab")


@pytest.fixture(scope="session")
def generator() -> ModuleType:
    """The script that makes schema, keys and tables."""
    spec = importlib.util.spec_from_file_location("make_chart", ROOT / "scripts/make_chart.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

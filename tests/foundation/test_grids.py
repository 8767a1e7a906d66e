"""Grids are linked into every library that has a PROJ of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from geodes_datalab import _grids
from geodes_datalab.cli import main
from geodes_datalab.errors import ConfigurationError
from geodes_datalab.local import doctor

WHEELS = {
    "pyproj": "proj_dir/share/proj",
    "rasterio": "proj_data",
    "pyogrio": "proj_data",
}


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Three packages laid out as wheels are; nothing of the real environment is touched."""
    place = tmp_path / "site-packages"
    for name, inside in WHEELS.items():
        (place / name / inside).mkdir(parents=True)
        (place / name / "__init__.py").touch()
        (place / name / inside / "proj.db").touch()
        for loaded in [one for one in sys.modules if one.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, loaded)
    kept = [path for path in sys.path if not (Path(path) / "pyproj").is_dir()]
    monkeypatch.setattr(sys, "path", [str(place), *kept])
    monkeypatch.delenv("PROJ_NETWORK", raising=False)
    return {name: place / name / inside for name, inside in WHEELS.items()}


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder as Debian's: grids beside a database that no wheel may have."""
    folder = tmp_path / "share"
    folder.mkdir()
    for name in ("egm96_15.gtx", "us_nga_egm08_25.tif", "ntf_r93.gsb", "proj.db", "world"):
        (folder / name).write_text("other")
    return folder


def test_every_library_gets_them_and_keeps_its_database(
    wheels: dict[str, Path], shelf: Path
) -> None:
    assert _grids.missing() == {name: ["EGM96", "EGM2008", "NTF"] for name in wheels}
    for _ in range(2):  # a second time changes nothing
        done = CliRunner().invoke(main, ["grids", str(shelf)])
        assert done.exit_code == 0, done.output
    for name, folder in wheels.items():
        assert f"{name}: has all" in done.output
        assert (folder / "ntf_r93.gsb").read_text() == "other"
        assert (folder / "proj.db").read_text() == ""
        assert not (folder / "world").exists()


def test_what_leads_there_already_is_left(
    wheels: dict[str, Path], shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image's own libraries have them, and can only be read: an environment on top links the others."""
    _grids.link(shelf)
    (wheels["rasterio"] / "ntf_r93.gsb").unlink()

    def refused(path: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refused)
    assert "ntf_r93.gsb" in _grids.link(shelf)
    assert _grids.missing() == {name: [] for name in wheels}


def test_a_grid_of_its_own_is_kept_and_a_dead_link_is_not(
    wheels: dict[str, Path], shelf: Path
) -> None:
    (wheels["pyproj"] / "egm96_15.gtx").write_text("own")
    (wheels["rasterio"] / "egm96_15.gtx").symlink_to(shelf / "gone.gtx")
    assert "EGM96" in _grids.missing()["rasterio"]
    _grids.link(shelf)
    assert (wheels["pyproj"] / "egm96_15.gtx").read_text() == "own"
    assert (wheels["rasterio"] / "egm96_15.gtx").read_text() == "other"


@pytest.mark.usefixtures("wheels")
def test_a_folder_without_grids(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match="there is no grid in"):
        _grids.link(tmp_path / "empty")


def test_the_doctor_names_the_library(
    wheels: dict[str, Path], shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _grids.link(shelf)
    assert doctor.check_grids().verdict == "ok"
    (wheels["rasterio"] / "us_nga_egm08_25.tif").unlink()
    finding = doctor.check_grids()
    assert finding.verdict == "warn"
    assert "rasterio: EGM2008" in finding.found
    assert "pyproj" not in finding.found
    assert "geodes-datalab grids" in finding.advice
    monkeypatch.setenv("PROJ_NETWORK", "ON")
    assert doctor.check_grids().verdict == "ok"
    for folder in wheels.values():
        (folder / "proj.db").unlink()  # as conda has them
    assert "no library here" in doctor.check_grids().found
    with pytest.raises(ConfigurationError, match="no library with a PROJ of its own"):
        _grids.link(shelf)

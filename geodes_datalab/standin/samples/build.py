"""Build the sample products once into a cache folder, safely for several processes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from geodes_datalab.standin.samples import (
    farmland,
    parcels,
    s1tiling,
    safe,
    simulate,
    sources,
    theia,
)
from geodes_datalab.standin.samples.level1c import Level1C
from geodes_datalab.standin.samples.product import Product
from geodes_datalab.standin.samples.scenes import DRAWN, SCENES, Scene
from geodes_datalab.standin.samples.sky import NORTHERN_SUN
from geodes_datalab.standin.samples.sky import sky as make_sky

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class SampleSet:
    """The built products and where their files are."""

    root: Path
    """Folder that the paths of the files are relative to."""
    products: tuple[Product, ...]
    """Every product, in order of collection and date."""

    @property
    def dem(self) -> Path:
        """Real elevation model of the Gironde (CNES, EPSG:4326), for notebooks."""
        return sources.folder() / "dem" / "gironde.tif"


def default_cache() -> Path:
    """Return the folder that samples are built in when none is given."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "geodes-datalab"


def version() -> str:
    """Return a digest of everything that the packed products depend on."""
    import rasterio

    package = Path(__file__).parent
    digest = hashlib.sha256(rasterio.__gdal_version__.encode())
    for path in sorted([*package.glob("*.py"), *package.glob("data/**/*.tif")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def build(cache: Path | str | None = None) -> SampleSet:
    """Return the sample products, packing them at the first call (about ten seconds).

    The work is done in a temporary folder that is renamed at the end: a killed run leaves no half
    set, and of two processes that build at once, one wins and the other takes its result.

    Parameters
    ----------
    cache
        Folder to build below; ``~/.cache/geodes-datalab`` when None.

    Returns
    -------
    SampleSet
        Products with true sizes and MD5 checksums.
    """
    parent = Path(cache) if cache is not None else default_cache()
    target = parent / f"samples-{version()}"
    if not (target / MANIFEST).is_file():
        parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=parent))
        try:
            _write_all(scratch)
            publish(scratch, target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    listed = json.loads((target / MANIFEST).read_text())
    return SampleSet(target, tuple(Product.from_dict(item) for item in listed))


def publish(scratch: Path, target: Path) -> None:
    """Give a finished set its name, unless another process was faster."""
    scratch.chmod(0o755)
    try:
        scratch.rename(target)
    except OSError:
        if not (target / MANIFEST).is_file():  # somebody else's finished set is as good as ours
            raise


def _write_all(root: Path) -> None:
    products = [
        *(
            product
            for number, scene in enumerate(SCENES)
            for product in _sentinel2(scene, number, root)
        ),
        *(_drawn(scene, number, root) for number, scene in enumerate(DRAWN)),
        *(s1tiling.pack(scene, root) for scene in sources.sentinel1()),
    ]
    products.sort(key=lambda one: (one.collection, one.properties["start_datetime"]))
    listed = [product.to_dict() for product in products]
    (root / MANIFEST).write_text(json.dumps(listed, indent=1))


def _sentinel2(scene: Scene, number: int, root: Path) -> list[Product]:
    grid, bands = sources.sentinel2()
    shape = bands["B02"].shape
    sky = make_sky(shape, cloud_cover=scene.cloud_cover, edge=scene.edge, seed=2026 + number)
    toa = simulate.top_of_atmosphere(bands, season=scene.season, sky=sky)
    level1c = safe.level1c(scene, grid, toa, sky.cloud)
    products = [safe.pack(level1c, root)]
    if scene.surface:
        products.append(theia.pack(level1c, toa, sky, root))
    return products


def _drawn(scene: Scene, number: int, root: Path) -> Product:
    """Pack a date of the drawn farmland, which has surface reflectance alone."""
    grid = parcels.GRID
    shape = (grid.height, grid.width)
    sky = make_sky(
        shape, cloud_cover=scene.cloud_cover, edge=False, seed=3100 + number, sun=NORTHERN_SUN
    )
    ground = farmland.bands(scene.day, seed=500 + number)
    toa = simulate.top_of_atmosphere(ground, season=0, sky=sky)
    product = Level1C(scene, grid, f"T{grid.square()}", {}, sky.cloud)
    return theia.pack(product, toa, sky, root)

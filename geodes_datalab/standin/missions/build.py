"""Build the sample products of further missions once into a cache folder."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import shutil
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from geodes_datalab.standin.missions.made import SIMULATED, Made
from geodes_datalab.standin.samples.build import MANIFEST, SampleSet, default_cache, publish
from geodes_datalab.standin.samples.product import Product, ProductFile, describe

FAMILIES: tuple[str, ...] = (
    "flatsim",
    "gravity",
    "optical",
    "pleiades",
    "points",
    "postel",
    "radar",
    "spot",
    "swath",
    "swot",
)
"""Modules of this package that have a function `products`."""

_MEDIA = {
    ".nc": "application/x-netcdf", ".h5": "application/x-hdf5", ".gz": "application/gzip",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".zip": "application/zip",
}  # fmt: skip


def build(cache: Path | str | None = None) -> SampleSet:
    """Return the sample products, written at the first call (some seconds).

    Parameters
    ----------
    cache
        Folder to build below; ``~/.cache/geodes-datalab`` when None.
    """
    parent = Path(cache) if cache is not None else default_cache()
    target = parent / f"missions-{_version()}"
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


def _version() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _write_all(root: Path) -> None:
    products = [
        _written(made, root)
        for family in FAMILIES
        for made in import_module(f"geodes_datalab.standin.missions.{family}").products()
    ]
    products.sort(key=lambda one: (one.collection, one.properties["start_datetime"]))
    (root / MANIFEST).write_text(json.dumps([item.to_dict() for item in products], indent=1))


def _written(made: Made, root: Path) -> Product:
    folder = root / made.collection / made.identifier
    folder.mkdir(parents=True)
    files = []
    for name, content in made.files.items():
        (folder / name).write_bytes(content)
        files.append(_described(root, folder / name))
    west, south, east, north = made.bbox
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return Product(
        collection=made.collection,
        identifier=made.identifier,
        geometry={"type": "Polygon", "coordinates": [ring]},
        properties=_properties(made),
        files=tuple(files),
    )


def _described(root: Path, path: Path) -> ProductFile:
    media = _MEDIA.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    picture = path.suffix in {".jpg", ".png"}
    return describe(
        root, path, name=path.name, media=media or "application/octet-stream",
        datatype="QUICKLOOK_SD" if picture else "RAWDATA",
    )  # fmt: skip


def _properties(made: Made) -> dict[str, Any]:
    return {
        "title": made.title,
        "start_datetime": made.start,
        "end_datetime": made.end or made.start,
        "datetime": f"{made.start[:10]}T21:00:00.800000Z",
        "eo:cloud_cover": 0.0,
        "latest": True,
        "geodes_datalab:simulated": made.simulated,
        "geodes_datalab:comment": SIMULATED if made.simulated else "",
        **made.properties,
    }

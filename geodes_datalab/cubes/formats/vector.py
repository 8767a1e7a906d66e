"""Shapes with properties: zipped shapefiles of rivers, lakes and land cover.

The descriptor's options tell what is what: ``names`` are columns that are names, though they look like numbers;
``times`` columns with dates; ``fills`` are numbers that mean "nothing"; ``classes`` is the column whose numbers the
classes of the band of that name explain; ``crs`` holds where a product has no .prj.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from odc.geo.geom import Geometry

from geodes_datalab._types import Json
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.errors import UnknownBand, near
from geodes_datalab.stac.readers import Reader

if TYPE_CHECKING:
    import geopandas

_NEEDED = ("shx", "dbf")
_PARTS = ("shp", *_NEEDED, "prj", "cpg")
"""Files that make a shapefile; no other member of an archive is unpacked."""


def open_product(
    files: ProductFiles, reader: Reader, item: Json, wanted: Wanted
) -> geopandas.GeoDataFrame:
    """Open shapes; see `registry.Opener`."""
    import geopandas

    name = files.one(*dict.fromkeys(band.member for band in reader.bands))
    stem = name.rpartition(".")[0]
    for part in _NEEDED:
        if f"{stem}.{part}" not in files.names:
            raise files.changed(f"holds {name} without its .{part}")
    with files.unpacked(*(f"{_literal(stem)}.{part}" for part in _PARTS)) as folder:
        path = folder / name.rpartition("/")[2]
        try:
            crs = _crs(files, reader, path)
            box = None if wanted.area is None else _box(wanted.area, crs)
            shapes = geopandas.read_file(path, engine="pyogrio", bbox=box)
        except (OSError, RuntimeError, ValueError) as error:
            raise files.damaged(name, f"could not be read as shapes: {error}") from error
    whole = shapes if shapes.crs is not None else shapes.set_crs(crs)
    return _described(files, reader, whole, wanted)


def _crs(files: ProductFiles, reader: Reader, path: Path) -> Any:
    """Return the CRS of a file, or else that of the description."""
    import geopandas

    told: Any = geopandas.read_file(path, engine="pyogrio", rows=0).crs or reader.options.get("crs")
    if told is None:
        raise files.changed("tells no coordinate reference system: it has no .prj", ["*.prj"])
    return told


def _box(area: Any, crs: Any) -> tuple[float, ...]:
    """Return west, south, east, north of an area in a CRS."""
    box = Geometry(area, "EPSG:4326").to_crs(crs, 0.1).boundingbox
    return tuple(map(float, box.bbox))


def _literal(stem: str) -> str:
    from glob import escape

    return escape(stem)


def _described(files: ProductFiles, reader: Reader, shapes: Any, wanted: Wanted) -> Any:
    """Give columns the types and units that they are meant to have."""
    columns = [name for name in shapes.columns if name != shapes.geometry.name]
    if lost := [name for name in reader.options.get("required", ()) if name not in columns]:
        raise files.changed(
            f"has no column {' or '.join(lost)} (it has {', '.join(columns)})", lost
        )
    for name in reader.options.get("names", ()):
        if name in columns:
            shapes[name] = shapes[name].astype("string")
    fills = reader.options.get("fills", ())
    for name in columns:
        if fills and pd.api.types.is_numeric_dtype(shapes[name]):
            shapes[name] = _without(shapes[name], fills)
    for name in reader.options.get("times", ()):
        if name in columns:
            shapes[name] = pd.to_datetime(shapes[name], errors="coerce", utc=True, format="ISO8601")
    _name_classes(reader, shapes)
    units = {
        band.name: band.units for band in reader.bands if band.name in columns and band.units != "1"
    }
    shapes.attrs["units"] = units
    datums = {band.datum for band in reader.bands} - {""}
    if datums:
        shapes.attrs["vertical_datum"] = ", ".join(sorted(datums))
    return _chosen(shapes, wanted.bands)


def _without(column: Any, fills: Any) -> Any:
    """Return numbers without those that mean "nothing"; integers stay integers where none does."""
    missing = np.isclose(
        column.astype("float64").to_numpy(), np.asarray(fills)[:, None], rtol=1e-6
    ).any(0)
    return column.astype("float64").mask(missing) if missing.any() else column


def _name_classes(reader: Reader, shapes: Any) -> None:
    name = reader.options.get("classes", "")
    if name and name in shapes:
        words = {one.value: one.name for band in reader.bands for one in band.classes}
        shapes[f"{name}_name"] = shapes[name].map(words).astype("string")


def _chosen(shapes: Any, names: tuple[str, ...] | None) -> Any:
    """Return the columns that are wanted; a class comes with its name."""
    if names is None:
        return shapes
    held = [name for name in shapes.columns if name != shapes.geometry.name]
    for name in names:
        if name not in held:
            hint = near(name, held) or f"the columns are: {', '.join(held)}"
            raise UnknownBand(f"the shapes have no column {name}", hint)
    words = [one for name in names for one in (name, f"{name}_name") if one in held]
    return shapes[[*dict.fromkeys(words), shapes.geometry.name]]

"""The examples with a place in France, on the drawn farmland of the sample catalogue."""

from __future__ import annotations

from typing import Any

import rioxarray  # noqa: F401 - gives arrays their .rio

import geodes_datalab as gd
from geodes_datalab import ops
from geodes_datalab.standin import fields

TOULOUSE = (1.40, 43.55, 1.44, 43.58)
L2A = "THEIA_REFLECTANCE_SENTINEL2_L2A"


def test_the_place_of_the_documentation_gives_a_cube(portal: Any) -> None:
    items = gd.search(L2A, bbox=TOULOUSE, datetime="2025-05/2025-08")
    assert len(items) == 5
    assert {item.properties["grid:code"] for item in items} == {"MGRS-31TCJ"}
    assert "all simulated" in items._repr_html_()
    cube = gd.load(items, ["red", "nir"], bbox=TOULOUSE, clear=True)
    assert cube.rio.crs.to_epsg() == 32631
    assert "(simulated)" in cube["red"].attrs["source"]
    assert min(cube.sizes["x"], cube.sizes["y"]) > 300
    seen = ops.median(cube)["red"].compute()
    assert bool(seen.notnull().all())


def test_crops_have_their_seasons(portal: Any) -> None:
    items = gd.search(L2A, bbox=TOULOUSE, datetime="2025")
    cube = gd.load(items, ["red", "nir"], bbox=TOULOUSE, clear=True)
    table = fields().groupby("crop").head(4)
    means = ops.zonal(ops.ndvi(cube), table, "mean", names="name").compute()

    def of(crop: str, month: int) -> float:
        names = table["name"][table["crop"] == crop]
        chosen = means.sel(time=f"2025-{month:02d}")
        return float(chosen.sel(area=list(names)).mean())

    assert of("wheat", 5) > 0.6
    assert of("maize", 5) < 0.35
    assert of("wheat", 7) < 0.35
    assert of("maize", 7) > 0.6
    assert of("sunflower", 8) < of("sunflower", 7)
    assert of("meadow", 8) > 0.35

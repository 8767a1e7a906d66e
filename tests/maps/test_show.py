"""A slice of a cube as a picture: colours, orientation, bounds, transparency."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import dask.array
import numpy as np
import odc.geo.xr
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox
from support import inline

import geodes_datalab as gd
from geodes_datalab import maps
from geodes_datalab.errors import ConfigurationError, CubeError
from geodes_datalab.maps import basemap
from geodes_datalab.ops import colours
from geodes_datalab.stac import Items

GRID = GeoBox.from_bbox((-20, -10, 20, 10), "EPSG:4326", shape=(200, 400))


def array(values: np.ndarray[Any, Any], grid: GeoBox = GRID, **options: Any) -> xr.DataArray:
    found: xr.DataArray = odc.geo.xr.wrap_xr(values, grid, **options)
    return found


def quarters(dtype: str = "float32") -> np.ndarray[Any, Any]:
    """North-west 0, north-east 1, south-west 2, south-east 3."""
    values = np.zeros(GRID.shape, dtype)
    values[:100, 200:] = 1
    values[100:, :200] = 2
    values[100:, 200:] = 3
    return values


def picture(shown: Any) -> tuple[np.ndarray[Any, Any], Any]:
    """Return the pixels (y, x, 4) and the layer of the map's last picture."""
    layer = [one for one in getattr(shown, "map", shown).layers if hasattr(one, "bounds")][-1]
    return inline.pixels(layer.url), layer


def show(found: xr.DataArray, **options: Any) -> Any:
    return gd.show(found, tiles=False, **options)


def quarter_colours(pixels: np.ndarray[Any, Any]) -> list[tuple[int, ...]]:
    height, width = pixels.shape[:2]
    rows, columns = (height // 4, 3 * height // 4), (width // 4, 3 * width // 4)
    return [tuple(int(v) for v in pixels[y, x]) for y in rows for x in columns]


def viridis(share: float) -> tuple[int, ...]:
    import matplotlib as mpl

    return tuple(round(255 * v) for v in mpl.colormaps["viridis"](float(share)))


def test_colours_orientation_and_bounds() -> None:
    pixels, layer = picture(show(array(quarters()), vmin=0, vmax=3))
    assert quarter_colours(pixels) == [viridis(0), viridis(1 / 3), viridis(2 / 3), viridis(1)]
    (south, west), (north, east) = layer.bounds
    step = 40 / pixels.shape[1] * 2  # the picture's grid may reach a pixel over the array's edge
    assert (south, west, north, east) == pytest.approx((-10, -20, 10, 20), abs=step)


def test_pixels_lie_where_leaflet_puts_them() -> None:
    """A single hot pixel at 60 N is found at 60 N, where a Mercator map is far from linear."""
    tall = GeoBox.from_bbox((0, 0, 20, 80), "EPSG:4326", shape=(800, 200))
    values = np.zeros(tall.shape, "float32")
    values[195:205, 95:105] = 1  # around 60 N, 10 E
    pixels, layer = picture(show(array(values, tall), vmin=0, vmax=1))
    rows, columns = np.nonzero((pixels[..., :3] == viridis(1)[:3]).all(axis=-1))

    def mercator(latitude: float) -> float:
        return float(np.arctanh(np.sin(np.radians(latitude))))

    (south, west), (north, east) = layer.bounds
    share = (rows.mean() + 0.5) / pixels.shape[0]
    y = mercator(north) + share * (mercator(south) - mercator(north))
    assert np.degrees(np.arctan(np.sinh(y))) == pytest.approx(60, abs=0.15)
    assert west + (columns.mean() + 0.5) / pixels.shape[1] * (east - west) == pytest.approx(
        10, abs=0.15
    )


def test_utm_is_reprojected() -> None:
    utm = GeoBox.from_bbox((300000, 4800000, 310240, 4810240), "EPSG:32631", resolution=10)
    pixels, layer = picture(show(array(np.ones(utm.shape, "uint16"), utm), widest=300))
    assert max(pixels.shape[:2]) == 300
    west, south, east, north = utm.geographic_extent.boundingbox.bbox
    (s, w), (n, e) = layer.bounds
    assert (w, s, e, n) == pytest.approx((west, south, east, north), abs=0.002)
    assert pixels[150, 150, 3] == 255
    assert pixels[0, 0, 3] == 0  # outside of the turned square


@pytest.mark.parametrize("kind", ["nan", "attribute"])
def test_nothing_is_transparent(kind: str) -> None:
    values = quarters("float32" if kind == "nan" else "int16")
    values[:100, :200] = np.nan if kind == "nan" else -10000
    found = array(values, nodata=-10000 if kind == "attribute" else None)
    pixels, _ = picture(show(found))
    corners = quarter_colours(pixels)
    assert corners[0][3] == 0
    assert [corner[3] for corner in corners[1:]] == [255, 255, 255]
    assert corners[1][:3] == viridis(0)[:3]  # -10000 does not stretch the colours


def test_red_green_and_blue() -> None:
    bands = np.stack([quarters() == number for number in (0, 1, 2)]).astype("uint8") * 200
    found = xr.concat([array(band) for band in bands], "band").assign_coords(band=["r", "g", "b"])
    found = found.odc.assign_crs("EPSG:4326")
    pixels, _ = picture(show(found, vmin=0, vmax=200))
    assert [c[:3] for c in quarter_colours(pixels)] == [
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
        (0, 0, 0),
    ]


def test_large_dask_arrays_are_thinned_before_they_are_computed() -> None:
    seen: list[int] = []

    def block(block_info: Any = None) -> np.ndarray[Any, Any]:
        seen.append(1)
        return np.full(block_info[None]["chunk-shape"], 5, "float32")

    big = GeoBox.from_bbox((300000, 4800000, 400000, 4900000), "EPSG:32631", shape=(10000, 10000))
    lazy = dask.array.map_blocks(
        block, chunks=((2500,) * 4, (2500,) * 4), dtype="float32", meta=np.empty((0, 0), "float32")
    )
    pixels, _ = picture(show(odc.geo.xr.wrap_xr(lazy, big), widest=500, vmin=0, vmax=10))
    assert len(seen) == 16  # each chunk once
    assert max(pixels.shape[:2]) == 500
    assert tuple(pixels[250, 250, :3]) == viridis(0.5)[:3]


def test_a_french_class_reads_the_picture_s_title_in_french(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cube = xr.Dataset({name: array(quarters()) for name in ("red", "green", "blue")})
    assert "true colour" in show(cube).controls[-1].widget.value
    monkeypatch.setenv("GEODES_DATALAB_LANGUAGE", "fr")
    assert "couleurs naturelles" in show(cube).controls[-1].widget.value
    assert colours.stacked(cube, colours.RED_GREEN_BLUE).attrs["long_name"] == "true colour", (
        "files say it in English"
    )


def test_legend_title_and_options() -> None:
    found = array(quarters())
    found.attrs |= {"long_name": "height <above> ground", "units": "m"}
    shown = show(found, opacity=0.5)
    legend = shown.controls[-1].widget.value
    assert "height &lt;above&gt; ground (m)" in legend
    assert "linear-gradient" in legend
    assert ">3<" in legend
    assert picture(shown)[1].opacity == 0.5
    assert picture(show(found, label="mine"))[1].name == "mine"


def test_an_explorer_takes_pictures() -> None:
    view = gd.explore(Items([]), tiles=False)
    assert gd.show(array(quarters()), on=view) is view
    assert picture(view)[0].any()


def test_one_value_and_no_value_at_all() -> None:
    pixels, _ = picture(show(array(np.full(GRID.shape, 7, "int16"))))
    assert pixels[100, 100, 3] == 255
    empty, _ = picture(show(array(np.full(GRID.shape, np.nan, "float32"))))
    assert not empty[..., 3].any()


def test_what_cannot_be_shown_is_told() -> None:
    plain = xr.DataArray(np.zeros((4, 4)), dims=("y", "x"))
    stack = xr.concat([array(quarters())] * 4, "a").expand_dims(b=2).odc.assign_crs("EPSG:4326")
    with pytest.raises(CubeError, match="no CRS, or no regular grid"):
        show(plain)
    with pytest.raises(
        CubeError, match=r"not \{'b': 2, 'a': 4\}\n  What to do: pick one: .isel\(b=0, a=0\)"
    ):
        show(stack)
    with pytest.raises(CubeError, match="no spatial dims"):
        show(xr.DataArray(np.zeros((4, 4)), dims=("a", "b")))
    with pytest.raises(ConfigurationError, match="unknown colour map 'virids'"):
        show(array(quarters()), cmap="virids")
    with pytest.raises(ConfigurationError, match="from 3 to 1"):
        show(array(quarters()), vmin=3, vmax=1)


def test_one_slice_of_a_stack_is_taken_as_it_is() -> None:
    stack = xr.concat([array(quarters())], "time").odc.assign_crs("EPSG:4326")
    assert picture(show(stack))[0].shape[2] == 4


def test_views_of_boxes() -> None:
    assert basemap.view(None) == ((20.0, 0.0), 2)
    assert basemap.view((-67.663, -47.864, -67.623, -47.845))[1] == 14


def test_importing_the_package_is_light() -> None:
    code = "import sys, geodes_datalab.maps as m; assert 'explore' in dir(m); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"ipyleaflet", "numpy", "xarray", "shapely", "matplotlib", "PIL"} & set(
        done.stdout.split()
    )


def test_names_are_sorted_and_real() -> None:
    assert maps.__all__ == sorted(maps.__all__)
    assert all(getattr(maps, name) for name in maps.__all__)

"""A scientist's first afternoon: eleven everyday jobs, each in at most two lines, each with true numbers."""

from __future__ import annotations

import ast
import io
import itertools
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rioxarray  # noqa: F401 - gives arrays their .rio
import shapely
import xarray as xr
from PIL import Image
from pyproj import Transformer
from support.inline import pixels

import geodes_datalab as gd
from geodes_datalab import ops

PATAGONIA = (-67.66, -47.861, -67.626, -47.847)
STATION = (-67.64, -47.855)

JOBS = {
    "time series at a point": "series = ops.at(ndvi, station)",
    "mean of each field": 'table = ops.zonal(ndvi, fields, ["mean", "count"], names="name")',
    "monthly composite": 'monthly = ops.median(ndvi, period="1MS")',
    "cloud mask": 'clear = gd.load(items, ["red", "nir"], bbox=aoi, clear=True)',
    "saved file": 'gd.save(ndvi, "ndvi.tif")\nback = gd.open("ndvi.tif")',
    "animation": 'gd.animate(ndvi, "ndvi.gif")',
    "time slider": "view = gd.show(ndvi)",
    "plot to zoom into": 'import hvplot.xarray\nplot = ndvi.hvplot.image(x="x", y="y")',
    "fields on a map": 'page = fields.explore("name")',
    "true colour": "view = gd.show(cube)",
    "classes": "from sklearn.cluster import KMeans\n"
    'pixels = ndvi.stack(pixel=("y", "x")).dropna("pixel").transpose("pixel", ...)\n'
    "classes = KMeans(2, n_init=1, random_state=0).fit_predict(pixels)",
}


@pytest.fixture
def afternoon(portal: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a notebook holds by then."""
    monkeypatch.chdir(tmp_path)
    items = gd.search("THEIA_REFLECTANCE_SENTINEL2_L2A", bbox=PATAGONIA, datetime="2021-11/2022-05")
    cube = gd.load(items, ["red", "green", "blue", "nir"], bbox=PATAGONIA).compute()
    boxes = [
        shapely.box(-67.655, -47.858, -67.65, -47.855),
        shapely.box(-67.64, -47.856, -67.635, -47.85),
    ]
    fields = geopandas.GeoDataFrame({"name": ["west", "east"]}, geometry=boxes, crs=4326)
    return {
        "gd": gd, "ops": ops, "items": items, "cube": cube, "ndvi": ops.ndvi(cube),
        "fields": fields, "station": STATION, "aoi": PATAGONIA,
    }  # fmt: skip


def run(name: str, notebook: dict[str, Any]) -> dict[str, Any]:
    body = ast.parse(JOBS[name]).body
    assert len([line for line in body if not isinstance(line, ast.Import | ast.ImportFrom)]) <= 2
    exec(JOBS[name], notebook)
    return notebook


def pixel(cube: Any, place: tuple[float, float]) -> dict[str, int]:
    """Return where a place in degrees lies, by pyproj and the coordinates alone."""
    turn = Transformer.from_crs(4326, cube.rio.crs, always_xy=True)
    x, y = turn.transform(*place)
    return {"x": int(abs(cube.x.values - x).argmin()), "y": int(abs(cube.y.values - y).argmin())}


def test_jobs_are_eleven() -> None:
    assert len(JOBS) == 11


def test_time_series_at_a_point(afternoon: dict[str, Any]) -> None:
    series = run("time series at a point", afternoon)["series"]
    ndvi = afternoon["ndvi"]
    np.testing.assert_array_equal(series.values, ndvi.isel(pixel(ndvi, STATION)).values)
    assert series.dims == ("time",)


def test_mean_of_each_field(afternoon: dict[str, Any]) -> None:
    table = run("mean of each field", afternoon)["table"]
    ndvi, fields = afternoon["ndvi"], afternoon["fields"]
    areas = fields.to_crs(ndvi.rio.crs).area.to_numpy() / 100
    np.testing.assert_allclose(table.sel(statistic="count").max("time"), areas, rtol=1e-3)
    clipped = ndvi.rio.clip(list(fields.geometry[:1]), fields.crs, all_touched=False)
    near = table.sel(area="west", statistic="mean")
    np.testing.assert_allclose(near, clipped.mean(("x", "y")), atol=0.005)


def test_monthly_composite(afternoon: dict[str, Any]) -> None:
    monthly = run("monthly composite", afternoon)["monthly"]
    expected = afternoon["ndvi"].resample(time="1MS").median().dropna("time", how="all")
    np.testing.assert_allclose(monthly, expected, rtol=1e-6)


def test_cloud_mask(afternoon: dict[str, Any]) -> None:
    clear = run("cloud mask", afternoon)["clear"]
    mask = gd.load(afternoon["items"], "CLM", bbox=PATAGONIA)["CLM"]
    bad = (mask.values & (1 | 16 | 128)) != 0
    np.testing.assert_array_equal(np.isnan(clear.red.values), bad | np.isnan(afternoon["cube"].red))
    assert 0 < bad.mean() < 1


def test_saved_file(afternoon: dict[str, Any]) -> None:
    back = run("saved file", afternoon)["back"]
    ndvi = afternoon["ndvi"]
    data = back[next(iter(back.data_vars))] if isinstance(back, xr.Dataset) else back
    np.testing.assert_array_equal(data.values, ndvi.values)
    np.testing.assert_array_equal(data.time, ndvi.time)


def test_animation(afternoon: dict[str, Any]) -> None:
    run("animation", afternoon)
    with Image.open("ndvi.gif") as file:
        frames = []
        for number in range(file.n_frames):
            file.seek(number)
            frames.append(np.asarray(file.convert("RGB")).copy())
    assert len(frames) == afternoon["ndvi"].sizes["time"]
    assert all((one != other).any() for one, other in itertools.pairwise(frames))


def test_plot_to_zoom_into(afternoon: dict[str, Any]) -> None:
    plot = run("plot to zoom into", afternoon)["plot"]
    first = afternoon["ndvi"].time.values[0]
    shown = plot[first] if hasattr(plot, "kdims") and plot.kdims else plot
    values = np.sort(np.asarray(shown.dimension_values(2)))
    np.testing.assert_array_equal(values, np.sort(afternoon["ndvi"].values[0].ravel()))


def test_fields_on_a_map(afternoon: dict[str, Any]) -> None:
    page = run("fields on a map", afternoon)["page"]
    stream = io.BytesIO()
    page.save(stream, close_file=False)
    text = stream.getvalue().decode()
    assert "west" in text
    assert "-67.655" in text


def test_classes(afternoon: dict[str, Any]) -> None:
    notebook = run("classes", afternoon)
    means = [notebook["pixels"].values[notebook["classes"] == number].mean() for number in (0, 1)]
    middle = float(notebook["pixels"].mean())
    assert min(means) < middle < max(means)


def picture(shown: Any) -> np.ndarray:
    """Return the pixels of the picture on a map."""
    url = next(layer.url for layer in shown.layers if hasattr(layer, "bounds"))
    return pixels(url)


def test_time_slider(afternoon: dict[str, Any]) -> None:
    view = run("time slider", afternoon)["view"]
    boxes = [getattr(one, "widget", None) for one in view.controls]
    parts = [part for box in boxes for part in getattr(box, "children", ())]
    slider = next(part for part in parts if hasattr(part, "options"))
    labels = [label for label, _ in slider.options]
    assert labels == [str(time)[:10] for time in afternoon["ndvi"].time.values]
    seen = []
    for number in range(len(labels)):
        slider.value = number
        seen.append(picture(view).tobytes())
    assert len(set(seen)) == len(labels)


def test_true_colour(afternoon: dict[str, Any]) -> None:
    shown = picture(run("true colour", afternoon)["view"])
    inside = shown[shown[..., 3] == 255][:, :3].mean(axis=0)
    first = afternoon["cube"].isel(time=0)
    low, high, gamma = 0.0, 0.35, 1.6  # as `ops.true_colour` says
    for channel, name in enumerate(("red", "green", "blue")):
        share = np.clip((first[name].values - low) / (high - low), 0, 1) ** (1 / gamma)
        assert inside[channel] == pytest.approx(255 * np.nanmean(share), abs=8)

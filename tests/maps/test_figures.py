"""Figures say what they show: title, CRS, source, and whether it is simulated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from scenes import coloured, dated

from geodes_datalab import maps, ops
from geodes_datalab.errors import CubeError

SOURCE = "THEIA_REFLECTANCE_SENTINEL2_L2A (simulated)"


@pytest.fixture(autouse=True)
def own_style() -> Iterator[None]:
    with plt.style.context("geodes_datalab.maps.geodes"):
        yield
    plt.close("all")


def texts(axes: Any) -> list[str]:
    return [one.get_text() for one in axes.texts]


def test_xarrays_title_of_coordinates_gives_way() -> None:
    band = dated([0.3, 0.6], long_name="NDVI", source=SOURCE).isel(time=0)
    band.plot()
    axes = plt.gcf().axes[0]
    assert "spatial_ref = 32719" in axes.get_title(loc="left")  # xarray's
    assert maps.titled(axes, band) is axes
    titles = [axes.get_title(loc=side) for side in ("left", "center", "right")]
    assert titles == ["NDVI, 2022-01-05", "", ""]
    assert texts(axes) == ["EPSG:32719 · THEIA_REFLECTANCE_SENTINEL2_L2A", "simulated"]


def test_what_is_observed_bears_no_mark() -> None:
    band = dated([0.3], long_name="NDVI", source="THEIA_REFLECTANCE_SENTINEL2_L2A").isel(time=0)
    axes = maps.titled(plt.figure().gca(), band, "Greenness")
    assert texts(axes) == ["EPSG:32719 · THEIA_REFLECTANCE_SENTINEL2_L2A"]
    assert axes.get_title(loc="left") == "Greenness, 2022-01-05"


def test_several_dates_are_told_by_the_first_and_the_last() -> None:
    axes = maps.titled(plt.figure().gca(), dated([0.3, 0.6, 0.5], name="ndvi"))
    assert axes.get_title(loc="left") == "ndvi, 2022-01-05 to 2022-03-06"


def test_indices_and_pictures_keep_their_source() -> None:
    cube = coloured(red=[0.1], green=[0.1], blue=[0.1], nir=[0.5])
    for band in cube.data_vars.values():
        band.attrs["source"] = SOURCE
    assert ops.ndvi(cube).attrs["source"] == SOURCE
    assert ops.true_colour(cube).attrs["source"] == SOURCE
    assert ops.median(ops.ndvi(cube)).attrs["source"] == SOURCE


def test_the_style_writes_coordinates_out() -> None:
    assert not mpl.rcParams["axes.formatter.useoffset"]
    axes = plt.figure().gca()
    axes.plot([600225.0, 602795.0], [4698235.0, 4699835.0])
    axes.figure.canvas.draw()
    labels = [one.get_text() for one in axes.get_yticklabels()]
    assert "4699000" in labels
    assert axes.yaxis.get_offset_text().get_text() == ""


def test_a_cube_has_no_one_title() -> None:
    with pytest.raises(CubeError, match="takes the array that was plotted"):
        maps.titled(plt.figure().gca(), coloured(red=[0.1]))

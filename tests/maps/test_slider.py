"""Several dates on the map: a slider, pictures when they are wanted, colours that mean the same."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from scenes import DATES, coloured, dated, lazy, middle
from support.inline import pixels

import geodes_datalab as gd
from geodes_datalab.errors import ConfigurationError, CubeError, UnknownBand
from geodes_datalab.maps import Explorer
from geodes_datalab.stac import Items


def show(data: Any, **options: Any) -> Any:
    return gd.show(data, tiles=False, **options)


def layer(shown: Any) -> Any:
    return next(one for one in shown.layers if hasattr(one, "bounds"))


def widget(shown: Any, kind: str) -> Any:
    """What lies on the map, such as the legend ("HTML")."""
    found = [getattr(one, "widget", None) for one in shown.controls]
    return next(one for one in found if type(one).__name__ == kind)


def chooser(shown: Any) -> Any:
    """The slider, and what is told beside it."""
    found = [getattr(one, "widget", None) for one in shown.controls]
    return next(box for box in found if hasattr(getattr(box, "children", [0])[0], "options"))


def slider(shown: Any) -> Any:
    return chooser(shown).children[0]


def told(shown: Any) -> str:
    return str(chooser(shown).children[1].value)


def viridis(share: float) -> tuple[int, ...]:
    return tuple(round(255 * v) for v in mpl.colormaps["viridis"](float(share)))


def test_a_slider_leads_through_the_dates() -> None:
    shown = show(dated([0.0, 0.5, 1.0]), vmin=0, vmax=1)
    choice, picture = slider(shown), layer(shown)
    assert [label for label, _ in choice.options] == ["2022-01-05", "2022-02-04", "2022-03-06"]
    for number, share in ((0, 0), (2, 1), (1, 0.5)):
        choice.value = number
        assert middle(pixels(picture.url)) == viridis(share)
    assert layer(shown) is picture  # the map is not built anew


def test_colours_mean_the_same_at_all_dates() -> None:
    gradient = np.linspace(0, 1, 40)[None, :]
    shown = show(dated([gradient, gradient + 1, gradient + 9]))
    legend = widget(shown, "HTML").value
    assert "percentiles 2 to 98" in legend
    assert "2022" not in legend
    choice = slider(shown)
    seen = []
    for number in range(3):
        choice.value = number
        seen.append(middle(pixels(layer(shown).url)))
    assert len(set(seen)) == 3
    values = np.stack([gradient, gradient + 1, gradient + 9])
    low, high = np.percentile(values, (2, 98))
    for number, start in enumerate((0, 1, 9)):
        share = np.clip((start + 0.5 - low) / (high - low), 0, 1)
        assert seen[number] == pytest.approx(viridis(share), abs=6)


def test_of_a_lazy_cube_only_the_date_in_view_is_read() -> None:
    read: list[int] = []
    shown = show(lazy(dated([0.2, 0.6, 1.0]), read))
    assert read == [0]
    assert "percentiles 2 to 98 of 2022-01-05" in widget(shown, "HTML").value
    slider(shown).value = 2
    assert read == [0, 2]
    slider(shown).value = 0
    slider(shown).value = 2
    assert read == [0, 2]  # pictures are kept


def test_a_lazy_cube_begins_with_a_date_that_has_values() -> None:
    read: list[int] = []
    shown = show(lazy(dated([np.nan, 0.5, 0.7]), read))
    assert slider(shown).value == 1
    assert read == [0, 1]
    assert middle(pixels(layer(shown).url))[3] == 255


def test_a_date_that_cannot_be_read_is_told_and_the_others_are_shown() -> None:
    array = dated([0.1, 0.2, 0.3])

    def fail(block: Any) -> Any:
        if block[0, 0, 0] == np.float32(0.2):
            raise OSError("the server <went> away")
        return block

    chunked = array.chunk(time=1)
    shown = show(chunked.copy(data=chunked.data.map_blocks(fail, meta=chunked.data._meta)), vmin=0, vmax=1)  # fmt: skip
    slider(shown).value = 1
    assert "2022-02-04 cannot be shown: the server &lt;went&gt; away" in told(shown)
    assert middle(pixels(layer(shown).url))[3] == 0
    slider(shown).value = 2
    assert told(shown) == ""
    assert middle(pixels(layer(shown).url))[3] == 255


def test_a_cube_is_shown_in_true_colour() -> None:
    data = coloured(red=[0.35, 0.0], green=[0.035, 0.0], blue=[0.0, 0.35], nir=[0.5, 0.5])
    shown = show(data)
    assert middle(pixels(layer(shown).url)) == (255, round(255 * 0.1 ** (1 / 1.6)), 0, 255)
    slider(shown).value = 1
    assert middle(pixels(layer(shown).url)) == (0, 0, 255, 255)
    assert "true colour" in widget(shown, "HTML").value


def test_the_map_shows_what_true_colour_returns() -> None:
    data = coloured(red=[0.11], green=[0.07], blue=[0.04])
    expected = gd_true_colour(data)
    assert middle(pixels(layer(show(data)).url))[:3] == tuple(
        int(v) for v in np.rint(expected * 255)
    )


def gd_true_colour(data: xr.Dataset) -> Any:
    from geodes_datalab import ops

    return ops.true_colour(data.isel(time=0, x=20, y=10)).values


def test_other_composites_and_other_quantities() -> None:
    data = coloured(red=[0.35], green=[0.0], nir=[0.25])
    shown = show(data, rgb=("nir", "red", "green"))
    assert middle(pixels(layer(shown).url)) == (round(255 * 0.5 ** (1 / 1.6)), 255, 0, 255)
    assert "2022-01-05" in widget(shown, "HTML").value
    gradient = np.linspace(0, 1, 40)[None, :]
    radar = xr.Dataset(
        {
            "vv": dated([gradient], name="vv"),
            "vh": dated([gradient * 100], name="vh"),
        }
    )
    image = pixels(layer(show(radar, rgb=("vv", "vh", "vv"))).url)
    assert middle(image)[0] == pytest.approx(middle(image)[1], abs=3)  # each by itself
    assert 110 < middle(image)[0] < 145


def test_what_is_missing_in_one_band_is_transparent() -> None:
    hole = np.full((20, 40), 0.1)
    hole[:, 20:] = np.nan
    image = pixels(layer(show(coloured(red=[0.1], green=[hole], blue=[0.1]))).url)
    assert image[image.shape[0] // 2, image.shape[1] // 4, 3] == 255
    assert image[image.shape[0] // 2, image.shape[1] * 3 // 4, 3] == 0


def test_a_cube_of_one_measurement_shows_it() -> None:
    mask = dated([1.0], name="CLM").astype("uint8")
    mask.attrs["flag_meanings"] = "cloud"
    data = xr.Dataset({"ndvi": dated([0.5], long_name="greenness"), "CLM": mask})
    assert "greenness" in widget(show(data), "HTML").value


def test_what_a_cube_lacks_is_told() -> None:
    data = coloured(red=[0.1], nir=[0.1])
    with pytest.raises(CubeError, match=r'the cube has red, nir, and not.*\n.*cube\["red"\]'):
        show(data)
    with pytest.raises(UnknownBand, match="no band 'green'"):
        show(data, rgb=("nir", "red", "green"))
    with pytest.raises(ConfigurationError, match="rgb= picks bands of a cube"):
        show(data["red"], rgb=("nir", "red", "green"))
    with pytest.raises(CubeError, match="a ndarray is no cube"):
        show(np.zeros((3, 3)))
    with pytest.raises(CubeError, match="nothing along time"):
        show(data["red"].isel(time=slice(0)))


def test_items_are_explored() -> None:
    assert isinstance(show(Items([])), Explorer)


def test_times_of_one_day_are_told_apart() -> None:
    times = DATES[0] + np.array([0, 90], "timedelta64[m]")
    array = dated([0.0, 1.0]).assign_coords(time=times)
    labels = [label for label, _ in slider(show(array)).options]
    assert labels == ["2022-01-05 14:20", "2022-01-05 15:50"]


def test_months_are_steps_as_well() -> None:
    array = dated([0.0, 1.0, 2.0]).groupby("time.month").mean()
    assert [label for label, _ in slider(show(array)).options] == ["month 1", "month 2", "month 3"]


def test_the_legend_has_three_ticks_and_the_labs_colours() -> None:
    shown = show(dated([np.linspace(0, 1, 40)[None, :]], source="X (simulated)"), vmin=0, vmax=3)
    legend = widget(shown, "HTML").value
    assert [legend.count(f">{tick}<") for tick in ("0", "1.5", "3")] == [1, 1, 1]
    assert "var(--jp-ui-font-color1" in legend
    assert "simulated" in legend
    assert "percentile" not in legend
    assert "up to percentile 98" in widget(show(dated([0.5]), vmin=0), "HTML").value

"""Six results from the sample catalogue in one figure. ``python tests/support/figures.py`` draws it anew."""

from __future__ import annotations

import matplotlib.pyplot as plt

import geodes_datalab as gd
from geodes_datalab import ops

PATAGONIA = (-67.660, -47.861, -67.626, -47.847)
ENGA = (143.317, -5.406, 143.411, -5.338)
FIELDS = {"west": (-67.655, -47.856), "middle": (-67.643, -47.854), "east": (-67.632, -47.851)}
SOURCE = (
    "geodes-datalab, sample catalogue. Sentinel-2: one real scene (Patagonia), dates, season and clouds simulated; "
    "Sentinel-1: OPERA RTC-S1 (Enga, Papua New Guinea).\nContains modified Copernicus Sentinel data."
)

items = gd.search("THEIA_REFLECTANCE_SENTINEL2_L2A", bbox=PATAGONIA, datetime="2021-11/2022-05")
cube = gd.load(items, ["red", "green", "blue", "nir", "CLM"], bbox=PATAGONIA).compute()
clear = ops.clear(cube)
season = ops.median(clear)
ndvi = ops.ndvi(clear)

passes = gd.search(
    "THEIA_S1TILING_SENTINEL1_L1",
    bbox=ENGA,
    datetime="2024-01/2024-05",
    query={"sar:polarizations": "VH"},
)
radar = gd.load(passes, ["vh"], bbox=ENGA)["vh"].compute()
power = (
    radar.coarsen(x=5, y=5, boundary="trim").mean().dropna("y", how="all").dropna("x", how="all")
)
change = ops.log_ratio(power.isel(time=slice(None, -1)).mean("time"), power.isel(time=-1))


def picture(axes, bands, title):
    ops.true_colour(bands).plot.imshow(ax=axes, rgb="band")
    finish(axes, title)


def plane(axes, values, title, **colours):
    values.plot.imshow(ax=axes, cbar_kwargs={"label": "", "shrink": 0.8}, **colours)
    finish(axes, title)


def finish(axes, title):
    axes.set_title(title, fontsize=11)
    axes.set_axis_off()
    axes.set_aspect("equal")


figure, panels = plt.subplots(2, 3, figsize=(13, 6.6), layout="constrained")
cloudy = cube.isel(time=int(ops.cloud_mask(cube).mean(("x", "y")).argmax()))
picture(panels[0, 0], cloudy, f"As acquired, {str(cloudy.time.values)[:10]}")
picture(panels[0, 1], season, f"Median of {cube.sizes['time']} dates, without clouds")
plane(panels[0, 2], ndvi.max("time"), "Highest NDVI of the season", cmap="YlGn", robust=True)
for name, place in FIELDS.items():
    series = ops.at(ndvi, place).dropna("time")
    panels[1, 0].plot(series["time"], series, marker="o", label=name)
panels[1, 0].set_title("NDVI at three points", fontsize=11)
panels[1, 0].tick_params(axis="x", rotation=30)
panels[1, 0].set_ylabel("NDVI")
panels[1, 0].grid(alpha=0.3)
panels[1, 0].legend()
backscatter = ops.to_db(power.mean("time"))
plane(
    panels[1, 1],
    backscatter,
    "Radar, mean of ten dates: gamma0 VH (dB)",
    cmap="gray",
    robust=True,
)
plane(
    panels[1, 2],
    change,
    "Its change at the last date: speckle (dB)",
    cmap="RdBu",
    vmin=-4,
    vmax=4,
)
figure.supxlabel(SOURCE, fontsize=8, color="dimgray")
plt.show()

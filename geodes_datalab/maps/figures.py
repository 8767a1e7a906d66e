"""Figures that say what they show: name, unit, date, CRS, source, and whether it is simulated.

``plt.style.use("geodes_datalab.maps.geodes")`` gives them one look.
"""

from __future__ import annotations

from typing import Any

from geodes_datalab._language import gettext, shown
from geodes_datalab._optional import need
from geodes_datalab.errors import CubeError

STYLE = "geodes_datalab.maps.geodes"
"""Name of the style sheet, for ``matplotlib.pyplot.style.use``."""

PAD = 18
"""Points between a plot and its title, where a line with the source stands between them."""

_MARK = "#b3541e"
_GREY = "#666666"


def titled(axes: Any, data: Any, title: str | None = None) -> Any:
    """Give a plot of a band a title of its name and date, and a line with its CRS and source.

    xarray's own title lists coordinates, as in ``spatial_ref = 32719, time = 2021-12-09T14:20:19``. Where
    the data say that they are simulated, so does the figure.

    Parameters
    ----------
    axes
        The `matplotlib.axes.Axes` that show it.
    data
        `xarray.DataArray` that was plotted.
    title
        Instead of its name.

    Returns
    -------
    matplotlib.axes.Axes
        The same.

    Examples
    --------
    >>> import matplotlib.pyplot as plt, numpy as np, xarray
    >>> date = np.datetime64("2024-03-01T10:50:31", "ns")
    >>> band = xarray.DataArray(np.ones((2, 2)), {"time": date}, ("y", "x"), attrs={"long_name": "NDVI"})
    >>> axes = titled(plt.figure().gca(), band)
    >>> axes.get_title(loc="left")
    'NDVI, 2024-03-01'
    >>> plt.close("all")
    """
    xarray = need("xarray", extra="cubes")
    if not isinstance(data, xarray.DataArray):
        raise CubeError(
            f"titled takes the array that was plotted, and this is a {type(data).__name__}",
            hint='give one variable: cube["red"]',
        )
    axes.set_title("")  # xarray's own, in the middle
    axes.set_title("", loc="right")
    line = source_line(data)
    words = ", ".join(word for word in (title or _name(data), _dates(data)) if word)
    axes.set_title(words, loc="left", pad=PAD if line else 6)
    if line:
        note = axes.annotate(
            line, (0, 1), (0, 4), xycoords="axes fraction", textcoords="offset points",
            ha="left", va="bottom", fontsize="x-small", color=_GREY,
        )  # fmt: skip
        note.set_in_layout(False)  # a long one shall not squeeze the plot
    if is_simulated(data):
        stamp(axes)
    return axes


def stamp(axes: Any) -> None:
    """Write "simulated" into a corner of a plot."""
    box = {"facecolor": "white", "edgecolor": _MARK, "alpha": 0.9, "boxstyle": "round,pad=0.3"}
    axes.text(
        0.985, 0.02, gettext("simulated"), transform=axes.transAxes, ha="right", va="bottom",
        fontsize="small", color=_MARK, bbox=box, zorder=10,
    )  # fmt: skip


def source_line(data: Any) -> str:
    """Return the CRS and the source of a band in one line; empty where neither is known.

    Examples
    --------
    >>> import xarray
    >>> source_line(xarray.DataArray(1, attrs={"source": "THEIA_L2A (simulated)"}))
    'THEIA_L2A'
    """
    need("odc.geo.xr", extra="cubes")
    crs = data.odc.crs
    source = str(data.attrs.get("source", "")).removesuffix("(simulated)").strip()
    return " · ".join(part for part in (_short(crs), source) if part)


def _short(crs: Any) -> str:
    """Return a CRS's number, or its name where it has none."""
    if crs is None:
        return ""
    number = crs.to_epsg()
    return f"EPSG:{number}" if number else str(crs.proj.name)


def is_simulated(data: Any) -> bool:
    """Tell whether data say that nobody has observed them: their ``source`` ends so."""
    return str(data.attrs.get("source", "")).endswith("(simulated)")


def _name(data: Any) -> str:
    return shown(str(data.attrs.get("long_name", data.name or "")))


def _dates(data: Any) -> str:
    """Return the one date of a band, or its first and last."""
    from geodes_datalab.maps.series import labels_of

    if "time" not in data.coords or data["time"].dtype.kind != "M" or not data["time"].size:
        return ""
    first, last = data["time"].min(), data["time"].max()
    first, last = (labels_of(one.rename("time"))[0] for one in (first, last))
    return first if first == last else gettext("{first} to {last}", first=first, last=last)

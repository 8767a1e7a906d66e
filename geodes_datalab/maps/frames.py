"""Frames of an animation: one figure, whose picture and date change."""

from __future__ import annotations

import math
from typing import Any

from geodes_datalab._optional import need
from geodes_datalab.maps.colours import Scale, Stretch
from geodes_datalab.maps.figures import PAD, titled
from geodes_datalab.maps.raster import rgba
from geodes_datalab.maps.series import Series

DPI = 100
_SIDES, _BAR, _ABOVE = 90, 90, 100
"""Pixels beside a picture, of the colour bar, and above and below a picture."""

_MISSING = "#e4e4e4"
"""Behind pixels that have no value."""


class Painter:
    """A figure that shows one step of a series after the other.

    Parameters
    ----------
    series
        What is shown.
    scale
        The colours of all steps.
    title
        What stands before the date, and beside the colour bar.
    width
        Of the figure, in pixels.
    first
        The array of the first step, as it is shown: dims ([band], y, x).
    """

    def __init__(
        self, series: Series, scale: Scale | Stretch, title: str, width: int, first: Any
    ) -> None:
        self._series, self._scale, self._title = series, scale, title
        box = first.odc.geobox
        self.figure = need("matplotlib.figure", extra="maps").Figure(
            figsize=_size(box, width, bar=isinstance(scale, Scale)), dpi=DPI, layout="constrained"
        )
        """The `matplotlib.figure.Figure`."""
        self.axes = self.figure.add_subplot(facecolor=_MISSING)
        self._image = _placed(self.axes, box, rgba(_bands(first.values), scale))
        if isinstance(scale, Scale):
            _colour_bar(self.figure, self.axes, scale, title)
        titled(self.axes, series.step(0), title)
        self.turn(0, first)
        self.figure.canvas.draw()
        self.figure.set_layout_engine("none")  # nothing moves from frame to frame

    def turn(self, number: int, array: Any) -> None:
        """Show another step."""
        self._image.set_data(rgba(_bands(array.values), self._scale))
        words = f"{self._title}, {self._series.labels[number]}"
        self.axes.set_title(words, loc="left", pad=PAD)


def _bands(values: Any) -> Any:
    return values if values.ndim == 3 else values[None]


def _placed(axes: Any, box: Any, pixels: Any) -> Any:
    """Put pixels where they lie in their CRS, north up, and name the axes."""
    transform, (rows, columns) = box.affine, box.shape
    x = (transform.c, transform.c + transform.a * columns)
    y = (transform.f + transform.e * rows, transform.f)
    image = axes.imshow(pixels, extent=(*x, *y), origin="upper", interpolation="nearest")
    axes.set(xlim=sorted(x), ylim=sorted(y), aspect=1 / _squeeze(box))
    geographic = box.crs is not None and box.crs.geographic
    axes.set(
        xlabel="longitude (degrees)" if geographic else "easting (m)",
        ylabel="latitude (degrees)" if geographic else "northing (m)",
    )
    axes.locator_params(nbins=4)
    return image


def _squeeze(box: Any) -> float:
    """Return how long a unit along x is on the ground, beside one along y."""
    if box.crs is None or not box.crs.geographic:
        return 1.0
    bounds = box.boundingbox
    return max(0.05, math.cos(math.radians((bounds.bottom + bounds.top) / 2)))


def _size(box: Any, width: int, *, bar: bool) -> tuple[float, float]:
    """Return width and height of the figure in inches, of an even number of pixels (as MP4 has them)."""
    bounds = box.boundingbox
    ratio = (bounds.top - bounds.bottom) / ((bounds.right - bounds.left) * _squeeze(box))
    inner = width - _SIDES - (_BAR if bar else 0)
    height = min(2 * width, round(inner * ratio) + _ABOVE)
    return (width + width % 2) / DPI, (height + height % 2) / DPI


def _colour_bar(figure: Any, axes: Any, scale: Scale, title: str) -> None:
    norm = need("matplotlib.colors", extra="maps").Normalize(scale.low, scale.high)
    colours = need("matplotlib.cm", extra="maps").ScalarMappable(norm, scale.cmap)
    figure.colorbar(colours, ax=axes, label=title, fraction=0.05, pad=0.02)

"""Where one is on a map without a network: lines of longitude and latitude, and the pointer's place."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from geodes_datalab._language import gettext
from geodes_datalab._optional import need
from geodes_datalab._types import BBox
from geodes_datalab.maps import mercator
from geodes_datalab.maps.inline import uri
from geodes_datalab.maps.theme import STYLE

PANE = "graticule"
"""Name of the pane of the lines."""

_STEPS = (60, 30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_APART = 110
"""Pixels between two lines, at least."""
_FIRST_LINE = 12
"""Pixels from the upper edge to the foot of a label that is seen whole."""
_NORTH_SOUTH = "N", "S"
_EAST_WEST = "E", "W"


def add(the_map: Any) -> None:
    """Give a map lines that follow the view, and a corner that says where the pointer is."""
    leaflet = need("ipyleaflet", extra="maps")
    widgets = need("ipywidgets", extra="maps")
    lines = leaflet.ImageOverlay(name=gettext("Graticule"), pane=PANE)
    place = widgets.HTML(_readout(""))

    def moved(_: Any) -> None:
        (south, west), (north, east) = the_map.bounds
        if east > west and north > south:
            with lines.hold_sync():
                lines.bounds, lines.url = drawn((west, south, east, north), the_map.zoom)
            if lines not in the_map.layers:
                the_map.add(lines)

    def pointed(**event: Any) -> None:
        if event.get("type") == "mousemove":
            latitude, longitude = event["coordinates"]
            place.value = _readout(position(longitude, latitude, the_map.zoom))

    the_map.observe(moved, "bounds")
    the_map.on_interaction(pointed)
    corner = widgets.VBox([widgets.HTML(STYLE, layout=widgets.Layout(display="none")), place])
    the_map.add(leaflet.WidgetControl(widget=corner, position="bottomleft", transparent_bg=True))


def position(longitude: float, latitude: float, zoom: float) -> str:
    """Write a place, with as many decimals as a pixel is worth.

    Examples
    --------
    >>> position(-67.643136, -47.854139, 12), position(541.0, 43.5, 2)
    ('47.8541° S, 67.6431° W', '43.5° N, 179.0° W')
    """
    decimals = max(0, math.ceil(-math.log10(360 / mercator.width(zoom))))
    home = (longitude + 180) % 360 - 180
    return f"{_degrees(latitude, _NORTH_SOUTH, decimals)}, {_degrees(home, _EAST_WEST, decimals)}"


def drawn(view: BBox, zoom: float) -> tuple[Any, str]:
    """Return bounds and address of a picture of the lines; labels stand at the view's left and top.

    Parameters
    ----------
    view
        What is seen: west, south, east, north in degrees, east of 180 too.
    zoom
        Level of the map.
    """
    edge, pixels = mercator.EDGE, mercator.width(zoom)
    west, south, east, north = view[0], max(view[1], -edge), view[2], min(view[3], edge)
    left, top = (pixels * share for share in mercator.placed(west, north))
    right, bottom = (pixels * share for share in mercator.placed(east, south))
    width, height = right - left, bottom - top
    parts = []
    every = _step(360 / pixels * _APART)
    for longitude in _multiples(west, east, every):
        x = mercator.placed(longitude, 0)[0] * pixels - left
        text = _label((longitude + 180) % 360 - 180, _EAST_WEST, every)
        parts.append(f'<path d="M{x:.1f} 0V{height:.1f}"/>{_text(x + 3, _FIRST_LINE, text)}')
    for latitude in _multiples(south, north, every):
        y = mercator.placed(0, latitude)[1] * pixels - top
        text = _label(latitude, _NORTH_SOUTH, every)
        foot = (
            y - 3 if y - 3 >= _FIRST_LINE else y + _FIRST_LINE
        )  # at the upper edge: below the line
        parts.append(f'<path d="M0 {y:.1f}H{width:.1f}"/>{_text(52, foot, text)}')
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}">'
        '<g fill="none" stroke="#41505c" stroke-width=".7" stroke-opacity=".45" '
        f'font-family="sans-serif" font-size="11">{"".join(parts)}</g></svg>'
    )
    return [(south, west), (north, east)], uri("image/svg+xml", svg.encode())


def _step(least: float) -> float:
    """Return the smallest round number of degrees above one.

    Examples
    --------
    >>> _step(0.3), _step(17), _step(400)
    (0.5, 20, 60)
    """
    return min((step for step in _STEPS if step >= least), default=_STEPS[0])


def _multiples(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step), math.floor(high / step)
    return [number * step for number in range(first, last + 1)]


def _label(degrees: float, signs: tuple[str, str], step: float) -> str:
    return _degrees(degrees, signs, max(0, math.ceil(-math.log10(step))))


def _degrees(value: float, signs: tuple[str, str], decimals: int) -> str:
    positive, negative = signs
    number = f"{abs(value):.{decimals}f}"
    if float(number) in (0, 180):
        return f"{number}°"
    return f"{number}° {positive if value > 0 else negative}"


def _text(x: float, y: float, text: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="#2b3a45" stroke="#fff" stroke-width="2.5" '
        f'stroke-opacity=".75" paint-order="stroke">{escape(text)}</text>'
    )


def _readout(text: str) -> str:
    return f'<div class="geodes-place">{escape(text)}</div>' if text else ""

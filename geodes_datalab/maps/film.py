"""Pictures of a series on the web map, made when they are wanted, and the slider that leads through them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from geodes_datalab._language import gettext, translated
from geodes_datalab._optional import need
from geodes_datalab._theme import TEXT
from geodes_datalab.maps.colours import Scale, Stretch
from geodes_datalab.maps.inline import png
from geodes_datalab.maps.raster import Plane, rgba

KEPT = 64
"""Pictures that are kept: of a megabyte or two each."""

_NOTHING = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8A"
    "AAAASUVORK5CYII="
)
"""One transparent pixel."""


class Film:
    """Coloured pictures of the steps of a series.

    Parameters
    ----------
    labels
        What each step is.
    planes
        Returns the values of a step.
    scale
        The colours of all steps.
    """

    def __init__(
        self, labels: Sequence[str], planes: Callable[[int], Plane], scale: Scale | Stretch
    ) -> None:
        self.labels = labels
        self._planes = planes
        self._scale = scale
        self.picture: Callable[[int], str] = functools.lru_cache(KEPT)(self._made)
        """Return the picture of a step as a data URI."""

    def _made(self, number: int) -> str:
        pixels = rgba(self._planes(number).values, self._scale)
        return png(need("PIL.Image", extra="maps").fromarray(pixels))


def slider(film: Film, layer: Any, start: int) -> Any:
    """Return a slider over the steps, which puts the picture of each into a layer of the map.

    What cannot be read is told beside the slider; the other dates can be looked at still.
    """
    widgets = need("ipywidgets", extra="maps")
    labels = film.labels
    choice = widgets.SelectionSlider(
        options=[(label, number) for number, label in enumerate(labels)],
        value=start,
        continuous_update=False,  # pictures are read: not those that are passed over
        layout=widgets.Layout(width="320px", margin="2px 8px"),
        tooltip=gettext("{count} dates: drag, or use the arrow keys", count=len(labels)),
    )
    told = widgets.HTML()

    def turn(change: Any) -> None:
        told.value = _small(gettext("reading {date} ...", date=labels[change["new"]]))
        try:
            layer.url = film.picture(change["new"])
            told.value = ""
        except Exception as error:  # noqa: BLE001 - a widget's callback has nobody else to tell
            layer.url = _NOTHING
            date = labels[change["new"]]
            reason = translated(str(error))
            told.value = _small(
                gettext("{date} cannot be shown: {reason}", date=date, reason=reason)
            )

    choice.observe(turn, "value")
    return widgets.VBox([choice, told])


def _small(text: str) -> str:
    style = f"padding:0 8px 4px;max-width:320px;font-size:12px;line-height:1.4;color:{TEXT}"
    return f'<div role="status" style="{style}">{escape(text)}</div>'

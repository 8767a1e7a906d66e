"""The film strip under a map: pictures by date, of which one is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from geodes_datalab._language import gettext
from geodes_datalab._optional import need

PAGE = 8
"""Frames that are seen at once; more would be too small, and this many pictures are fetched."""


class Frame(NamedTuple):
    """What a frame says."""

    item: int
    """Position of the item."""
    caption: str
    """Line below the picture."""
    title: str
    """Shown when the pointer rests on it."""


class Filmstrip:
    """Frames in a row, with buttons for one before and one after; every one is reached by keys.

    Buttons are made for one page only, so that thousands of products weigh no more than eight.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        picked: Callable[[int], None],
        wanted: Callable[[Sequence[int]], None],
    ) -> None:
        widgets = need("ipywidgets", extra="maps")
        self._frames = list(frames)
        self._picked = picked
        self._wanted = wanted
        self._page = 0
        self._chosen: int | None = None
        self._setting = False
        self._name = f"geodes-strip-{uuid4().hex[:8]}"
        self.buttons = [self._button(place) for place in range(min(PAGE, len(self._frames)))]
        self._written: list[Frame | None] = [None] * len(self.buttons)
        self._pictures = [widgets.HTML() for _ in self.buttons]
        self.before, self.after = self._arrow("arrow-left", -1), self._arrow("arrow-right", 1)
        self.slider = widgets.SelectionSlider(
            options=[(frame.caption, place) for place, frame in enumerate(self._frames)]
            or [("", 0)],
            continuous_update=False,
            description="Date",
            layout=widgets.Layout(width="98%"),
        )
        self.slider.observe(self._slid, "value")
        hidden = widgets.VBox(self._pictures, layout=widgets.Layout(display="none"))
        row = widgets.HBox([self.before, *self.buttons, self.after])
        row.add_class("geodes-frames")
        pages = [self.slider] if len(self._frames) > PAGE else []
        self.widget = widgets.VBox([row, *pages, hidden])
        self.widget.add_class(self._name)
        if len(self._frames) < 2:
            self.widget.layout.display = "none"
        self._turn()

    @property
    def shown(self) -> list[int]:
        """Positions of the items whose frames are seen."""
        return [frame.item for frame in self._on_page()]

    def mark(self, item: int) -> None:
        """Turn to an item's frame, and let it stand out."""
        places = [place for place, frame in enumerate(self._frames) if frame.item == item]
        if not places:
            return
        self._chosen = places[0]
        page, before = self._chosen // PAGE, self._page
        self._setting = True
        try:
            self.slider.value = self._chosen
        finally:
            self._setting = False
        self._page = page
        self._turn()
        if page != before:
            self.ask()

    def ask(self) -> None:
        """Ask for the pictures of the frames that are seen."""
        self._wanted(self.shown)

    def fill(self, item: int, thumbnail: str, reason: str) -> None:
        """Put a picture (data URI) into its frame if that is still seen, or say why there is none."""
        for place, frame in enumerate(self._on_page()):
            if frame.item == item and thumbnail:
                self._pictures[place].value = (
                    f"<style>.{self._name} .geodes-frame-{place} "
                    f'{{ background-image: url("{thumbnail}") !important; }}</style>'
                )
            elif frame.item == item:
                self.buttons[place].tooltip = f"{frame.title}\n{reason}"

    def _on_page(self) -> list[Frame]:
        return self._frames[self._page * PAGE : (self._page + 1) * PAGE]

    def _turn(self) -> None:
        """Write the frames of the page, and mark the chosen one."""
        frames = self._on_page()
        for place, button in enumerate(self.buttons):
            frame = frames[place] if place < len(frames) else None
            button.layout.display = None if frame else "none"
            if frame and frame is not self._written[place]:
                self._written[place], self._pictures[place].value = frame, ""
                button.description, button.tooltip = _lines(frame.caption), frame.title
            chosen = self._page * PAGE + place == self._chosen
            (button.add_class if chosen else button.remove_class)("geodes-chosen")
        last = len(self._frames) - 1
        self.before.disabled = self._chosen in (None, 0)
        self.after.disabled = self._chosen == last or last < 0

    def _button(self, place: int) -> Any:
        button = need("ipywidgets", extra="maps").Button(tooltip="")
        button.add_class("geodes-frame")
        button.add_class(f"geodes-frame-{place}")
        button.on_click(lambda _: self._picked(self._on_page()[place].item))
        return button

    def _arrow(self, icon: str, by: int) -> Any:
        widgets = need("ipywidgets", extra="maps")
        tip = gettext("the product before") if by < 0 else gettext("the next product")
        button = widgets.Button(icon=icon, tooltip=tip)
        button.add_class("geodes-step")
        button.on_click(lambda _: self._step(by))
        return button

    def _step(self, by: int) -> None:
        place = 0 if self._chosen is None else self._chosen + by
        if 0 <= place < len(self._frames):
            self._picked(self._frames[place].item)

    def _slid(self, change: dict[str, Any]) -> None:
        if not self._setting and isinstance(change["new"], int):
            self._picked(self._frames[change["new"]].item)


def _lines(caption: str) -> str:
    r"""Return a caption with a line for each part: a narrow frame has room for a date, and below it for the rest.

    Examples
    --------
    >>> _lines("2024-01-01 · ☁ 12 %")
    '2024-01-01\n☁ 12 %'
    """
    return caption.replace(" · ", "\n")

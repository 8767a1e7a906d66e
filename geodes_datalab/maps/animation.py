"""`animate`: the dates of a cube as a moving picture, in a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geodes_datalab import _display
from geodes_datalab._language import gettext, quantity
from geodes_datalab._optional import have, need
from geodes_datalab._whole import local_path, whole
from geodes_datalab.errors import ConfigurationError, CubeError, MissingDependency
from geodes_datalab.maps import ranges
from geodes_datalab.maps.figures import STYLE
from geodes_datalab.maps.frames import DPI, Painter
from geodes_datalab.maps.inline import uri
from geodes_datalab.maps.raster import seen
from geodes_datalab.maps.series import Series, series_of

if TYPE_CHECKING:
    import xarray

LARGEST = 10_000_000
"""Bytes of an animation that is still put into a notebook."""

_FASTEST = 50
"""Frames in a second that browsers still show of a GIF."""


@dataclass(frozen=True)
class Animation:
    """A moving picture in a file; made by `animate`, and shown when a cell ends in it."""

    path: Path
    """Where it is."""
    labels: tuple[str, ...]
    """The date of each frame."""
    fps: float
    """Frames in a second."""

    def __fspath__(self) -> str:
        """Return the path, for what opens files."""
        return str(self.path)

    def __repr__(self) -> str:
        """Say where it is, how many frames it has, of which dates, and its size."""
        about = f"{len(self.labels)} frames, {self.labels[0]} to {self.labels[-1]}"
        return f"<Animation {self.path.name}: {about}, {_display.size(self._bytes())}>"

    def _repr_html_(self) -> str:
        """Show it in the page, where it is not too large for one."""
        dates = gettext("{first} to {last}", first=self.labels[0], last=self.labels[-1])
        text = escape(f"{self.path.name}: {dates}", quote=True)
        size = self._bytes()
        if size is None or size > LARGEST:
            why = (
                gettext("is not there any more")
                if size is None
                else gettext("is {size} large", size=quantity(_display.size(size)))
            )
            return f"<p>{text}<br><code>{escape(str(self.path))}</code> {why}.</p>"
        raw = self.path.read_bytes()
        if self.path.suffix.lower() == ".gif":
            return f'<img alt="{text}" title="{text}" src="{uri("image/gif", raw)}">'
        film = uri("video/mp4", raw)
        return f'<video controls loop muted autoplay aria-label="{text}" src="{film}"></video>'

    def _bytes(self) -> int | None:
        return self.path.stat().st_size if self.path.is_file() else None


def animate(
    data: xarray.Dataset | xarray.DataArray,
    path: str | os.PathLike[str],
    *,
    # what
    rgb: Sequence[str] | None = None,
    # colours
    cmap: str = "viridis",
    vmin: float | None = None,
    vmax: float | None = None,
    percentiles: tuple[float, float] = (2, 98),
    label: str | None = None,
    # film
    fps: float = 2.0,
    width: int = 720,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Animation:
    """Make a moving picture of a cube's dates: each frame with its date, CRS, source and colour bar.

    Colours mean the same in all frames. The file is there once all of it is.

    Parameters
    ----------
    data
        As for `geodes_datalab.show`, with several dates. Lazy cubes are computed date by date.
    path
        Where to: ``.gif``, or ``.mp4`` where ffmpeg is installed.
    rgb, cmap, vmin, vmax, percentiles, label
        As for `geodes_datalab.show`; percentiles are of all dates.
    fps
        Frames in a second.
    width
        Of a frame, in pixels.
    overwrite
        Whether a file of that name is replaced.
    progress
        Whether to show a bar; by default where one can see it.

    Returns
    -------
    Animation
        It shows itself in a notebook, and is a path for what opens files.

    Raises
    ------
    CubeError
        There is one date only, or the file is there already.
    ConfigurationError
        Colours, size or speed that cannot be.
    MissingDependency
        There is no ffmpeg for ``.mp4``.
    StorageError
        The disk is full, or may not be written.

    Examples
    --------
    >>> animate(ndvi, "ndvi.gif", cmap="YlGn", vmin=0, vmax=1)  # doctest: +SKIP
    <Animation ndvi.gif: 6 frames, 2021-11-09 to 2022-05-08, 214 kB>
    """
    where, settings = _target(path), _settings(fps, width)
    series = series_of(data, rgb)
    if len(series) < 2:
        raise CubeError(
            "an animation wants several dates, and this has one",
            hint="give a cube with a dimension time, or look at one date with show()",
        )
    matplotlib = need("matplotlib", extra="maps")
    style = need("matplotlib.style", extra="maps")
    with (
        whole([where], overwrite=overwrite) as (temporary,),
        matplotlib.rc_context(settings),
        style.context(STYLE),
    ):
        wish = ranges.Wish(cmap, vmin, vmax, percentiles)
        colours, steps = _steps(series, wish, width, progress)
        painter = Painter(series, colours.scale, label or series.title, width, next(steps))
        writer = _writer(where, fps)
        with writer.saving(painter.figure, str(temporary), DPI):
            writer.grab_frame()
            for number, values in enumerate(steps, 1):
                painter.turn(number, values)
                writer.grab_frame()
    return Animation(where, series.labels, float(fps))


def _target(path: str | os.PathLike[str]) -> Path:
    where = Path(local_path(path))
    if where.suffix.lower() not in (".gif", ".mp4"):
        raise CubeError(
            f"the name {str(path)!r} does not tell the format", hint="end it with .gif or .mp4"
        )
    return where


def _settings(fps: float, width: int) -> dict[str, Any]:
    """Return settings of Matplotlib under which frames come out as they are; refuse what cannot be."""
    if not 0 < fps <= _FASTEST:
        raise ConfigurationError(
            f"fps={fps!r} cannot be shown", hint=f"give frames in a second, above 0 to {_FASTEST}"
        )
    if not 200 <= width <= 4000:
        raise ConfigurationError(f"width={width!r} is no size of a frame", hint="give 200 to 4000")
    return {"savefig.bbox": None}


def _steps(
    series: Series, wish: ranges.Wish, width: int, shown: bool | None
) -> tuple[ranges.Colours, Iterator[Any]]:
    """Choose colours, and return what yields the array of each step.

    Where the range of a lazy cube has to be found, all dates are read for it, once, and kept as small
    as they are shown.
    """

    def read(number: int) -> Any:
        return seen(series.step(number), series.dims, width)

    numbers = range(len(series))
    found = series.pairs is not None or None not in (wish.vmin, wish.vmax)
    if found or not ranges.is_lazy(series):
        colours = ranges.chosen(series, wish, lambda number: read(number).values)
        bar = _display.progress(
            numbers, label=gettext("Drawing dates"), unit=gettext("date"), enabled=shown
        )
        return colours, map(read, bar)
    bar = _display.progress(
        numbers, label=gettext("Reading dates"), unit=gettext("date"), enabled=shown
    )
    kept = [read(number) for number in bar]
    values = np.stack([one.values for one in kept], axis=1 if series.is_rgb else 0)
    colours = ranges.of_values(series, wish, values)
    drawn = _display.progress(
        kept, label=gettext("Drawing dates"), unit=gettext("date"), enabled=shown
    )
    return colours, iter(drawn)


def _writer(where: Path, fps: float) -> Any:
    """Return Matplotlib's writer for a kind of file."""
    animation = need("matplotlib.animation", extra="maps")
    if where.suffix.lower() == ".gif":
        return animation.PillowWriter(fps=fps)
    need("matplotlib", extra="maps").rcParams["animation.ffmpeg_path"] = _ffmpeg()
    return animation.FFMpegWriter(fps=fps)


def _ffmpeg() -> str:
    """Return the program that writes MP4: the system's, or that of the package imageio-ffmpeg."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    if have("imageio_ffmpeg"):
        return str(need("imageio_ffmpeg", extra="dev").get_ffmpeg_exe())
    raise MissingDependency(
        "MP4 needs ffmpeg, which is not installed",
        hint="pip install imageio-ffmpeg; or write a GIF, which needs nothing: end the name with .gif",
    )

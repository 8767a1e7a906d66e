"""`animate`: a file with one frame for each date, whose pixels are the data's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from scenes import coloured, dated, lazy

import geodes_datalab as gd
from geodes_datalab.errors import ConfigurationError, CubeError, MissingDependency
from geodes_datalab.maps import animation
from geodes_datalab.maps.animation import Animation

LABELS = ("2022-01-05", "2022-02-04", "2022-03-06")


def frames(path: Path) -> list[np.ndarray[Any, Any]]:
    with Image.open(path) as picture:
        result = []
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            result.append(np.asarray(picture.convert("RGB")).astype(int))
    return result


def middle(frame: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """A pixel of the map itself: left of the colour bar, in the middle of the height."""
    return tuple(frame[frame.shape[0] // 2, int(frame.shape[1] * 0.45)])


def viridis(share: float) -> tuple[int, ...]:
    return tuple(round(255 * v) for v in mpl.colormaps["viridis"](float(share))[:3])


@pytest.fixture
def film(tmp_path: Path) -> Animation:
    data = dated([0.0, 0.5, 1.0], long_name="greenness", source="THEIA (simulated)")
    return gd.animate(data, tmp_path / "new" / "x.gif", vmin=0, vmax=1, fps=4, width=500)


def test_each_date_is_a_frame_of_its_own(film: Animation) -> None:
    with Image.open(film.path) as picture:
        assert getattr(picture, "n_frames", 1) == 3
        assert picture.size[0] == 500
        for number in range(3):
            picture.seek(number)
            assert picture.info["duration"] == 250
        assert picture.info["loop"] == 0
    assert film.labels == LABELS
    assert "3 frames, 2022-01-05 to 2022-03-06" in repr(film)


def test_pixels_are_the_datas_and_all_else_stays(film: Animation) -> None:
    found = frames(film.path)
    for frame, share in zip(found, (0, 0.5, 1), strict=True):
        assert middle(frame) == pytest.approx(viridis(share), abs=4)
    first, second, _ = found
    bar = slice(int(first.shape[1] * 0.86), None)
    assert np.abs(first[:, bar] - second[:, bar]).max() < 40  # the same bar, but for the palettes


def test_the_dates_are_written(film: Animation) -> None:
    titles = [frame[:28] for frame in frames(film.path)]
    assert all((title < 128).any() for title in titles)
    assert np.abs(titles[0] - titles[1]).max() > 100
    assert np.abs(titles[1] - titles[2]).max() > 100


def test_a_notebook_shows_it_and_what_opens_files_takes_it(film: Animation) -> None:
    html = film._repr_html_()
    assert html.startswith('<img alt="x.gif: 2022-01-05 to 2022-03-06"')
    assert "data:image/gif;base64,R0lGOD" in html
    assert os.fspath(film) == str(film.path)
    with Image.open(film) as picture:
        assert getattr(picture, "n_frames", 1) == 3
    film.path.unlink()
    assert "is not there any more" in film._repr_html_()


def test_one_too_large_for_a_page_is_named(
    film: Animation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(animation, "LARGEST", 100)
    assert "kB large" in film._repr_html_()
    assert "base64" not in film._repr_html_()


def test_a_file_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path, data = tmp_path / "x.gif", dated([0.0, 1.0])
    path.write_bytes(b"mine")
    with pytest.raises(CubeError, match=r"is there already\n.*overwrite=True"):
        gd.animate(data, path, width=300)
    assert path.read_bytes() == b"mine"
    gd.animate(data, path, width=300, overwrite=True)
    assert len(frames(path)) == 2


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    array = dated([0.1, 0.2, 0.3]).chunk(time=1)

    def fail(block: Any) -> Any:
        if block[0, 0, 0] == np.float32(0.3):
            raise OSError("the server went away")
        return block

    broken = array.copy(data=array.data.map_blocks(fail, meta=array.data._meta))
    with pytest.raises(OSError, match="went away"):
        gd.animate(broken, tmp_path / "x.gif", vmin=0, vmax=1, width=300)
    assert list(tmp_path.iterdir()) == []


def test_each_date_of_a_lazy_cube_is_read_once(tmp_path: Path) -> None:
    read: list[int] = []
    film = gd.animate(lazy(dated([0, 5, 10]), read), tmp_path / "x.gif", width=400)
    assert read == [0, 1, 2]
    for frame, share in zip(frames(film.path), (0, 0.5, 1), strict=True):
        assert middle(frame) == pytest.approx(viridis(share), abs=4)  # percentiles of all dates


def test_true_colour(tmp_path: Path) -> None:
    data = coloured(red=[0.35, 0.0], green=[0.0, 0.0], blue=[0.0, 0.35])
    film = gd.animate(data, tmp_path / "x.gif", width=400)
    first, second = frames(film.path)
    assert middle(first) == pytest.approx((255, 0, 0), abs=4)
    assert middle(second) == pytest.approx((0, 0, 255), abs=4)


def test_south_is_below_whatever_the_order_of_rows(tmp_path: Path) -> None:
    rows = np.linspace(1, 0, 20)[:, None]  # 1 in the north
    data = dated([rows, rows])
    for name, array in (("down", data), ("up", data.isel(y=slice(None, None, -1)))):
        film = gd.animate(array, tmp_path / f"{name}.gif", vmin=0, vmax=1, width=400)
        first = frames(film.path)[0]
        height, x = first.shape[0], int(first.shape[1] * 0.45)
        assert first[int(height * 0.35), x, 0] > first[int(height * 0.65), x, 0], name


def test_what_cannot_be_animated_is_told(tmp_path: Path) -> None:
    data = dated([0.0, 1.0])
    with pytest.raises(CubeError, match="wants several dates"):
        gd.animate(data.isel(time=0), tmp_path / "x.gif")
    with pytest.raises(CubeError, match=r"end it with \.gif or \.mp4"):
        gd.animate(data, tmp_path / "x.avi")
    with pytest.raises(ConfigurationError, match="fps=0"):
        gd.animate(data, tmp_path / "x.gif", fps=0)
    with pytest.raises(ConfigurationError, match="width=20"):
        gd.animate(data, tmp_path / "x.gif", width=20)
    assert list(tmp_path.iterdir()) == []


def test_without_ffmpeg_mp4_names_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match=r"needs ffmpeg.*\n.*imageio-ffmpeg.*\.gif"):
        gd.animate(dated([0.0, 1.0]), tmp_path / "x.mp4")
    assert list(tmp_path.iterdir()) == []


def test_mp4(tmp_path: Path) -> None:
    try:
        ffmpeg = animation._ffmpeg()
    except MissingDependency:
        pytest.skip("needs ffmpeg, of Debian's package ffmpeg or of PyPI's imageio-ffmpeg")
    film = gd.animate(dated([0.0, 0.5, 1.0]), tmp_path / "x.mp4", vmin=0, vmax=1, width=401)
    assert "data:video/mp4;base64," in film._repr_html_()
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run([ffmpeg, "-v", "error", "-i", film.path, out / "%d.png"], check=True)
    found = [frames(out / f"{number}.png")[0] for number in (1, 2, 3)]
    assert len(list(out.iterdir())) == 3
    for frame, share in zip(found, (0, 0.5, 1), strict=True):
        assert middle(frame) == pytest.approx(viridis(share), abs=16)  # lossy
    shutil.rmtree(out)

"""What a notebook shows of an error: the line that was typed, the sentence, the cure."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import geodes_datalab
from geodes_datalab import _tracebacks, errors


@pytest.fixture
def shell() -> Any:
    shell = InteractiveShell.instance()
    yield shell
    InteractiveShell.clear_instance()


def shown(shell: Any, code: str) -> str:
    with capture_output() as captured:
        shell.run_cell(code)
    return re.sub(r"\x1b\[[0-9;]*m", "", captured.stdout + captured.stderr)


ASK = """import geodes_datalab as gd
items = gd.search(
    "no-such-collection-at-all",
    bbox=(0, 0, 400, 1),
)"""


def test_a_cell_shows_its_line_the_sentence_and_the_cure(shell: Any) -> None:
    text = shown(shell, ASK)
    assert re.search(r"^InvalidInput in .*Cell In\[\d+\], line 2", text), text
    assert "bbox=(0, 0, 400, 1)" in text
    assert "What to do:" in text
    assert len(text.splitlines()) < 15
    assert "geodes_datalab/" not in text
    assert "Traceback (most recent call last)" in shown(
        shell, "from geodes_datalab import errors; errors.full()"
    )


def absent(monkeypatch: Any, *names: str) -> None:
    """Let these packages be found nowhere, whether they are installed or not."""

    class Nowhere:
        def find_spec(self, name: str, *others: Any) -> None:
            if name.partition(".")[0] in names:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Nowhere(), *sys.meta_path])
    for module in [one for one in sys.modules if one.partition(".")[0] in names]:
        monkeypatch.delitem(sys.modules, module)


@pytest.mark.parametrize(
    ("code", "package"),
    [
        ("import cartopy.crs as ccrs", "cartopy"),
        ("from skimage import filters", "scikit-image"),
        ("try:\n    import hvplot.xarray\nfinally:\n    pass", "hvplot"),
    ],
)
def test_a_package_of_the_full_lab_is_told_below_the_traceback(
    shell: Any, monkeypatch: Any, code: str, package: str
) -> None:
    absent(monkeypatch, "cartopy", "skimage", "hvplot")
    for _ in range(2):
        _tracebacks.watch()
    text = shown(shell, code)
    hint = f'{package} is in the full lab: start it with "make up LAB=full"; '
    assert text.count("is in the full lab") == 1
    assert text.index("ModuleNotFoundError") < text.index(hint)
    assert text.endswith(f"geodes-datalab env create mine {package}\n")


@pytest.mark.parametrize(
    "code",
    [
        "import no_such_package",
        "import cartopy.no_such_part",
        "try:\n    import skimage\nexcept ImportError:\n    pass",
        "1 / 0",
        "this is no code",
    ],
)
def test_nothing_is_told_of_others(shell: Any, monkeypatch: Any, code: str) -> None:
    monkeypatch.setitem(sys.modules, "cartopy", ModuleType("cartopy"))
    absent(monkeypatch, "skimage")
    _tracebacks.watch()
    assert "full lab" not in shown(shell, code)


def test_the_package_watches_kernels_alone(shell: Any, monkeypatch: Any) -> None:
    importlib.reload(geodes_datalab)
    absent(monkeypatch, "cartopy")
    assert "full lab" in shown(shell, "import cartopy")
    InteractiveShell.clear_instance()
    _tracebacks.watch()  # no shell: nothing to do, and no error


def test_it_is_told_in_french(monkeypatch: Any) -> None:
    monkeypatch.setenv("GEODES_DATALAB_LANGUAGE", "fr")
    assert "environnement complet" in _tracebacks.elsewhere("plotly")


def test_nothing_is_coloured_that_a_theme_of_the_lab_would_hide() -> None:
    """Its red and green have too little contrast on its ground of errors, light and dark."""
    with pytest.raises(errors.CubeError) as caught:
        raise errors.CubeError("it is empty", hint="load more")
    marks = re.findall(r"\x1b\[([0-9;]*)m", "\n".join(_tracebacks.short(caught.value)))
    assert set(marks) == {"1", "0"}


def test_a_function_of_the_users_own_is_named(shell: Any, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "mine.py").write_text(
        "import geodes_datalab as gd\n\ndef go():\n    return gd.search(bbox=(0, 0, 400, 1))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    text = shown(shell, "import mine; mine.go()")
    assert "InvalidInput in mine.py, line 4" in text
    assert "return gd.search(bbox=(0, 0, 400, 1))" in text


def test_other_errors_are_shown_as_ever(shell: Any) -> None:
    assert "ZeroDivisionError" in shown(shell, "1 / 0")
    assert "division by zero" in _tracebacks.full(_raised())


def _raised() -> BaseException:
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError as error:
        return error
    raise AssertionError


def test_without_a_line_of_the_users_the_sentence_stays() -> None:
    lines = _tracebacks.short(errors.CubeError("it is empty", hint="load more"))
    assert lines[-3:-1] == ["it is empty", "  What to do: load more"]

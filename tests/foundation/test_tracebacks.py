"""What a notebook shows of an error: the line that was typed, the sentence, the cure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

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

"""What a notebook's cells may say without a test being red, and what they may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat import v4
from support import cells
from support.cells import Cells, assert_clean, faults, foreign

HOME = "/home/ada/.venv/lib/python3.13/site-packages"
OURS = [
    f"{HOME}/geodes_datalab/stac/search.py:12: UserWarning: no limit\n  warnings.warn(\n",
    f"{HOME}/xarray/core/x.py:1: ServerQuirk: whole archives are downloaded\n  call()\n",
    "/tmp/ipykernel_123/456.py:3: FutureWarning: the default will change\n  cube.mean()\n",
    "2026-01-01 10:00:00,000 - geodes_datalab.compute.gateway - WARNING - it is away\n",
    "WARNING:geodes_datalab._http.client:asked again\n",
    "Exception in thread x:\nTraceback (most recent call last):\n  File ...\n",
]
FOREIGN = [
    "2026-01-01 10:00:00,000 - distributed.core - INFO - Event loop was unresponsive for 3.1s.\n",
    "2026-01-01 - distributed.preloading - INFO - Import preload module: geodes_datalab.compute.tls\n",
    f"{HOME}/distributed/node.py:182: UserWarning: Port 8787 is already in use.\n  warnings.warn(\n",
    f"{HOME}/distributed/client.py:3: UserWarning: Sending a large graph of 11 MiB.\n",
    "downloading:  42%|####      | 3/7 [00:01<00:01]\r",
]


def shown(*outputs: object) -> Cells:
    return [v4.new_code_cell("work()", id="work", outputs=list(outputs))]


def stderr(text: str) -> Cells:
    return shown(v4.new_output("stream", name="stderr", text=text))


@pytest.mark.parametrize("text", OURS)
def test_our_own_warnings_and_tracebacks_are_faults(text: str) -> None:
    assert faults(stderr(text)) == [f"work: {text}"]
    assert foreign(stderr(text)) == []
    assert faults(stderr(FOREIGN[0] + text))  # in whatever company
    with pytest.raises(AssertionError):
        assert_clean(stderr(text))


@pytest.mark.parametrize("text", FOREIGN)
def test_what_other_libraries_say_is_kept_and_no_fault(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cells, "NOISE", tmp_path / "artifacts" / "noise.txt")
    assert faults(stderr(text)) == []
    assert_clean(stderr(text))
    kept = (tmp_path / "artifacts" / "noise.txt").read_bytes().decode()
    assert f"work: {text}" in kept
    assert "test_what_other_libraries_say" in kept
    assert text in capsys.readouterr().out


def test_an_error_is_a_fault_and_results_are_not() -> None:
    error = v4.new_output("error", ename="ValueError", evalue="no", traceback=["..."])
    result = v4.new_output("stream", name="stdout", text="Traceback (most recent call last)")
    assert faults(shown(result, error)) == ["work: ValueError: no"]
    assert faults(shown(result)) == foreign(shown(result)) == []

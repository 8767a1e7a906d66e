"""When progress and tables are shown: where somebody looks on."""

from __future__ import annotations

import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from support.waiting import minutes

ASK = "from geodes_datalab import _display; print(_display.interactive())"


def in_a_kernel(code: str) -> str:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])  # type: ignore[no-untyped-call]
    NotebookClient(book, timeout=round(minutes(5)), kernel_name="python3").execute()
    return str(book.cells[0].outputs[0].text).strip()


def test_somebody_looks_at_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEODES_PROGRESS", raising=False)
    assert in_a_kernel(ASK) == "True"
    assert in_a_kernel(f"import os; os.environ['GEODES_PROGRESS'] = '0'; {ASK}") == "False"


@pytest.mark.parametrize("first", ["", "import IPython, ipykernel.kernelapp; "])
def test_nobody_looks_at_a_pipe_whatever_is_imported(first: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", first + ASK], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"

"""Every file of Python compiles on the Python that runs the tests: what no test imports, too."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (".ci", "docs", "geodes_datalab", "images", "scripts", "tests")


def programs() -> list[str]:
    """Return the files, by name or by their first line."""
    files = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")))
    return [str(path.relative_to(ROOT)) for path in files if _is_python(path)]


def _is_python(path: Path) -> bool:
    if not path.is_file() or "_build" in path.parts:
        return False
    if path.suffix or path.parent.name not in {"scripts", "notebook", "platform"}:
        return path.suffix == ".py"
    return path.read_bytes()[:64].partition(b"\n")[0].endswith(b"python3")


def test_there_are_programs_of_both_kinds() -> None:
    assert "scripts/check-patience" in programs()
    assert "geodes_datalab/errors.py" in programs()


@pytest.mark.parametrize("folder", FOLDERS)
def test_programs_compile(folder: str) -> None:
    for name in programs():
        if name.startswith(f"{folder}/"):
            compile((ROOT / name).read_text("utf-8"), name, "exec", dont_inherit=True)

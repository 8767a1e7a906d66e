"""axe-core in a page: its rules for pages that everybody can use, by their npm package.

The package is fetched once, by the lock file in ``tests/browser/axe``, into the cache of the tests.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from support.waiting import minutes

from geodes_datalab.local import node

PACKAGE = Path(__file__).parents[1] / "browser" / "axe"
FILE = "node_modules/axe-core/axe.min.js"
SERIOUS = ("serious", "critical")


def install(cache: Path) -> Path:
    """Return axe's script, fetched where it is not there yet; another lock file gets another folder.

    Parameters
    ----------
    cache
        A folder that outlives a run.
    """
    digest = hashlib.sha256((PACKAGE / "package-lock.json").read_bytes()).hexdigest()[:12]
    target = cache / f"axe-{digest}"
    if not (target / FILE).is_file():
        folder = Path(tempfile.mkdtemp(dir=cache, prefix=".installing-"))
        try:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(PACKAGE / name, folder / name)
            words = [*node.find().npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(words, cwd=folder, check=True, timeout=minutes(5), capture_output=True)
            shutil.rmtree(target, ignore_errors=True)
            folder.rename(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return target / FILE


@functools.cache
def _read(script: Path) -> str:
    return script.read_text("utf-8")


def faults(page: Page, script: Path) -> list[str]:
    """Return the serious and critical faults of a page, each with the elements that have it.

    Parameters
    ----------
    page
        A tab.
    script
        As `install` returns it.
    """
    page.evaluate(_read(script))
    found: dict[str, Any] = page.evaluate("axe.run(document)")
    assert found["passes"], "axe looked at nothing"
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]

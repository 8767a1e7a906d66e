"""What a tier's tests came to, as tests/support/outcomes.py writes it line by line."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

VARIABLE = "TESTS_OUTCOMES"
"""Environment variable that names the file."""


@dataclass
class Outcomes:
    """Counts, and the files with failures."""

    passed: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """File of tests -> what its first failure said."""


def read(path: Path) -> Outcomes:
    """Read what was written; a tier without tests writes nothing."""
    found = Outcomes()
    if not path.exists():
        return found
    for line in path.read_text("utf-8").splitlines():
        one = json.loads(line)
        found.passed += one.get("passed", 0)
        if "file" in one:
            found.failed.setdefault(one["file"], one["reason"])
    return found

"""Write files that are whole or not there."""

from __future__ import annotations

import json
import os
from pathlib import Path


def keep(file: Path, content: object) -> None:
    """Write something as JSON, beside the file first; its folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_text(json.dumps(content) + "\n", "utf-8")
    part.replace(file)

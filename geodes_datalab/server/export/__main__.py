"""``python -m geodes_datalab.server.export``: a notebook as JSON comes in, a PDF goes out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from geodes_datalab.server.export.pages import pdf


def main() -> None:
    """Lay out one notebook."""
    task = json.load(sys.stdin.buffer)
    folder = Path(task["folder"] or ".").absolute()
    sys.stdout.buffer.write(pdf(task["notebook"], title=task["name"], folder=folder))


if __name__ == "__main__":
    main()

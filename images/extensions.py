"""Print the extensions of the Lab that an image has; runs inside it (scripts/images --list)."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    folder = Path(sys.prefix, "share/jupyter/labextensions")
    told = [json.loads(path.read_text()) for path in folder.glob("**/package.json")]
    for name, version in sorted({(one["name"], one["version"]) for one in told}):
        print(name, version)


if __name__ == "__main__":
    main()

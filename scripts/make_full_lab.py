"""Write geodes_datalab/_full_lab.json: what is imported from packages that only the full lab has.

Which packages these are is what pyproject.toml asks for and the locks say: in full.txt and not in up.txt. What
they are imported as stands in the packages alone. So run this after `scripts/lock` where they are installed,
as by `make up LAB=full`; or name a folder into which ``pip install --no-deps --target FOLDER`` put them:

    scripts/run python scripts/make_full_lab.py [FOLDER]
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from make_environment import ROOT, locked, names, normal

DATA = ROOT / "geodes_datalab" / "_full_lab.json"
NOT_MEANT = {"docs", "examples", "tests"}
"""What wheels bring by mistake."""


def main() -> None:
    installed = list(metadata.distributions(path=sys.argv[1:] or sys.path))
    lacking = asked() - {normal(one.metadata["Name"]) for one in installed}
    if lacking:
        raise SystemExit(f"not installed here: {', '.join(sorted(lacking))}")
    found = modules(installed)
    DATA.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def asked() -> set[str]:
    """Return the packages that are asked for and that only the full lab has."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    wanted = {normal(name) for extra in ("full", "peers") for name in names(extras[extra])}
    full, default = (locked(ROOT / "requirements" / f"{one}.txt") for one in ("full", "up"))
    return {name for name in wanted if name in full and name not in default}


def modules(installed: Iterable[metadata.Distribution]) -> dict[str, str]:
    """Return what can be imported from those of these that are asked for, with the package's name."""
    mine = [one for one in installed if normal(one.metadata["Name"]) in asked()]
    return {top: normal(one.metadata["Name"]) for one in mine for top in tops(one)}


def tops(distribution: metadata.Distribution) -> set[str]:
    """Return the names at the top of what a package brings for Python."""
    paths = [Path(str(file)) for file in distribution.files or ()]
    parts = {path.parts[0].split(".")[0] for path in paths if path.suffix in (".py", ".so")}
    return {part for part in parts if part.isidentifier() and not part.startswith("_")} - NOT_MEANT


if __name__ == "__main__":
    main()

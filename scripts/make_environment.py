"""Write the tables of docs/how-to/environment.md: packages of the images by task, with their versions.

Tasks are the extras of pyproject.toml, and within `full` the comments that head its parts; versions are
those of the images' locks. Run after `scripts/lock`:  scripts/run python scripts/make_environment.py
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/how-to/environment.md"
TASKS = {
    "cubes": "cubes",
    "tables": "items as tables",
    "cluster": "Dask",
    "maps": "maps in notebooks",
    "lab": "the Lab's foundation",
    "peers": "other clients of GEODES",
    "notebook": "of the image alone",
    "hub": "hub and Dask Gateway",
    "platform": "Kubernetes and logging in",
}


def main() -> None:
    PAGE.write_text(written(PAGE.read_text()))


def written(page: str) -> str:
    """Return the page with its tables as they should be."""
    for image, extras in {
        "notebook": ["", "cubes", "tables", "cluster", "maps", "full", "lab", "peers", "notebook"],
        "platform": ["hub", "platform"],
    }.items():
        begin, end = f"<!-- {image}: made by scripts/make_environment.py -->", "<!-- end -->"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n{table(image, extras)}\n{end}{rest.partition(end)[2]}"
    return page


def table(image: str, extras: list[str]) -> str:
    versions = locked(ROOT / "images" / image / "requirements.txt")
    rows = ["", "| task | packages |", "| --- | --- |"]
    for extra in extras:
        for task, names in tasks(extra):
            cells = ", ".join(f"{name} {versions[normal(name)]}" for name in sorted(names))
            rows.append(f"| {task} | {cells} |")
    return "\n".join([*rows, ""])


def tasks(extra: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the tasks of an extra with their packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    if not extra:
        yield "search, STAC, the command line", names(project["dependencies"])
    elif extra == "full":
        yield from parts_of_full()
    else:
        yield TASKS[extra], names(project["optional-dependencies"][extra])


def parts_of_full() -> Iterator[tuple[str, list[str]]]:
    text = (ROOT / "pyproject.toml").read_text().partition("\nfull = [")[2].partition("\n]")[0]
    for part in re.split(r"\n    # ", text)[1:]:
        task, _, lines = part.partition("\n")
        yield task, names(re.findall(r'^    "([^"]+)"', lines, re.MULTILINE))


def names(requirements: list[str]) -> list[str]:
    """Return the packages that are asked for, without our own extras and bounds."""
    found = [re.split(r"[\[<>=;, ]", text)[0] for text in requirements]
    return [name for name in found if name != "geodes-datalab"]


def locked(path: Path) -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), re.MULTILINE)
    return {normal(name): version for name, version in pins}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()

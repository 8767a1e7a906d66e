"""What the documentation tells people to type in a terminal of the Lab.

Every block of commands is meant for it, unless a comment of Markdown says where else it is typed, above the
block or at the top of the page for all of them: ``% typed on: your own machine``, for example.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.terminal import Terminal, opened
from support.visitor import Visitor
from support.wheels import editable, wheel

DOCS = Path(__file__).parents[2] / "docs"
IMAGE = "a server of the image"
"""Where local mode has no such folder."""
ELSEWHERE = ("your own machine", "an operator's machine")
SHELLS = {"sh", "bash", "shell", "console"}
OTHERS = {"python", "yaml", "toml", "text", "dockerfile", "{toctree}"}

_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*(\S*)")
_MARK = re.compile(r"% typed on: (.*)")
_SKIP = re.compile(r"(?:%|<!--) not run: (.*?)(?: -->)?$")
"""Of Markdown's two comments, GitHub hides the second only."""
_ROW = re.compile(r"\| `(geodes-datalab [^`]+)` \|")

INSTEAD = {" git+https://example.org/me/tool.git": ""}
"""What would need the internet, and what is typed in its place. Packages come from a folder: see `prepare`."""


@dataclass(frozen=True)
class Block:
    """A block of a page between fences."""

    page: str
    line: int
    language: str
    text: str
    where: str
    """Empty: in a terminal of the Lab."""
    skipped: str = ""
    """Why tests cannot run it; empty: they do."""

    @property
    def commands(self) -> list[str]:
        """Its commands; one goes on where a line ends with a backslash."""
        text = "\n".join(each.strip() for each in self.text.splitlines())
        return [one for one in re.split(r"(?<!\\)\n", text) if one.strip()]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page."""
    lines = page.read_text("utf-8").splitlines()
    whole = next((found[1] for line in lines[:1] if (found := _MARK.match(line))), "")
    inside: tuple[int, str, str] | None = None
    for number, line in enumerate(lines, start=1):
        fence = _FENCE.match(line)
        if fence and inside is None:
            inside = (number, fence[1], fence[2])
        elif fence and inside and fence[1] == inside[1] and not fence[2]:
            begin, _, language = inside
            own, skip = (mark.match(lines[begin - 2]) for mark in (_MARK, _SKIP))
            text = textwrap.dedent("\n".join(lines[begin : number - 1]))
            where, why = own[1] if own else whole, skip[1] if skip else ""
            yield Block(page.name, begin, language, text, where, why)
            inside = None
    assert inside is None, f"{page}: a block without an end"


def pages() -> list[Path]:
    """Return the pages that tell people what to do."""
    return [
        DOCS / "index.md",
        *sorted(DOCS.glob("tutorial/*.md")),
        *sorted(DOCS.glob("how-to/*.md")),
    ]


def recipes(*, image: bool) -> dict[str, list[str]]:
    """Return the commands for a terminal of the Lab, by page: those of blocks, then those of tables."""
    places = ("", IMAGE) if image else ("",)
    found: dict[str, list[str]] = {}
    for page in pages():
        mine = [each for each in blocks(page) if each.language in SHELLS and each.where in places]
        commands = [command for block in mine for command in block.commands]
        if mine:
            commands += _ROW.findall(page.read_text("utf-8"))
            found[page.name] = [_instead(each) for each in commands]
    return found


def _instead(command: str) -> str:
    for what, other in INSTEAD.items():
        command = command.replace(what, other)
    return command


def assert_work(visitor: Visitor, folder: Path, *, image: bool = False) -> None:
    """Type every recipe in a person's terminals, one for each page; none may fail."""
    url, path = f"{visitor.url}user/{visitor.name}", f"user/{visitor.name}/api/terminals"
    failed = []
    with opened(url, visitor.headers(path)) as terminal:
        prepare(visitor, terminal, folder)
    for page, commands in recipes(image=image).items():
        with opened(url, visitor.headers(path)) as terminal:
            for command in commands:
                code, shown = follow(terminal, command)
                if code:
                    failed.append(f"{page}: {command}\n{shown}")
    assert not failed, "\n".join(failed)


def prepare(visitor: Visitor, terminal: Terminal, folder: Path) -> None:
    """Put into a person's home what the recipes speak of, and name the only packages that pip finds."""
    for name in ("xclim", "plotly", "land-tool"):
        made = wheel(folder, name)
        visitor.upload(f"wheels/{made.name}", made.read_bytes())
    for path, text in editable("my-package").items():
        visitor.upload(f"my-package/{path}", text.encode())
    visitor.upload("wanted.txt", b"# what I need\nland-tool==1.0\n")
    setting = "[install]\\nno-index = true\\nfind-links = %s/wheels\\n"
    terminal.run(f"mkdir -p ~/.config/pip; printf '{setting}' \"$HOME\" >~/.config/pip/pip.conf")


def follow(terminal: Terminal, command: str) -> tuple[int, str]:
    """Type a command as it stands there; return how it ended, and what was shown."""
    shown = terminal.typed(f"{command}\recho \"<$?>\" that-is-''all\r", until="that-is-all")
    code = re.search(r"<(\d+)> that-is-all", shown)
    return (int(code[1]) if code else -1, shown)

"""Rescue mode: a temporary home from which the true one can be tidied up."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from geodes_datalab.server.start.home import Problem, Usage, readable, usage

PAGE = "RESCUE-MODE.md"
LINK = "my-home"
VARIABLE = "GEODES_DATALAB_RESCUE"
"""Set to the reason in a server that runs in rescue mode."""

_IN_HOME = ("JUPYTER_", "XDG_", "IPYTHONDIR", "MPLCONFIGDIR")
_ADVICE = {
    "full": """\
1. Open the folder `my-home` on the left, or a terminal (File > New > Terminal): `cd ~/my-home`.
2. Delete what you do not need, or download it first. What is deleted here is gone at once: there is
   no wastebasket in rescue mode. Usual suspects, all made again when needed:
   `rm -rf ~/my-home/.local/share/Trash ~/my-home/.cache ~/my-home/dask-scratch-space`
""",
    "read-only": """\
1. Nothing can be written to your home, whatever you delete. Read your files in the folder `my-home`
   on the left, and download what you need at once.
2. Tell the people who run this datalab: the storage of your home is mounted read-only, which often
   means that it is being moved or repaired.
""",
    "missing": """\
1. Tell the people who run this datalab: the storage of your home was not there when your server
   started. Your files are not lost for that.
""",
    "not-writable": """\
1. Read your files in the folder `my-home` on the left, and download what you need at once.
2. Tell the people who run this datalab: your home does not belong to the account that your server
   runs as, or its storage answers with errors.
""",
}

_HEAD = """\
# Your server runs in rescue mode

**Why:** {reason}.

This is a temporary home: **whatever you save outside `my-home` is lost** when the server stops.
Your own files are in `my-home`; nothing in them was changed.

## What to do

{advice}
## Then

File > Hub Control Panel > Stop My Server, then Start My Server. Where there is no hub, end the server
and start it again.

## What takes the space
"""


def rescue(home: Path, problem: Problem, environment: Mapping[str, str]) -> dict[str, str]:
    """Make a temporary home that says what happened.

    Parameters
    ----------
    home
        The true home; reached from the temporary one by a link.
    problem
        What is wrong with it.
    environment
        That of this process.

    Returns
    -------
    dict
        The environment for the server: its home and its first page.
    """
    temporary = Path(tempfile.mkdtemp(prefix="rescue-home-"))
    (temporary / LINK).symlink_to(home)
    (temporary / PAGE).write_text(page(home, problem, usage(home)), "utf-8")
    _banner(temporary, problem)
    changed = {
        "HOME": str(temporary),
        "JUPYTERHUB_ROOT_DIR": str(temporary),
        "JUPYTERHUB_DEFAULT_URL": f"/lab/tree/{PAGE}",
        VARIABLE: problem.kind,
    }
    return _without_home(environment, home) | changed


def page(home: Path, problem: Problem, used: Usage) -> str:
    """Return the first page of a server in rescue mode, as Markdown."""
    parts = [
        _HEAD.format(reason=problem.text, advice=_ADVICE[problem.kind]),
        *used.lines,
        _table("Folder", home, used.folders),
        _table("File", home, used.files),
    ]
    if not used.complete:
        parts.append("There are more files than could be looked at: the tables may lack some.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(title: str, home: Path, found: list[tuple[int, Path]]) -> str:
    if not found:
        return ""
    rows = [
        f"| `{LINK}/{str(path.relative_to(home)).replace('|', '¦')}` | {readable(size)} |"
        for size, path in found
    ]
    return "\n".join([f"| {title} | Size |", "| --- | ---: |", *rows])


def _banner(temporary: Path, problem: Problem) -> None:
    """Let the Lab show a line that stays, and delete files at once."""
    config = temporary / ".jupyter"
    (config / "custom").mkdir(parents=True)
    text = f"RESCUE MODE: {problem.text}. Files saved here are lost at stop: see {PAGE}"
    (config / "custom" / "custom.css").write_text(_CSS.replace("TEXT", _quoted(text)), "utf-8")
    settings = {
        "FileContentsManager": {"delete_to_trash": False},
        "AsyncLargeFileManager": {"delete_to_trash": False},
        "LabApp": {"custom_css": True},
    }
    for name in ("jupyter_server_config.json", "jupyter_lab_config.json"):
        (config / name).write_text(json.dumps(settings), "utf-8")


def _quoted(text: str) -> str:
    """Return a string of CSS: whatever is not a plain character by its number."""
    plain = (
        each
        if (each.isascii() and each.isalnum()) or each in " :;.,/()-_"
        else f"\\{ord(each):06x}"
        for each in text
    )
    return '"' + "".join(plain) + '"'


_CSS = """\
body::before {
  content: TEXT;
  position: fixed;
  left: 0;
  right: 0;
  bottom: 24px;
  z-index: 10000;
  padding: 6px 12px;
  background: #b3261e;
  color: white;
  font: bold 14px sans-serif;
  text-align: center;
  pointer-events: none;
}
"""


def _without_home(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """Leave out what would lead Jupyter's own files back into the home."""
    return {
        name: value
        for name, value in environment.items()
        if not (name.startswith(_IN_HOME) and str(home) in value)
    }

"""Each block of commands in the documentation says who types it: a person in the Lab, or somebody elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.recipes import ELSEWHERE, IMAGE, INSTEAD, OTHERS, SHELLS, blocks, pages, recipes


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_every_block_is_of_a_known_kind(page: Path) -> None:
    for block in blocks(page):
        place = f"{block.page}:{block.line}"
        assert block.language in SHELLS | OTHERS, place
        assert block.where in ("", IMAGE, *ELSEWHERE), place


def test_what_is_typed_in_the_lab_needs_no_operator() -> None:
    """A mark that was forgotten: none of these is there."""
    typed = [command for commands in recipes(image=True).values() for command in commands]
    assert typed
    for command in typed:
        assert command.split()[0] not in ("make", "helm", "kubectl", "ssh", "buildah"), command


def test_a_block_without_a_mark_is_typed_in_the_lab(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A page\n\n```sh\nfirst\n```\n\n% typed on: your own machine\n```bash\nsecond\n```\n"
        "\n```sh\nthird \\\n  goes on\nfourth\n```\n"
    )
    first, second, third = blocks(page)
    assert (first.where, second.where, third.where) == ("", "your own machine", "")
    assert third.commands == ["third \\\ngoes on", "fourth"]


def test_what_is_typed_instead_stands_in_a_page() -> None:
    texts = "".join(page.read_text("utf-8") for page in pages())
    assert [what for what in INSTEAD if what not in texts] == []

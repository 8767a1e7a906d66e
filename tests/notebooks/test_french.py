"""The French twins of the notebooks: every text is translated, the code is the same, and the first one runs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
import yaml
from support.cells import assert_clean

from scripts import make_french_notebooks as french
from scripts import notebook_texts

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message
    from conftest import Executed

FIRST = "01-start/01-first-steps.ipynb"
SKELETON = (
    "Ce que vous allez apprendre",
    "Avant de commencer",
    "Imports",
    "Paramètres de l'analyse",
)
ENDING = ("À vous de jouer", "Et ensuite")
CODE = re.compile(r"`[^`]*`")
HARD = "\N{NO-BREAK SPACE}"
RUN = "run scripts/make_french_notebooks.py"

each_pair = pytest.mark.parametrize(
    "path", french.notebooks(), ids=[french.name_of(path) for path in french.notebooks()]
)


@pytest.fixture(scope="module")
def messages() -> Catalog:
    return french.read()


def entries(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def test_the_catalogue_holds_what_the_notebooks_say(messages: Catalog) -> None:
    """After a change of words: run scripts/make_french_notebooks.py, then translate."""
    said = {text for text, _ in french.said()}
    assert {message.id for message in entries(messages)} == said, RUN
    assert french.CATALOGUE.read_bytes() == french.written(french.wanted()), RUN


def test_every_text_is_translated(messages: Catalog) -> None:
    assert [m.id for m in entries(messages) if not m.string or m.fuzzy] == []


def test_every_notebook_has_a_twin_or_is_named_as_having_none() -> None:
    english = {french.name_of(path) for path in french.FOLDER.glob("*/*.ipynb")}
    twins = {path.relative_to(french.TWINS).as_posix() for path in french.TWINS.glob("*/*.ipynb")}
    assert twins == english - french.NOT_YET
    assert english >= french.NOT_YET


@each_pair
def test_the_twin_is_what_the_script_writes(path: Path, messages: Catalog) -> None:
    made = french.twin(path, french.translator(messages))
    assert french.twin_of(path).read_text("utf-8") == made, RUN
    script = french.ROOT / "scripts" / "strip-notebooks"
    check = [sys.executable, str(script), "--check", str(french.twin_of(path))]
    run = subprocess.run(check, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    nbformat.validate(nbformat.read(french.twin_of(path), as_version=nbformat.NO_CONVERT))


@each_pair
def test_code_differs_in_its_texts_only(path: Path, messages: Catalog) -> None:
    told_pairs = {pair for m in entries(messages) for pair in written_as(str(m.id), str(m.string))}
    for one, other in zip(french.cells(path), french.cells(french.twin_of(path)), strict=True):
        assert (one["id"], one["cell_type"]) == (other["id"], other["cell_type"])
        for english, told in zip(code_of(one), code_of(other), strict=True):
            for pair in differences(ast.parse(english), ast.parse(told)):
                assert pair in told_pairs


def code_of(cell: dict[str, Any]) -> list[str]:
    """Return the code of a cell; of prose, that of its blocks."""
    if cell["cell_type"] == "code":
        return [cell["source"]]
    return re.findall(r"^```python\n(.*?)^```", cell["source"], re.MULTILINE | re.DOTALL)


def differences(one: Any, other: Any) -> Iterator[tuple[str, str]]:
    """Yield each pair of strings in which two pieces of code differ; they may not differ otherwise."""
    assert type(one) is type(other)
    if isinstance(one, ast.JoinedStr):
        assert fields(one) == fields(other)
        if ast.unparse(one) != ast.unparse(other):
            yield ast.unparse(one), ast.unparse(other)
    elif isinstance(one, ast.Constant) and isinstance(one.value, str):
        if one.value != other.value:
            yield one.value, other.value
    elif isinstance(one, ast.AST):
        for name in one._fields:
            yield from differences(getattr(one, name), getattr(other, name))
    elif isinstance(one, list):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            yield from differences(*pair)
    else:
        assert one == other


def fields(text: ast.JoinedStr) -> list[str]:
    return sorted(ast.dump(one) for one in text.values if isinstance(one, ast.FormattedValue))


def written_as(*texts: str) -> Iterator[tuple[str, ...]]:
    """Yield texts as they stand in code: as plain strings, and as strings with fields."""
    yield tuple(text.replace("\\n", "\n") for text in texts)
    if all("{" in text for text in texts):
        yield tuple(ast.unparse(ast.parse(f'f"""{text}"""')) for text in texts)


@each_pair
def test_links_lead_to_french_pages_where_there_are_any(path: Path) -> None:
    twin = french.twin_of(path)
    pairs = zip(targets(path), targets(twin), strict=True)
    for there, here in pairs:
        assert here.exists(), here
        if there.suffix == ".ipynb" and french.name_of(there) not in french.NOT_YET:
            assert here == french.twin_of(there)


def targets(path: Path) -> list[Path]:
    prose = "\n".join(c["source"] for c in french.cells(path) if c["cell_type"] == "markdown")
    return [(path.parent / target).resolve() for target in re.findall(r"\]\(([^)#:]+)\)", prose)]


def test_sections_bear_the_same_names_everywhere() -> None:
    for path in french.notebooks():
        prose = [c["source"] for c in french.cells(french.twin_of(path))]
        headings = re.findall(r"^## (.+)$", "\n".join(prose), re.MULTILINE)
        assert tuple(headings[: len(SKELETON)]) == SKELETON
        assert tuple(headings[-len(ENDING) :]) == ENDING


def test_code_and_links_in_prose_stay(messages: Catalog) -> None:
    kept = re.compile(r"`[^`]*`|\]\([^)]*\)|</?\w+>")
    for message in entries(messages):
        assert sorted(kept.findall(message.string)) == sorted(kept.findall(message.id)), message.id


def test_the_typography_is_french(messages: Catalog) -> None:
    texts = [(m.id, re.sub(r"\{[^}]*\}", "x", CODE.sub("x", m.string))) for m in entries(messages)]
    faults = re.compile(
        r"(?:^|[^\s|])(?: [;:?!»%](?!\w)|(?<=[\w)»])[;?!»](?!\w))|« |«(?!\xa0)| \xa0|\xa0 "
    )
    assert [text for text in texts if faults.search(text[1])] == []
    assert any(f"{HARD}:" in text for _, text in texts)


def test_the_french_index_is_that_of_the_gallery(messages: Catalog) -> None:
    told = french.translator(messages)
    rows = []
    for shelf in yaml.safe_load((french.FOLDER / "gallery.yml").read_text("utf-8"))["shelves"]:
        for entry in shelf["notebooks"]:
            name = f"{shelf['folder']}/{entry['file']}"
            link = name if name in french.NOT_YET else f"fr/{name}"
            shown = f"[{told(entry['title'])}]({link}) | {told(entry['summary'])}"
            rows.append(f"| {told(shelf['title'])} | {shown} | {entry['minutes']}{HARD}min |")
    index = (french.FOLDER / "README.fr.md").read_text("utf-8")
    assert [line for line in index.splitlines() if ".ipynb)" in line] == rows
    headings = re.findall(r"^#+ ", (french.FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    assert re.findall(r"^#+ ", index, re.MULTILINE) == headings


@pytest.mark.timeout(600)
def test_the_first_twin_runs(execute: Callable[..., Executed]) -> None:
    run = execute(f"fr/{FIRST}", {"GEODES_DATALAB_LANGUAGE": "fr"})
    assert_clean(run.cells)
    assert run.count("image/png") >= 3
    assert (run.folder / "ndvi.nc").is_file()
    said = [
        text for cell in run.cells if cell.cell_type == "code" for text in printed_by(cell.source)
    ]
    assert "Mo en mémoire" in " ".join(said)
    assert [text for text in said if text not in run.printed()] == []


def printed_by(code: str) -> Iterator[str]:
    """Yield the words that a cell prints."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
            for one in node.args:
                parts = one.values if isinstance(one, ast.JoinedStr) else [one]
                yield from (str(p.value) for p in parts if isinstance(p, ast.Constant))


def upper(text: str) -> str:
    return text.upper()


@pytest.mark.parametrize(
    ("english", "told"),
    [
        ("## 1. Who answers?", "## 1. WHO ANSWERS?"),
        ("One line\nand another.", "ONE LINE AND ANOTHER."),
        ("- one\n  item\n- two", "- ONE ITEM\n- TWO"),
        ("| a | b |\n| --- | --- |\n| c | d |", "| A | B |\n| --- | --- |\n| C | D |"),
        ("Text:\n```python\nprint(1)\n\nx = 2\n```\nmore", "TEXT:\n```python\nprint(1)\n\nx = 2\n```\nMORE"),
        ("```python\nprint('of')\n```\n\nmore", "```python\nprint('OF')\n```\n\nMORE"),
        ("```sh\n# a\n```", "```sh\n# a\n```"),
        ("$$a = b$$\n\nwhere\n$$\na\n$$\nis", "$$a = b$$\n\nWHERE\n$$\na\n$$\nIS"),
        ("<details>\n\ntext\n\n</details>", "<details>\n\nTEXT\n\n</details>"),
    ],
)  # fmt: skip
def test_prose_is_replaced_block_by_block(english: str, told: str) -> None:
    assert notebook_texts.replace_in_prose(english, upper) == told


def test_lines_are_broken_anew_and_never_become_items() -> None:
    long = "mot " * 60
    lines = notebook_texts.replace_in_prose("- text", lambda _: long).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("  ") and len(line) <= notebook_texts.WIDTH for line in lines[1:])
    with pytest.raises(ValueError, match="would begin"):
        notebook_texts.replace_in_prose("text", lambda _: "x" * 115 + " - " + "y" * 20)


@pytest.mark.parametrize(
    ("english", "told"),
    [
        ("x = 1  # a place", "x = 1  # A PLACE"),
        ("import a  # noqa: F401 - why\nimport b  # noqa", "import a  # noqa: F401 - WHY\nimport b  # noqa"),
        ("print('of', a['of'], sep='x')", "print('OF', a['of'], sep='x')"),
        ("print('on' if b else 'off')", "print('ON' if b else 'OFF')"),
        ("gd.search('red', label='red')", "gd.search('red', label='RED')"),
        ("f(bar={'label': 'NDvi', 'cmap': 'gray'})", "f(bar={'label': 'NDVI', 'cmap': 'gray'})"),
        ("x = ['two words', 'POINT (2.3 4)']", "x = ['TWO WORDS', 'POINT (2.3 4)']"),
        ("place = 'Patagonia'; crs = 'utm'", "place = 'PATAGONIA'; crs = 'utm'"),
        ("axes.legend(title='of', loc='upper right')", "axes.legend(title='OF', loc='upper right')"),
        ("x = {True: ' (simulated)', 'b': 'simulated'}", "x = {True: ' (SIMULATED)', 'b': 'simulated'}"),
        ("x = {'one pixel': 'a', 'filtered': 'b'}", "x = {'ONE PIXEL': 'a', 'FILTERED': 'b'}"),
        ("é = 'éé'; print('été')", "é = 'éé'; print('ÉTÉ')"),
        ("axes.set(title='Le', xlabel='')", "axes.set(title='LE', xlabel='')"),
    ],
)  # fmt: skip
def test_of_code_comments_and_shown_texts_are_replaced(english: str, told: str) -> None:
    assert notebook_texts.replace_in_code(english, upper) == told


def test_fields_of_a_text_may_move_but_not_change() -> None:
    code = "print(f\"{a:.1f} of {b['c']}\")"
    moved = notebook_texts.replace_in_code(code, lambda _: "de {b['c']}, {a:.1f}")
    assert moved == "print(f\"de {b['c']}, {a:.1f}\")"
    with pytest.raises(ValueError, match="fields differ"):
        notebook_texts.replace_in_code(code, lambda _: "{a:.2f} de {b['c']}")


def test_a_text_without_french_makes_no_twin() -> None:
    with pytest.raises(french.Untranslated, match="First steps"):
        french.twin(french.FOLDER / FIRST, french.translator(french.empty()))


def test_a_text_that_changed_keeps_its_old_french_as_a_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = french.empty()
    old.add("Look at the map of footprints", "Regarder la carte des empreintes")
    old.add("Something else that nobody says", "Autre chose")
    path = tmp_path / "fr.po"
    path.write_bytes(french.written(old))
    monkeypatch.setattr(french, "CATALOGUE", path)
    monkeypatch.setattr(french, "said", lambda: [("Look at the map of the footprints", "a#b")])
    [entry] = entries(french.wanted())
    assert (entry.string, entry.fuzzy) == ("Regarder la carte des empreintes", True)
    with pytest.raises(french.Untranslated):
        french.translator(french.wanted())(str(entry.id))

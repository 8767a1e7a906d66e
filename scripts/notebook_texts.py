"""The texts of a notebook's cells that people read, and how to replace each by its translation.

Of prose: headings, paragraphs, items of lists, rows of tables; formulas and tags stay. Lines are joined before they
are translated and broken anew after, so that English text may be broken otherwise.

Of code, in cells and in blocks of Python within prose: comments, and the strings that are printed or written on a figure. Which these are, the place tells
(`SHOWN_BY`, `SHOWN_AS`), or that they are several words; keys of a dictionary are so together.
"""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

WIDTH = 116
SHOWN_BY = frozenset(
    {
        "print",
        "set_title",
        "set_xlabel",
        "set_ylabel",
        "set_label",
        "suptitle",
        "titled",
        "text",
        "annotate",
    }
)
"""Functions that show the texts they are given."""
SHOWN_AS = frozenset(
    {"title", "suptitle", "label", "labels", "xlabel", "ylabel", "zlabel", "columns", "place"}
)
"""Arguments, keys of dictionaries of arguments, and variables that hold texts for a figure or a table."""
HIDDEN_AS = frozenset({"loc"})
"""Arguments whose words are no texts."""

Translate = Callable[[str], str]
Place = tuple[int, int]
"""Row, from 1, and column, from 0, as `tokenize` counts them."""

_LEAD = re.compile(r"#+ (?:\d+\. )?|\s*(?:[-*] |\d+\. )|\s*")
_ALONE = re.compile(r"\s*[#|<>]")
"""How a line begins that is a block by itself."""
_ITEM = re.compile(r"\s*(?:[-*+] |\d+[.)] )")
_FENCE = re.compile(r"\s*(```|~~~|\$\$)")
_PYTHON = re.compile(r"(```python\n)(.*?)(```)", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_LETTER = re.compile(r"[^\W\d_]")
_WORDS = re.compile(r"[^\W\d_][,:;.]? +\w| \([^\W\d_]{2}")
_HASH = re.compile(r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?(?:\s*-)?\s*)?")
_QUOTES = re.compile(r"([a-zA-Z]*)(\"{3}|'{3}|\"|')")


@dataclass(frozen=True)
class _Block:
    text: str
    """On one line; of a block that is not translated, its lines as they stand."""
    lead: str = ""
    """What the block begins with: the mark of a heading or an item, an indentation."""
    kept: bool = False
    """It is not translated."""

    @property
    def alone(self) -> bool:
        """Its line is not to be broken."""
        return bool(_ALONE.match(self.lead + self.text))


def replace_in_prose(source: str, translate: Translate) -> str:
    """Return a text in Markdown, each part of it translated."""
    return "\n".join(_told(block, translate) for block in _blocks(source.split("\n")))


def _blocks(lines: list[str]) -> Iterator[_Block]:
    """Yield the parts of a text in Markdown."""
    while lines:
        line = lines.pop(0)
        if fence := _FENCE.match(line):
            yield _Block(_fenced(line, fence[1], lines), kept=True)
        elif not _LETTER.search(_TAG.sub("", line)):
            yield _Block(line, kept=True)
        else:
            lead = match[0] if (match := _LEAD.match(line)) else ""
            parts = [line.removeprefix(lead)]
            while not _ALONE.match(line) and lines and _continues(lines[0]):
                parts.append(lines.pop(0))
            yield _Block(" ".join(part.strip() for part in parts), lead)


def _fenced(line: str, fence: str, lines: list[str]) -> str:
    """Return a block of code or a formula, and take its other lines from those that follow."""
    result = [line]
    while lines and not (line.rstrip().endswith(fence) and line.strip() != fence and fence == "$$"):
        result.append(line := lines.pop(0))
        if line.rstrip().endswith(fence):
            break
    return "\n".join(result)


def _continues(line: str) -> bool:
    """Tell whether a line goes on with the block before it."""
    return bool(line.strip()) and not any(mark.match(line) for mark in (_ALONE, _ITEM, _FENCE))


def _told(block: _Block, translate: Translate) -> str:
    if code := _PYTHON.fullmatch(block.text):
        return code[1] + replace_in_code(code[2], translate) + code[3]
    if block.kept:
        return block.text
    text = translate(block.text)
    if block.alone:
        return block.lead + text
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=block.lead,
        subsequent_indent=" " * len(block.lead),
        break_long_words=False,
        break_on_hyphens=False,
    )
    if not all(_continues(line) for line in lines[1:]):
        raise ValueError(f"a line would begin as a heading, an item or a row does: {lines}")
    return "\n".join(lines)


def replace_in_code(source: str, translate: Translate) -> str:
    """Return Python code, its comments and the texts that it shows translated."""
    shown, hidden = _places(source, _shown_of), _places(source, _hidden_of)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    result, done = [], 0
    for start, end in _tokens(source):
        first, last = starts[start[0] - 1] + start[1], starts[end[0] - 1] + end[1]
        token = source[first:last]
        if token.startswith("#"):
            token = _comment(token, translate)
        elif _within(shown, start, end) or (
            _WORDS.search(token) and not _within(hidden, start, end)
        ):
            token = _string(token, translate)
        result += [source[done:first], token]
        done = last
    return "".join([*result, source[done:]])


def _tokens(source: str) -> Iterator[tuple[Place, Place]]:
    """Yield where comments and strings are; a string with fields is one."""
    depth, begun = 0, (0, 0)
    formatted = getattr(tokenize, "FSTRING_START", None), getattr(tokenize, "FSTRING_END", None)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == formatted[0]:
            begun = begun if depth else token.start
            depth += 1
        elif token.type == formatted[1]:
            depth -= 1
            if not depth:
                yield begun, token.end
        elif not depth and token.type in (tokenize.STRING, tokenize.COMMENT):
            yield token.start, token.end


def _comment(token: str, translate: Translate) -> str:
    mark = match[0] if (match := _HASH.match(token)) else "#"
    text = token.removeprefix(mark)
    return mark + translate(text) if _LETTER.search(text) else token


def _string(token: str, translate: Translate) -> str:
    match = _QUOTES.match(token)
    if match is None:
        raise ValueError(f"no string: {token}")
    text = token[match.end() : -len(match[2])]
    fields = _fields(text) if "f" in match[1].lower() else []
    plain = text
    for field in fields:
        plain = plain.replace(field, "")
    if not _LETTER.search(re.sub(r"\\.", "", plain)):
        return token
    told = translate(text)
    if fields and Counter(_fields(told)) != Counter(fields):
        raise ValueError(f"fields differ: {text!r}, {told!r}")
    return token[: match.end()] + told + match[2]


def _fields(text: str) -> list[str]:
    """Return the fields of the text of an f-string."""
    found, depth, begun = [], 0, 0
    for place, letter in enumerate(text.replace("{{", "  ").replace("}}", "  ")):
        if letter == "{":
            begun = begun if depth else place
            depth += 1
        elif letter == "}":
            depth -= 1
            if not depth:
                found.append(text[begun : place + 1])
    return found


def _places(
    source: str, chosen: Callable[[ast.AST], Iterator[ast.expr]]
) -> list[tuple[Place, Place]]:
    """Return where the strings begin and end that are, or may be, the chosen expressions."""
    lines = source.splitlines() or [""]

    def place(row: int, column: int) -> Place:
        return row, len(lines[row - 1].encode()[:column].decode())

    nodes = (one for node in ast.walk(ast.parse(source)) for one in chosen(node))
    return [
        (
            place(text.lineno, text.col_offset),
            place(text.end_lineno or text.lineno, text.end_col_offset or 0),
        )
        for node in nodes
        for text in _strings(node)
    ]


def _within(places: list[tuple[Place, Place]], start: Place, end: Place) -> bool:
    return any(begin <= start and end <= stop for begin, stop in places)


def _hidden_of(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions of a node that are no texts."""
    if isinstance(node, ast.Call):
        yield from (word.value for word in node.keywords if word.arg in HIDDEN_AS)


def _shown_of(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions that a node shows."""
    if isinstance(node, ast.Call):
        name = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        yield from node.args if name in SHOWN_BY else []
        yield from (word.value for word in node.keywords if word.arg in SHOWN_AS)
    elif isinstance(node, ast.Dict):
        keys = [key for key in node.keys if isinstance(key, ast.Constant)]
        yield from keys if any(_WORDS.search(str(key.value)) for key in keys) else []
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in SHOWN_AS:
                yield value
    elif isinstance(node, ast.Assign) and any(
        isinstance(name, ast.Name) and name.id in SHOWN_AS for name in node.targets
    ):
        yield node.value


def _strings(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the strings that an expression is, or may be."""
    if isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    ):
        yield node
    elif isinstance(node, (ast.List, ast.Tuple)):
        for one in node.elts:
            yield from _strings(one)
    elif isinstance(node, ast.Dict):
        for one in node.values:
            yield from _strings(one)
    elif isinstance(node, ast.IfExp):
        yield from [*_strings(node.body), *_strings(node.orelse)]
    elif isinstance(node, ast.BinOp):
        yield from [*_strings(node.left), *_strings(node.right)]

"""The sentences that the package says to people, read out of its code.

`errors` are the messages and hints of every error, as templates: an f-string becomes ``unknown {name}``. What a
name stands for is followed through assignments, choices and functions as far as the code says it in words.
`phrases` are what the code hands to `geodes_datalab._language`.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PACKAGE = "geodes_datalab"
MOST = 12
"""Sentences that one expression may stand for; past that its parts are fields."""

PHRASES = {"gettext": 1, "mark": 1, "ngettext": 2}
"""Functions of `geodes_datalab._language`, and how many of their arguments are texts."""

TOLD = {
    "say": slice(0, 1),
    "warn": slice(0, 1),
    "warn_from_thread": slice(0, 1),
    "Finding": slice(2, 4),
    "measured": slice(3, 5),
}
"""What else is English until it is shown: progress in the terminal, warnings, findings of the doctor."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Module:
    """A module's text, and where its names come from."""

    name: str
    path: Path
    tree: ast.Module
    values: dict[str, list[ast.expr]] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.tree.body:
            if isinstance(node, Function):
                self.functions[node.name] = node
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = (node.module, alias.name)
        self.values = assigned(self.tree.body)


@cache
def modules() -> Mapping[str, Module]:
    """Return every module of the package, by its dotted name."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path, ast.parse(path.read_text("utf-8")))
    return found


def assigned(body: Iterable[ast.stmt]) -> dict[str, list[ast.expr]]:
    """Return what is assigned to each name, in a function or at a module's level."""
    found: dict[str, list[ast.expr]] = {}
    for statement in body:
        for node in own_nodes(statement):
            targets: list[ast.expr] = []
            if isinstance(node, ast.Assign):
                targets = node.targets
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
                targets = [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and node.value is not None:  # type: ignore[attr-defined]
                    found.setdefault(target.id, []).append(node.value)  # type: ignore[attr-defined]
    return found


@cache
def within_function(function: Function) -> Mapping[str, list[ast.expr]]:
    """Return what is assigned to each name in a function."""
    return assigned(function.body)


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a statement without the functions and classes in it."""
    if isinstance(node, Function | ast.ClassDef | ast.Lambda):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from own_nodes(child)


@dataclass(frozen=True)
class Reading:
    """Where an expression stands: its module, and the function around it."""

    module: Module
    function: Function | None
    depth: int = 0

    def sentences(self, node: ast.expr | None) -> list[str] | None:
        """Return what an expression may say, None where the code does not tell."""
        if self.depth > 6 or node is None:
            return None
        match node:
            case ast.Constant(value=str() as text):
                return [text.replace("{", "{{").replace("}", "}}")]
            case ast.Constant(value=None):
                return []
            case ast.JoinedStr(values=parts):
                return self._joined(parts)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return self._joined([left, right])
            case ast.IfExp(body=one, orelse=other):
                return self._either([one, other])
            case ast.BoolOp(op=ast.Or(), values=[*before, last]):
                told = [text for text in self._either(before) or () if text]  # "" is not said
                return told + (self.sentences(last) or []) or None
        return self._elsewhere(node)

    def _elsewhere(self, node: ast.expr) -> list[str] | None:
        """Return what an expression says that stands for words in another place."""
        match node:
            case ast.Name(id=name):
                return self._named(name)
            case ast.Call(func=ast.Name(id=name)):
                return self._called(name)
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str() as text), attr="format")
            ):
                return [numbered(re.sub(r"\{[^{}]*\}", "{value}", text))]
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                return self._of_module(name, attribute)
            case ast.Subscript(value=ast.Name(id=name)):
                return self._of_table(name)
        return None

    def within(self, node: ast.expr | None) -> Iterator[str]:
        """Yield what the functions called inside an f-string say: it is matched as a field."""
        own = dict(within_function(self.function)) if self.function else {}
        trees = [node] if node is not None else []
        for tree in trees:  # grows: by what is assigned to the names in it
            for inner in ast.walk(tree):
                if isinstance(inner, ast.Call):
                    yield from self.sentences(inner) or ()
                elif isinstance(inner, ast.Name):
                    trees += own.pop(inner.id, ())

    def _either(self, nodes: Iterable[ast.expr]) -> list[str] | None:
        """Return what any of several expressions says; those that tell nothing are left out."""
        told = [self.sentences(node) for node in nodes]
        if all(one is None for one in told):
            return None
        return list(dict.fromkeys(itertools.chain.from_iterable(one or [] for one in told)))

    def _deeper(self, module: Module, function: Function | None) -> Reading:
        return Reading(module, function, self.depth + 1)

    def _named(self, name: str) -> list[str] | None:
        if self.function is not None:
            values = within_function(self.function).get(name)
            if values:
                return self._deeper(self.module, self.function)._either(values)
            if name in parameters(self.function):
                return None
        if name in self.module.values:
            return self._deeper(self.module, None)._either(self.module.values[name])
        home, original = self._home(name)
        return self._deeper(home, None)._either(home.values.get(original, [])) if home else None

    def _of_module(self, name: str, attribute: str) -> list[str] | None:
        place, original = self.module.imported.get(name, ("", ""))
        home = modules().get(f"{place}.{original}")
        return self._deeper(home, None)._either(home.values.get(attribute, [])) if home else None

    def _of_table(self, name: str) -> list[str] | None:
        tables = [one for one in self.module.values.get(name, []) if isinstance(one, ast.Dict)]
        return self._deeper(self.module, None)._either(
            one for table in tables for one in table.values
        )

    def _called(self, name: str) -> list[str] | None:
        home, original = self._home(name)
        module = home or self.module
        function = module.functions.get(original)
        if function is None:
            return None
        returned = [
            node.value
            for statement in function.body
            for node in own_nodes(statement)
            if isinstance(node, ast.Return) and node.value is not None
        ]
        return self._deeper(module, function)._either(returned)

    def _home(self, name: str) -> tuple[Module | None, str]:
        place, original = self.module.imported.get(name, ("", name))
        return modules().get(place), original

    def _joined(self, parts: Iterable[ast.expr]) -> list[str] | None:
        """Return what the parts say one after another; what they do not tell are fields."""
        choices: list[list[str]] = []
        for part in parts:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            said = isinstance(inner, ast.Constant | ast.JoinedStr | ast.BinOp | ast.IfExp)
            told = None if isinstance(inner, ast.Call) else self.sentences(inner)
            words = told and (said or any(worth(one) and " " in one.strip() for one in told))
            choices.append(told if told and words else ["{" + field_name(inner) + "}"])
        if len(list(itertools.islice(itertools.product(*choices), MOST + 1))) > MOST:
            choices = [one if len(one) == 1 else ["{value}"] for one in choices]
        return [numbered("".join(one)) for one in itertools.product(*choices)]


def parameters(function: Function) -> set[str]:
    """Return the names of a function's parameters."""
    given = function.args
    return {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)}


def field_name(node: ast.AST) -> str:
    """Return the name that a translator sees for a value."""
    match node:
        case ast.Name(id=name):
            return name.strip("_")
        case ast.Attribute(attr="__name__", value=value):
            return field_name(value)
        case ast.Attribute(attr=name):
            return name.strip("_")
    inner = first_inside(node)
    return "value" if inner is None else field_name(inner)


def first_inside(node: ast.AST) -> ast.AST | None:
    """Return the part of an expression by which its value is called."""
    match node:
        case ast.Call(func=ast.Attribute(attr="join"), args=[value]):
            return value
        case ast.Call(func=ast.Attribute(value=ast.expr() as value)):
            return value
        case ast.Call(args=[first, *_]):
            return first
        case ast.ListComp(elt=value) | ast.GeneratorExp(elt=value):
            return value
        case ast.BoolOp(values=[first, *_]) | ast.JoinedStr(values=[first, *_]):
            return first
        case ast.FormattedValue(value=value):
            return value
        case ast.Subscript(value=value) | ast.Starred(value=value) | ast.Await(value=value):
            return value
    return None


def numbered(template: str) -> str:
    """Give the second field of a name another one: ``{name} and {name_2}``."""
    seen: dict[str, int] = {}

    def named(found: re.Match[str]) -> str:
        name = re.sub(r"_\d+$", "", found[1])
        seen[name] = seen.get(name, 0) + 1
        return "{" + (name if seen[name] == 1 else f"{name}_{seen[name]}") + "}"

    return re.sub(r"(?<!\{)\{(\w+)\}(?!\})", named, template)


@cache
def error_names() -> frozenset[str]:
    """Return the classes of `errors.py` and those made of them elsewhere: errors and warnings."""
    found = {"GeodesError", "GeodesWarning"}
    classes = [
        node
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    ]
    while True:
        bases = {
            one.name for one in classes if any(field_name(base) in found for base in one.bases)
        }
        if bases <= found:
            return frozenset(found)
        found |= bases


@cache
def errors() -> Mapping[str, frozenset[str]]:
    """Return every sentence of an error or its hint, and the parts of the package that say it."""
    found: dict[str, set[str]] = {}
    for module in modules().values():
        part = part_of(module)
        for call, function in calls(module.tree):
            reading = Reading(module, function)
            for node in told_by(call, part):
                for text in [*(reading.sentences(node) or ()), *reading.within(node)]:
                    if worth(text):
                        found.setdefault(text, set()).add(part)
    return {text: frozenset(parts) for text, parts in found.items()}


def told_by(call: ast.Call, part: str) -> list[ast.expr | None]:
    """Return the sentences among the arguments of a call: of an error, or of what `TOLD` names.

    What servers say is for their logs.
    """
    name = field_name(call.func)
    if name in error_names():
        hint = next((one.value for one in call.keywords if one.arg == "hint"), None)
        return [*call.args[:2], hint]
    return list(call.args[TOLD[name]]) if name in TOLD and part != "server" else []


def worth(template: str) -> bool:
    """Tell whether a sentence has words of its own, more than one: names of settings are none."""
    return (
        " " in template and re.search(r"[A-Za-z]{2}", re.sub(r"\{\w+\}", "", template)) is not None
    )


def calls(
    node: ast.AST, function: Function | None = None
) -> Iterator[tuple[ast.Call, Function | None]]:
    """Yield every call with the function around it."""
    for child in ast.iter_child_nodes(node):
        inner = child if isinstance(child, Function) else function
        if isinstance(child, ast.Call):
            yield child, function
        yield from calls(child, inner)


@cache
def phrases() -> Mapping[str | tuple[str, str], frozenset[str]]:
    """Return what the code hands to `gettext`, and in pairs to `ngettext`, and the parts that do."""
    found: dict[str | tuple[str, str], set[str]] = {}
    for module in modules().values():
        for call, _ in calls(module.tree):
            count = PHRASES.get(call.func.id, 0) if isinstance(call.func, ast.Name) else 0
            if not count:
                continue
            texts = [literal(node, module) for node in call.args[:count]]
            key = texts[0] if count == 1 else (texts[0], texts[1])
            found.setdefault(key, set()).add(part_of(module))
    return {key: frozenset(parts) for key, parts in found.items()}


def literal(node: ast.expr, module: Module) -> str:
    """Return a text that stands in the code as it is: what is put together is in no catalogue."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        raise ValueError(f"{module.path}, line {node.lineno}: gettext takes a literal")
    return node.value


def part_of(module: Module) -> str:
    """Return the folder or module of the package that a module is, or is in."""
    return [*module.name.split("."), ""][1]

#!/usr/bin/env python3
"""Make what follows from the settings and from the chart's values.schema.yaml, where values are described.

    values.schema.json    what helm checks: types, choices, patterns
    files/settings.json   which values the templates hand over as settings (geodes_datalab/settings)
    files/keys.json       what templates/values/validate.yaml checks: names, with the nearest right one
    files/authorities.json   variables that name the site's authorities (geodes_datalab/_authorities.py)
    files/traits.json     the same about what stands in hub.config and gateway.config (make_traits.py)
    README.md             the table of values, between two markers
    docs/how-to/from-zero-to-jupyterhub.md   the table of moved keys, from moved-keys.yaml

Helm's own check of names comes before any template and cannot tell the nearest right name. So the
JSON leaves names open wherever keys.json knows them, and stays closed where it does not (in lists).

    python scripts/make_chart.py [--check]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from make_traits import traits
from settings_schema import merged, settings_schema, tree

from geodes_datalab._authorities import VARIABLES

ROOT = Path(__file__).parent.parent
CHART = ROOT / "helm/geodes-datalab"
PAGE = ROOT / "docs/how-to/from-zero-to-jupyterhub.md"
BEGIN, END = "<!-- {}: made by `make chart` -->\n", "<!-- end of {} -->\n"

Schema = dict[str, Any]

LEAF = 1
"""In keys.json: what lies below is not ours to name."""
ANY = "*"
"""In keys.json: keys are the operator's own names."""
OPEN = "?"
"""In keys.json: further keys may stand beside the known ones, unless they look like a slip."""


def load(path: Path) -> Any:
    """Read YAML."""
    return yaml.safe_load(path.read_text("utf-8"))


def values_schema(chart: Path = CHART) -> Schema:
    """Return what all values are: what only templates read, and the settings."""
    return merged(load(chart / "values.schema.yaml"), settings_schema())


# --- values.schema.json -----------------------------------------------------------------------


def helm_schema(schema: Schema) -> Schema:
    """Return what helm checks."""
    made = _helm(schema, in_list=False)
    return {key: value for key, value in made.items() if key not in ("$defs", "title")}


def _helm(schema: Any, *, in_list: bool) -> Any:
    if isinstance(schema, list):
        return [_helm(value, in_list=in_list) for value in schema]
    if not isinstance(schema, dict):
        return schema
    made: Schema = {}
    for key, value in schema.items():
        if key == "description":
            continue
        if key in ("properties", "patternProperties"):
            made[key] = {name: _helm(sub, in_list=in_list) for name, sub in value.items()}
        elif key in ("default", "enum", "required"):
            made[key] = value
        else:
            made[key] = _helm(value, in_list=in_list or key == "items")
    named = "patternProperties" not in schema and not in_list and made.get("properties")
    if named and made.get("additionalProperties") is False:
        del made["additionalProperties"]
    return made


# --- files/keys.json --------------------------------------------------------------------------


def key_tree(schema: Schema) -> Any:
    """Return the names that a values file may use."""
    if "object" not in _types(schema) or "patternProperties" in schema:
        return LEAF
    further = schema.get("additionalProperties", True)
    tree = {name: key_tree(sub) for name, sub in schema.get("properties", {}).items()}
    if isinstance(further, dict):
        below = key_tree(further)
        if below != LEAF:
            tree[ANY] = below
    elif further and tree:
        tree[OPEN] = LEAF
    return tree or LEAF


def _types(schema: Schema) -> list[str]:
    found = schema.get("type", [])
    return [found] if isinstance(found, str) else found


def moved_keys(moved: dict[str, Any]) -> dict[str, str]:
    """Return what to say about a key of another chart: key -> message."""
    return {
        key: _message(entry)
        for name, part in moved.items()
        for key, entry in part.items()
        if name != "dangerous" and not entry.get("same")
    }


def dangerous_keys(moved: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return what to say about a trait in a free map: free map -> Class.trait -> message."""
    found: dict[str, dict[str, str]] = {}
    for key, entry in moved["dangerous"].items():
        place, kind, trait = key.rsplit(".", 2)
        found.setdefault(place, {})[f"{kind}.{trait}"] = _message(entry)
    return found


def _message(entry: dict[str, Any]) -> str:
    ours = " and ".join(_listed(entry.get("ours")))
    note = _plain(entry.get("note", ""))
    if not ours:
        return f"there is no such key here. {note}"
    return f"use {ours} instead" + (f". {note}" if note else "")


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip(".").replace("`", "")


# --- tables -----------------------------------------------------------------------------------


def value_rows(schema: Schema, defaults: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Key, default and meaning of every value, in the order of values.yaml."""
    properties = schema.get("properties", {})
    names = [name for name in defaults or {} if name in properties]
    names += [name for name in properties if name not in names]
    for name in names:
        sub = properties[name]
        at = f"{path}{_quoted(name)}"
        known = isinstance(defaults, dict) and name in defaults
        value = defaults[name] if known else None
        deeper = bool(sub.get("properties")) and "object" in _types(sub)
        yield at, _cell(value) if known and not (deeper and value) else "", sub["description"]
        if deeper:
            yield from value_rows(sub, value, f"{at}.")
        elif isinstance(further := sub.get("additionalProperties"), dict) and further.get(
            "properties"
        ):
            yield from value_rows(further, None, f"{at}.<name>.")


def _quoted(name: str) -> str:
    return f'"{name}"' if "." in name else name


def _cell(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def value_table(schema: Schema, defaults: Any) -> str:
    """Return the README's table."""
    lines = ["| Key | Default | Meaning |", "| --- | --- | --- |"]
    for key, default, meaning in value_rows(schema, defaults):
        lines.append(f"| `{key}` | {_escaped(default)} | {_escaped(' '.join(meaning.split()))} |")
    return "\n".join(lines) + "\n"


def moved_table(part: dict[str, Any]) -> str:
    """Return the table of one other chart's keys."""
    lines = ["| Key there | Here | Remark |", "| --- | --- | --- |"]
    for key, entry in part.items():
        ours = (
            "the same" if entry.get("same") else ", ".join(map(_code, _listed(entry.get("ours"))))
        )
        note = _escaped(" ".join(entry.get("note", "").split()))
        lines.append(f"| `{key}` | {ours or 'none'} | {note} |")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return f"`{text}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def spliced(text: str, name: str, table: str) -> str:
    """Put a table between its two markers."""
    begin, end = BEGIN.format(name), END.format(name)
    before, mark, rest = text.partition(begin)
    _, closing, after = rest.partition(end)
    if not (mark and closing):
        raise SystemExit(f"the markers {begin!r} and {end!r} are missing")
    return f"{before}{begin}\n{table}\n{end}{after}"


# --- all of it --------------------------------------------------------------------------------


def products(chart: Path = CHART, page: Path | None = PAGE) -> dict[Path, str]:
    """Return every generated file with its content."""
    schema, defaults = values_schema(chart), load(chart / "values.yaml")
    moved = load(chart / "moved-keys.yaml")
    keys = {
        "keys": key_tree(schema),
        "moved": moved_keys(moved),
        "dangerous": dangerous_keys(moved),
    }
    readme = chart / "README.md"
    made = {
        chart / "values.schema.json": _json(helm_schema(schema)),
        chart / "files/keys.json": _json(keys),
        chart / "files/settings.json": _json(tree(settings_schema())),
        chart / "files/traits.json": _json(traits()),
        chart / "files/authorities.json": _json(sorted(VARIABLES)),
        readme: spliced(readme.read_text("utf-8"), "values", value_table(schema, defaults)),
    }
    if page is not None:
        text = page.read_text("utf-8")
        for name, part in moved.items():
            text = spliced(text, name, moved_table(part))
        made[page] = text
    return made


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write, or compare."""
    if arguments not in ([], ["--check"]):
        print("usage: scripts/chart [--check | mutate]", file=sys.stderr)
        return 2
    stale = []
    for path, content in products().items():
        if not path.exists() or path.read_text("utf-8") != content:
            stale.append(path)
            if not arguments:
                path.write_text(content, "utf-8")
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'stale: run make chart' if arguments else 'written'}")
    return 1 if stale and arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

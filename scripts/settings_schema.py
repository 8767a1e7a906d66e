"""What the settings' models say, as JSON Schema that helm understands: names, types, meanings.

`geodes_datalab.settings` is the one place that says a setting. What the installation fills in is no
value of the chart, and is left out here.
"""

from __future__ import annotations

from typing import Any

from geodes_datalab.settings import Settings

Schema = dict[str, Any]


def settings_schema() -> Schema:
    """Return the schema of all settings that are values of the chart."""
    made = Settings.model_json_schema(by_alias=True)
    return _plain(made, made["$defs"])


def merged(chart: Schema, settings: Schema, path: str = "") -> Schema:
    """Return the schema of all values: what only templates read, and the settings.

    Raises
    ------
    SystemExit
        A value is described twice.
    """
    made = dict(chart)
    ours = dict(chart.get("properties", {}))
    for name, schema in settings["properties"].items():
        at = f"{path}{name}"
        if name not in ours:
            ours[name] = schema
        elif "properties" in schema and "properties" in ours[name]:
            ours[name] = merged(ours[name], schema, f"{at}.")
        else:
            raise SystemExit(f"{at} stands in values.schema.yaml and in geodes_datalab.settings")
    return made | {"properties": ours}


def tree(schema: Schema) -> Any:
    """Return the names of settings, for the template that hands values over; 1 is all below."""
    names = {name: tree(below) for name, below in schema.get("properties", {}).items()}
    return names or 1


def _plain(schema: Schema, models: dict[str, Schema]) -> Schema:
    """Write out references, and leave out titles, defaults and what is filled in."""
    if "$ref" in schema:
        model = models[schema["$ref"].rpartition("/")[2]]
        return _plain({**model, **{k: v for k, v in schema.items() if k != "$ref"}}, models)
    kept = {k: v for k, v in schema.items() if k not in ("title", "default", "$defs")}
    if "description" in kept:
        kept["description"] = kept["description"].replace("``", "`")
    if "anyOf" in kept:
        return kept | _united([_plain(one, models) for one in kept.pop("anyOf")])
    if "properties" in kept:
        fields = {
            n: _plain(s, models) for n, s in kept["properties"].items() if not s.get("filled")
        }
        kept["properties"] = {n: s for n, s in fields.items() if s.get("properties") != {}}
    if "patternProperties" in kept:
        [(pattern, held)] = kept.pop("patternProperties").items()
        kept["propertyNames"] = {**kept.get("propertyNames", {}), "pattern": pattern}
        kept["additionalProperties"] = held
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), dict):
            kept[key] = _plain(kept[key], models)
    return kept


def _united(choices: list[Schema]) -> Schema:
    """Return several types as one: at most one of them says more than its type."""
    made: Schema = {}
    for choice in choices:
        made |= {key: value for key, value in choice.items() if key not in ("type", "description")}
    types = [choice["type"] for choice in choices]
    return made | {"type": types[0] if len(types) == 1 else types}

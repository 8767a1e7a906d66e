"""The directive ``settings``: every setting with its default and its docstring, from the models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any, get_args, get_origin

from docutils import nodes
from docutils.statemachine import StringList
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from geodes_datalab.settings import Secret, SecretKey, Toleration

VALUES = (Secret, SecretKey, Toleration)
"""Models that are one value, in Kubernetes' words or ours."""


class Settings(SphinxDirective):
    """One table per group of settings; to be used inside ``eval-rst``, as docstrings are RST."""

    required_arguments = 1  # module:attribute of the outermost model

    def run(self) -> list[nodes.Node]:
        module, _, attribute = self.arguments[0].partition(":")
        found: list[nodes.Node] = []
        for prefix, model in groups(getattr(import_module(module), attribute), ""):
            if any(inner(field.annotation) is None for field in model.model_fields.values()):
                found.append(self.section(prefix, model))
        return found

    def section(self, prefix: str, model: type[BaseModel]) -> nodes.section:
        section = nodes.section(ids=[nodes.make_id(f"setting-{prefix}")])
        section += nodes.title("", "", nodes.literal(prefix, prefix))
        self.state.nested_parse(StringList(list(table(model)), model.__module__), 0, section)
        return section


def groups(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Every group with its dotted name; ``<name>`` stands for what an operator names."""
    if prefix:
        yield prefix, model
    for field in model.model_fields.values():
        below = inner(field.annotation)
        if below is not None:
            named = ".<name>" if get_origin(field.annotation) is dict else ""
            yield from groups(below, f"{prefix}.{field.alias}{named}".lstrip("."))


def inner(annotation: Any) -> type[BaseModel] | None:
    """The model that a setting holds; a secret is one value, not a group, and so is a taint."""
    for found in (annotation, *get_args(annotation)):
        if isinstance(found, type) and issubclass(found, BaseModel) and found not in VALUES:
            return found
    return None


def table(model: type[BaseModel]) -> Iterator[str]:
    yield rst(model.__doc__ or "")
    yield from ("", ".. list-table::", "   :header-rows: 1", "   :widths: 25 20 55", "")
    yield from ("   * - Setting", "     - Default", "     - Meaning")
    for field in model.model_fields.values():
        if inner(field.annotation) is None:
            yield f"   * - ``{field.alias}``{filled(field)}"
            yield f"     - {default(field)}"
            yield f"     - {rst(field.description or '')}"
    yield ""


def default(field: FieldInfo) -> str:
    """As JSON, which is what the chart writes."""
    if field.is_required():
        return "*must be set*"
    value = field.get_default(call_default_factory=True)
    return f"``{json.dumps(value, default=str, ensure_ascii=False)}``"


def filled(field: FieldInfo) -> str:
    """Mark what is no value of the chart."""
    extra = field.json_schema_extra
    return " *(filled in)*" if isinstance(extra, dict) and extra.get("filled") else ""


def rst(text: str) -> str:
    """Write out what stands between single backticks in the chart's table."""
    return re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", " ".join(text.split()))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("settings", Settings)
    return {"parallel_read_safe": True}

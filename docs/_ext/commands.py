"""The directive ``commands``: the command line's reference, from the commands themselves."""

from __future__ import annotations

from importlib import import_module

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Commands(SphinxDirective):
    """One section per command, with its help text as the terminal shows it."""

    required_arguments = 1  # module:attribute of the click group

    def run(self) -> list[nodes.Node]:
        module, _, attribute = self.arguments[0].partition(":")
        group = getattr(import_module(module), attribute)
        return list(self.sections(group, click.Context(group, info_name=attribute_name(group))))

    def sections(self, command: click.Command, context: click.Context) -> list[nodes.section]:
        name = context.command_path
        section = nodes.section(ids=[nodes.make_id(name)])
        section += nodes.title(name, name)
        section += nodes.literal_block(text := command.get_help(context), text, language="text")
        found = [section]
        for name, child in sorted(getattr(command, "commands", {}).items()):
            found += self.sections(child, click.Context(child, info_name=name, parent=context))
        return found


def attribute_name(group: click.Command) -> str:
    return "geodes-datalab" if group.name in (None, "main", "cli") else str(group.name)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}

"""Commands of the terminal in the language of whoever runs them: their help, and click's words around it.

Help is written in English where a command is made, and translated where it is shown. What click itself says of
a wrong command line ("No such option") stays English.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import click

from geodes_datalab._language import gettext, mark, shown

HEADINGS = (mark("Options"), mark("Commands"))
"""Click's, of the parts of a help."""

_AS_IT_IS = "\b"
"""Stands alone before lines that click leaves as they are."""
_EXAMPLE = re.compile(r"(.*?\S {2,})(.*)")
"""A command, and what it does."""
_DEFAULT = re.compile(r"\[default: (.*)\]$")


def phrases(text: str | None) -> Iterator[str]:
    r"""Yield what a help says, in the pieces that are translated: paragraphs, and remarks on examples.

    Examples
    --------
    >>> list(phrases("Start\nit.\n\n\b\ndatalab up    on this machine"))
    ['Start it.', 'on this machine']
    """
    for paragraph in inspect.cleandoc(text or "").split("\n\n"):
        lines = paragraph.splitlines()
        if lines and lines[0].strip(" ") == _AS_IT_IS:
            yield from (found[2] for line in lines[1:] if (found := _EXAMPLE.fullmatch(line)))
        elif lines:
            yield " ".join(paragraph.split())


class _Formatter(click.HelpFormatter):
    def write_heading(self, heading: str) -> None:
        told = gettext("{heading}:", heading=shown(heading))
        self.write(f"{'':>{self.current_indent}}{told}\n")

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or gettext("Usage:") + " ")


class _Context(click.Context):
    formatter_class = _Formatter


class _Translated:
    """What has a ``help`` in the language of whoever asks."""

    english: str | None = None

    @property
    def help(self) -> str | None:
        """What it does."""
        return _told(self.english)

    @help.setter  # noqa: A003 - click's name
    def help(self, text: str | None) -> None:
        self.english = text


class _Spoken(_Translated, click.Command):
    """A command whose help is translated."""

    context_class = _Context

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return click's option of the help, in that language too."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = gettext("Show this message and exit.")
        return option


class Command(_Spoken):
    """A command."""


class Group(_Spoken, click.Group):
    """Commands under one name."""

    command_class = Command


class Option(_Translated, click.Option):
    """An option whose help is translated."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option as it is written, and what it does."""
        record = super().get_help_record(ctx)
        if record is None:
            return None
        return record[0], _DEFAULT.sub(_default, record[1])


option = partial(click.option, cls=Option)
"""What ``click.option`` is, for an `Option`."""


def _told(text: str | None) -> str | None:
    if text is None:
        return None
    return "\n\n".join(_paragraph(one) for one in inspect.cleandoc(text).split("\n\n"))


def _paragraph(text: str) -> str:
    first, *lines = text.splitlines() or [""]
    if first.strip(" ") != _AS_IT_IS:
        return shown(" ".join(text.split()))
    return "\n".join([first, *(_EXAMPLE.sub(_example, line) for line in lines)])


def _example(found: re.Match[str]) -> str:
    return found[1] + shown(found[2])


def _default(found: re.Match[str]) -> Any:
    return gettext("[default: {value}]", value=found[1])

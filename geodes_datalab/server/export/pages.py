"""A notebook as HTML for paper, and that HTML on pages."""

from __future__ import annotations

import html
import importlib.util
import logging
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import nbformat
from jinja2 import pass_context
from nbconvert.exporters.html import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

from geodes_datalab.server.export import outputs
from geodes_datalab.server.export.formulas import formula

PICTURES = frozenset({".apng", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp"})
"""Files that a notebook may show. Others would take a secret of the home along, as an attachment."""

STYLE = Path(__file__).with_name("paper.css")

_PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>{title}</title>
<style>{fonts}{colours}{style}</style></head><body>{body}</body></html>"""
_FONT = '@font-face {{ font-family: "{family}"; src: url("{address}"); {traits} }}\n'
_FONTS = {
    "DejaVuSans.ttf": ("Paper", ""),
    "DejaVuSans-Bold.ttf": ("Paper", "font-weight: bold"),
    "DejaVuSans-Oblique.ttf": ("Paper", "font-style: italic"),
    "DejaVuSansMono.ttf": ("Paper Mono", ""),
    "DejaVuSansMono-Bold.ttf": ("Paper Mono", "font-weight: bold"),
    "DejaVuSansMono-Oblique.ttf": ("Paper Mono", "font-style: italic"),
}
"""matplotlib's fonts: they are there where the system has none, and look the same everywhere."""


class Renderer(IPythonRenderer):
    """Markdown with formulas drawn: on paper no script does it."""

    def block_math(self, body: str) -> str:
        """Return a formula of its own line."""
        return formula(body, inline=False)

    def latex_environment(self, name: str, body: str) -> str:
        """Return what stands in an environment, such as several lines."""
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", inline=False)

    def inline_math(self, body: str) -> str:
        """Return a formula within a line."""
        return formula(body, inline=True)

    def _embed_image_or_attachment(self, src: str) -> str:
        """Put in what the cell holds; one that is lost, as by copying its text alone, is a missing picture."""
        name = src.removeprefix("attachment:")
        held = (each for each in (name, unquote(name)) if self.attachments.get(each))
        return src if name == src else next(map(self._held, held), "")

    def _held(self, name: str) -> str:
        return str(super()._embed_image_or_attachment(f"attachment:{name}"))


class PaperExporter(HTMLExporter):
    """The body of the page: nbconvert's plain template, without a script."""

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Return the HTML of a text; pictures that the cell holds are put in."""
        held = context.get("cell", {}).get("attachments", {})
        renderer = Renderer(escape=False, attachments=held, exclude_anchor_links=True)
        return str(MarkdownWithMath(renderer=renderer).render(source))


def pdf(notebook: str, *, title: str, folder: Path) -> bytes:
    """Return a notebook as PDF.

    Parameters
    ----------
    notebook
        Its JSON.
    title
        What readers of PDF show.
    folder
        Where its pictures lie.
    """
    from weasyprint import HTML

    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # styles that it does not know
    logging.getLogger("fontTools").setLevel(logging.CRITICAL)
    text = page(notebook, title=title)
    written = HTML(string=text, base_url=f"{folder.as_uri()}/", url_fetcher=_fetcher()).write_pdf()
    return bytes(written)


def page(notebook: str, *, title: str) -> str:
    """Return a notebook as the HTML of one page, with nothing that needs a browser or a network."""
    read = nbformat.reads(notebook, as_version=4)  # type: ignore[no-untyped-call]
    exporter = PaperExporter(template_name="basic")  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(outputs.on_paper(read))
    return _PAGE.format(
        title=html.escape(title),
        fonts=_fonts(),
        colours=HtmlFormatter(style="default").get_style_defs(".highlight"),
        style=STYLE.read_text("utf-8"),
        body=body,
    )


def _fonts() -> str:
    result = importlib.util.find_spec("matplotlib")
    if result is None or result.origin is None:
        return ""
    folder = Path(result.origin).parent / "mpl-data" / "fonts" / "ttf"
    return "".join(
        _FONT.format(family=family, address=(folder / name).as_uri(), traits=traits)
        for name, (family, traits) in _FONTS.items()
        if (folder / name).is_file()
    )


def _fetcher() -> Any:
    """Return what fetches: data inside the notebook, pictures on the disk, nothing from a network.

    A closed site would wait for each address; and whoever sends a notebook would learn who prints it.
    """
    from weasyprint.urls import URLFetcher

    class Fetcher(URLFetcher):
        def fetch(self, url: str, headers: Any = None) -> Any:
            path = Path(urlsplit(url).path)
            fonts = path.suffix == ".ttf" and "mpl-data" in path.parts
            if url.startswith("file:") and path.suffix.lower() not in PICTURES and not fonts:
                raise ValueError(f"{path.name} is no picture")
            return super().fetch(url, headers)

    return Fetcher(allowed_protocols=("data", "file"))

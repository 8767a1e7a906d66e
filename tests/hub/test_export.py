"""Exports of notebooks by a running server: what the menu offers, it gives; and PDF, on paper."""

from __future__ import annotations

import base64
import json
import os
import random
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4
from support.waiting import minutes
from traitlets.config import Config
from user_server import UserServer, server

from geodes_datalab.hub.steps.singleuser import LAB
from geodes_datalab.server import export
from geodes_datalab.server.export import pages
from geodes_datalab.server.export.formulas import formula, unwrapped
from geodes_datalab.server.export.outputs import chosen

PAPER = pytest.mark.skipif(
    not export.can_make_pdf(),
    reason="Pango is not here: apt-get install libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0",
)
OFFERED = {"html", "markdown", "notebook", "python", "script", "slides"}
DEAD = {"asciidoc", "custom", "latex", "qtpdf", "qtpng", "rst", "webpdf"}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
TEXT = r"""# Végétation à l'été

L'indice vaut $\frac{\rho_{NIR} - \rho_R}{\rho_{NIR} + \rho_R}$ ; il coûte \$5.

$$\hat{x} = \arg\min_x \sum_{i=1}^{n} \left\| y_i - \int_0^\infty e^{-\alpha t} x(t)\,dt \right\|^2$$

\begin{align}
a &= b \\
c &= \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}
\end{align}

| capteur | résolution |
|---|---:|
| Sentinel-2 | 10 m |

![here](here.png) ![held](attachment:held.png)
"""
TABLE = '<table class="dataframe"><tr><th>ville</th></tr><tr><td>Saint-Étienne</td></tr></table>'


def shown(**data: Any) -> nbformat.NotebookNode:
    return v4.new_output(
        "display_data", {kind.replace("_", "/"): one for kind, one in data.items()}
    )


def a_notebook() -> nbformat.NotebookNode:
    error = v4.new_output(
        "error",
        ename="ZeroDivisionError",
        evalue="é",
        traceback=["\x1b[0;31mZeroDivisionError\x1b[0m: é"],
    )
    outputs = [
        v4.new_output("stream", name="stdout", text="bonjour é " + "x" * 300),
        shown(text_html=TABLE, text_plain="a table"),
        shown(image_png=PNG, text_plain="<Figure>"),
        shown(
            text_html="<div id='p'></div><script>draw()</script>", text_plain="Map(center=[43, 1])"
        ),
        shown(text_latex=r"$\displaystyle x^2$", text_plain="x**2"),
        error,
    ]
    text = v4.new_markdown_cell(TEXT, attachments={"held.png": {"image/png": PNG}})
    return v4.new_notebook(cells=[text, v4.new_code_cell("1 / 0", outputs=outputs)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    nbformat.write(a_notebook(), folder / "notes à lire.ipynb")
    (folder / "here.png").write_bytes(base64.b64decode(PNG))
    return folder


@pytest.fixture(scope="module")
def ask(folder: Path) -> Iterator[UserServer]:
    with server(folder) as running:
        yield running


def exported(ask: UserServer, kind: str) -> tuple[int, bytes]:
    answer = ask.raw("GET", f"/nbconvert/{kind}/notes à lire.ipynb?download=true")
    return answer.status_code, answer.content


def test_every_format_that_is_offered_gives_a_file(ask: UserServer) -> None:
    offered = ask("GET", "/api/nbconvert")
    assert set(offered) - {"pdf"} == OFFERED
    found = {kind: exported(ask, kind) for kind in offered}
    assert {kind: status for kind, (status, _) in found.items() if status != 200} == {}
    assert [kind for kind, (_, content) in found.items() if not content] == []


@PAPER
def test_pdf_is_offered(ask: UserServer) -> None:
    assert ask("GET", "/api/nbconvert")["pdf"] == {"output_mimetype": "application/pdf"}


@PAPER
def test_two_pdfs_at_once(ask: UserServer) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: exported(ask, "pdf"), range(2)))
    assert [(status, content[:5]) for status, content in answers] == [(200, b"%PDF-")] * 2


@pytest.mark.parametrize(
    ("kind", "works"), [pytest.param("pdf", True, marks=PAPER), ("webpdf", False)]
)
def test_the_command_line_offers_the_same(folder: Path, kind: str, works: bool) -> None:
    """`jupyter nbconvert` in a terminal of the Lab."""
    done = subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", kind, "notes à lire.ipynb"],
        cwd=folder,
        env={**os.environ, "JUPYTER_CONFIG_PATH": str(LAB), "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=minutes(5),
    )
    assert (done.returncode == 0) is works, done.stderr
    if works:
        assert (folder / "notes à lire.pdf").read_bytes().startswith(b"%PDF-")
    else:
        assert "disabled in configuration" in done.stderr


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        ("{}", "latex", "What to do: jupyter nbconvert --to pdf"),
        ("{}", "nothing", "did you mean one of"),
        ("", "html", "this is no notebook"),
        ('{"cells": [', "html", "this is no notebook"),
        ("{}", "html", "this is no notebook"),
    ],
)
def test_the_command_line_says_in_a_sentence_what_it_cannot_do(
    tmp_path: Path, content: str, kind: str, words: str
) -> None:
    (tmp_path / "one.ipynb").write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", kind, "one.ipynb"],
        cwd=tmp_path,
        env={**os.environ, "JUPYTER_CONFIG_PATH": str(LAB), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=minutes(5),
    )
    assert done.returncode
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_held_picture_that_is_lost_is_missing_and_no_error() -> None:
    """Cells that are copied as text leave theirs behind; names with accents come with percent signs."""
    cell = v4.new_markdown_cell("![lost](attachment:lost.png) ![été](attachment:été.png)")
    cell["attachments"] = {"été.png": {"image/png": PNG}}
    text = pages.page(nbformat.writes(v4.new_notebook(cells=[cell])), title="one")
    assert text.count(f"data:image/png;base64,{PNG}") == 1
    assert 'alt="lost"' in text


def test_paper_is_not_for_a_hundred_thousand_lines() -> None:
    log = v4.new_output("stream", text="".join(f"step {n}\n" for n in range(100_000)))
    bar = v4.new_output("stream", text="\r".join(f"{n} %" for n in range(101)))
    wide = v4.new_output("display_data", {"text/plain": "b" * 300_000})
    cell = v4.new_code_cell("a" * 200_000, outputs=[log, bar, wide])
    text = pages.page(nbformat.writes(v4.new_notebook(cells=[cell])), title="one")
    assert len(text) < 150_000
    assert all(words in text for words in ("step 0\n", "step 99999\n", "99001 lines are left out"))
    assert "100 %" in text
    assert "50 %" not in text
    assert "295000 characters more" in text


def test_paper_shows_formulas_tables_pictures_and_texts(folder: Path) -> None:
    text = pages.page(nbformat.writes(a_notebook()), title="<notes>")
    assert "<title>&lt;notes&gt;</title>" in text
    assert "Végétation à l'été" in text
    assert "il coûte $5" in text
    assert text.count('class="formula"') == 2 * 3 + 1  # block formulas have a division around
    assert "Saint-Étienne" in text
    assert text.count(f"data:image/png;base64,{PNG}") == 2  # the figure, and what the cell holds
    assert "Map(center=[43, 1])" in text
    assert "ZeroDivisionError" in text
    assert "<script" not in text
    assert "\\frac" not in text.replace('alt="', "").split("formula")[0]


@PAPER
def test_pictures_come_from_the_disk_and_nothing_else_does(tmp_path: Path) -> None:
    """A notebook of others must not carry a file of the home along, nor tell who prints it."""
    asked: list[str] = []

    class Site(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline().decode())

    noise = random.Random(1).randbytes(300_000)
    (tmp_path / "secret.txt").write_bytes(noise)
    (tmp_path / "large.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    )
    with socketserver.TCPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        there = f"http://127.0.0.1:{site.server_address[1]}"
        source = (
            f"![x]({there}/x.png) ![y](large.svg) <a rel='attachment' href='secret.txt'>z</a>"
            f"<style>@import '{there}/x.css';</style>"
        )
        notebook = nbformat.writes(v4.new_notebook(cells=[v4.new_markdown_cell(source)]))
        made = pages.pdf(notebook, title="x", folder=tmp_path)
        site.shutdown()
    assert asked == []
    assert len(made) < len(noise) / 2


@pytest.mark.parametrize(
    "source",
    [
        r"x^2",
        r"\mathrm{NDVI} = \frac{a}{b}",
        r"\begin{align} a &= b \label{eq:1} \\ c &= d \nonumber \end{align}",
        r"\begin{cases} 1 & x > 0 \\ 0 & \text{sinon} \end{cases}",
        r"\operatorname{argmin}_x \lVert Ax - b \rVert_2",
        r"\vec{u} \cdot \nabla T \approx 25\,^\circ\mathrm{C} \quad \forall t \in \mathbb{R}",
        r"\sqrt[3]{\overline{x}} \leq \lim_{n \to \infty} \prod_{k=1}^n \left( 1 + \frac{1}{k} \right)",
    ],
)
@pytest.mark.parametrize("inline", [True, False])
def test_formulas_are_drawn(source: str, inline: bool) -> None:
    drawn = formula(source, inline=inline)
    assert "data:image/svg+xml;base64," in drawn
    assert drawn.startswith("<img" if inline else "<div")


@pytest.mark.parametrize("source", [r"\frac{", r"\begin{x}", "&lt;b&gt;", "", r"a & \\ {{"])
def test_what_is_no_formula_harms_nothing(source: str) -> None:
    assert formula(source, inline=True).startswith(("<code", "<img"))


@pytest.mark.parametrize(
    ("written", "meant"), [("$x$", "x"), (r"\[ x \]", "x"), (r"\(x\)", "x"), ("x", "x"), ("$", "$")]
)
def test_signs_around_formulas(written: str, meant: str) -> None:
    assert unwrapped(written) == meant


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        ({"image/png": PNG, "text/html": "<p>x</p>"}, ["image/png"]),
        ({"text/html": "<iframe src='x'></iframe>", "text/plain": "x"}, ["text/plain"]),
        ({"text/html": "<script>x</script><table></table>", "text/plain": "x"}, ["text/html"]),
        ({"text/html": "<pre class='xr-text-repr-fallback'>", "text/plain": "x"}, ["text/plain"]),
        ({"text/markdown": "*x*", "text/plain": "x"}, ["text/markdown"]),
        ({"application/vnd.jupyter.widget-view+json": {}, "text/plain": "x"}, ["text/plain"]),
        ({"application/json": {}}, []),
    ],
)
def test_paper_shows_one_form_of_an_output(data: dict[str, Any], kinds: list[str]) -> None:
    found = chosen(data)
    assert list(found) == kinds
    assert "<script" not in json.dumps(found)


def test_where_the_system_s_library_is_missing_pdf_is_not_offered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    export.can_make_pdf.cache_clear()
    monkeypatch.setattr(export, "LIBRARIES", (("libnosuchthing.so.0",),))
    c = Config()
    export.configure(c)
    export.can_make_pdf.cache_clear()
    assert c.PDFExporter.enabled is False
    assert not any(c[name].enabled for name in (*export.OFF, *export.PANDOC))

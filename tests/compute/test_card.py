"""The card of a cluster in a notebook."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from support.waiting import minutes

import geodes_datalab.server
from geodes_datalab.compute import card

LAB = Path(geodes_datalab.server.__file__).parent / "lab"
MODULE = LAB / "data/labextensions/geodes-datalab"
WORKERS = {
    "tls://one": {"nthreads": 2, "memory_limit": 600_000_000},
    "tls://two": {"nthreads": 2, "memory_limit": 600_000_000},
}


@dataclass
class Known:
    """What a card is made of."""

    name: str = "1234abcd"
    kind: str = "gateway"
    status: str = "running"
    dashboard_link: str | None = "/user/ada/proxy/127.0.0.1:8000/clusters/1234abcd/status"


def words(page: str) -> str:
    return unescape(re.sub("<[^>]*>", " ", page))


def test_one_button_leads_to_the_dashboard() -> None:
    page = card.html(Known(), WORKERS, "2 of 2 to 4 asked for")
    assert re.findall('href="([^"]*)"', page) == [Known.dashboard_link]
    assert "/proxy/" not in words(page), "the address itself is no reading matter"
    assert "Workers: 2 of 2 to 4 asked for, Cores: 4, Memory: 1.2 GB" in words(page)
    assert " Dashboard " in words(page)


def test_its_colours_are_the_themes() -> None:
    styles = ";".join(re.findall('style="([^"]*)"', card.html(Known(), WORKERS, "2")))
    colours = re.findall(r"(?<!-)(?:color|background):([^;]*)", styles)
    assert len(colours) == 2
    assert all(colour.startswith("var(--jp-") for colour in colours), colours


@pytest.mark.parametrize("status", ["closed", "starting"])
def test_without_a_running_cluster_there_is_no_button(status: str) -> None:
    page = card.html(Known(status=status), {}, "2")
    assert status in words(page)
    assert "href" not in page
    assert "Workers" not in page


@pytest.mark.parametrize("link", [None, "javascript:alert(1)", "data:text/html,x"])
def test_what_is_no_address_is_no_button(link: str | None) -> None:
    page = card.html(Known(dashboard_link=link), WORKERS, "2")
    assert "no dashboard here" in page
    assert "href" not in page


def test_all_is_escaped() -> None:
    evil = '"><script>x</script>'
    page = card.html(Known(name=evil, kind=evil, dashboard_link=f"/{evil}"), WORKERS, evil)
    assert "<script" not in page
    assert page.count("<a ") == 1


OPEN = """
import geodes_datalab as gd
with gd.open_cluster(1, worker_memory="600MB") as cluster:
    link = cluster.dashboard_link
print(link)
"""


class Listener(NotebookClient):
    """Keeps what a kernel shows, as the Lab hears it."""

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        self.heard: list[Any] = [*getattr(self, "heard", []), msg]
        return super().process_message(msg, cell, cell_index)


def test_a_notebooks_card_says_closed_when_the_cluster_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEODES_PROGRESS", raising=False)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(OPEN)])  # type: ignore[no-untyped-call]
    client = Listener(book, timeout=round(minutes(5)), kernel_name="python3")
    client.execute()
    pages = [
        out.data["text/html"] for out in book.cells[0].outputs if "text/html" in out.get("data", {})
    ]
    (page,) = [page for page in pages if "Dask cluster" in page]
    assert "closed" in words(page)
    assert "href" not in page

    shown = [one["content"] for one in client.heard if one["msg_type"] == "display_data"]
    (told,) = [one["transient"][card.TOLD] for one in shown if card.TOLD in one["transient"]]
    printed = "".join(out.text for out in book.cells[0].outputs if out.get("name") == "stdout")
    assert told == printed.strip()
    assert card.TOLD not in json.dumps(book), "saved, it would connect to what has long gone"


def test_the_lab_is_given_the_module() -> None:
    assert f'"{card.TOLD}"' in (MODULE / "static/dask.js").read_text()


HEAR = """
const calls = [];
const slot = () => ({ heard: [], connect(one) { this.heard.push(one); } });
const notebook = { sessionContext: { iopubMessage: slot() } };
const notebooks = { widgetAdded: slot(), forEach: each => each(notebook) };
const app = { commands: { hasCommand: () => true, execute: (name, { url }) => calls.push([name, url]) } };
globalThis.window = {};
import(process.argv[1]).then(async () => {
    const one = window._JUPYTERLAB["geodes-datalab"];
    one.init({ "@jupyterlab/notebook": { "1": { get: async () => () => ({ INotebookTracker: {} }) } } });
    const { default: [plugin] } = (await one.get())();
    plugin.activate(app, notebooks);
    for (const [msg_type, url] of JSON.parse(process.argv[2]))
        notebook.sessionContext.iopubMessage.heard.forEach(hear => hear(null, {
            header: { msg_type }, content: { transient: url === null ? {} : { geodes_datalab_dashboard: url } },
        }));
    console.log(JSON.stringify(calls));
});
"""


def test_the_panel_is_told_of_addresses_alone() -> None:
    node = shutil.which("node") or shutil.which("node", path="/usr/local/bin:/usr/bin")
    if node is None:
        pytest.skip("no node (Debian: nodejs)")
    link = Known.dashboard_link
    told = [
        ("display_data", link),
        ("display_data", None),
        ("update_display_data", "/late"),
        ("display_data", "javascript:alert(1)"),
        ("display_data", "//elsewhere.example/status"),
        ("display_data", 7),
        ("stream", "/x"),
    ]
    about = json.loads((MODULE / "package.json").read_text())
    module = str(MODULE / about["jupyterlab"]["_build"]["load"])
    done = subprocess.run(
        [node, "-e", HEAR, module, json.dumps(told)],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=minutes(2),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["dask:populate-dashboard-url", link]]

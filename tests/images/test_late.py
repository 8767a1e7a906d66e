"""Extensions of the Lab that are loaded when they are used: each works at its first use."""

from __future__ import annotations

import json

import pytest
from inside import Image

from geodes_datalab.server.late import EXTENSIONS

pytestmark = [pytest.mark.images, pytest.mark.timeout(1200)]

USE = r"""
import json, sys
sys.path.insert(0, "/mnt/images")
import h5py
from server_memory import LOG, Server, eventually, minutes, urllib
with h5py.File("a.h5", "w") as file:
    file["depth"] = [1, 2, 3]
server = Server()
eventually(server.page, "the page of the Lab", within=5, scene=LOG.read_text)
def loaded():
    rows = [row for row in LOG.read_text().splitlines() if "successfully loaded" in row]
    return [row.split("|")[0].split()[-1] for row in rows]
def page(path):
    request = urllib.request.Request(server.url + path, headers={"Authorization": "token word"})
    return urllib.request.urlopen(request, timeout=minutes(1)).read().decode()
said = {"before": loaded()}
said["h5web"] = server.ask("/h5web/meta/?file=a.h5&path=/depth")
said["eodag"] = server.ask("/eodag/guess-collection?keywords=S2")
said["voila"] = "<title>" in page("/voila/tree")
said["dask"] = [server.ask("/dask/clusters"), server.ask("/dask/dashboard-check/http%3A%2F%2F127.0.0.1%3A9")]
said["after"] = loaded()
server.process.terminate()
server.process.wait(minutes(1))
print(json.dumps(said))
"""


def test_they_work_at_their_first_use(notebook: Image) -> None:
    said = json.loads(notebook.python(USE).splitlines()[-1])
    late = {each.module for each in EXTENSIONS}
    assert not late & set(said["before"])
    assert late <= set(said["after"])
    assert (said["h5web"]["name"], said["h5web"]["shape"]) == ("depth", [3])
    assert said["voila"]
    assert "S2_MSI_L1C" in [each["ID"] for each in said["eodag"]]
    assert said["dask"][0] == []
    assert said["dask"][1]["isActive"] is False


PANEL = r"""
import json, pathlib, sys
sys.path.insert(0, "/mnt/images")
from server_memory import LOG, PANEL, Server, eventually, helpers, minutes
config = pathlib.Path.home() / ".config/eodag/eodag.yml"
config.parent.mkdir(parents=True)
config.write_text("geodes:\n    priority: 7\n")
if sys.argv[1:]:
    pathlib.Path(sys.argv[1]).write_text("EODAG_WORD=there\n")
server = Server()
eventually(server.page, "the page of the Lab", within=5, scene=LOG.read_text)
def loaded():
    return "eodag_labextension | extension was successfully loaded" in LOG.read_text()
said = {"aside": [server.ask(path) for path in PANEL], "loaded": loaded()}
eventually(lambda: not helpers(server), "the process aside has ended", within=1)
said["link"] = pathlib.Path("eodag-config").is_symlink()
server.ask("/eodag/reload")
said["itself"], said["after"] = [server.ask(path) for path in PANEL], loaded()
server.process.terminate()
server.process.wait(minutes(1))
print(json.dumps(said))
"""


def test_eodags_panel_finds_the_same_whether_it_is_loaded_or_not(notebook: Image) -> None:
    """What it asks as the Lab opens is answered aside, a user's own settings included."""
    said = json.loads(notebook.python(PANEL).splitlines()[-1])
    assert not said["loaded"]
    assert said["after"]
    assert said["link"], "the panel leads to the user's settings"
    assert said["aside"] == said["itself"]
    collections, providers, info = said["aside"]
    assert "S2_MSI_L1C" in [each["ID"] for each in collections]
    assert {each["provider"]: each["priority"] for each in providers}["geodes"] == 7
    assert "eodag" in info["packages"]


def test_eodags_panel_is_loaded_where_it_sets_variables(notebook: Image) -> None:
    """Of a file ``.env`` the extension takes variables that kernels inherit."""
    said = json.loads(notebook.python(PANEL, ".env").splitlines()[-1])
    assert said["loaded"]


LOST = r"""
import json, sys, threading
sys.path.insert(0, "/mnt/images")
from server_memory import LOG, PANEL, Server, eventually, helpers, minutes
server = Server()
eventually(server.page, "the page of the Lab", within=5, scene=LOG.read_text)
said = {}
asking = threading.Thread(target=lambda: said.update(providers=server.ask(PANEL[1])))
asking.start()
eventually(lambda: helpers(server), "the process aside is there", within=1).value[0].kill()
asking.join(minutes(2))
said["log"] = LOG.read_text()
server.process.terminate()
server.process.wait(minutes(1))
print(json.dumps(said))
"""


def test_eodags_panel_answers_where_the_process_aside_is_lost(notebook: Image) -> None:
    """For example where a pod has no memory for it: the extension is loaded, and answers itself."""
    said = json.loads(notebook.python(LOST).splitlines()[-1])
    assert "/eodag/providers is asked of the extension itself" in said["log"]
    assert "geodes" in [each["provider"] for each in said["providers"]]

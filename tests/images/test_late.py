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
said["voila"] = "<title>" in page("/voila/tree")
said["dask"] = [server.ask("/dask/clusters"), server.ask("/dask/dashboard-check/http%3A%2F%2F127.0.0.1%3A9")]
said["after"] = loaded()
server.process.terminate()
server.process.wait(minutes(1))
print(json.dumps(said))
"""


def test_they_work_at_their_first_use(notebook: Image) -> None:
    said = json.loads(notebook.python(USE).splitlines()[-1])
    assert not set(EXTENSIONS) & set(said["before"])
    assert set(EXTENSIONS) <= set(said["after"])
    assert (said["h5web"]["name"], said["h5web"]["shape"]) == ("depth", [3])
    assert said["voila"]
    assert said["dask"][0] == []
    assert said["dask"][1]["isActive"] is False

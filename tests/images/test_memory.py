"""What an idle user server takes: it is there for every user who is logged in."""

from __future__ import annotations

import json

import pytest
from inside import Image

pytestmark = [pytest.mark.images, pytest.mark.timeout(1200)]

SERVE = r"""
import json, os, pathlib, re, subprocess, sys, time, urllib.request
sys.path.insert(0, "/mnt")
from support.ports import free_ports
from support.waiting import Hopeless, eventually, minutes
log = pathlib.Path("/tmp/log")
command = ["datalab-start", "jupyter", "lab", "--no-browser", "--IdentityProvider.token=word"]
command.append(f"--port={free_ports(1)[0]}")  # it takes another one, if that is taken meanwhile
with log.open("w") as stream:
    server = subprocess.Popen(command, stdout=stream, stderr=stream)
def answer():
    if server.poll() is not None:
        raise Hopeless("it ended")
    url = re.search(r"http://127\.0\.0\.1:\d+/lab", log.read_text())
    return url and urllib.request.urlopen(f"{url.group()}?token=word", timeout=minutes(1)).read()
waited = eventually(answer, "the page of the Lab", within=5, scene=log.read_text)
page, seconds = waited.value, waited.seconds
time.sleep(3)  # what loads late counts too
def memory(pid):
    rows = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("Pss:")).split()[1]) * 1024
said = {"seconds": seconds, "bytes": memory(server.pid), "lab": b"jupyter-config-data" in page}
text = log.read_text()
said["extensions"] = [line.split("|")[0].split()[-1] for line in text.splitlines() if "successfully loaded" in line]
said["slow"] = [line for line in text.splitlines() if "took" in line][:10]
said["trouble"] = [line for line in text.splitlines() if line.startswith(("[E", "[C", "Traceback"))]
server.terminate()
server.wait(minutes(1))
print(json.dumps(said))
"""


def test_an_idle_server_takes_little(notebook: Image) -> None:
    said = json.loads(notebook.python(SERVE).splitlines()[-1])
    print(
        f"\nidle server: {said['bytes'] / 1e6:.0f} MB, page of the Lab after {said['seconds']:.1f} s"
    )
    print("server extensions:", *said["extensions"])
    assert said["lab"]
    assert said["trouble"] == []
    assert "geodes_datalab.hub.activity" in " ".join(said["extensions"])
    assert said["bytes"] < 250e6

"""What an idle user server takes: it is there for every user who is logged in."""

from __future__ import annotations

import json

import pytest
from inside import Image

pytestmark = pytest.mark.images

SERVE = """
import json, os, pathlib, socket, subprocess, sys, time, urllib.request
with socket.create_server(("127.0.0.1", 0)) as one:
    port = one.getsockname()[1]
log = open("/tmp/log", "w")
command = ["datalab-start", "jupyter", "lab", "--no-browser", f"--port={port}", "--IdentityProvider.token=word"]
begin = time.perf_counter()
server = subprocess.Popen(command, stdout=log, stderr=log)
for _ in range(1200):
    assert server.poll() is None, pathlib.Path("/tmp/log").read_text()
    try:
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/lab?token=word", timeout=60).read()
        break
    except OSError:
        time.sleep(0.1)
seconds = time.perf_counter() - begin
time.sleep(3)
def memory(pid):
    rows = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("Pss:")).split()[1]) * 1024
said = {"seconds": seconds, "bytes": memory(server.pid), "lab": b"jupyter-config-data" in page}
text = pathlib.Path("/tmp/log").read_text()
said["extensions"] = [line.split("|")[0].split()[-1] for line in text.splitlines() if "successfully loaded" in line]
said["slow"] = [line for line in text.splitlines() if "took" in line][:10]
said["trouble"] = [line for line in text.splitlines() if line.startswith(("[E", "[C", "Traceback"))]
server.terminate()
server.wait(30)
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

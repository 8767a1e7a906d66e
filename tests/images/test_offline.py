"""What people draw, write and query on a site without internet: all of it is in the image."""

from __future__ import annotations

import json

import pytest
from inside import Image

pytestmark = [pytest.mark.images, pytest.mark.timeout(1200)]

NO_NETWORK = """
import socket
def refused(*arguments, **more):
    raise OSError("no network")
socket.getaddrinfo = refused
"""


def test_cartopy_draws_the_world(notebook: Image) -> None:
    code = """
import matplotlib; matplotlib.use("agg")
import matplotlib.pyplot as plt, cartopy.crs as ccrs, cartopy.feature as feature
for scale in ("110m", "50m"):
    axes = plt.figure().add_subplot(projection=ccrs.Robinson())
    axes.coastlines(scale)
    for name in ("LAND", "OCEAN", "LAKES", "RIVERS", "BORDERS", "COASTLINE"):
        axes.add_feature(getattr(feature, name).with_scale(scale))
    axes.add_feature(feature.NaturalEarthFeature("cultural", "admin_0_countries", scale))
    axes.figure.savefig(f"/tmp/{scale}.png")
    print(scale)
"""
    assert notebook.python(NO_NETWORK + code).split() == ["110m", "50m"]


@pytest.mark.parametrize(
    "text", ["土地利用図", "中文地图", "토지", "خريطة", "מפה", "मानचित्र", "Été Ελλάδα Земля"]
)
def test_letters_are_drawn(notebook: Image, text: str) -> None:
    code = """
import sys, warnings, matplotlib; matplotlib.use("agg")
import matplotlib.pyplot as plt
warnings.simplefilter("error")
plt.title(sys.argv[1]); plt.savefig("/tmp/a.png"); print("drawn")
"""
    assert notebook.python(code, text) == "drawn\n"


def test_dates_and_numbers_are_french_where_asked(notebook: Image) -> None:
    code = """
import datetime, locale
locale.setlocale(locale.LC_ALL, "fr_FR.UTF-8")
print(datetime.date(2026, 8, 1).strftime("%A %d %B"), locale.str(3.5))
"""
    assert notebook.python(code) == "samedi 01 août 3,5\n"
    done = notebook.run("bash", "-c", "LC_ALL=fr_FR.UTF-8; echo ok")
    assert (done.stdout, done.stderr) == ("ok\n", "")


def test_duckdb_has_its_extensions_on_servers(notebook: Image) -> None:
    code = """
import duckdb
duckdb.sql("INSTALL spatial; LOAD spatial; LOAD httpfs")
print(duckdb.sql("SELECT ST_AsText(ST_Point(1, 2))").fetchone()[0])
"""
    done = notebook.run("datalab-start", "python", "-", text=NO_NETWORK + code)
    assert done.stdout == "POINT (1 2)\n", done.stderr


def test_graphs_are_drawn(notebook: Image) -> None:
    code = """
import dask.array as da, graphviz
graph = graphviz.Digraph(); graph.edge("été", "図")
for form in ("png", "svg", "pdf"):
    print(form, len(graph.pipe(form)) > 500, end=" ")
graph.engine = "neato"; print("neato", len(graph.pipe("svg")) > 500, end=" ")
da.ones(4, chunks=2).sum().visualize("/tmp/graph.png"); print(open("/tmp/graph.png", "rb").read(4))
"""
    assert notebook.python(code) == "png True svg True pdf True neato True b'\\x89PNG'\n"


def test_what_people_type_is_there(notebook: Image) -> None:
    tools = [
        "zip",
        "unzip",
        "wget",
        "curl",
        "xz",
        "bzip2",
        "zstd",
        "vim",
        "vi",
        "nano",
        "rsync",
        "patch",
        "git",
        "ssh",
        "less",
        "dot",
    ]
    done = notebook.run(
        "sh", "-c", f"for t in {' '.join(tools)}; do command -v $t || echo no $t; done"
    )
    assert "no " not in done.stdout
    script = """
    cd /tmp && echo text >a && zip -q a.zip a && xz -k a && bzip2 -k a && zstd -q a && rsync a b
    printf 'text\\nmore\\n' >c; diff -u a c >d; patch -s a d && cat a && tar -caf a.tar.xz a && vim --version | head -1
    """
    done = notebook.run("sh", "-c", script)
    assert done.stdout.startswith("text\nmore\nVIM"), done.stderr


def test_compressed_hdf5_and_old_hdf_are_read(notebook: Image) -> None:
    code = """
import h5py, hdf5plugin, numpy as np
from pyhdf.SD import SD, SDC
with h5py.File("/tmp/a.h5", "w") as file:
    for name in ("Blosc", "Blosc2", "Zstd", "LZ4", "Bitshuffle", "SZ3", "Zfp"):
        more = {"absolute": 0.1} if name == "SZ3" else {}
        file.create_dataset(name, data=np.ones((64, 64), "f4"), **getattr(hdf5plugin, name)(**more))
with h5py.File("/tmp/a.h5") as file:
    print(*sorted({float(round(data[...].mean(), 1)) for data in file.values()}))
old = SD("/tmp/a.hdf", SDC.WRITE | SDC.CREATE); table = old.create("x", SDC.INT16, (2, 2)); table[:] = np.full((2, 2), 7, "i2")
table.endaccess(); old.end()
print(SD("/tmp/a.hdf", SDC.READ).select("x")[:].sum())
"""
    assert notebook.python(code).split() == ["1.0", "28"]


def test_a_virtual_environment_can_be_made(notebook: Image) -> None:
    done = notebook.run("sh", "-c", "python -m venv /tmp/v && /tmp/v/bin/pip --version")
    assert done.returncode == 0, done.stdout
    assert "/tmp/v/lib" in done.stdout


TILES = """
import json, os, pathlib, re, subprocess, sys, time, urllib.request
sys.path.insert(0, "/mnt")
from support.ports import free_ports
from support.waiting import eventually, minutes
os.environ["JUPYTERHUB_SERVICE_PREFIX"] = "/user/alice/"
log = pathlib.Path("/tmp/log")
command = ["datalab-start", "jupyter", "lab", "--no-browser", "--IdentityProvider.token=word"]
command += [f"--port={free_ports(1)[0]}", "--ServerApp.base_url=/user/alice/"]
with log.open("w") as stream:
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
try:
    def address():
        found = re.search(r"http://127\\.0\\.0\\.1:\\d+", log.read_text())
        return found and urllib.request.urlopen(f"{found.group()}/user/alice/api") and found.group()
    url = eventually(address, "the server", within=5, scene=log.read_text).value
    from jupyter_client.blocking import BlockingKernelClient
    request = urllib.request.Request(f"{url}/user/alice/api/kernels", data=b"{}", headers={"Authorization": "token word"})
    kernel = json.load(urllib.request.urlopen(request))["id"]
    def file():
        (found,) = pathlib.Path("/tmp").rglob(f"kernel-{kernel}.json")
        return found
    client = BlockingKernelClient(connection_file=str(eventually(file, "the kernel's file", within=1).value))
    client.load_connection_file(); client.start_channels(); client.wait_for_ready(minutes(2))
    code = '''
import numpy, rasterio
from localtileserver import TileClient, get_leaflet_tile_layer
place = rasterio.transform.from_bounds(1, 43, 2, 44, 64, 64)
with rasterio.open("/tmp/a.tif", "w", driver="GTiff", width=64, height=64, count=1, dtype="uint8",
                   crs="EPSG:4326", transform=place) as target:
    target.write(numpy.full((1, 64, 64), 99, "uint8"))
client = TileClient("/tmp/a.tif")
print(get_leaflet_tile_layer(client).url.replace("{z}/{x}/{y}", "8/129/93"))
'''
    said = []
    reply = client.execute_interactive(code, output_hook=lambda m: said.append(m["content"].get("text", "")), timeout=minutes(3))
    assert reply["content"]["status"] == "ok", reply
    path = "".join(said).strip().splitlines()[-1]
    tile = urllib.request.urlopen(urllib.request.Request(url + path if path.startswith("/") else path, headers={"Authorization": "token word"}))
    print(json.dumps({"path": path, "status": tile.status, "kind": tile.headers["Content-Type"]}))
finally:
    server.terminate(); server.wait(minutes(1))
"""


def test_tiles_of_localtileserver_come_through_the_users_server(notebook: Image) -> None:
    said = json.loads(notebook.python(TILES).splitlines()[-1])
    assert said["path"].startswith("/user/alice/proxy/")
    assert (said["status"], said["kind"]) == (200, "image/png")

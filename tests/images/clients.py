"""Clients that people use in the notebook image, each asking one thing of a closed site's server.

Run inside the image: ``python clients.py ADDRESS [NAME...]`` asks by every client in a process of its own,
and prints as JSON what each one said. Standard library alone where it is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

PATIENCE = 240.0
"""Seconds after which a client hangs."""

ABSENT = 77
"""How a client's process ends where the image has no such client."""


@dataclass(frozen=True)
class Client:
    """One way to ask a server."""

    ask: Callable[[str], object]
    """Given the server's address."""
    by: str
    """Variables that bring the site's authority to it; empty: none does."""
    title: str
    proxied: bool = True
    """Whether it goes through the web proxy that the environment names."""


CLIENTS: dict[str, Client] = {}


def client(
    by: str, title: str, *, proxied: bool = True
) -> Callable[[Callable[[str], object]], Callable[[str], object]]:
    """Enter a function as a client, under its name."""

    def entered(ask: Callable[[str], object]) -> Callable[[str], object]:
        CLIENTS[ask.__name__] = Client(ask, by, title, proxied)
        return ask

    return entered


def program(*command: str) -> None:
    """Run a program; its last words are the error."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit(ABSENT)
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr).strip()[-600:])


# --- HTTP ---------------------------------------------------------------------------------------


@client("REQUESTS_CA_BUNDLE", "requests")
def requests(site: str) -> None:
    import requests

    assert requests.get(f"{site}/hello.txt").text == "hello"


@client("SSL_CERT_FILE", "urllib3", proxied=False)
def urllib3(site: str) -> None:
    import urllib3

    assert urllib3.PoolManager().request("GET", f"{site}/hello.txt", retries=1).data == b"hello"


@client("SSL_CERT_FILE", "urllib (pandas, cartopy)")
def urllib(site: str) -> None:
    import pandas as pd

    assert list(pd.read_csv(f"{site}/hello.txt")) == ["hello"]


@client("SSL_CERT_FILE", "cartopy's downloads")
def cartopy(site: str) -> None:
    from cartopy.io import Downloader

    loader = Downloader(f"{site}/hello.txt", f"{os.environ['HOME']}/hello.txt", "")
    assert loader.path({}).read_text() == "hello"


@client("SSL_CERT_FILE", "httpx")
def httpx(site: str) -> None:
    import httpx

    assert httpx.get(f"{site}/hello.txt").text == "hello"


@client("SSL_CERT_FILE", "aiohttp (with `trust_env=True` for the proxy)")
def aiohttp(site: str) -> None:
    import asyncio

    import aiohttp

    async def ask() -> str:
        async with (
            aiohttp.ClientSession(trust_env=True) as session,
            session.get(f"{site}/hello.txt") as reply,
        ):
            return await reply.text()

    assert asyncio.run(ask()) == "hello"


@client("SSL_CERT_FILE", "Tornado's simple client", proxied=False)
def tornado(site: str) -> None:
    import asyncio

    from tornado.httpclient import AsyncHTTPClient

    async def ask() -> bytes:
        return (await AsyncHTTPClient().fetch(f"{site}/hello.txt")).body

    assert asyncio.run(ask()) == b"hello"


@client("GEODES_CA_BUNDLE", "geodes_datalab (`gd.search`, downloads)")
def geodes_datalab(site: str) -> None:
    import geodes_datalab as gd

    assert len(gd.collections(catalogue=f"{site}/stac")) == 0


@client("REQUESTS_CA_BUNDLE", "pystac-client")
def pystac_client(site: str) -> None:
    from pystac_client import Client

    assert Client.open(f"{site}/stac").id == "site"


@client("SSL_CERT_FILE", "pystac alone (`Item.from_file`)", proxied=False)
def pystac(site: str) -> None:
    import pystac

    assert pystac.Catalog.from_file(f"{site}/stac").id == "site"


@client("REQUESTS_CA_BUNDLE", "openEO's client")
def openeo(site: str) -> None:
    import openeo

    assert openeo.connect(f"{site}/openeo").list_collections() == []


@client("REQUESTS_CA_BUNDLE", "EODAG")
def eodag(site: str) -> None:
    os.environ["EODAG_PROVIDERS_WHITELIST"] = '["site"]'
    from eodag import EODataAccessGateway

    gateway = EODataAccessGateway()
    gateway.update_providers_config(EODAG.replace("SITE", site))
    found = gateway.search(provider="site", collection="S2_MSI_L1C", raise_errors=True)
    assert len(found) == 0


EODAG = """
site:
  search:
    type: StacSearch
    api_endpoint: SITE/stac/search
    need_auth: false
  products:
    S2_MSI_L1C: {_collection: S2}
  download: {type: HTTPDownload, base_uri: SITE}
"""


@client("REQUESTS_CA_BUNDLE", "OWSLib")
def owslib(site: str) -> None:
    from owslib.wms import WebMapService

    assert WebMapService(f"{site}/wms.xml").identification.title == "site"


@client("REQUESTS_CA_BUNDLE", "pooch (`xarray.tutorial`)")
def pooch(site: str) -> None:
    import pooch

    assert pooch.retrieve(f"{site}/hello.txt", known_hash=None, path=tempfile.gettempdir())


@client("SSL_CERT_FILE", "Dask Gateway's client")
def dask_gateway(site: str) -> None:
    from dask_gateway import Gateway

    with Gateway(address=site, proxy_address="tls://localhost:1", auth="basic") as gateway:
        assert gateway.list_clusters() == []


# --- programs -----------------------------------------------------------------------------------


@client("CURL_CA_BUNDLE", "curl")
def curl(site: str) -> None:
    program("curl", "--silent", "--show-error", "--fail", f"{site}/hello.txt")


@client("", "wget")
def wget(site: str) -> None:
    program("wget", "--no-verbose", "--tries=1", "--output-document=-", f"{site}/hello.txt")


@client("GIT_SSL_CAINFO", "git (JupyterLab's too, nbgitpuller)")
def git(site: str) -> None:
    program("git", "ls-remote", f"{site}/repository.git")


@client("PIP_CERT", "pip")
def pip(site: str) -> None:
    target = f"--target={tempfile.mkdtemp()}"
    program(
        sys.executable,
        "-m",
        "pip",
        "--retries=1",
        "install",
        "--no-deps",
        target,
        f"--index-url={site}/simple/",
        "tiny",
    )


@client("SSL_CERT_FILE", "uv")
def uv(site: str) -> None:
    target = f"--target={tempfile.mkdtemp()}"
    program(
        "uv",
        "pip",
        "install",
        "--python",
        sys.executable,
        "--no-cache",
        target,
        f"--index-url={site}/simple/",
        "tiny",
    )


@client("NODE_EXTRA_CA_CERTS", "Node.js (`fetch`)", proxied=False)
def node(site: str) -> None:
    code = f"fetch('{site}/hello.txt').then(r => r.text()).then(t => process.exit(t === 'hello' ? 0 : 1))"
    program("node", "--eval", code)


# --- pictures and cubes -------------------------------------------------------------------------


@client("GDAL_CURL_CA_BUNDLE", "rasterio, rioxarray, odc-stac, stackstac (`/vsicurl`)")
def rasterio(site: str) -> None:
    import rasterio

    with rasterio.open(f"{site}/cog.tif") as image:
        assert image.read(1)[0, 0] == 7


@client("GDAL_CURL_CA_BUNDLE", "rasterio (`/vsis3`)")
def rasterio_s3(site: str) -> None:
    import rasterio

    host = site.removeprefix("https://")
    with (
        rasterio.Env(
            AWS_NO_SIGN_REQUEST="YES",
            AWS_S3_ENDPOINT=host,
            AWS_VIRTUAL_HOSTING="FALSE",
            GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR",
        ),
        rasterio.open("s3://bucket/cog.tif") as image,
    ):
        assert image.read(1)[0, 0] == 7


@client("GDAL_CURL_CA_BUNDLE", "pyogrio")
def pyogrio(site: str) -> None:
    import pyogrio

    assert pyogrio.read_info(f"/vsicurl/{site}/points.geojson")["features"] == 1


@client("SSL_CERT_FILE GDAL_CURL_CA_BUNDLE", "GeoPandas (`read_file` of an address)")
def geopandas(site: str) -> None:
    import geopandas

    assert len(geopandas.read_file(f"{site}/points.geojson")) == 1


@client("PROJ_CURL_CA_BUNDLE", "pyproj (grids from the network)")
def pyproj(site: str) -> None:
    os.environ.update(
        PROJ_NETWORK="ON",
        PROJ_NETWORK_ENDPOINT=site,
        PROJ_USER_WRITABLE_DIRECTORY=tempfile.mkdtemp(),
    )
    import pyproj

    def ask() -> float:
        above = "+proj=longlat +datum=WGS84 +geoidgrids=height.tif +vunits=m +type=crs"
        step = pyproj.Transformer.from_crs(above, "EPSG:4979", always_xy=True)
        return float(step.transform(1.5, 43.5, 0)[2])

    assert abs(ask() - 50) < 0.01
    with ThreadPoolExecutor(1) as pool:  # PROJ has a context per thread
        assert abs(pool.submit(ask).result() - 50) < 0.01


@client("PROJ_CURL_CA_BUNDLE", "rasterio's PROJ (grids from the network)")
def rasterio_proj(site: str) -> None:
    os.environ.update(
        PROJ_NETWORK="ON",
        PROJ_NETWORK_ENDPOINT=site,
        PROJ_USER_WRITABLE_DIRECTORY=tempfile.mkdtemp(),
    )
    from rasterio.crs import CRS
    from rasterio.warp import transform

    above = CRS.from_string("+proj=longlat +datum=WGS84 +geoidgrids=height.tif +vunits=m +type=crs")
    assert abs(transform(above, CRS.from_epsg(4979), [1.5], [43.5], [0.0])[2][0] - 50) < 0.01


@client("REQUESTS_CA_BUNDLE", "netCDF4 (`#mode=bytes`)")
def netcdf_bytes(site: str) -> None:
    import netCDF4

    with netCDF4.Dataset(f"{site}/cube.nc#mode=bytes") as cube:
        assert cube["a"][0] == 7


@client("REQUESTS_CA_BUNDLE", "netCDF4, xarray (OPeNDAP)")
def netcdf_dap(site: str) -> None:
    import xarray

    assert int(xarray.open_dataset(f"{site}/dap", engine="netcdf4")["a"][0]) == 7


@client("SSL_CERT_FILE", "fsspec (`https://`), kerchunk, intake")
def fsspec(site: str) -> None:
    import fsspec

    with fsspec.open(f"{site}/hello.txt") as file:
        assert file.read() == b"hello"


@client("SSL_CERT_FILE", "xarray with h5netcdf over fsspec")
def h5netcdf(site: str) -> None:
    import fsspec
    import xarray

    with fsspec.open(f"{site}/cube.nc") as file:
        assert int(xarray.open_dataset(file, engine="h5netcdf")["a"][0]) == 7


@client("SSL_CERT_FILE", "Zarr, xarray over fsspec")
def zarr(site: str) -> None:
    import zarr

    assert zarr.open_array(f"{site}/cube.zarr", mode="r")[0] == 7


@client("AWS_CA_BUNDLE", "boto3")
def boto3(site: str) -> None:
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    how = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"})
    s3 = boto3.client("s3", endpoint_url=site, region_name="x", config=how)
    assert s3.get_object(Bucket="bucket", Key="hello.txt")["Body"].read() == b"hello"


@client("AWS_CA_BUNDLE", "s3fs")
def s3fs(site: str) -> None:
    import s3fs

    assert s3fs.S3FileSystem(anon=True, endpoint_url=site).cat_file("bucket/hello.txt") == b"hello"


@client("SSL_CERT_FILE", "pyarrow (S3)", proxied=False)
def pyarrow(site: str) -> None:
    from pyarrow import fs

    there = site.removeprefix("https://")
    s3 = fs.S3FileSystem(anonymous=True, endpoint_override=there, region="x")
    assert s3.open_input_stream("bucket/hello.txt").read() == b"hello"


@client("SSL_CERT_FILE", "obstore (HTTP), VirtualiZarr")
def obstore(site: str) -> None:
    import obstore

    assert (
        bytes(obstore.get(obstore.store.HTTPStore.from_url(site), "hello.txt").bytes()) == b"hello"
    )


@client("SSL_CERT_FILE", "obstore (S3)")
def obstore_s3(site: str) -> None:
    import obstore

    store = obstore.store.S3Store(
        "bucket", endpoint=site, skip_signature=True, region="x", virtual_hosted_style_request=False
    )
    assert bytes(obstore.get(store, "hello.txt").bytes()) == b"hello"


@client("SSL_CERT_FILE", "Icechunk (S3)")
def icechunk(site: str) -> None:
    import icechunk

    store = icechunk.s3_storage(
        bucket="bucket",
        prefix="nothing",
        endpoint_url=site,
        anonymous=True,
        region="x",
        force_path_style=True,
    )
    assert icechunk.Repository.exists(store) is False


@client("SSL_CERT_FILE", "rustac")
def rustac(site: str) -> None:
    import asyncio

    import rustac

    async def ask() -> dict[str, object]:
        return await rustac.read(f"{site}/catalog.json")

    assert asyncio.run(ask())["id"] == "site"


@client("SSL_CERT_FILE", "rustac (`search`)")
def rustac_search(site: str) -> None:
    import asyncio

    import rustac

    async def ask() -> list[object]:
        return list(await rustac.search(f"{site}/stac", collections=["S2"]))

    assert asyncio.run(ask()) == []


@client("", "DuckDB (httpfs)")
def duckdb(site: str) -> None:
    import duckdb

    base = duckdb.connect()
    try:
        base.execute("LOAD httpfs")
    except duckdb.Error:
        sys.exit(ABSENT)
    assert base.execute(f"SELECT count(*) FROM read_csv('{site}/hello.txt')").fetchone()


# --- the driver ---------------------------------------------------------------------------------


def asked(name: str, site: str, alone: str = "") -> dict[str, object]:
    """Ask by one client in a process of its own: `works`, `absent`, or what it said, and the seconds.

    With a file of authorities as `alone`, only the client's own variables name it.
    """
    own = dict.fromkeys(CLIENTS[name].by.split(), alone) if alone else {}
    command = [sys.executable, __file__, site, f"--one={name}"]
    began = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **own}
        )
    except subprocess.TimeoutExpired:
        return {"said": "hangs", "seconds": PATIENCE}
    said = {ABSENT: "absent"}.get(done.returncode, done.stderr.strip()[-1500:])
    if done.stdout.endswith("works\n"):  # whatever a library does at the end of its process
        said = "works"
    return {"said": said, "seconds": round(time.monotonic() - began, 1)}


def one(name: str, site: str) -> None:
    """Ask by one client, here."""
    try:
        CLIENTS[name].ask(site)
        print("works", flush=True)
    except ModuleNotFoundError:
        sys.exit(ABSENT)


def table() -> str:
    """Return the table of the documentation."""
    rows = ["| client | trusts the site by | goes through the web proxy |", "|---|---|---|"]
    for each in CLIENTS.values():
        by = ", ".join(f"`{name}`" for name in each.by.split()) or "the system's file"
        rows.append(f"| {each.title} | {by} | {'yes' if each.proxied else 'no'} |")
    return "\n".join(rows)


def main(site: str, *options: str) -> None:
    """Ask by all clients, or those that are named."""
    if options and options[0].startswith("--one="):
        one(options[0].removeprefix("--one="), site)
        return
    alone = "".join(each.removeprefix("--alone=") for each in options if "--alone=" in each)
    names = [each for each in options if not each.startswith("--")] or list(CLIENTS)
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda name: asked(name, site, alone), names)
        print(json.dumps(dict(zip(names, answers, strict=True))))


if __name__ == "__main__":
    main(*sys.argv[1:])
